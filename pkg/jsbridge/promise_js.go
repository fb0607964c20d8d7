//go:build js && wasm

package jsbridge

import (
	"context"

	"github.com/hack-pad/safejs"
)

// Async makes fn callable from JavaScript. The caller passes an id of the call before the arguments of fn.
// The call returns at once, and fn runs in a goroutine, with a context that ends when JavaScript calls
// Cancel with the id. In the end Go calls settle, one of the globals, with the id, true and the value of fn. After
// an error, or a panic, of fn it calls settle with the id, false and what reason makes of the error. The function is
// never released: use it for what a program exports.
func Async(fn func(ctx context.Context, args []safejs.Value) (any, error), reason func(error) any) (safejs.Func, error) {
	return safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
		if len(args) == 0 {
			return nil
		}
		id, err := args[0].Int()
		if err != nil {
			return nil
		}
		ctx, end := newCall(id)
		inGoroutine(func() {
			defer end()
			value, err := protect(ctx, fn, args[1:])
			if err != nil {
				value = reason(err)
			}
			_, _ = hostFunction("settle").Invoke(id, err == nil, value) // it does not throw
		})
		return nil
	})
}

func protect(ctx context.Context, fn func(context.Context, []safejs.Value) (any, error), args []safejs.Value) (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{r}
		}
	}()
	return fn(ctx, args)
}
