package signedhttp

import (
	"bytes"
	"encoding/json"
)

// Marshal encodes a message as JSON.stringify of the same object does. Servers check the digest
// of a body over JSON.stringify(JSON.parse(body)), so whatever else would do, only this verifies.
// Object keys that are array indices and floats are the caller's own care.
func Marshal(message any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(message); err != nil {
		return nil, err
	}
	return unescapeSeparators(bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))), nil
}

// unescapeSeparators writes U+2028, U+2029 and U+FFFD themselves where encoding/json insists on
// an escape and JSON.stringify does not.
func unescapeSeparators(text []byte) []byte {
	out := text[:0]
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		if i+6 <= len(text) {
			switch string(text[i : i+6]) {
			case `\u2028`, `\u2029`:
				out = append(out, 0xe2, 0x80, 0xa8+text[i+5]-'8')
				i += 5
				continue
			case `\ufffd`:
				out = append(out, "\ufffd"...)
				i += 5
				continue
			}
		}
		out = append(out, text[i], text[i+1])
		i++
	}
	return out
}
