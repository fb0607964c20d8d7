//go:build js && wasm

package jsbridge

import (
	"context"

	"github.com/hack-pad/safejs"
)

// Async makes fn callable from JavaScript. The caller passes a number before the arguments of fn;
// the call returns at once and fn runs in its own goroutine, with a context that ends when JavaScript
// calls Cancel with the number. In the end answer, one of the globals, is called with the number, true and
// the value of fn. After an error, or a panic, of fn it is called with the number, false and what reason
// makes of it. The function is never released: use it for what a program exports.
func Async(fn func(ctx context.Context, args []safejs.Value) (any, error), reason func(error) any) (safejs.Func, error) {
	return safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
		if len(args) == 0 {
			return nil
		}
		number, err := args[0].Int()
		if err != nil {
			return nil
		}
		ctx, end := newCall(number)
		go func() {
			defer end()
			value, err := protect(ctx, fn, args[1:])
			if err != nil {
				value = reason(err)
			}
			_, _ = host("answer").Invoke(number, err == nil, value) // it does not throw
		}()
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
