//go:build js && wasm

package jsbridge

import (
	"errors"

	"github.com/hack-pad/safejs"
)

var (
	global     = safejs.Global()
	uint8Array = must(global.Get("Uint8Array"))
	object     = must(global.Get("Object"))
	array      = must(global.Get("Array"))
	jsonObject = must(global.Get("JSON"))
)

// ToBytes copies a Uint8Array or an ArrayBuffer to Go.
func ToBytes(value safejs.Value) ([]byte, error) {
	if isBytes, err := value.InstanceOf(uint8Array); err != nil || !isBytes {
		value, err = uint8Array.New(value)
		if err != nil {
			return nil, caught(err)
		}
	}
	length, err := value.Length()
	if err != nil {
		return nil, err
	}
	data := make([]byte, length)
	n, err := safejs.CopyBytesToGo(data, value)
	if err == nil && n != length {
		err = errors.New("jsbridge: the bytes changed while they were copied")
	}
	return data, err
}

// FromBytes copies bytes to a new Uint8Array.
func FromBytes(data []byte) (safejs.Value, error) {
	value, err := uint8Array.New(len(data))
	if err != nil {
		return safejs.Value{}, caught(err)
	}
	_, err = safejs.CopyBytesToJS(value, data)
	return value, err
}
