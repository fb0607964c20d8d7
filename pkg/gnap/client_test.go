package gnap

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"open-payments-wasm/pkg/httpsig"
)

var testKey = ed25519.NewKeyFromSeed([]byte("an Ed25519 seed made for testing"))

const (
	testToken    = "5D9A9CF4BC7F46DDA114"
	testURI      = "https://as.example/continue/1"
	issuedBody   = `{"access_token":{"value":"OS9M2PMHKUR64TB8N6BW7OZB8CDFONP219RP1LT0","access":[]}}`
	pendingBody  = `{"continue":{"access_token":{"value":"80UPRY5NM33OMUKMKSKU"},"uri":"https://as.example/continue/1","wait":30}}`
	interactBody = `{"interact":{"redirect":"https://as.example/interact/1","finish":"MBDOFXG4Y5CVJCX821LH"},` +
		`"continue":{"access_token":{"value":"80UPRY5NM33OMUKMKSKU"},"uri":"https://as.example/continue/1"}}`
)

// answer is what a fake server says; the zero answer is 200 with an issued grant.
type answer struct {
	status int
	header http.Header
	body   string
	stream io.Reader // in place of body
	err    error     // in place of an answer
}

func (a answer) response() *http.Response {
	if a.status == 0 {
		a.status = http.StatusOK
		if a.body == "" && a.stream == nil {
			a.body = issuedBody
		}
	}
	if a.stream == nil {
		a.stream = strings.NewReader(a.body)
	}
	if a.header == nil {
		a.header = http.Header{"Content-Type": {"application/json"}}
	}
	return &http.Response{StatusCode: a.status, Header: a.header, ContentLength: -1, Body: io.NopCloser(a.stream)}
}

// sent is a request as it left the client.
type sent struct {
	method, target, body, nonce, signature string
	header                                 http.Header
	at                                     time.Time
}

// server is an http.RoundTripper that verifies every request before it answers. It gives its
// answers in turn, the last one for ever.
type server struct {
	t       testing.TB
	answers []answer
	// handle, where it is there, is asked in place of answers.
	handle func(*http.Request) (*http.Response, error)

	mu     sync.Mutex
	sent   []sent
	opened int // bodies that were not closed
}

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	turn := s.receive(req)
	s.mu.Lock()
	handle := s.handle
	s.mu.Unlock()
	if handle != nil {
		return handle(req)
	}
	a := answer{}
	if len(s.answers) > 0 {
		a = s.answers[min(turn, len(s.answers)-1)]
	}
	if a.err != nil {
		return nil, a.err
	}
	res := a.response()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	res.Body = &closeCounter{res.Body, s, false}
	return res, nil
}

type closeCounter struct {
	io.ReadCloser
	server *server
	closed bool
}

func (c *closeCounter) Close() error {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.server.opened--
	}
	return c.ReadCloser.Close()
}

func (s *server) receive(req *http.Request) int {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			s.t.Error(err)
		}
	}
	if req.ContentLength != int64(len(body)) {
		s.t.Errorf("content length %d of a body of %d bytes", req.ContentLength, len(body))
	}
	params, err := httpsig.Verify(req, body, testKey.Public().(ed25519.PublicKey), httpsig.Policy{Strict: true, MaxAge: time.Minute})
	if err != nil {
		s.t.Errorf("%s %s: %v", req.Method, httpsig.TargetURI(req), err)
	}
	if params.KeyID != "k1" {
		s.t.Errorf("key id %q", params.KeyID)
	}
	signature := strings.Trim(strings.TrimPrefix(req.Header.Get("Signature"), "sig1="), ":")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, sent{
		req.Method, httpsig.TargetURI(req), string(body), params.Nonce, signature, req.Header.Clone(), time.Now(),
	})
	return len(s.sent) - 1
}

func (s *server) handleWith(handle func(*http.Request) (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handle = handle
}

func (s *server) requests() []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

func (s *server) wantRequests(want int) {
	s.t.Helper()
	if got := len(s.requests()); got != want {
		s.t.Errorf("%d requests, want %d", got, want)
	}
}

func newClient(t testing.TB, answers ...answer) (*Client, *server) {
	s := &server{t: t, answers: answers}
	t.Cleanup(func() {
		if s.opened != 0 {
			t.Errorf("%d answers were not closed", s.opened)
		}
	})
	return &Client{Transport: s, Key: httpsig.Key{ID: "k1", Signer: testKey}}, s
}

func failure(t testing.TB, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T %v, want an *Error", err, err)
	}
	return e
}

func TestOperations(t *testing.T) {
	request := GrantRequest{
		AccessToken: &AccessTokenRequest{Access: []Access{{
			Type: "outgoing-payment", Actions: []string{"create", "read"}, Identifier: "https://wallet.example/a?b&c",
			Limits: map[string]any{"interval": "R1/<2026>/P1M"},
		}}},
		Client:   "https://wallet.example/client",
		Interact: &InteractRequest{[]string{"redirect"}, &FinishRequest{"redirect", "https://shop.example/back?a=1&b=2", "NONCE"}},
	}
	const requestBody = `{"access_token":{"access":[{"type":"outgoing-payment","actions":["create","read"],` +
		`"identifier":"https://wallet.example/a?b&c","limits":{"interval":"R1/<2026>/P1M"}}]},` +
		`"client":"https://wallet.example/client","interact":{"start":["redirect"],` +
		`"finish":{"method":"redirect","uri":"https://shop.example/back?a=1&b=2","nonce":"NONCE"}}}`
	type call = func(*Client) (*Grant, error)
	cases := map[string]struct {
		call
		answer              answer
		method, token, body string
		grant               bool
	}{
		"request": {func(c *Client) (*Grant, error) { return c.Request(t.Context(), testURI, request) },
			answer{body: interactBody, status: 200}, "POST", "", requestBody, true},
		"smallest request": {func(c *Client) (*Grant, error) {
			return c.Request(t.Context(), testURI, GrantRequest{Subject: &Subject{[]SubID{{"i", "uri"}}}, Client: map[string]string{"jwk": "j"}})
		}, answer{}, "POST", "", `{"subject":{"sub_ids":[{"id":"i","format":"uri"}]},"client":{"jwk":"j"}}`, true},
		"continue": {func(c *Client) (*Grant, error) { return c.Continue(t.Context(), testURI, testToken, `a"&<>b`) },
			answer{}, "POST", testToken, `{"interact_ref":"a\"&<>b"}`, true},
		"poll": {func(c *Client) (*Grant, error) { return c.Continue(t.Context(), testURI, testToken, "") },
			answer{body: pendingBody, status: 200}, "POST", testToken, "", true},
		"rotate": {func(c *Client) (*Grant, error) { return c.Rotate(t.Context(), testURI, testToken) },
			answer{}, "POST", testToken, "", true},
		"cancel": {func(c *Client) (*Grant, error) { return nil, c.Cancel(t.Context(), testURI, testToken) },
			answer{status: 204}, "DELETE", testToken, "", false},
		"revoke": {func(c *Client) (*Grant, error) { return nil, c.Revoke(t.Context(), testURI, testToken) },
			answer{status: 204}, "DELETE", testToken, "", false},
		"cancel answered with words": {func(c *Client) (*Grant, error) {
			return c.Do(t.Context(), Call{OpCancel, testURI, testToken, nil})
		}, answer{status: 200, body: "done"}, "DELETE", testToken, "", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client, server := newClient(t, c.answer)
			grant, err := c.call(client)
			if err != nil {
				t.Fatal(err)
			}
			if (grant != nil) != c.grant {
				t.Errorf("grant %+v", grant)
			}
			server.wantRequests(1)
			got := server.requests()[0]
			if got.method != c.method || got.target != testURI || got.body != c.body {
				t.Errorf("sent %s %s\n%s\nwant %s %s\n%s", got.method, got.target, got.body, c.method, testURI, c.body)
			}
			wantHeader := map[string]string{"Accept": "application/json", "Authorization": "", "Content-Type": ""}
			if c.token != "" {
				wantHeader["Authorization"] = "GNAP " + c.token
			}
			if c.body != "" {
				wantHeader["Content-Type"] = "application/json"
			}
			for name, want := range wantHeader {
				if value := got.header.Get(name); value != want {
					t.Errorf("header %s: %q, want %q", name, value, want)
				}
			}
		})
	}
}

// The same against a server of net/http, which sees what is really on the wire.
func TestOperationsOnTheWire(t *testing.T) {
	wire := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if _, err := httpsig.Verify(r, body, testKey.Public().(ed25519.PublicKey), httpsig.Policy{Strict: true}); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.RequestURI, err)
		}
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Request-URI", r.RequestURI)
		fmt.Fprintf(w, `{"access_token":{"value":"T","access":[]},"seen":%q}`, r.RequestURI)
	}))
	defer wire.Close()
	client := &Client{Transport: wire.Client().Transport, Key: httpsig.Key{ID: "k1", Signer: testKey}}
	for _, path := range []string{"", "/", "/a|b;c?d=%zz", "/a/../b/./c", "//twice//c?x=//y", "?q", "/%7e%7E?"} {
		for name, call := range map[string]Call{
			"request":  {OpRequest, wire.URL + path, "", []byte(`{"client":"x"}`)},
			"continue": {OpContinue, wire.URL + path, testToken, []byte(`{"interact_ref":"r"}`)},
			"poll":     {OpContinue, wire.URL + path, testToken, nil},
			"rotate":   {OpRotate, wire.URL + path, testToken, nil},
			"revoke":   {OpRevoke, wire.URL + path, testToken, nil},
			"cancel":   {OpCancel, wire.URL + path, testToken, nil},
		} {
			grant, err := client.Do(t.Context(), call)
			if err != nil {
				t.Errorf("%s %q: %v", name, path, err)
				continue
			}
			if grant == nil {
				continue
			}
			want := path
			if !strings.HasPrefix(path, "/") {
				want = "/" + path
			}
			var seen struct{ Seen string }
			if err := json.Unmarshal(grant.Raw, &seen); err != nil || seen.Seen != want {
				t.Errorf("%s %q: the server saw %q, want %q", name, path, seen.Seen, want)
			}
		}
	}
}

func TestTargets(t *testing.T) {
	good := map[string]string{
		"https://as.example/continue/1":    "",
		"https://as.example":               "https://as.example/",
		"https://as.example/":              "",
		"https://as.example?q":             "https://as.example/?q",
		"https://as.example/?":             "",
		"https://as.example/a#fragment":    "https://as.example/a",
		"https://as.example#/a?b":          "https://as.example/",
		"https://as.example/a?b=c#d?e#f":   "https://as.example/a?b=c",
		"https://as.example/a# ü":          "https://as.example/a",
		"HTTPS://AS.Example/Continue?Q=A":  "https://as.example/Continue?Q=A",
		"https://as.example:8443/a":        "",
		"https://as.example/a|b;c?d=%zz":   "",
		"https://as.example/%7Ea/../b/./c": "",
		"https://as.example//a//b?c":       "",
		"https://as.example/a@b:c?d@e":     "",
		"https://as.example/http://b.org/": "",
		"https://as.example/a?{}^`'\"<>|":  "",
		"https://127.0.0.1/":               "",
		"https://[2001:DB8::1]:1/":         "https://[2001:db8::1]:1/",
		"http://localhost/a":               "",
		"http://LOCALHOST:3006/a":          "http://localhost:3006/a",
		"http://a.localhost/a":             "",
		"http://a.b.localhost:80/a":        "",
		"http://127.0.0.1:3006/a":          "",
		"http://127.9.9.9/a":               "",
		"http://[::1]/a":                   "",
		"http://[::1]:3006":                "http://[::1]:3006/",
	}
	for url, want := range good {
		t.Run(url, func(t *testing.T) {
			if want == "" {
				want = url
			}
			client, server := newClient(t)
			if _, err := client.Rotate(t.Context(), url, testToken); err != nil {
				t.Fatal(err)
			}
			if got := server.requests()[0].target; got != want {
				t.Errorf("requested %s, want %s", got, want)
			}
		})
	}

	const (
		absolute = "must be an absolute https: URL, or http: on loopback"
		secure   = "must be an https: URL, or http: on loopback"
		valid    = "must be a valid URL"
		userinfo = "must not carry a user name or password"
	)
	bad := map[string]string{
		"":                               absolute,
		"as.example/continue":            absolute,
		"/continue/1":                    absolute,
		"//as.example/continue/1":        absolute,
		"https:as.example":               absolute,
		"https:/as.example":              absolute,
		"javascript:alert(1)":            absolute,
		"javascript://as.example/%0aa()": absolute,
		"data:text/html,a":               absolute,
		"data://text/html,a":             absolute,
		"ftp://as.example/":              absolute,
		"file:///etc/passwd":             absolute,
		"blob:https://as.example/1":      absolute,
		"wss://as.example/":              absolute,
		" https://as.example/":           absolute,
		"\nhttps://as.example/":          absolute,
		"https ://as.example/":           absolute,
		"https://":                       valid,
		"https:///continue":              valid,
		"https://?q":                     valid,
		"https://#a":                     valid,
		"https://:443/":                  valid,
		"https://as.example/a b":         valid,
		"https://as.example/ ":           valid,
		"https://as.example /":           valid,
		"https://as.example/a\nb":        valid,
		"https://as.example/a\r\nb: c":   valid,
		"https://as.example/a\tb":        valid,
		"https://as.example/\x00":        valid,
		"https://as.example/\x7f":        valid,
		"https://as.example/ü":           valid,
		"https://as.example/a?ü":         valid,
		"https://as.exämple/":            valid,
		"https://%C3%BC.example/":        valid,
		"https://as.example/\xff":        valid,
		"https://as.example\\b/":         valid,
		"https://as.example/a\\b":        valid,
		"https://as.example:port/":       valid,
		"https://[::1/":                  valid,
		"https://as.example//a|b":        valid, // net/url would rewrite it
		"https://as.example//a%zz":       valid,
		"https://user@as.example/":       userinfo,
		"https://user:pass@as.example/":  userinfo,
		"https://@as.example/":           userinfo,
		"https://as.example@b.example/":  userinfo,
		"https://as.example\\@b.example": userinfo,
		"http://as.example/":             secure,
		"http://localhost.example/":      secure,
		"http://alocalhost/":             secure,
		"http://127.0.0.1.example/":      secure,
		"http://10.0.0.1/":               secure,
		"http://0.0.0.0/":                secure,
		"http://128.0.0.1/":              secure,
		"http://[::2]/":                  secure,
		"HTTP://AS.EXAMPLE/":             secure,
	}
	for url, want := range bad {
		t.Run("refused "+url, func(t *testing.T) {
			client, server := newClient(t)
			_, err := client.Rotate(t.Context(), url, testToken)
			wantArgument(t, err, "url", want)
			server.wantRequests(0)
			if len(url) > 8 && strings.Contains(err.Error(), url) {
				t.Errorf("%v repeats the URL", err)
			}
		})
	}

	t.Run("AllowHTTP", func(t *testing.T) {
		client, server := newClient(t)
		client.AllowHTTP = true
		if _, err := client.Rotate(t.Context(), "http://as.example/a", testToken); err != nil {
			t.Error(err)
		}
		for _, url := range []string{"ftp://as.example/", "http://user@as.example/", "javascript:a", "http:///", "a"} {
			if _, err := client.Rotate(t.Context(), url, testToken); err == nil {
				t.Errorf("%s was accepted", url)
			}
		}
		server.wantRequests(1)
	})
}

func wantArgument(t *testing.T, err error, argument, problem string) {
	t.Helper()
	var e *ArgumentError
	if !errors.As(err, &e) {
		t.Fatalf("got %T %v, want an *ArgumentError", err, err)
	}
	if e.Argument != argument || e.Problem != problem {
		t.Errorf("%q %q, want %q %q", e.Argument, e.Problem, argument, problem)
	}
	if want := fmt.Sprintf("%q %s", argument, problem); err.Error() != want {
		t.Errorf("text %q, want %q", err, want)
	}
}

func TestTokensThatCannotBeSent(t *testing.T) {
	const visible = "must be visible ASCII without spaces or line breaks"
	operations := map[Operation]bool{OpRequest: false, OpContinue: true, OpCancel: true, OpRotate: true, OpRevoke: true}
	tokens := map[string]string{
		"": "must not be empty", " ": visible, "a b": visible, " a": visible, "a ": visible, "a\tb": visible,
		"a\nb": visible, "a\r\nX: y": visible, "a\x00": visible, "a\x7f": visible, "ü": visible, "\xff": visible, "🙂": visible,
	}
	for op, required := range operations {
		for token, problem := range tokens {
			if token == "" && !required {
				continue
			}
			client, server := newClient(t)
			_, err := client.Do(t.Context(), Call{op, testURI, token, nil})
			wantArgument(t, err, "accessToken", problem)
			server.wantRequests(0)
		}
	}
	client, server := newClient(t)
	const strange = "!#$%&'()*+,-./0:;<=>?@A[\\]^_`a{|}~"
	if _, err := client.Rotate(t.Context(), testURI, strange); err != nil {
		t.Error(err)
	}
	if got := server.requests()[0].header.Get("Authorization"); got != "GNAP "+strange {
		t.Errorf("authorization %q", got)
	}
}

func TestRequestThatCannotBeEncoded(t *testing.T) {
	client, server := newClient(t)
	_, err := client.Request(t.Context(), testURI, GrantRequest{Client: make(chan int)})
	wantArgument(t, err, "body", "must be encodable as JSON")
	server.wantRequests(0)
}

func TestGrantIsRead(t *testing.T) {
	const body = `{
		"interact": {"redirect": "https://as.example/i/1", "finish": "SERVERNONCE", "unknown": 1},
		"continue": {"access_token": {"value": "C"}, "uri": "https://as.example/c/1", "wait": 7.5},
		"access_token": {"value": "A", "manage": "https://as.example/t/1", "expires_in": 600,
			"access": [{"type": "quote", "actions": ["read"], "more": [1, 2]}], "flags": ["bearer", 1], "label": "L"},
		"subject": {"sub_ids": [{"id": "https://wallet.example/a", "format": "uri"}]},
		"instance_id": "I"
	}`
	client, _ := newClient(t, answer{status: 201, body: body})
	grant, err := client.Continue(t.Context(), testURI, testToken, "r")
	if err != nil {
		t.Fatal(err)
	}
	wait, expires := 7.5, 600.0
	want := &Grant{
		Interact: &Interaction{"https://as.example/i/1", "SERVERNONCE"},
		Continue: &Continuation{URI: "https://as.example/c/1", Wait: &wait},
		AccessToken: &AccessToken{
			Value: "A", Label: "L", Flags: []string{"bearer"}, Manage: Management{"https://as.example/t/1", "A"},
			ExpiresIn: &expires, Access: grant.AccessToken.Access,
		},
		Subject: &Subject{[]SubID{{"https://wallet.example/a", "uri"}}},
		Raw:     json.RawMessage(body),
	}
	want.AccessTokens = []*AccessToken{want.AccessToken}
	want.Continue.AccessToken.Value = "C"
	if !reflect.DeepEqual(grant, want) {
		t.Errorf("grant %+v, want %+v", grant, want)
	}
	granted, _ := grant.AccessToken.Access[0].(map[string]any)
	if len(grant.AccessToken.Access) != 1 || granted["type"] != "quote" || granted["more"] == nil {
		t.Errorf("access %v", grant.AccessToken.Access)
	}
}

// A transport that fails in a way of its own. What the server has answered is no network error.
func TestRule5WhatCameOfAResponseIsInTheError(t *testing.T) {
	refused := errors.New("connection refused")
	half := func() io.Reader { return io.MultiReader(strings.NewReader(issuedBody[:20]), &failingReader{refused}) }
	cases := map[string]struct {
		answer
		code, body string
	}{
		"no connection":            {answer{err: refused}, CodeNetwork, ""},
		"reset in the middle":      {answer{status: 200, stream: half()}, CodeUnreadable, issuedBody[:20]},
		"reset before the body":    {answer{status: 200, stream: &failingReader{refused}}, CodeUnreadable, ""},
		"reset in an error answer": {answer{status: 500, stream: half()}, CodeUnreadable, issuedBody[:20]},
		"reset in a cancel answer": {answer{status: 200, stream: half()}, CodeUnreadable, issuedBody[:20]},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			op := OpContinue
			if strings.Contains(name, "cancel") {
				op = OpCancel
			}
			client, server := newClient(t, c.answer)
			grant, err := client.Do(t.Context(), Call{op, testURI, testToken, nil})
			e := failure(t, err)
			if grant != nil || e.Code != c.code || e.Status != c.status || e.Retryable != (op == OpContinue) || !errors.Is(err, refused) || e.Operation != op {
				t.Errorf("grant %v, error %+v", grant, *e)
			}
			if string(e.Body) != c.body || (e.Body == nil) != (c.code == CodeNetwork) {
				t.Errorf("body %q", e.Body)
			}
			if c.code == CodeNetwork && (!strings.Contains(e.Description, "connect-src") || !strings.Contains(e.Description, "CORS")) {
				t.Errorf("description %q", e.Description)
			}
			if strings.Contains(err.Error(), "refused") {
				t.Errorf("the text repeats the cause: %v", err)
			}
			server.wantRequests(1)
		})
	}
}

type failingReader struct{ err error }

func (r *failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{300, 301, 302, 303, 307, 308, 399} {
		for _, op := range []Operation{OpRequest, OpContinue, OpCancel, OpRotate, OpRevoke} {
			header := http.Header{"Location": {"https://evil.example/"}}
			client, server := newClient(t, answer{status: status, header: header, body: issuedBody}, answer{})
			token := testToken
			if op == OpRequest {
				token = ""
			}
			_, err := client.Do(t.Context(), Call{op, testURI, token, nil})
			e := failure(t, err)
			if e.Code != CodeRedirect || e.Status != status || e.Retryable || e.Operation != op || strings.Contains(err.Error(), "evil") {
				t.Errorf("%d: %+v", status, *e)
			}
			server.wantRequests(1)
		}
	}
}

func TestSuccessThatIsNotJSON(t *testing.T) {
	bodies := map[string]string{
		"HTML": "<!DOCTYPE html><title>Sign in</title>", "nothing": "", "white space": " \n", "text": "ok",
		"truncated": issuedBody[:len(issuedBody)-1], "cut in a string": issuedBody[:30], "two": issuedBody + issuedBody,
		"a comment": issuedBody + "// done", "two marks": "\ufeff\ufeff" + issuedBody, "NaN": `{"access_token":NaN}`,
	}
	for name, body := range bodies {
		for _, op := range []Operation{OpRequest, OpContinue, OpRotate} {
			client, _ := newClient(t, answer{status: 200, header: http.Header{"Content-Type": {"text/html"}}, body: body})
			token := testToken
			if op == OpRequest {
				token = ""
			}
			_, err := client.Do(t.Context(), Call{op, testURI, token, nil})
			e := failure(t, err)
			if e.Code != CodeNotJSON || e.Status != 200 || e.Retryable || string(e.Body) != body || e.Operation != op {
				t.Errorf("%s: %+v", name, *e)
			}
			if len(body) > 4 && strings.Contains(err.Error(), body) {
				t.Errorf("%s: the text repeats the answer: %v", name, err)
			}
		}
	}
}

// counter is an answer without an end.
type counter struct {
	start io.Reader
	read  int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.start.Read(p)
	if errors.Is(err, io.EOF) {
		n, err = copy(p, bytes.Repeat([]byte(" "), len(p))), nil
	}
	c.read += n
	return n, err
}

func TestAnswersAreBounded(t *testing.T) {
	for _, status := range []int{200, 400, 503} {
		for _, op := range []Operation{OpContinue, OpCancel} {
			stream := &counter{start: strings.NewReader(issuedBody)}
			client, server := newClient(t, answer{status: status, stream: stream})
			_, err := client.Do(t.Context(), Call{op, testURI, testToken, nil})
			e := failure(t, err)
			if e.Code != CodeTooLarge || e.Status != status || e.Retryable || len(e.Body) != MaxResponse {
				t.Errorf("%s, status %d: %v, %d bytes are kept", op, status, e, len(e.Body))
			}
			if stream.read > MaxResponse+1 {
				t.Errorf("%d bytes were read", stream.read)
			}
			server.wantRequests(1)
		}
	}
	full := issuedBody + strings.Repeat(" ", MaxResponse-len(issuedBody))
	client, _ := newClient(t, answer{body: full, status: 200}, answer{body: full + " ", status: 200})
	if _, err := client.Rotate(t.Context(), testURI, testToken); err != nil {
		t.Errorf("1 MiB: %v", err)
	}
	if _, err := client.Rotate(t.Context(), testURI, testToken); failure(t, err).Code != CodeTooLarge {
		t.Errorf("1 MiB and a byte: %v", err)
	}
}

type signerFunc func([]byte) ([]byte, error)

func (f signerFunc) Public() crypto.PublicKey { return nil }
func (f signerFunc) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	return f(message)
}

func TestKeysThatCannotSign(t *testing.T) {
	locked := errors.New("locked")
	cases := map[string]struct {
		key   httpsig.Key
		cause error
	}{
		"signer fails": {httpsig.Key{ID: "k1", Signer: signerFunc(func([]byte) ([]byte, error) { return nil, locked })}, locked},
		"short answer": {httpsig.Key{ID: "k1", Signer: signerFunc(func([]byte) ([]byte, error) { return nil, nil })}, httpsig.ErrKey},
		"no signer":    {httpsig.Key{ID: "k1"}, httpsig.ErrKey},
		"no key id":    {httpsig.Key{Signer: testKey}, httpsig.ErrKey},
	}
	for name, c := range cases {
		for _, flights := range []*Flights{nil, {}} {
			t.Run(fmt.Sprint(name, flights != nil), func(t *testing.T) {
				client, server := newClient(t)
				client.Key, client.Flights = c.key, flights
				_, err := client.Continue(t.Context(), testURI, testToken, "r")
				e := failure(t, err)
				if e.Code != CodeKey || !errors.Is(err, c.cause) || e.Status != 0 || e.Retryable || e.Operation != OpContinue {
					t.Errorf("error %+v", *e)
				}
				server.wantRequests(0)
			})
		}
	}
}

func TestOneClientManyGoroutines(t *testing.T) {
	client, server := newClient(t)
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			if _, err := client.Continue(context.Background(), testURI, testToken, fmt.Sprint(i)); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	server.wantRequests(64)
	nonces := map[string]bool{}
	for _, request := range server.requests() {
		nonces[request.nonce] = true
	}
	if len(nonces) != 64 {
		t.Errorf("%d nonces", len(nonces))
	}
}
