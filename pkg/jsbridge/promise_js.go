//go:build js && wasm

package jsbridge

import (
	"context"

	"github.com/hack-pad/safejs"
)

type settlement struct {
	value safejs.Value
	err   error
}

// Await waits until promise is settled, or ctx ends. A rejection is an *Error, the end of ctx its
// cause. What is not a promise is returned as it is, as JavaScript's await does. It must run in a
// goroutine, never inside a function that JavaScript called: the event loop would stand still.
func Await(ctx context.Context, promise safejs.Value) (safejs.Value, error) {
	settled, err := watch(promise)
	if err != nil {
		return safejs.Value{}, err
	}
	select {
	case s := <-settled:
		return s.value, s.err
	case <-ctx.Done():
		return safejs.Value{}, context.Cause(ctx)
	}
}

// watch returns a channel that receives how promise was settled. Both handlers are released by
// whichever is called, so nothing leaks when nobody listens any more.
func watch(value safejs.Value) (<-chan settlement, error) {
	settled := make(chan settlement, 1)
	if kind := typeOf(value); kind != safejs.TypeObject && kind != safejs.TypeFunction {
		settled <- settlement{value: value}
		return settled, nil
	}
	promise, err := promises.Call("resolve", value) // a promise stays what it is
	if err != nil {
		return nil, caught(err)
	}
	var fulfilled, rejected safejs.Func
	settle := func(s settlement) any {
		fulfilled.Release()
		rejected.Release()
		settled <- s
		return nil
	}
	fulfilled, err = safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
		return settle(settlement{value: first(args)})
	})
	if err != nil {
		return nil, err
	}
	rejected, err = safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
		return settle(settlement{err: &Error{first(args)}})
	})
	if err != nil {
		fulfilled.Release()
		return nil, err
	}
	if _, err := promise.Call("then", fulfilled, rejected); err != nil {
		fulfilled.Release()
		rejected.Release()
		return nil, caught(err)
	}
	return settled, nil
}

func first(args []safejs.Value) safejs.Value {
	if len(args) == 0 {
		return safejs.Undefined()
	}
	return args[0]
}

// Async makes fn callable from JavaScript. The caller passes, after the arguments of fn, the
// resolve and reject functions of the promise that it made for the answer; the call returns at
// once and fn runs in its own goroutine. An error, or a panic, of fn rejects with what reason
// makes of it. The function is never released: use it for what a program exports.
func Async(fn func(args []safejs.Value) (any, error), reason func(error) any) (safejs.Func, error) {
	return safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
		if len(args) < 2 {
			return nil
		}
		args, resolve, reject := args[:len(args)-2], args[len(args)-2], args[len(args)-1]
		go func() {
			value, err := protect(fn, args)
			if err != nil {
				_, _ = reject.Invoke(reason(err)) // a promise's own functions do not throw
				return
			}
			_, _ = resolve.Invoke(value)
		}()
		return nil
	})
}

func protect(fn func([]safejs.Value) (any, error), args []safejs.Value) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{r}
		}
	}()
	return fn(args)
}
