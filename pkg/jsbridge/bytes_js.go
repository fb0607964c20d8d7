//go:build js && wasm

package jsbridge

import "github.com/hack-pad/safejs"

// shortSize is as much as most of what crosses: such bytes come over in one crossing.
const shortSize = 2048

// ToBytes copies a Uint8Array to Go. It must be one that the ES module made itself: what a caller
// passed could lie about its length.
func ToBytes(value safejs.Value) ([]byte, error) {
	short := make([]byte, shortSize)
	size, err := safejs.CopyBytesToGo(short, value) // fails for what is no Uint8Array
	if err != nil {
		return nil, errArgument
	}
	if size < shortSize {
		return short[:size], nil
	}
	clear(short) // it may be the beginning of a key
	length, err := value.Length()
	if err != nil {
		return nil, err
	}
	data := make([]byte, length)
	_, err = safejs.CopyBytesToGo(data, value)
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
