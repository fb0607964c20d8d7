package signedhttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// MaxNesting is how deep objects and arrays of a response may stand in each other. Honest ones have
// fewer than twenty levels, and 256 hurt no reader.
const MaxNesting = 256

var errNesting = fmt.Errorf("nested deeper than %d levels", MaxNesting)

// jsonText makes of a body the text that JSON.parse takes, as the web's TextDecoder does: without a
// byte order mark, and with U+FFFD for what is not UTF-8.
func jsonText(body []byte) []byte {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if utf8.Valid(body) {
		return body
	}
	return replaceInvalid(body)
}

// replaceInvalid writes one U+FFFD for each beginning of a character that does not go on, and for
// each byte that begins none. Ranging over a string would write one for each byte.
func replaceInvalid(text []byte) []byte {
	out := make([]byte, 0, len(text)+len(text)/8)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			for size < len(text) && !utf8.FullRune(text[:size+1]) {
				size++
			}
		}
		out = utf8.AppendRune(out, r)
		text = text[size:]
	}
	return out
}

// Decode reads JSON as JavaScript does: of two members of one name the last counts, and a number
// beyond float64 is infinite. It is an error when text is not JSON, or nested deeper than MaxNesting.
func Decode(text []byte) (any, error) {
	if nesting(text) > MaxNesting {
		return nil, errNesting
	}
	var value any
	err := json.Unmarshal(text, &value)
	var beyond *json.UnmarshalTypeError
	if !errors.As(err, &beyond) {
		return value, err
	}
	var exact any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err = decoder.Decode(&exact)
	return floats(exact), err
}

// nesting counts brackets. Of text that is not JSON it says something, and encoding/json the rest.
func nesting(text []byte) int {
	depth, deepest, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

func floats(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = floats(member)
		}
	case []any:
		for i, item := range value {
			value[i] = floats(item)
		}
	case json.Number:
		number, _ := strconv.ParseFloat(string(value), 64) // of what is out of range: infinity
		return number
	}
	return value
}

// Members are the members of a JSON object: none of what is no object. Of two the last counts.
func Members(text json.RawMessage) (members map[string]json.RawMessage) {
	_ = json.Unmarshal(text, &members)
	return members
}

// Text is a JSON string, or "" of what is none.
func Text(literal json.RawMessage) (text string) {
	_ = json.Unmarshal(literal, &text)
	return text
}

// TypeName is what a decoded value is in JSON: "object", "array", "string", "number", "boolean" or "null".
func TypeName(value any) string {
	switch value.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "boolean"
	}
	return "null"
}
