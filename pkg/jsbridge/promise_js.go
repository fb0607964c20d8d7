//go:build js && wasm

package jsbridge

import "github.com/hack-pad/safejs"

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
