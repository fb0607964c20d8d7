package respond

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
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

// A body that never ends is cut, and one that came in time leaves the response all the time it takes.
func TestBoundBody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		timeout := time.Minute
		if r.URL.Path == "/short" {
			timeout = 50 * time.Millisecond
		}
		BoundBody(w, r, timeout)
		Handler(func(r *http.Request) (any, error) {
			body, err := ReadBody(r)
			if err != nil {
				return nil, err
			}
			select {
			case <-r.Context().Done():
				return nil, r.Context().Err()
			case <-time.After(4 * 50 * time.Millisecond):
				return string(body), nil
			}
		}).ServeHTTP(w, r)
	}))
	defer server.Close()
	status := func(path, body string) int {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n%s", path, body)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if got := status("/short", "{"); got != http.StatusRequestTimeout {
		t.Errorf("a body that never ends: %d", got)
	}
	for _, path := range []string{"/short", "/long"} {
		if got := status(path, "{}"); got != http.StatusOK {
			t.Errorf("%s: %d", path, got)
		}
	}
}
