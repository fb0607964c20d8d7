package gnap

import (
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestByteOrderMarkIsNoPartOfTheResponse(t *testing.T) {
	client, _ := newClient(t,
		answer{status: 200, body: "\ufeff" + issuedBody},
		answer{status: 401, body: "\ufeff" + `{"error":{"code":"request_denied","description":"no","details":{"a":1}}}`})
	grant, err := client.Continue(t.Context(), testURI, testToken, "r")
	if err != nil || string(grant.Raw) != issuedBody || grant.AccessToken == nil {
		t.Fatalf("grant %+v, error %v", grant, err)
	}
	_, err = client.Continue(t.Context(), testURI, testToken, "r")
	if e := failure(t, err); e.Code != "request_denied" || e.Description != "no" || string(e.Details) != `{"a":1}` {
		t.Errorf("error %v, details %s", err, e.Details)
	}
	client.AcceptAnyShape = true
	client.Transport.(*server).answers = []answer{{status: 200, body: "\ufeff[1]"}}
	if grant, err := client.Rotate(t.Context(), testURI, testToken); err != nil || string(grant.Raw) != "[1]" {
		t.Errorf("any shape: grant %+v, error %v", grant, err)
	}
}

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

func TestRule1ATokenIsNotLostForInvalidUTF8(t *testing.T) {
	for _, text := range invalid {
		client, _ := newClient(t, answer{status: 200, body: `{"access_token":{"value":"v","label":"` + text + `"}}`})
		grant, err := client.Continue(t.Context(), testURI, testToken, "r")
		if err != nil || grant.AccessToken.Value != "v" || !utf8.Valid(grant.Raw) || !json.Valid(grant.Raw) {
			t.Errorf("%q: grant %+v, error %v", text, grant, err)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	nested := func(levels int) string {
		return `{"access_token":{"value":"v"},"x":` + strings.Repeat(`[{"a]}":`, levels/2) + `"\"]["` + strings.Repeat("}]", levels/2) + `}`
	}
	for levels, good := range map[int]bool{2: true, MaxNesting - 2: true, MaxNesting: false, 20_000: false, 100_000: false} {
		for _, anyShape := range []bool{false, true} {
			client, _ := newClient(t, answer{status: 200, body: nested(levels)})
			client.AcceptAnyShape = anyShape
			grant, err := client.Continue(t.Context(), testURI, testToken, "r")
			if good {
				if err != nil || string(grant.Raw) != nested(levels) {
					t.Errorf("%d levels: %v", levels, err)
				}
				continue
			}
			e := failure(t, err)
			if e.Code != CodeShape || !slices.Equal(e.Problems, []string{"the response is nested deeper than 256 levels"}) || string(e.Body) != nested(levels) {
				t.Errorf("%d levels: %v", levels, err)
			}
		}
	}
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	client, _ := newClient(t, answer{status: 401, body: `{"error":{"code":"user_denied","details":` + deep + `}}`})
	_, err := client.Continue(t.Context(), testURI, testToken, "r")
	if e := failure(t, err); e.Code != CodeHTTP || e.Status != 401 || e.Details != nil {
		t.Errorf("a deep failure: %v", err)
	}
}

func TestNumbersBeyondFloat64AreInfinite(t *testing.T) {
	const body = `{"access_token":{"value":"v","expires_in":1e400,"access":[-1e999,1,{"a":1e-999}]},` +
		`"continue":{"uri":"https://as.example/c","access_token":{"value":"c"},"wait":1e400},"x":1e400}`
	client, _ := newClient(t, answer{status: 200, body: body})
	grant, err := client.Continue(t.Context(), testURI, testToken, "r")
	if err != nil {
		t.Fatal(err)
	}
	if !math.IsInf(*grant.AccessToken.ExpiresIn, 1) || !math.IsInf(*grant.Continue.Wait, 1) || string(grant.Raw) != body {
		t.Errorf("grant %+v", grant)
	}
	want := []any{math.Inf(-1), 1.0, map[string]any{"a": 0.0}}
	if !reflect.DeepEqual(grant.AccessToken.Access, want) {
		t.Errorf("access %v, want %v", grant.AccessToken.Access, want)
	}
}

func TestSeveralTokens(t *testing.T) {
	const body = `{"access_token":[{"value":"A","label":"one","manage":{"uri":"https://as.example/t/1","access_token":{"value":"M"}}},` +
		`{"value":"B","label":"two","flags":["bearer","durable"],"manage":"https://as.example/t/2"},{"value":"C"}]}`
	client, _ := newClient(t, answer{status: 200, body: body})
	for _, op := range []Operation{OpContinue, OpRotate} {
		grant, err := client.Do(t.Context(), Call{op, testURI, testToken, nil})
		if err != nil {
			t.Fatal(err)
		}
		want := []*AccessToken{
			{Value: "A", Label: "one", Manage: Management{"https://as.example/t/1", "M"}},
			{Value: "B", Label: "two", Flags: []string{"bearer", "durable"}, Manage: Management{"https://as.example/t/2", "B"}},
			{Value: "C", Manage: Management{"", "C"}},
		}
		if !reflect.DeepEqual(grant.AccessTokens, want) || grant.AccessToken != grant.AccessTokens[0] || string(grant.Raw) != body {
			t.Errorf("%s: grant %+v", op, grant)
		}
	}
}

// A list without an end must not make a text without one.
func TestRule9ProblemsAreBounded(t *testing.T) {
	body := `{"access_token":[` + strings.Repeat("{},", 9999) + `{}]}`
	client, _ := newClient(t, answer{status: 200, body: body})
	_, err := client.Rotate(t.Context(), testURI, testToken)
	e := failure(t, err)
	if len(e.Problems) != 21 || e.Problems[20] != "and 9980 more problems" || len(e.Description) > 2000 {
		t.Errorf("%d problems, the last %q", len(e.Problems), e.Problems[len(e.Problems)-1])
	}
}

func TestNullOfAnyShape(t *testing.T) {
	for _, op := range []Operation{OpRequest, OpContinue, OpRotate} {
		for body, good := range map[string]bool{"null": false, " null\n": false, "\ufeffnull": false, "[null]": true, "0": true, `""`: true, "false": true} {
			client, _ := newClient(t, answer{status: 200, body: body})
			client.AcceptAnyShape = true
			token := testToken
			if op == OpRequest {
				token = ""
			}
			grant, err := client.Do(t.Context(), Call{op, testURI, token, nil})
			if good {
				if err != nil || string(grant.Raw) != body {
					t.Errorf("%s %s: %v", op, body, err)
				}
				continue
			}
			if e := failure(t, err); e.Code != CodeShape || !slices.Equal(e.Problems, []string{"the response is null"}) {
				t.Errorf("%s %s: %v", op, body, err)
			}
		}
	}
}

// FuzzResponse: whatever a server answers, a call ends with a grant that can be used or an error
// that keeps the response.
func FuzzResponse(f *testing.F) {
	for _, body := range []string{
		issuedBody, pendingBody, interactBody, "", "null", "[]", "\ufeff{}", `{"access_token":[{"value":"v"}]}`, `{"error":{"code":"too_fast"}}`,
		`{"access_token":{"value":"v","manage":{"uri":"https://as.example/t","access_token":{"value":"m"}},"expires_in":1e400}}`,
		`{"access_token":{"value":"\u00e9"}}`, `{"continue":{"wait":-1e400}}`, "{\"access_token\":{\"value\":\"v\xff\"}}", strings.Repeat("[", 300),
		`{"error":{"code":"a\u0000b","description":"c\u202ed","details":{"e":[1e5,"f"]}}}`, `{"error":"5D9A9CF4BC7F46DDA114"}`,
	} {
		for _, status := range []int{200, 401} {
			f.Add(status, body, byte(0))
			f.Add(status, body, byte(1))
			f.Add(status, body, byte(2))
			f.Add(status, body, byte(7))
		}
	}
	f.Fuzz(func(t *testing.T, status int, body string, kind byte) {
		call := Call{[]Operation{OpRequest, OpContinue, OpRotate}[kind&3%3], testURI, testToken, nil}
		client := &Client{Transport: fixed{answer{status: 100 + (status&0xffff)%500, body: body}}, Key: signedKey, AcceptAnyShape: kind&4 != 0}
		target, err := client.check(call)
		if err != nil {
			t.Fatal(err)
		}
		grant, err := client.sendOnce(t.Context(), call, target)
		if err != nil {
			checkFailure(t, failure(t, err), body)
			return
		}
		if !json.Valid(grant.Raw) || !utf8.Valid(grant.Raw) || nesting(grant.Raw) > MaxNesting {
			t.Errorf("raw %q", grant.Raw)
		}
		for _, token := range grant.AccessTokens {
			if token.Value == "" || !canBeSent(token.Value) {
				t.Errorf("token %q", token.Value)
			}
		}
		if grant.Continue != nil {
			if _, problem := parseTarget(grant.Continue.URI, false); problem != "" {
				t.Errorf("continue.uri %q %s", grant.Continue.URI, problem)
			}
			if wait := waitOf(*grant.Continue); wait < 1e9 || wait > 24*3600e9 {
				t.Errorf("wait %s", wait)
			}
		}
	})
}

func checkFailure(t *testing.T, e *Error, body string) {
	t.Helper()
	if e.Code != CodeRedirect && string(e.Body) != body {
		t.Errorf("the response was not kept: %q", e.Body)
	}
	if e.Wait != 0 && (e.Wait < 1e9 || e.Wait > 24*3600e9) {
		t.Errorf("wait %s", e.Wait)
	}
	text := fmt.Sprint(e, e.Problems)
	if strings.ContainsFunc(text, func(r rune) bool { return visible(r) != r }) || len(text) > 8000 {
		t.Errorf("text %q", text)
	}
	if e.Details != nil && (!json.Valid(e.Details) || len(e.Details) > maxDetails) {
		t.Errorf("details %q", e.Details)
	}
	if strings.Contains(text+string(e.Details), testToken) {
		t.Errorf("%q repeats the token", text+string(e.Details))
	}
}
