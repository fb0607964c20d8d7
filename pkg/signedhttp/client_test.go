package signedhttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/internal/fake"
)

type failingReader struct{ err error }

func (r *failingReader) Read([]byte) (int, error) { return 0, r.err }

// counter is a body without an end.
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
			if _, err := client.Do(t.Context(), request(opChange, url, testToken)); err != nil {
				t.Fatal(err)
			}
			if got := server.Requests()[0].Target; got != want {
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
			_, err := client.Do(t.Context(), request(opChange, url, testToken))
			wantArgument(t, err, "url", want)
			server.WantRequests(0)
			if len(url) > 8 && strings.Contains(err.Error(), url) {
				t.Errorf("%v repeats the URL", err)
			}
		})
	}

	t.Run("AllowHTTP", func(t *testing.T) {
		client, server := newClient(t)
		client.AllowHTTP = true
		if _, err := client.Do(t.Context(), request(opChange, "http://as.example/a", testToken)); err != nil {
			t.Error(err)
		}
		for _, url := range []string{"ftp://as.example/", "http://user@as.example/", "javascript:a", "http:///", "a"} {
			if _, err := client.Do(t.Context(), request(opChange, url, testToken)); err == nil {
				t.Errorf("%s was accepted", url)
			}
		}
		server.WantRequests(1)
	})
}

func TestTokensThatCannotBeSent(t *testing.T) {
	const visible = "must be visible ASCII without spaces or line breaks"
	tokens := map[string]string{
		"": "must not be empty", " ": visible, "a b": visible, " a": visible, "a ": visible, "a\tb": visible,
		"a\nb": visible, "a\r\nX: y": visible, "a\x00": visible, "a\x7f": visible, "ü": visible, "\xff": visible, "🙂": visible,
	}
	for _, op := range operations {
		for token, problem := range tokens {
			if token == "" && op.TokenOptional {
				continue
			}
			client, server := newClient(t)
			_, err := client.Do(t.Context(), request(op, testURI, token))
			wantArgument(t, err, "accessToken", problem)
			server.WantRequests(0)
		}
	}
	client, server := newClient(t)
	const strange = "!#$%&'()*+,-./0:;<=>?@A[\\]^_`a{|}~"
	if _, err := client.Do(t.Context(), request(opChange, testURI, strange)); err != nil {
		t.Error(err)
	}
	if got := server.Requests()[0].Header.Get("Authorization"); got != "GNAP "+strange {
		t.Errorf("authorization %q", got)
	}
}

// A transport that fails in a way of its own. What the server has answered is no network error.
func TestRule5WhatCameOfAResponseIsInTheError(t *testing.T) {
	refused := errors.New("connection refused")
	half := func() io.Reader { return io.MultiReader(strings.NewReader(fake.Issued[:20]), &failingReader{refused}) }
	cases := map[string]struct {
		fake.Response
		code, body string
	}{
		"no connection":         {fake.Response{Err: refused}, CodeNetwork, ""},
		"reset in the middle":   {fake.Response{Status: 200, Stream: half()}, CodeUnreadable, fake.Issued[:20]},
		"reset before the body": {fake.Response{Status: 200, Stream: &failingReader{refused}}, CodeUnreadable, ""},
		"reset in an failure":   {fake.Response{Status: 500, Stream: half()}, CodeUnreadable, fake.Issued[:20]},
		"reset in a end":        {fake.Response{Status: 200, Stream: half()}, CodeUnreadable, fake.Issued[:20]},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			op := opChange
			if strings.HasSuffix(name, "end") {
				op = opEnd
			}
			client, server := newClient(t, c.Response)
			sent := request(op, testURI, testToken)
			sent.Repeatable = op == opChange
			result, err := client.Do(t.Context(), sent)
			e := failure(t, err)
			if result != nil || e.Code != c.code || e.Status != c.Status || e.Retryable != sent.Repeatable || !errors.Is(err, refused) || e.Operation != op {
				t.Errorf("result %v, error %+v", result, *e)
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
			server.WantRequests(1)
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{300, 301, 302, 303, 307, 308, 399} {
		for _, op := range operations {
			header := http.Header{"Location": {"https://evil.example/"}}
			client, server := newClient(t, fake.Response{Status: status, Header: header, Body: fake.Issued}, fake.Response{})
			_, err := client.Do(t.Context(), request(op, testURI, testToken))
			e := failure(t, err)
			if e.Code != CodeRedirect || e.Status != status || e.Retryable || e.Operation != op || strings.Contains(err.Error(), "evil") {
				t.Errorf("%d: %+v", status, *e)
			}
			server.WantRequests(1)
		}
	}
}

func TestSuccessThatIsNotJSON(t *testing.T) {
	bodies := map[string]string{
		"HTML": "<!DOCTYPE html><title>Sign in</title>", "nothing": "", "white space": " \n", "text": "ok",
		"truncated": fake.Issued[:len(fake.Issued)-1], "cut in a string": fake.Issued[:30], "two": fake.Issued + fake.Issued,
		"a comment": fake.Issued + "// done", "two marks": "\ufeff\ufeff" + fake.Issued, "NaN": `{"access_token":NaN}`,
	}
	for name, body := range bodies {
		for _, op := range []*Operation{opStart, opChange, opRead} {
			client, _ := newClient(t, fake.Response{Status: 200, Header: http.Header{"Content-Type": {"text/html"}}, Body: body})
			_, err := client.Do(t.Context(), request(op, testURI, testToken))
			e := failure(t, err)
			if e.Code != CodeNotJSON || e.Status != 200 || e.Retryable || string(e.Body) != body || e.Operation != op {
				t.Errorf("%s: %+v", name, *e)
			}
			if len(body) > 4 && strings.Contains(err.Error(), body) {
				t.Errorf("%s: the text repeats the response: %v", name, err)
			}
		}
	}
}

func TestResponsesAreBounded(t *testing.T) {
	for _, status := range []int{200, 400, 503} {
		for _, op := range []*Operation{opChange, opEnd} {
			stream := &counter{start: strings.NewReader(fake.Issued)}
			client, server := newClient(t, fake.Response{Status: status, Stream: stream})
			_, err := client.Do(t.Context(), request(op, testURI, testToken))
			e := failure(t, err)
			if e.Code != CodeTooLarge || e.Status != status || e.Retryable || len(e.Body) != MaxResponse {
				t.Errorf("%s, status %d: %v, %d bytes are kept", op, status, e, len(e.Body))
			}
			if stream.read > MaxResponse+1 {
				t.Errorf("%d bytes were read", stream.read)
			}
			server.WantRequests(1)
		}
	}
	full := fake.Issued + strings.Repeat(" ", MaxResponse-len(fake.Issued))
	client, _ := newClient(t, fake.Response{Body: full, Status: 200}, fake.Response{Body: full + " ", Status: 200})
	if _, err := client.Do(t.Context(), request(opChange, testURI, testToken)); err != nil {
		t.Errorf("1 MiB: %v", err)
	}
	if _, err := client.Do(t.Context(), request(opChange, testURI, testToken)); failure(t, err).Code != CodeTooLarge {
		t.Errorf("1 MiB and a byte: %v", err)
	}
}

func TestKeysThatCannotSign(t *testing.T) {
	locked := errors.New("locked")
	cases := map[string]struct {
		key   httpsig.Key
		cause error
	}{
		"signer fails": {httpsig.Key{ID: "k1", Signer: fake.SignerFunc(func([]byte) ([]byte, error) { return nil, locked })}, locked},
		"too short":    {httpsig.Key{ID: "k1", Signer: fake.SignerFunc(func([]byte) ([]byte, error) { return nil, nil })}, httpsig.ErrKey},
		"no signer":    {httpsig.Key{ID: "k1"}, httpsig.ErrKey},
		"no key id":    {httpsig.Key{Signer: fake.Key}, httpsig.ErrKey},
	}
	for name, c := range cases {
		for _, flights := range []*SingleFlight{nil, {}} {
			t.Run(fmt.Sprint(name, flights != nil), func(t *testing.T) {
				client, server := newClient(t)
				client.Key, client.SingleFlight = c.key, flights
				_, err := client.Do(t.Context(), change("r"))
				e := failure(t, err)
				if e.Code != CodeKey || !errors.Is(err, c.cause) || e.Status != 0 || e.Retryable || e.Operation != opChange {
					t.Errorf("error %+v", *e)
				}
				server.WantRequests(0)
			})
		}
	}
}

func TestOneClientManyGoroutines(t *testing.T) {
	client, server := newClient(t)
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			if _, err := client.Do(context.Background(), change(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	server.WantRequests(64)
	nonces := map[string]bool{}
	for _, sent := range server.Requests() {
		nonces[sent.Nonce] = true
	}
	if len(nonces) != 64 {
		t.Errorf("%d nonces", len(nonces))
	}
}
