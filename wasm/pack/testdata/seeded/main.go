// Command seeded begins a goroutine in an initialiser that asks for random numbers.
package main

import (
	"math/rand/v2"

	"github.com/hack-pad/safejs"
)

var asked = make(chan uint64, 1)

func init() { go func() { asked <- rand.Uint64() }() }

func main() {
	number := <-asked
	ready(func() bool { return number == 1 })
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
