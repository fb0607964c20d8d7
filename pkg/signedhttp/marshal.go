package signedhttp

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Marshal encodes a message as JSON.stringify of the same object does. Servers check the digest
// of a body over JSON.stringify(JSON.parse(body)), so whatever else would do, only this verifies.
// Object keys that are array indices and floats are the caller's own care.
//
// What the messages of Open Payments are made of is written here, and the rest by encoding/json, whose encoder is large
// and stays out of a program for browsers as long as nothing needs it: see IsPlain.
func Marshal(message any) ([]byte, error) {
	if text, isWritten := appendValue(nil, reflect.ValueOf(message), 0); isWritten {
		return text, nil
	}
	return marshalAny(message)
}

// IsPlain tells whether Marshal writes a message itself: structs with members by their tags, slices and pointers of such,
// texts, booleans, integers, JSON text that is valid, and times that are UTC and have whole seconds.
func IsPlain(message any) bool {
	_, isWritten := appendValue(nil, reflect.ValueOf(message), 0)
	return isWritten
}

func marshalAny(message any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(message); err != nil {
		return nil, err
	}
	return unescapeSeparators(bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))), nil
}

// appendValue appends a value, or says that encoding/json has to write it.
func appendValue(out []byte, value reflect.Value, depth int) (_ []byte, isWritten bool) {
	switch value.Kind() {
	case reflect.Invalid:
		return append(out, "null"...), true
	case reflect.Pointer, reflect.Interface:
		if value.IsNil() || depth > MaxNesting { // it may contain itself
			return append(out, "null"...), value.IsNil()
		}
		return appendValue(out, value.Elem(), depth+1)
	}
	switch special := value.Interface().(type) {
	case json.RawMessage:
		return appendText(out, special)
	case time.Time:
		return appendTime(out, special)
	case json.Number:
		return out, false
	}
	if hasOwnForm(value.Interface()) || value.CanAddr() && hasOwnForm(value.Addr().Interface()) {
		return out, false
	}
	switch value.Kind() {
	case reflect.String:
		return appendString(out, value.String()), true
	case reflect.Bool:
		return strconv.AppendBool(out, value.Bool()), true
	case reflect.Int, reflect.Int64:
		return strconv.AppendInt(out, value.Int(), 10), true
	case reflect.Slice:
		return appendItems(out, value, depth)
	case reflect.Struct:
		return appendMembers(out, value, depth)
	}
	return out, false
}

func hasOwnForm(value any) bool {
	switch value.(type) {
	case json.Marshaler, encoding.TextMarshaler:
		return true
	}
	return false
}

// appendText appends JSON text without its spaces.
func appendText(out []byte, text json.RawMessage) ([]byte, bool) {
	if text == nil {
		return append(out, "null"...), true
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, text)
	return append(out, compact.Bytes()...), err == nil
}

func appendItems(out []byte, items reflect.Value, depth int) (_ []byte, isWritten bool) {
	switch {
	case items.Type().Elem().Kind() == reflect.Uint8 || depth > MaxNesting:
		return out, false // bytes are base64 in JSON
	case items.IsNil():
		return append(out, "null"...), true
	}
	out = append(out, '[')
	for i := range items.Len() {
		if i > 0 {
			out = append(out, ',')
		}
		if out, isWritten = appendValue(out, items.Index(i), depth+1); !isWritten {
			return out, false
		}
	}
	return append(out, ']'), true
}

func appendMembers(out []byte, object reflect.Value, depth int) (_ []byte, isWritten bool) {
	separator := byte('{')
	for i := range object.NumField() {
		field := object.Type().Field(i)
		tag := field.Tag.Get("json")
		name, option, _ := strings.Cut(tag, ",")
		switch {
		case field.Anonymous || option != "" && option != "omitempty" || name == "" && tag != "":
			return out, false
		case !field.IsExported() || tag == "-" || option != "" && isEmpty(object.Field(i)):
			continue
		case name == "":
			name = field.Name
		}
		out = append(appendString(append(out, separator), name), ':')
		if out, isWritten = appendValue(out, object.Field(i), depth+1); !isWritten {
			return out, false
		}
		separator = ','
	}
	if separator == '{' {
		out = append(out, '{')
	}
	return append(out, '}'), true
}

// isEmpty tells what omitempty leaves out.
func isEmpty(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return value.Len() == 0
	case reflect.Pointer, reflect.Interface:
		return value.IsNil()
	case reflect.Bool:
		return !value.Bool()
	case reflect.Int, reflect.Int64:
		return value.Int() == 0
	}
	return false
}

// appendString quotes text as ECMA-262 has it (QuoteJSONString). What is not UTF-8 becomes U+FFFD.
func appendString(out []byte, text string) []byte {
	const hex, short = "0123456789abcdef", "btn?fr" // '\b' is the first, and '\v' has none
	out = append(out, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r >= '\b' && r <= '\r' && r != '\v':
			out = append(out, '\\', short[r-'\b'])
		case r < ' ':
			out = append(out, '\\', 'u', '0', '0', hex[r>>4], hex[r&0xf])
		default:
			out = append(out, string(r)...)
		}
	}
	return append(out, '"')
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
