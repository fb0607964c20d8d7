package respond

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	for name, test := range map[string]struct {
		result any
		err    error
		status int
		body   string
	}{
		"value":          {result: map[string]int{"a": 1}, status: 200, body: `{"a":1}`},
		"nothing":        {status: 204},
		"another status": {result: WithStatus(201, "x"), status: 201, body: `"x"`},
		"failure":        {err: Fail(403, "403", "no %s", "way"), status: 403, body: `{"error":{"code":"403","description":"no way"}}`},
		"wrapped":        {err: fmt.Errorf("inside: %w", Fail(403, "x", "y")), status: 403, body: `{"error":{"code":"x","description":"y"}}`},
		"schema":         {err: FailSchema("body %s", "x"), status: 400, body: `{"error":{"description":"body x"}}`},
		"plain":          {err: FailPlain(404, "none"), status: 404, body: `none`},
		"details": {err: &Failure{Status: 401, Code: "401", Description: "d", Details: []string{"k1"}},
			status: 401, body: `{"error":{"code":"401","description":"d","details":["k1"]}}`},
		"unexpected": {err: errors.New("secret"), status: 500, body: `Internal Server Error`},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			Handler(func(*http.Request) (any, error) { return test.result, test.err }).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			if got := strings.TrimSpace(w.Body.String()); w.Code != test.status || got != test.body {
				t.Errorf("%d %s, want %d %s", w.Code, got, test.status, test.body)
			}
		})
	}
}

func TestReadBody(t *testing.T) {
	read := func(contentType, body string) (string, int) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		read, err := ReadBody(r)
		var f *Failure
		if errors.As(err, &f) {
			return f.Description, f.Status
		}
		return string(read), 0
	}
	for _, test := range []struct {
		contentType, body string
		status            int
	}{
		{"application/json", `{"a":1}`, 0},
		{"application/json; charset=utf-8", `{}`, 0},
		{"", ``, 0},
		{"text/plain", `{}`, 415},
		{"application/json", `{`, 400},
		{"application/json", "\"\xff\"", 400},
		{"application/json", `"` + strings.Repeat("x", MaxBody-2) + `"`, 0},
		{"application/json", `"` + strings.Repeat("x", MaxBody-1) + `"`, 413},
	} {
		if got, status := read(test.contentType, test.body); status != test.status || (status == 0 && got != test.body) {
			t.Errorf("%s %.20s: %d %.60s", test.contentType, test.body, status, got)
		}
	}
}
