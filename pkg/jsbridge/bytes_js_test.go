//go:build js && wasm

package jsbridge

import (
	"bytes"
	"testing"
)

func TestToBytes(t *testing.T) {
	for expression, want := range map[string]string{
		"new Uint8Array()":                            "",
		"new Uint8Array([1, 2, 255])":                 "\x01\x02\xff",
		"new Uint8Array([1, 2, 3, 4]).subarray(1, 3)": "\x02\x03",
	} {
		if got, err := ToBytes(evaluate(t, expression)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", expression, got, err)
		}
	}
}

// What JavaScript passes must never make Go panic, nor reserve memory without end.
func TestToBytesOfWhatIsNone(t *testing.T) {
	for _, expression := range []string{
		"undefined", "null", "-1", "5", "'text'", "[1, 2]", "({ length: 3 })", "Symbol('s')", "10n", "Number.MAX_SAFE_INTEGER",
		"new Proxy({}, { get() { throw 1 } })",
		"({ length: 2 ** 53 })", "new ArrayBuffer(1)", "new DataView(new ArrayBuffer(1))",
	} {
		if got, err := ToBytes(evaluate(t, expression)); err == nil {
			t.Errorf("%s: %q", expression, got)
		}
	}
}

func TestFromBytes(t *testing.T) {
	for _, data := range [][]byte{
		nil, {}, {1, 2, 255}, make([]byte, shortSize-1), make([]byte, shortSize), make([]byte, shortSize+1), make([]byte, 100000),
	} {
		value, err := FromBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		if isBytes, err := value.InstanceOf(uint8Array); err != nil || !isBytes {
			t.Error("not a Uint8Array")
		}
		if back, err := ToBytes(value); err != nil || !bytes.Equal(back, data) {
			t.Errorf("%d bytes came back as %d: %v", len(data), len(back), err)
		}
	}
}

func TestArguments(t *testing.T) {
	read := func(expression string) *ArgumentReader {
		list := evaluate(t, expression)
		length, err := list.Length()
		if err != nil {
			t.Fatal(err)
		}
		r := Arguments(nil)
		for i := range length {
			item, err := list.Index(i)
			if err != nil {
				t.Fatal(err)
			}
			r.args = append(r.args, item)
		}
		return r
	}

	r := read("['text', true, new Uint8Array([1]), undefined, null]")
	if s, b, data := r.String(), r.Bool(), r.Bytes(); s != "text" || !b || string(data) != "\x01" {
		t.Error(s, b, data)
	}
	if s := r.String(); s != "" || !r.Value().IsNull() || r.Err != nil {
		t.Errorf("%q, %v", s, r.Err)
	}
	if r.Value(); r.Err == nil {
		t.Error("an argument that is missing was read")
	}

	var head struct{ Text string }
	r = read(`[encodeFrame({ text: 'a\nb"' }, 'c\nd'), 'text']`)
	if body := r.Frame(&head); head.Text != "a\nb\"" || string(body) != "c\nd" || r.Err != nil {
		t.Errorf("%+v, %q, %v", head, body, r.Err)
	}

	wrong := map[string]func(*ArgumentReader){
		"[5]":         func(r *ArgumentReader) { _ = r.String() },
		"[null]":      func(r *ArgumentReader) { _ = r.String() },
		"[1]":         func(r *ArgumentReader) { r.Bool() },
		"[undefined]": func(r *ArgumentReader) { r.Bool() },
		"[Symbol()]":  func(r *ArgumentReader) { r.Bytes() },
		"[]":          func(r *ArgumentReader) { _ = r.String() },
		"['{}\\n']":   func(r *ArgumentReader) { r.Frame(&head) },
	}
	for expression, take := range wrong {
		r := read(expression)
		if take(r); r.Err == nil {
			t.Errorf("%s was accepted", expression)
		}
	}
}
