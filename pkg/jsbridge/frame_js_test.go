//go:build js && wasm

package jsbridge

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hack-pad/safejs"
)

// allBytes has every byte twice, in two orders: it is no UTF-8, and has line breaks and quotes.
func allBytes() []byte {
	data := make([]byte, 512)
	for i := range data {
		data[i] = byte(i * 255)
	}
	return data
}

func TestReadFrame(t *testing.T) {
	const quoted = "line\nbreak \"quotes\" \\ \u2028 \u00e9 \x00 {}"
	var head struct {
		Text   string
		Number float64
		None   *float64
		Truth  bool
	}
	encode := evaluate(t, "(text, body) => encodeFrame({ text, number: 1.5, none: undefined, truth: true }, body)")
	for _, body := range [][]byte{nil, []byte("\n"), []byte("{}\n\n"), allBytes()} {
		given := must(FromBytes(body))
		frame := must(ToBytes(must(encode.Invoke(quoted, given))))
		got, err := ReadFrame(frame, &head)
		if err != nil || !bytes.Equal(got, body) || head.Text != quoted || head.Number != 1.5 || head.None != nil || !head.Truth {
			t.Errorf("%q: %+v, %q, %v", body, head, got, err)
		}
	}
}

func TestReadFrameThatIsNone(t *testing.T) {
	for _, frame := range []string{"", "{}", "\n", "{\n}", "text\n", "[]\n", `{"text":5}` + "\n"} {
		var head struct{ Text string }
		if _, err := ReadFrame([]byte(frame), &head); err == nil {
			t.Errorf("%q was accepted", frame)
		}
	}
}

// What Go quotes is what JSON.parse reads: no header, however odd, becomes another.
func TestAppendString(t *testing.T) {
	parse := evaluate(t, "(frame) => decodeFrame(frame).head")
	for _, given := range []string{"", "plain", `"`, `\`, "\\\"", "a\nb\r\t\x00\x1f\x7f", "\u00e9\u2028\u2029\U0001f600", "</script>"} {
		frame := must(FromBytes(append(appendString(nil, given), '\n')))
		value, err := parse.Invoke(frame)
		if err != nil || text(t, value) != given {
			t.Errorf("%q: %v, %v", given, value, err)
		}
	}
}

// Bodies may be any bytes, in both directions. Those that are text reach fetch as text.
func TestFetchCarriesAnyBytes(t *testing.T) {
	for name, c := range map[string]struct {
		body []byte
		kind string
	}{
		"text":       {[]byte("line\nbreak \u00e9"), "string"},
		"a mark":     {[]byte("\ufefftext"), "string"},
		"all bytes":  {allBytes(), "object"},
		"many bytes": {bytes.Repeat(allBytes(), 50), "object"},
	} {
		req := newRequest(context.Background(), "")
		req.Body = io.NopCloser(bytes.NewReader(c.body))
		fetch := "async (url, { body }) => (globalThis.kind = typeof body, new Response(body))"
		res, err := Fetch{Func: evaluate(t, fetch), Limit: limit}.RoundTrip(req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := readAll(t, res); got != string(c.body) || text(t, evaluate(t, "kind")) != c.kind {
			t.Errorf("%s: %d bytes came back as %d, sent as %s", name, len(c.body), len(got), text(t, evaluate(t, "kind")))
		}
	}
}

// A page may have setters on Object.prototype: they swallow what is assigned, but no header.
func TestFetchHeadersBesideSetters(t *testing.T) {
	each := `["Accept", "authorization"].forEach((name) => `
	evaluate(t, each+"Object.defineProperty(Object.prototype, name, { set() {}, configurable: true }))")
	defer evaluate(t, each+"delete Object.prototype[name])")
	req := newRequest(context.Background(), "")
	req.Header = http.Header{"Accept": {"a", "b"}, "authorization": {`GNAP "quoted"`}}
	sent := ""
	record := must(safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
		sent = text(t, args[0])
		return nil
	}))
	defer record.Release()
	must(evaluate(t, "(record) => { globalThis.record = record }").Invoke(record))
	fetch := "async (url, { headers }) => (record(JSON.stringify(headers)), new Response())"
	if _, err := (Fetch{Func: evaluate(t, fetch), Limit: limit}).RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"Accept":"a, b"`, `"authorization":"GNAP \"quoted\""`} {
		if !strings.Contains(sent, part) {
			t.Errorf("%s is not in %s", part, sent)
		}
	}
}
