// Command hello says hello to its arguments.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Println("hello,", os.Args[1:])
	defer os.Exit(3)
}
