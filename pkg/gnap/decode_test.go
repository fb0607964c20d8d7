package gnap

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/signedhttp"
)

func TestByteOrderMarkIsNoPartOfTheResponse(t *testing.T) {
	client, _ := newClient(t,
		fake.Response{Status: 200, Body: "\ufeff" + fake.Issued},
		fake.Response{Status: 401, Body: "\ufeff" + `{"error":{"code":"request_denied","description":"no","details":{"a":1}}}`})
	grant, err := client.Continue(t.Context(), testURI, testToken, "r")
	if err != nil || string(grant.Raw) != fake.Issued || grant.AccessToken == nil {
		t.Fatalf("grant %+v, error %v", grant, err)
	}
	_, err = client.Continue(t.Context(), testURI, testToken, "r")
	if e := failure(t, err); e.Code != "request_denied" || e.Description != "no" || string(e.Details) != `{"a":1}` {
		t.Errorf("error %v, details %s", err, e.Details)
	}
	client.AcceptAnyShape = true
	client.Transport.(*fake.Server).Responses = []fake.Response{{Status: 200, Body: "\ufeff[1]"}}
	if grant, err := client.Rotate(t.Context(), testURI, testToken); err != nil || string(grant.Raw) != "[1]" {
		t.Errorf("any shape: grant %+v, error %v", grant, err)
	}
}

func TestRule1ATokenIsNotLostForInvalidUTF8(t *testing.T) {
	for _, text := range []string{"\xff", "a\x80b", "\xed\xa0\x80", "\xf0\x9f\x98x", "é\xe9 e\xcc\x81"} {
		client, _ := newClient(t, fake.Response{Status: 200, Body: `{"access_token":{"value":"v","label":"` + text + `"}}`})
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
	for levels, good := range map[int]bool{2: true, signedhttp.MaxNesting - 2: true, signedhttp.MaxNesting: false, 20_000: false, 100_000: false} {
		for _, anyShape := range []bool{false, true} {
			client, _ := newClient(t, fake.Response{Status: 200, Body: nested(levels)})
			client.AcceptAnyShape = anyShape
			grant, err := client.Continue(t.Context(), testURI, testToken, "r")
			if good {
				if err != nil || string(grant.Raw) != nested(levels) {
					t.Errorf("%d levels: %v", levels, err)
				}
				continue
			}
			e := failure(t, err)
			if e.Code != signedhttp.CodeShape || !slices.Equal(e.Problems, []string{"the response is nested deeper than 256 levels"}) ||
				string(e.Body) != nested(levels) {
				t.Errorf("%d levels: %v", levels, err)
			}
		}
	}
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	client, _ := newClient(t, fake.Response{Status: 401, Body: `{"error":{"code":"user_denied","details":` + deep + `}}`})
	_, err := client.Continue(t.Context(), testURI, testToken, "r")
	if e := failure(t, err); e.Code != signedhttp.CodeHTTP || e.Status != 401 || e.Details != nil {
		t.Errorf("a deep failure: %v", err)
	}
}

func TestNumbersBeyondFloat64AreInfinite(t *testing.T) {
	const body = `{"access_token":{"value":"v","expires_in":1e400,"access":[-1e999,1,{"a":1e-999}]},` +
		`"continue":{"uri":"https://as.example/c","access_token":{"value":"c"},"wait":1e400},"x":1e400}`
	client, _ := newClient(t, fake.Response{Status: 200, Body: body})
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
	client, _ := newClient(t, fake.Response{Status: 200, Body: body})
	for _, op := range []*signedhttp.Operation{OpContinue, OpRotate} {
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
	client, _ := newClient(t, fake.Response{Status: 200, Body: body})
	_, err := client.Rotate(t.Context(), testURI, testToken)
	e := failure(t, err)
	if len(e.Problems) != 21 || e.Problems[20] != "and 9980 more problems" || len(e.Description) > 2000 {
		t.Errorf("%d problems, the last %q", len(e.Problems), e.Problems[len(e.Problems)-1])
	}
}

func TestNullOfAnyShape(t *testing.T) {
	for _, op := range []*signedhttp.Operation{OpRequest, OpContinue, OpRotate} {
		for body, good := range map[string]bool{
			"null": false, " null\n": false, "\ufeffnull": false, "[null]": true, "0": true, `""`: true, "false": true,
		} {
			client, _ := newClient(t, fake.Response{Status: 200, Body: body})
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
			if e := failure(t, err); e.Code != signedhttp.CodeShape || !slices.Equal(e.Problems, []string{"the response is null"}) {
				t.Errorf("%s %s: %v", op, body, err)
			}
		}
	}
}

// FuzzResponse: whatever a server answers, a call ends with a grant that can be used or an error
// that keeps the response.
func FuzzResponse(f *testing.F) {
	for _, body := range []string{
		fake.Issued, pendingBody, interactBody, "", "null", "[]", "\ufeff{}", `{"access_token":[{"value":"v"}]}`, `{"error":{"code":"too_fast"}}`,
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
		call := Call{[]*signedhttp.Operation{OpRequest, OpContinue, OpRotate}[kind&3%3], testURI, testToken, nil}
		response := fake.Response{Status: 100 + (status&0xffff)%500, Body: body}
		client := &Client{Client: signedhttp.Client{Transport: fake.Fixed{Response: response}, Key: fake.Instant}, AcceptAnyShape: kind&4 != 0}
		grant, err := client.send(t.Context(), call, true)
		if err != nil {
			checkFailure(t, failure(t, err), body)
			return
		}
		if _, err := signedhttp.Decode(grant.Raw); err != nil || !utf8.Valid(grant.Raw) {
			t.Errorf("raw %q", grant.Raw)
		}
		for _, token := range grant.AccessTokens {
			if token.Value == "" || !signedhttp.CanBeSent(token.Value) {
				t.Errorf("token %q", token.Value)
			}
		}
		if grant.Continue != nil {
			if problem := signedhttp.CheckURL(grant.Continue.URI, false); problem != "" {
				t.Errorf("continue.uri %q %s", grant.Continue.URI, problem)
			}
			if wait := waitOf(*grant.Continue); wait < 1e9 || wait > 24*3600e9 {
				t.Errorf("wait %s", wait)
			}
		}
	})
}

func checkFailure(t *testing.T, e *signedhttp.Error, body string) {
	t.Helper()
	if e.Code != signedhttp.CodeRedirect && string(e.Body) != body {
		t.Errorf("the response was not kept: %q", e.Body)
	}
	if e.Wait != 0 && (e.Wait < 1e9 || e.Wait > 24*3600e9) {
		t.Errorf("wait %s", e.Wait)
	}
	text := fmt.Sprint(e, e.Problems)
	if strings.ContainsFunc(text, isUnseen) || len(text) > 8000 {
		t.Errorf("text %q", text)
	}
	if e.Details != nil && (!json.Valid(e.Details) || len(e.Details) > 8<<10) {
		t.Errorf("details %q", e.Details)
	}
	if strings.Contains(text+string(e.Details), testToken) {
		t.Errorf("%q repeats the token", text+string(e.Details))
	}
}

// isUnseen tells what begins a line, steers a terminal or has no width.
func isUnseen(r rune) bool {
	return unicode.IsControl(r) ||
		unicode.In(r, unicode.Zl, unicode.Zp, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
