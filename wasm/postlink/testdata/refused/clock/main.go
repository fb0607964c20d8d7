// Command clock asks for the clock in an initialiser.
package main

import "time"

var asked = time.Now()

func main() {
	println(asked.Unix() == 1)
}
