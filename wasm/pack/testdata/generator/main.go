// Command generator has a generator that it seeds on purpose.
package main

import (
	"math/rand/v2"

	"github.com/hack-pad/safejs"
)

var asked = rand.NewChaCha8([32]byte{1, 2, 3})

func init() { asked.Uint64() }

func main() {
	ready(func() bool { return asked.Uint64() == 1 })
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
