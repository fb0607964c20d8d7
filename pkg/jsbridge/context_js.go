//go:build js && wasm

package jsbridge

import (
	"context"
	"time"

	"github.com/hack-pad/safejs"
)

// Context returns a context that ends when signal, an AbortSignal or undefined, is aborted; its
// cause is then an *Error with the signal's own reason. With a timeout above zero it also ends
// after that time. The caller must call stop, which releases the listener.
func Context(signal safejs.Value, timeout time.Duration) (ctx context.Context, stop func(), err error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	release := func() {}
	if typeOf(signal) == safejs.TypeObject {
		release, err = onAbort(signal, func(reason safejs.Value) { cancel(&Error{reason}) })
		if err != nil {
			cancel(nil)
			return nil, nil, err
		}
	}
	endTimeout := func() {}
	if timeout > 0 {
		ctx, endTimeout = context.WithTimeout(ctx, timeout)
	}
	return ctx, func() {
		release()
		endTimeout()
		cancel(nil)
	}, nil
}

func onAbort(signal safejs.Value, aborted func(reason safejs.Value)) (release func(), err error) {
	report := func() {
		reason, err := get(signal, "reason")
		if err != nil {
			reason = safejs.Undefined()
		}
		aborted(reason)
	}
	listener, err := safejs.FuncOf(func(safejs.Value, []safejs.Value) any {
		report()
		return nil
	})
	if err != nil {
		return nil, err
	}
	if _, err := signal.Call("addEventListener", "abort", listener); err != nil {
		listener.Release()
		return nil, caught(err)
	}
	if already, err := get(signal, "aborted"); err == nil && already.Equal(trueValue) {
		report()
	}
	return func() {
		_, _ = signal.Call("removeEventListener", "abort", listener)
		listener.Release()
	}, nil
}

var trueValue = must(safejs.ValueOf(true))

// must is for values that this package makes of constants and well-known globals.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
