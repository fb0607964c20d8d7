package openpayments

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/signedhttp"
)

// FuzzResponse: whatever a server says to any operation, a call ends with a document that can be read, or with an error that keeps
// the response, repeats no token and is bounded.
func FuzzResponse(f *testing.F) {
	names := slices.Sorted(maps.Keys(good))
	for i, name := range names {
		f.Add(uint8(i), 200, good[name], false)
		f.Add(uint8(i), 200, good[name], true)
		f.Add(uint8(i), 403, `{"error":{"code":"403","description":"Inactive Token","details":{"a":[1e400,"`+testToken+`"]}}}`, false)
	}
	for i, body := range []string{
		"", "null", "[]", "\ufeff{}", `{"__proto__":{}}`, strings.Repeat("[", 300), `{"id":"` + payment + `","id":5}`,
		`{"pagination":{"hasNextPage":true,"endCursor":"\u0000"},"result":[null]}`, `{"keys":[{"kid":"` + testToken + `"}]}`, "Bad Request",
	} {
		f.Add(uint8(i), 200, body, i%2 == 0)
		f.Add(uint8(i), 500, body, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, which uint8, status int, body string, acceptAnyShape bool) {
		op := named(names[int(which)%len(names)])
		response := fake.Response{Status: 100 + (status&0xffff)%500, Body: body}
		client := &Client{Client: signedhttp.Client{Transport: fake.Fixed{Response: response}, Key: fake.Instant}, AcceptAnyShape: acceptAnyShape}
		text, err := client.Do(t.Context(), callOf(op))
		if err != nil {
			checkFailure(t, failure(t, err), op, body)
			return
		}
		if len(text) > 0 && (!json.Valid(text) || !utf8.Valid(text)) {
			t.Errorf("text %q", text)
		}
		readAll(text)
	})
}

// readAll reads a document as each of the types: of what nobody has checked too.
func readAll(text json.RawMessage) {
	Read[WalletAddress](text)
	Read[IncomingPayment](text)
	Read[Quote](text)
	Read[OutgoingPayment](text)
	Read[Page[IncomingPayment]](text)
	Read[Page[OutgoingPayment]](text)
}

func checkFailure(t *testing.T, e *signedhttp.Error, op *Operation, body string) {
	t.Helper()
	if e.Code != signedhttp.CodeRedirect && string(e.Body) != body {
		t.Errorf("the response was not kept: %q", e.Body)
	}
	said := fmt.Sprint(e, e.Problems)
	isUnseen := func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point)
	}
	if strings.ContainsFunc(said, isUnseen) || len(said) > 8000 {
		t.Errorf("text %q", said)
	}
	if e.Details != nil && !json.Valid(e.Details) {
		t.Errorf("details %q", e.Details)
	}
	if op.Token && strings.Contains(said+string(e.Details), testToken) {
		t.Errorf("%q repeats the token", said+string(e.Details))
	}
}
