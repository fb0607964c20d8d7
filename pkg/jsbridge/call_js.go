//go:build js && wasm

package jsbridge

import (
	"context"

	"github.com/hack-pad/safejs"
)

// Call calls a function of JavaScript and waits for what it returns, or for the promise of it. Until ctx ends: then it
// returns the cause. What is thrown comes back as an *Error. It must run in a goroutine.
func Call(ctx context.Context, function safejs.Value, args ...any) (safejs.Value, error) {
	values, err := callHost(ctx, hostFunction("invoke"), append([]any{function}, args...)...)
	if err != nil {
		return safejs.Undefined(), err
	}
	return values[0], nil
}

// Method returns a function that an object has under a name.
func Method(object safejs.Value, name string) (safejs.Value, error) { return get(object, name) }

// Text returns a string of JavaScript.
func Text(value safejs.Value) (string, error) {
	if typeOf(value) != safejs.TypeString {
		return "", errArgument
	}
	return value.String()
}
