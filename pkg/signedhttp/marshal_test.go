package signedhttp

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// stringify quotes text as ECMA-262 has it (QuoteJSONString).
func stringify(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text { // what is not UTF-8 becomes U+FFFD, as in JavaScript's TextDecoder
		switch {
		case r == '\b':
			out.WriteString(`\b`)
		case r == '\t':
			out.WriteString(`\t`)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\f':
			out.WriteString(`\f`)
		case r == '\r':
			out.WriteString(`\r`)
		case r == '"' || r == '\\':
			out.WriteString(`\` + string(r))
		case r < ' ':
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
	return out.String()
}

var awkwardTexts = []string{
	"", "plain", "a&b", "<script>", "a>b", `"quoted"`, `back\slash`, `\`, `\\`, "\u2028", "\u2029", "a\u2028b\u2029c",
	`\u2028`, `\\u2028`, `\` + "\u2028", `\\` + "\u2028", `\u2029 \ufffd \u003c \u0026`, `\ufffd`, `\\ufffd`, "\ufffd", "\ufffe\uffff",
	"\x7f", "\u0080\u009f\u00a0", "\ufeff", "🙂", "👩‍👩‍👧", "𝕊", "\U0010ffff", "é", "e\u0301", "日本語",
	"\xff", "a\xc3", "\xed\xa0\x80", "\xe2\x80", "\xf0\x9f\x99", "\xff\u2028\xfe", "/", `</script>`, "'", "`", "${a}", "\u2027\u202a",
	"\b\f\n\r\t\v", "\x00", `\u0000`, `\n`, "ends with \\", "u2028", "\\\\\u2028\\",
}

func TestMarshalIsStringify(t *testing.T) {
	texts := slices.Clone(awkwardTexts)
	for r := range rune(0x20) {
		texts = append(texts, string(r), "a"+string(r)+"b")
	}
	for _, text := range texts {
		t.Run(fmt.Sprintf("%+q", text), func(t *testing.T) {
			for message, want := range map[any]string{
				text:                           stringify(text),
				[1]string{text}:                "[" + stringify(text) + "]",
				struct{ A, B any }{text, true}: `{"A":` + stringify(text) + `,"B":true}`,
			} {
				got, err := Marshal(message)
				if err != nil || string(got) != want {
					t.Errorf("got %q (%v), want %q", got, err, want)
				}
			}
			got, err := Marshal(map[string]string{text: text})
			if want := "{" + stringify(text) + ":" + stringify(text) + "}"; err != nil || string(got) != want {
				t.Errorf("got %q (%v), want %q", got, err, want)
			}
		})
	}
}

func TestMarshalRefuses(t *testing.T) {
	for _, message := range []any{make(chan int), func() {}, map[bool]int{true: 1}, json.RawMessage("{")} {
		if text, err := Marshal(message); err == nil {
			t.Errorf("%T became %s", message, text)
		}
	}
}

// The digest is checked over JSON.stringify(JSON.parse(body)): a real JavaScript engine says
// whether it is the body.
func TestMarshalAgreesWithNode(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is needed for the tests of this project: ", err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	texts := slices.Clone(awkwardTexts)
	for r := rune(0); r < 0x3000; r++ {
		texts = append(texts, string(r)) // surrogates are beyond
	}
	for range 2000 {
		runes := make([]rune, random.IntN(12))
		for i := range runes {
			runes[i] = []rune("\\\"u2089fd&<>/\u2028\u2029\ufffd\x00\x1f\x7fé🙂")[random.IntN(20)]
		}
		texts = append(texts, string(runes))
	}
	var bodies []string
	for _, text := range texts {
		for _, message := range []any{
			map[string]string{"interact_ref": text},
			struct {
				Actions []string       `json:"actions"`
				Limits  map[string]any `json:"limits"`
			}{[]string{text}, map[string]any{"debitAmount": map[string]any{"value": text, "assetCode": "USD", "assetScale": 2}}},
		} {
			body, err := Marshal(message)
			if err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, string(body))
		}
	}
	input, err := json.Marshal(bodies)
	if err != nil {
		t.Fatal(err)
	}
	const script = `
		const bodies = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
		const bad = bodies.filter((body) => JSON.stringify(JSON.parse(body)) !== body);
		console.log(JSON.stringify({ count: bodies.length, bad }));`
	cmd := exec.Command(node, "-e", script)
	cmd.Stdin = strings.NewReader(string(input))
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var verdict struct {
		Count int
		Bad   []string
	}
	if err := json.Unmarshal(output, &verdict); err != nil {
		t.Fatal(err)
	}
	if verdict.Count != len(bodies) || len(verdict.Bad) > 0 {
		t.Errorf("of %d bodies %d are not canonical: %q", verdict.Count, len(verdict.Bad), verdict.Bad)
	}
}

func FuzzMarshal(f *testing.F) {
	for i, text := range awkwardTexts {
		f.Add(text, awkwardTexts[len(awkwardTexts)-1-i])
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		text, err := Marshal(map[string]string{name: value})
		if err != nil {
			t.Fatal(err)
		}
		if want := "{" + stringify(name) + ":" + stringify(value) + "}"; string(text) != want {
			t.Errorf("got %q, want %q", text, want)
		}
		if !utf8.Valid(text) {
			t.Errorf("%q is not UTF-8", text)
		}
		var back map[string]string
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got, there := back[string([]rune(name))]; !there || got != string([]rune(value)) {
			t.Errorf("%q came back as %q", value, got)
		}
	})
}
