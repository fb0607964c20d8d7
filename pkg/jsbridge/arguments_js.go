//go:build js && wasm

package jsbridge

import (
	"errors"

	"github.com/hack-pad/safejs"
)

// ArgumentReader takes the arguments of a call from JavaScript one after the other. Err is the
// first that was missing or of the wrong type; what is read after it is zero.
type ArgumentReader struct {
	args []safejs.Value
	Err  error
}

// Arguments starts to read args.
func Arguments(args []safejs.Value) *ArgumentReader { return &ArgumentReader{args: args} }

var errArgument = errors.New("jsbridge: an argument is missing or of the wrong type")

// Value takes the next argument, undefined where there is none left.
func (r *ArgumentReader) Value() safejs.Value {
	if len(r.args) == 0 {
		r.Err = errArgument
		return safejs.Undefined()
	}
	value := r.args[0]
	r.args = r.args[1:]
	return value
}

// String takes a string; undefined reads as empty.
func (r *ArgumentReader) String() string {
	value := r.Value()
	if value.IsUndefined() {
		return ""
	}
	if typeOf(value) != safejs.TypeString {
		r.Err = errArgument
		return ""
	}
	text, err := value.String()
	return take(r, text, err)
}

// Frame takes a frame: it decodes the head into head and returns the body.
func (r *ArgumentReader) Frame(head any) []byte {
	body, err := ReadFrame(r.Bytes(), head)
	return take(r, body, err)
}

// Bool takes a boolean.
func (r *ArgumentReader) Bool() bool {
	truth, err := r.Value().Bool()
	return take(r, truth, err)
}

// Bytes takes a copy of a Uint8Array, as ToBytes does.
func (r *ArgumentReader) Bytes() []byte {
	data, err := ToBytes(r.Value())
	return take(r, data, err)
}

func take[T any](r *ArgumentReader, value T, err error) T {
	if err != nil {
		r.Err = errArgument
	}
	return value
}
