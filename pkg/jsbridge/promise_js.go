//go:build js && wasm

package jsbridge

import "github.com/hack-pad/safejs"

// Async makes fn callable from JavaScript. The caller passes a number before the arguments of fn;
// the call returns at once and fn runs in its own goroutine. In the end answer, one of the globals,
// is called with the number, true and the value of fn. After an error, or a panic, of fn it is
// called with the number, false and what reason makes of it. The function is never released: use
// it for what a program exports.
func Async(fn func(args []safejs.Value) (any, error), reason func(error) any) (safejs.Func, error) {
	return safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
		if len(args) == 0 {
			return nil
		}
		number, args := args[0], args[1:]
		go func() {
			value, err := protect(fn, args)
			if err != nil {
				value = reason(err)
			}
			_, _ = host("answer").Invoke(number, err == nil, value) // it does not throw
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
