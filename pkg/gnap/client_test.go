package gnap

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/signedhttp"
)

const (
	testToken    = "5D9A9CF4BC7F46DDA114"
	testURI      = "https://as.example/continue/1"
	pendingBody  = `{"continue":{"access_token":{"value":"80UPRY5NM33OMUKMKSKU"},"uri":"https://as.example/continue/1","wait":30}}`
	interactBody = `{"interact":{"redirect":"https://as.example/interact/1","finish":"MBDOFXG4Y5CVJCX821LH"},` +
		`"continue":{"access_token":{"value":"80UPRY5NM33OMUKMKSKU"},"uri":"https://as.example/continue/1"}}`
)

func newClient(t testing.TB, responses ...fake.Response) (*Client, *fake.Server) {
	server := fake.New(t, responses...)
	return newClientOf(server), server
}

func newClientOf(transport http.RoundTripper) *Client {
	return &Client{Client: signedhttp.Client{Transport: transport, Key: httpsig.Key{ID: fake.KeyID, Signer: fake.Key}}}
}

func failure(t testing.TB, err error) *signedhttp.Error {
	t.Helper()
	var e *signedhttp.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T %v, want an *signedhttp.Error", err, err)
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
		response            fake.Response
		method, token, body string
		grant               bool
	}{
		"request": {func(c *Client) (*Grant, error) { return c.Request(t.Context(), testURI, request) },
			fake.Response{Body: interactBody, Status: 200}, "POST", "", requestBody, true},
		"smallest request": {func(c *Client) (*Grant, error) {
			return c.Request(t.Context(), testURI, GrantRequest{Subject: &Subject{[]SubID{{"i", "uri"}}}, Client: map[string]string{"jwk": "j"}})
		}, fake.Response{}, "POST", "", `{"subject":{"sub_ids":[{"id":"i","format":"uri"}]},"client":{"jwk":"j"}}`, true},
		"continue": {func(c *Client) (*Grant, error) { return c.Continue(t.Context(), testURI, testToken, `a"&<>b`) },
			fake.Response{}, "POST", testToken, `{"interact_ref":"a\"&<>b"}`, true},
		"poll": {func(c *Client) (*Grant, error) { return c.Continue(t.Context(), testURI, testToken, "") },
			fake.Response{Body: pendingBody, Status: 200}, "POST", testToken, "", true},
		"rotate": {func(c *Client) (*Grant, error) { return c.Rotate(t.Context(), testURI, testToken) },
			fake.Response{}, "POST", testToken, "", true},
		"cancel": {func(c *Client) (*Grant, error) { return nil, c.Cancel(t.Context(), testURI, testToken) },
			fake.Response{Status: 204}, "DELETE", testToken, "", false},
		"revoke": {func(c *Client) (*Grant, error) { return nil, c.Revoke(t.Context(), testURI, testToken) },
			fake.Response{Status: 204}, "DELETE", testToken, "", false},
		"cancel with words in the response": {func(c *Client) (*Grant, error) {
			return c.Do(t.Context(), Call{OpCancel, testURI, testToken, nil})
		}, fake.Response{Status: 200, Body: "done"}, "DELETE", testToken, "", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client, server := newClient(t, c.response)
			grant, err := c.call(client)
			if err != nil {
				t.Fatal(err)
			}
			if (grant != nil) != c.grant {
				t.Errorf("grant %+v", grant)
			}
			server.WantRequests(1)
			got := server.Requests()[0]
			if got.Method != c.method || got.Target != testURI || got.Body != c.body {
				t.Errorf("sent %s %s\n%s\nwant %s %s\n%s", got.Method, got.Target, got.Body, c.method, testURI, c.body)
			}
			wantHeader := map[string]string{"Accept": "application/json", "Authorization": "", "Content-Type": ""}
			if c.token != "" {
				wantHeader["Authorization"] = "GNAP " + c.token
			}
			if c.body != "" {
				wantHeader["Content-Type"] = "application/json"
			}
			for name, want := range wantHeader {
				if value := got.Header.Get(name); value != want {
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
		if _, err := httpsig.Verify(r, body, fake.Key.Public().(ed25519.PublicKey), httpsig.Policy{Strict: true}); err != nil {
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
	client := &Client{Client: signedhttp.Client{Transport: wire.Client().Transport, Key: httpsig.Key{ID: "k1", Signer: fake.Key}}}
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

func wantArgument(t *testing.T, err error, argument, problem string) {
	t.Helper()
	var e *signedhttp.ArgumentError
	if !errors.As(err, &e) {
		t.Fatalf("got %T %v, want an *signedhttp.ArgumentError", err, err)
	}
	if e.Argument != argument || e.Problem != problem {
		t.Errorf("%q %q, want %q %q", e.Argument, e.Problem, argument, problem)
	}
	if want := fmt.Sprintf("%q %s", argument, problem); err.Error() != want {
		t.Errorf("text %q, want %q", err, want)
	}
}

func TestRequestThatCannotBeEncoded(t *testing.T) {
	client, server := newClient(t)
	_, err := client.Request(t.Context(), testURI, GrantRequest{Client: make(chan int)})
	wantArgument(t, err, "body", "must be encodable as JSON")
	server.WantRequests(0)
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
	client, _ := newClient(t, fake.Response{Status: 201, Body: body})
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

// said returns the text of an error without what goes before: description and advice.
func said(e *signedhttp.Error) string {
	return strings.TrimPrefix(e.Error(), fmt.Sprintf("%s: %s: ", e.Operation, e.Code))
}

func TestUnknownClientIsLedToCheckPublished(t *testing.T) {
	for words, want := range map[string]string{
		"could not determine client": "could not determine client. Check with checkPublished that the client's wallet address publishes this key.",
		"invalid signature.":         "invalid signature. Check with checkPublished that the client's wallet address publishes this key.",
	} {
		refusal := fake.Response{Status: 400, Body: `{"error":{"code":"invalid_client","description":"` + words + `"}}`}
		client := &Client{Client: signedhttp.Client{Key: fake.Instant, Transport: fake.Fixed{Response: refusal}}}
		_, err := client.Request(t.Context(), testURI, GrantRequest{Client: "c"})
		if e := failure(t, err); said(e) != want || e.Description != words || e.Code != "invalid_client" {
			t.Errorf("%v", err)
		}
	}
}

func TestWaitIsInTheError(t *testing.T) {
	for name, c := range map[string]struct {
		fake.Response
		wait time.Duration
	}{
		"not said":            {fake.Response{Status: 503, Body: `{}`}, 0},
		"Retry-After":         {fake.Response{Status: 503, Body: `{}`, Header: http.Header{"Retry-After": {"7"}}}, 7 * time.Second},
		"a bit":               {fake.Response{Status: 429, Body: `{}`, Header: http.Header{"Retry-After": {"0.001"}}}, time.Second},
		"zero":                {fake.Response{Status: 429, Body: `{}`, Header: http.Header{"Retry-After": {"0"}}}, 0},
		"too_fast":            {tooFast(""), 5 * time.Second},
		"too_fast, in moment": {fake.Response{Status: 400, Body: `{"error":"too_fast","continue":{"wait":0.0001}}`}, time.Second},
	} {
		client, _ := newClient(t, c.Response)
		_, err := client.Rotate(t.Context(), testURI, testToken)
		if e := failure(t, err); e.Wait != c.wait {
			t.Errorf("%s: %s, want %s", name, e.Wait, c.wait)
		}
	}
}

func TestRule7APollThatMustWaitTooLongEndsAtOnce(t *testing.T) {
	const pendingTen = `200 {"continue":{"uri":"https://as.example/c/2","access_token":{"value":"T2"},"wait":10}}`
	const stillPending = "The grant is still pending. The next request may be made in %d s, and this call ends before that."
	const pendingOne = `200 {"continue":{"uri":"https://as.example/c/2","access_token":{"value":"T2"},"wait":4}}`
	cases := map[string]struct {
		responses   []string
		timeout     time.Duration
		ended       time.Duration
		code        string
		wait        time.Duration
		description string
	}{
		"before the first": {nil, time.Second, 0, "too_fast", time.Second, fmt.Sprintf(stillPending, 1)},
		"after a response": {[]string{pendingTen}, 5 * time.Second, time.Second, "too_fast", 10 * time.Second, fmt.Sprintf(stillPending, 10)},
		"when its time is up": {[]string{pendingOne}, 4500 * time.Millisecond, time.Second, signedhttp.CodeTimeout, 4 * time.Second,
			"The grant was still pending when the server last answered, and the time for this call is up. " +
				"The next request may be made in 4 s, and this call ends before that."},
		"after too_fast": {[]string{`400 {"error":{"code":"too_fast","description":"slowly"}}`}, 5 * time.Second, time.Second, "too_fast",
			6 * time.Second, "slowly. The next request may be made in 6 s, and this call ends before that."},
		"after a lost one": {[]string{"lost"}, 5 * time.Second, time.Second, signedhttp.CodeNetwork, 6 * time.Second, ""},
		"in a request": {[]string{pollAtOnce, "silence"}, 3 * time.Second, 3 * time.Second, signedhttp.CodeTimeout, 0,
			"The grant was still pending when the server last answered, and the time for this call is up."},
		"in the first of it": {[]string{"silence"}, 3 * time.Second, 3 * time.Second, signedhttp.CodeTimeout, 0,
			"The server did not answer in time. It may have processed the request all the same."},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
				defer cancel()
				began := time.Now()
				_, err := pollWith(ctx, &script{responses: c.responses, began: began}, nil)
				e := failure(t, err)
				if e.Code != c.code || !e.Retryable || e.Wait != c.wait || c.description != "" && said(e) != c.description {
					t.Errorf("error %+v", *e)
				}
				if ended := time.Since(began); ended != c.ended {
					t.Errorf("ended after %s, want %s", ended, c.ended)
				}
			})
		})
	}
}

// It follows what it was given, so it cannot do with any shape.
func TestPollReadsWhatItFollows(t *testing.T) {
	for _, body := range []string{"null", "{}", "5", `{"continue":null}`} {
		synctest.Test(t, func(t *testing.T) {
			client := &Client{Client: signedhttp.Client{Transport: &script{responses: []string{"200 " + body}}, Key: fake.Instant}, AcceptAnyShape: true}
			wait := 0.0
			pending := Continuation{URI: testURI, Wait: &wait}
			pending.AccessToken.Value = testToken
			if _, err := client.Poll(t.Context(), pending, nil); failure(t, err).Code != signedhttp.CodeShape {
				t.Errorf("%s: %v", body, err)
			}
		})
	}
}
