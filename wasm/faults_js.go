//go:build js && wasm && faults

package main

import (
	"os"
	"runtime"
	"time"

	"github.com/hack-pad/safejs"
)

// A build with the tag faults can be made to fail in the ways that no caller can provoke, so that
// tests see what becomes of the calls that meet it.
func init() {
	exports["panic"] = func([]safejs.Value) (any, error) { panic("a secret that must not be told") }
	exports["indexOutOfRange"] = func(args []safejs.Value) (any, error) { return args[len(args)], nil }
	exports["exit"] = func([]safejs.Value) (any, error) { os.Exit(3); return nil, nil }
	exports["crash"] = func([]safejs.Value) (any, error) {
		go panic("outside any call") // nothing recovers a panic in a goroutine of its own
		return nil, nil
	}
	exports["hang"] = func([]safejs.Value) (any, error) { select {} }
	exports["heldValues"] = func([]safejs.Value) (any, error) { return heldValues() }
}

// heldValues returns how many JavaScript values this instance keeps alive, functions among them.
func heldValues() (int, error) {
	support, err := wasmExec()
	if err != nil {
		return 0, err
	}
	for range 3 { // finalizers let go of values, and run after a collection
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	values, err := length(support, "_values")
	if err != nil {
		return 0, err
	}
	free, err := length(support, "_idPool")
	return values - free, err
}

func length(object safejs.Value, name string) (int, error) {
	list, err := object.Get(name)
	if err != nil {
		return 0, err
	}
	return list.Length()
}

// wasmExec returns the object of wasm_exec.js that runs this instance: it is the receiver of the
// method that makes functions.
func wasmExec() (support safejs.Value, err error) {
	class, err := safejs.Global().Get("Go")
	if err != nil {
		return safejs.Value{}, err
	}
	prototype, err := class.Get("prototype")
	if err != nil {
		return safejs.Value{}, err
	}
	original, err := prototype.Get("_makeFuncWrapper")
	if err != nil {
		return safejs.Value{}, err
	}
	hook, err := safejs.FuncOf(func(this safejs.Value, args []safejs.Value) any {
		support = this
		wrapper, _ := original.Call("call", this, args[0])
		return wrapper
	})
	if err != nil {
		return safejs.Value{}, err
	}
	defer hook.Release()
	if err := prototype.Set("_makeFuncWrapper", hook); err != nil {
		return safejs.Value{}, err
	}
	probe, err := safejs.FuncOf(func(safejs.Value, []safejs.Value) any { return nil })
	if err != nil {
		return safejs.Value{}, err
	}
	probe.Release()
	return support, prototype.Set("_makeFuncWrapper", original)
}
