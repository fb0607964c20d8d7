//go:build js && wasm

package jsbridge

import (
	"bytes"
	"encoding/json"
	"errors"
)

// A frame takes values with names, and bytes, over the boundary in one crossing: a Uint8Array with a line of JSON,
// the head, and then the body, which may be any bytes. encodeFrame and decodeFrame of host.js are the other side.

var errFrame = errors.New("jsbridge: a frame has no head")

// ReadFrame decodes the head of a frame into head, as json.Unmarshal does, and returns the body.
func ReadFrame(frame []byte, head any) (body []byte, err error) {
	line, body, found := bytes.Cut(frame, []byte("\n"))
	if !found {
		return nil, errFrame
	}
	return body, json.Unmarshal(line, head)
}

// appendString appends text as a string of JSON. The encoder of encoding/json is not in the primary module, and
// one request does not need its 10 kB.
func appendString(head []byte, text string) []byte {
	const hex = "0123456789abcdef"
	head = append(head, '"')
	for _, c := range []byte(text) {
		switch {
		case c == '"' || c == '\\':
			head = append(head, '\\', c)
		case c < ' ':
			head = append(head, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		default:
			head = append(head, c)
		}
	}
	return append(head, '"')
}
