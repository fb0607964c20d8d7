//go:build js && wasm

package jsbridge

import (
	"errors"
	"fmt"
	"testing"
)

func TestErrorNamesWhatWasThrownAndNoMore(t *testing.T) {
	for expression, want := range map[string]string{
		"new TypeError('a secret')":                  "JavaScript threw TypeError",
		"new DOMException('a secret', 'AbortError')": "JavaScript threw AbortError",
		"'a secret'":         "JavaScript threw string",
		"undefined":          "JavaScript threw undefined",
		"null":               "JavaScript threw null",
		"5":                  "JavaScript threw number",
		"10n":                "JavaScript threw number",
		"Symbol('a secret')": "JavaScript threw symbol",
		"{}":                 "JavaScript threw object",
		"({ name: 5 })":      "JavaScript threw object",
		"({ get name() { throw new Error('a secret') } })":    "JavaScript threw object",
		"Object.create(null)":                                 "JavaScript threw object",
		"new Proxy({}, { get() { throw new Error('own') } })": "JavaScript threw object",
	} {
		if got := (&Error{evaluate(t, expression)}).Error(); got != want {
			t.Errorf("%s: %q", expression, got)
		}
	}
}

func TestThrown(t *testing.T) {
	value := evaluate(t, "new Error('own')")
	wrapped := fmt.Errorf("wrapped: %w", &Error{value})
	if thrown, ok := Thrown(wrapped); !ok || !thrown.Equal(value) {
		t.Error("the value is lost")
	}
	for _, err := range []error{nil, errors.New("Go's own")} {
		if _, ok := Thrown(err); ok {
			t.Errorf("%v has a JavaScript value", err)
		}
	}
}
