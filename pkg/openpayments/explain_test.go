package openpayments

import (
	"fmt"
	"strings"
	"testing"

	"open-payments-wasm/pkg/internal/fake"
)

// The codes are those of the reference server's words with its status, and nothing else is guessed.
func TestCodes(t *testing.T) {
	const create = "outgoingPayment.create"
	for _, test := range []struct {
		operation   string
		status      int
		description string
		want        string
	}{
		{create, 403, "Inactive Token", CodeInactiveToken},
		{"quote.get", 403, "Inactive Token", CodeInactiveToken},
		{create, 403, "Insufficient Grant", CodeInsufficientGrant},
		{create, 403, "unauthorized", CodeLimitExceeded},
		{"quote.create", 403, "unauthorized", "403"},
		{create, 400, "invalid quote", CodeInvalidQuote},
		{"quote.create", 400, "invalid receiver", CodeInvalidReceiver},
		{"quote.create", 400, "invalid amount", CodeInvalidAmount},
		{"incomingPayment.create", 400, "invalid expiresAt", CodeInvalidExpiresAt},
		{"incomingPayment.complete", 409, "wrong state", CodeWrongState},
		{"incomingPayment.get", 401, "Unauthorized", "401"},
		{create, 401, "Inactive Token", "401"},
		{create, 403, "inactive token", "403"},
		{create, 403, "Inactive Token now", "403"},
		{create, 400, "Received error validating OpenAPI request: body must have required property", "400"},
		{create, 404, "unknown quote", "404"},
		{create, 400, "invalid", "400"},
	} {
		body := fmt.Sprintf(`{"error":{"code":"%d","description":"%s"}}`, test.status, test.description)
		client, _ := newClient(t, fake.Response{Status: test.status, Body: body})
		_, err := client.Do(t.Context(), callOf(named(test.operation)))
		e := failure(t, err)
		hasAdvice := e.Advice != "" && strings.HasSuffix(e.Advice, ".") && !strings.ContainsAny(e.Advice, "\t\n")
		isExplained := test.want != fmt.Sprint(test.status)
		if e.Code != test.want || e.Description != test.description || e.Status != test.status || e.Retryable || hasAdvice != isExplained {
			t.Errorf("%d %q of %s: %+v", test.status, test.description, test.operation, e)
		}
	}
}

func TestCodesOfOthersStay(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":{"code":"token_gone","description":"Inactive Token"}}`: "token_gone",
		`{"error":{"description":"Inactive Token"}}`:                     "http_error",
		`{"error":{"code":"403","description":"a\tb\n403 c"}}`:           "403",
		`Inactive Token`: "http_error",
	} {
		client, _ := newClient(t, fake.Response{Status: 403, Body: body})
		_, err := client.Do(t.Context(), callOf(named("quote.get")))
		if e := failure(t, err); e.Code != want || e.Advice != "" {
			t.Errorf("%s: %+v", body, e)
		}
	}
}

// An id that is unknown is 401, as a signature that fails is: the server repeats the id.
func TestNotFound(t *testing.T) {
	for details, want := range map[string]string{
		`"Unauthorized","details":{"description":"Failed to get wallet address from incoming payment","id":"1"}`: CodeNotFound,
		`"Unauthorized","details":{"keys":[]}`:              "401",
		`"Signature validation error","details":{"id":"1"}`: "401",
	} {
		body := `{"error":{"code":"401","description":` + details + `}}`
		client, _ := newClient(t, fake.Response{Status: 401, Body: body})
		_, err := client.Do(t.Context(), callOf(named("incomingPayment.getPublic")))
		if e := failure(t, err); e.Code != want {
			t.Errorf("%s: %+v", body, e)
		}
	}
}
