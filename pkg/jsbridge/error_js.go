//go:build js && wasm

package jsbridge

import (
	"errors"
	"fmt"
	"syscall/js"

	"github.com/hack-pad/safejs"
)

// Error is a value that JavaScript threw, or rejected a promise with. It may be anything, not only an Error object.
type Error struct{ Value safejs.Value }

// Error returns the name of what was thrown ("TypeError"), and no more: its message is the
// thrower's, and may say what a message of ours must not.
func (e *Error) Error() string {
	name, err := property(e.Value, "name")
	if err != nil {
		return "JavaScript threw " + typeOf(e.Value).String()
	}
	return "JavaScript threw " + name
}

func property(object safejs.Value, name string) (string, error) {
	if t := typeOf(object); t != safejs.TypeObject && t != safejs.TypeFunction {
		return "", fmt.Errorf("jsbridge: %s has no properties", t)
	}
	value, err := get(object, name)
	if err != nil {
		return "", err
	}
	if typeOf(value) != safejs.TypeString {
		return "", fmt.Errorf("jsbridge: %s is not a string", name)
	}
	return value.String()
}

// Thrown returns the JavaScript value at the root of err, if there is one.
func Thrown(err error) (safejs.Value, bool) {
	var thrown *Error
	if errors.As(err, &thrown) {
		return thrown.Value, true
	}
	return safejs.Value{}, false
}

// caught turns the errors of safejs that stand for a JavaScript exception into an *Error.
func caught(err error) error {
	var thrown js.Error
	if errors.As(err, &thrown) {
		return &Error{safejs.Safe(thrown.Value)}
	}
	return err
}

// PanicError is a panic of Go that was turned into an error. Its text names the kind of panic
// only: the value could hold a secret.
type PanicError struct{ Value any }

func (e *PanicError) Error() string {
	if err, ok := e.Value.(interface{ RuntimeError() }); ok {
		return fmt.Sprintf("panic in Go: %v", err)
	}
	return fmt.Sprintf("panic in Go: %T", e.Value)
}
