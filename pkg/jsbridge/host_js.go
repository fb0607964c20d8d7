//go:build js && wasm

package jsbridge

import (
	"context"
	"sync"

	"github.com/hack-pad/safejs"
)

// hostFunctions are the functions of host.js that were needed so far, by name.
var hostFunctions = map[string]safejs.Value{}

// mu guards the maps of this package: there is one thread, but goroutines may take turns wherever Go
// allocates. It is never held while JavaScript runs, which may call Go at once.
var mu sync.Mutex

func hostFunction(name string) safejs.Value {
	mu.Lock()
	defer mu.Unlock()
	function, known := hostFunctions[name]
	if !known {
		function = must(global.Get(name))
		hostFunctions[name] = function
	}
	return function
}

// result is how a host call settles: with values, or with an *Error that has what was thrown.
type result struct {
	values []safejs.Value
	err    error
}

// hostCalls has a channel for the result of each host call that has not settled, by the id of the host call.
var (
	hostCalls    = map[int]chan result{}
	lastHostCall int
)

// hostCallSettled is the function that JavaScript calls with the id of a host call and the result. There is one
// function for all host calls, because to make one and to release it costs more than to call it.
var hostCallSettled = must(safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
	id, err := args[0].Int()
	if results, waits := endHostCall(id); err == nil && waits {
		results <- resultOf(args[1:])
	}
	return nil
}))

// newHostCall returns the id of a host call and the channel for its result.
func newHostCall() (id int, results chan result) {
	mu.Lock()
	defer mu.Unlock()
	results = make(chan result, 1)
	lastHostCall++
	hostCalls[lastHostCall] = results
	return lastHostCall, results
}

// endHostCall forgets a host call, so that it settles once, and not after it was cancelled.
func endHostCall(id int) (results chan result, waits bool) {
	mu.Lock()
	defer mu.Unlock()
	results, waits = hostCalls[id]
	delete(hostCalls, id)
	return results, waits
}

// callHost calls a function of host.js with args and a function that settles the host call, and waits until it has
// settled. When ctx ends before, it cancels the host call and returns the cause. It must run in a goroutine, never
// inside a function that JavaScript called: the event loop would stand still.
func callHost(ctx context.Context, function safejs.Value, args ...any) ([]safejs.Value, error) {
	id, results := newHostCall()
	if _, err := hostFunction("callHost").Invoke(append([]any{hostCallSettled, id, function}, args...)...); err != nil {
		endHostCall(id)
		return nil, caught(err)
	}
	select {
	case r := <-results:
		return r.values, r.err
	case <-ctx.Done():
		_, _ = hostFunction("cancelHostCall").Invoke(id)
		endHostCall(id)
		return nil, context.Cause(ctx)
	}
}

func resultOf(values []safejs.Value) result {
	fulfilled, values := values[0], values[1:]
	if fulfilled.Equal(trueValue) {
		return result{values: values}
	}
	return result{err: &Error{values[0]}}
}
