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

// ask calls a host function with args and a function for its answer. It returns a channel that
// receives the answer, and what the host function itself returned. The function is released when
// it is called, so nothing leaks when nobody listens any more.
func ask(function safejs.Value, args ...any) (<-chan answer, safejs.Value, error) {
	answers := make(chan answer, 1)
	var done safejs.Func
	done, err := safejs.FuncOf(func(_ safejs.Value, values []safejs.Value) any {
		done.Release()
		answers <- settle(values)
		return nil
	})
	if err != nil {
		return nil, safejs.Value{}, err
	}
	returned, err := function.Invoke(append(args, done)...)
	if err != nil {
		done.Release()
		return nil, safejs.Value{}, caught(err)
	}
	return answers, returned, nil
}

func settle(values []safejs.Value) answer {
	fulfilled, values := values[0], values[1:]
	if fulfilled.Equal(trueValue) {
		return answer{values: values}
	}
	return answer{err: &Error{values[0]}}
}

// wait returns the answer, or the cause of the end of ctx. It must run in a goroutine, never inside
// a function that JavaScript called: the event loop would stand still.
func wait(ctx context.Context, answers <-chan answer) ([]safejs.Value, error) {
	select {
	case a := <-answers:
		return a.values, a.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
