//go:build js && wasm

package jsbridge

import (
	"context"

	"github.com/hack-pad/safejs"
)

// hosts are the functions of wasm/sdk/host.js, which are among the globals of this program: they
// do in one step what would be many between Go and JavaScript.
var hosts = map[string]safejs.Value{}

func host(name string) safejs.Value {
	function, known := hosts[name]
	if !known {
		function = must(global.Get(name))
		hosts[name] = function
	}
	return function
}

// answer is what a host function calls back with: values, or an *Error with what was thrown.
type answer struct {
	values []safejs.Value
	err    error
}

// ask calls a host function with args and a function for its answer, and waits for it. When ctx
// ends it gives the host function up, and returns the cause. It must run in a goroutine, never
// inside a function that JavaScript called: the event loop would stand still.
func ask(ctx context.Context, function safejs.Value, args ...any) ([]safejs.Value, error) {
	answers := make(chan answer, 1)
	var done safejs.Func
	done, err := safejs.FuncOf(func(_ safejs.Value, values []safejs.Value) any {
		done.Release() // the host calls it once, when it is given up too
		answers <- settle(values)
		return nil
	})
	if err != nil {
		return nil, err
	}
	giveUp, err := function.Invoke(append(args, done)...)
	if err != nil {
		done.Release()
		return nil, caught(err)
	}
	select {
	case a := <-answers:
		return a.values, a.err
	case <-ctx.Done():
		_, _ = giveUp.Invoke()
		return nil, context.Cause(ctx)
	}
}

func settle(values []safejs.Value) answer {
	fulfilled, values := values[0], values[1:]
	if fulfilled.Equal(trueValue) {
		return answer{values: values}
	}
	return answer{err: &Error{values[0]}}
}
