// Command hash asks for random numbers in an initialiser, by a function that is inlined.
package main

import (
	"hash/maphash"

	"github.com/hack-pad/safejs"
)

var asked = maphash.MakeSeed()

func main() {
	ready(func() bool { return maphash.String(asked, "text") == 1 })
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
