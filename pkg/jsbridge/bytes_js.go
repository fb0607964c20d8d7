//go:build js && wasm

package jsbridge

import "github.com/hack-pad/safejs"

// ToBytes copies a Uint8Array or an ArrayBuffer to Go.
func ToBytes(value safejs.Value) ([]byte, error) {
	_, data, err := copyBytes(value)
	return data, err
}

// secretBytes does the same and leaves no copy with JavaScript.
func secretBytes(value safejs.Value) ([]byte, error) {
	own, data, err := copyBytes(value)
	if err != nil {
		return nil, err
	}
	_, err = own.Call("fill", 0)
	return data, caught(err)
}

// copyBytes copies twice: what was tampered with must not be asked for its length.
func copyBytes(value safejs.Value) (own safejs.Value, data []byte, err error) {
	if !isView(value) {
		if _, err := dataView.New(value); err != nil { // only an ArrayBuffer will do
			return own, nil, caught(err)
		}
	}
	own, err = uint8Array.New(value)
	if err != nil {
		return own, nil, caught(err)
	}
	length, err := own.Length()
	if err != nil {
		return own, nil, err
	}
	data = make([]byte, length)
	_, err = safejs.CopyBytesToGo(data, own)
	return own, data, err
}

// isView asks ArrayBuffer.isView, which no object can deceive.
func isView(value safejs.Value) bool {
	answer, err := arrayBuffer.Call("isView", value)
	return err == nil && answer.Equal(trueValue)
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
