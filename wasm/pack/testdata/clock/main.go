// Command clock asks for the clock in an initialiser.
package main

import (
	"time"

	"github.com/hack-pad/safejs"
)

var asked = time.Now()

func main() {
	ready(func() bool { return asked.Unix() == 1 })
}

func ready(isAsked func() bool) {
	call, err := safejs.FuncOf(func(safejs.Value, []safejs.Value) any { return isAsked() })
	if err == nil {
		_, err = safejs.Global().Call("ready", call)
	}
	if err != nil {
		panic(err)
	}
	select {}
}
