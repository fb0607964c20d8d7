package signedhttp

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// invalid are bytes that are not UTF-8, with what TextDecoder makes of them.
var invalid = []string{
	"\xff", "\xff\xfe", "a\x80b", "\xc0\x80", "\xc3", "\xc3(", "\xe2\x82", "\xe2\x82(", "\xe2(\xa1", "\xe0\x80\x80", "\xe0\xa0", "\xed\xa0\x80",
	"\xf0\x9f\x98", "\xf0\x9f\x98x", "\xf0\x9f", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x9f\x98\xf0\x9f\x98\x80",
	"é\xe9 e\xcc\x81", "\xe2\x82\xe2\x82\xac", "\xef\xbb\xbf\xef\xbb", "\xc3\xa9\xa9", "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41",
}

func TestInvalidUTF8IsReplacedAsInBrowsers(t *testing.T) {
	input, err := json.Marshal(func() (all [][]byte) {
		for _, text := range invalid {
			all = append(all, []byte(text))
		}
		return all
	}())
	if err != nil {
		t.Fatal(err)
	}
	const script = `
		const texts = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
		console.log(JSON.stringify(texts.map((text) => new TextDecoder().decode(Buffer.from(text, "base64")))));`
	cmd := exec.Command("node", "-e", script)
	cmd.Stdin = strings.NewReader(string(input))
	output, err := cmd.Output()
	if err != nil {
		t.Fatal("node is needed for the tests of this project: ", err)
	}
	var want []string
	if err := json.Unmarshal(output, &want); err != nil || len(want) != len(invalid) {
		t.Fatalf("%v: %d texts of %d", err, len(want), len(invalid))
	}
	for i, text := range invalid {
		if got := string(jsonText([]byte(text))); got != want[i] {
			t.Errorf("%q became %+q, want %+q", text, got, want[i])
		}
	}
}
