//go:build js && wasm && faults

package main

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/hack-pad/safejs"
)

// A build with the tag faults can be made to fail in the ways that no caller can provoke, so that
// tests see what becomes of the calls that meet it.
func init() {
	exports["panic"] = func(context.Context, []safejs.Value) (any, error) { panic("a secret that must not be told") }
	exports["indexOutOfRange"] = func(_ context.Context, args []safejs.Value) (any, error) { return args[len(args)], nil }
	exports["exit"] = func(context.Context, []safejs.Value) (any, error) { os.Exit(3); return nil, nil }
	exports["crash"] = func(context.Context, []safejs.Value) (any, error) {
		go panic("outside any call") // nothing recovers a panic in a goroutine of its own
		return nil, nil
	}
	exports["hang"] = func(context.Context, []safejs.Value) (any, error) { select {} }
	exports["collect"] = collect
	exports["contend"] = contend
	exports["random"] = func(context.Context, []safejs.Value) (any, error) { return strconv.FormatUint(rand.Uint64(), 16), nil }
}

// contend has goroutines wait for a mutex, as one that is held while a collection begins makes them. Any call may meet that, so this
// function is in the primary module.
func contend(context.Context, []safejs.Value) (any, error) {
	const goroutines = 3
	var mu sync.Mutex
	var done sync.WaitGroup
	mu.Lock()
	for range goroutines {
		done.Go(func() {
			mu.Lock()
			runtime.Gosched()
			mu.Unlock()
		})
	}
	runtime.Gosched() // now all of them wait
	mu.Unlock()
	done.Wait()
	return nil, nil
}

// collect runs the garbage collector, and the finalizers that let go of JavaScript's values.
func collect(context.Context, []safejs.Value) (any, error) {
	for range 3 {
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	return nil, nil
}
