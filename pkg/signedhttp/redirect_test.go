package signedhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/internal/fake"
)

var (
	opPublic = &Operation{Protocol: "test", Name: "public", Method: http.MethodGet, Standard: "the test", Unsigned: true}
	opCreate = &Operation{Protocol: "test", Name: "create", Method: http.MethodPost, Standard: "the test", Creates: true}
)

func redirectTo(location string) fake.Response {
	return fake.Response{Status: http.StatusFound, Header: http.Header{"Location": {location}}}
}

// What anybody may read is asked for without a token, a signature or a key.
func TestUnsigned(t *testing.T) {
	unused := fake.SignerFunc(func([]byte) ([]byte, error) {
		t.Error("something was signed")
		return nil, errors.New("no key")
	})
	server := fake.New(t)
	client := &Client{Transport: server, Key: httpsig.Key{Signer: unused}}
	for _, noStore := range []bool{false, true} {
		request := request(opPublic, "https://wallet.example/alice?a=1", "a token that is not for it")
		request.NoStore = noStore
		if _, err := client.Do(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	requests := server.Requests()
	if got := fmt.Sprint(requests[0].Header, " ", requests[0].Target); got != "map[Accept:[application/json]] https://wallet.example/alice?a=1" {
		t.Error(got)
	}
	if got := fmt.Sprint(requests[1].Header); got != "map[Accept:[application/json] Cache-Control:[no-store]]" {
		t.Error(got)
	}
}

func TestRedirectsAreFollowed(t *testing.T) {
	for location, want := range map[string]string{
		"https://other.example/bob?b=2": "https://other.example/bob?b=2",
		"https://other.example":         "https://other.example/",
		"//other.example/bob":           "https://other.example/bob",
		"/bob":                          "https://wallet.example/bob",
		"bob":                           "https://wallet.example/users/bob",
		"?c=3":                          "https://wallet.example/users/alice?c=3",
		"/a?to=https://other.example/":  "https://wallet.example/a?to=https://other.example/",
		"https://other.example/a#b":     "https://other.example/a",
	} {
		server := fake.New(t, redirectTo(location), fake.Response{})
		client := &Client{Transport: server}
		if _, err := client.Do(t.Context(), request(opPublic, "https://wallet.example/users/alice?a=1", "")); err != nil {
			t.Errorf("%s: %v", location, err)
		}
		if got := server.Requests()[1].Target; got != want {
			t.Errorf("%s leads to %s, want %s", location, got, want)
		}
	}
}

func TestRedirectsAreCounted(t *testing.T) {
	for followed, works := range map[int]bool{5: true, 6: false} {
		responses := slices.Repeat([]fake.Response{redirectTo("/again")}, followed)
		server := fake.New(t, append(responses, fake.Response{})...)
		_, err := (&Client{Transport: server}).Do(t.Context(), request(opPublic, "https://wallet.example/", ""))
		if works && err != nil {
			t.Error(err)
		}
		if !works {
			if e := failure(t, err); e.Code != CodeRedirect || e.Status != 302 || e.Retryable {
				t.Errorf("%v, %d", e, e.Status)
			}
		}
		server.WantRequests(6)
	}
}

func TestRedirectsLeadToHTTPS(t *testing.T) {
	const secure, loopback = "https://wallet.example/", "http://localhost:4000/"
	for _, test := range []struct {
		from, to  string
		allowHTTP bool
		want      bool
	}{
		{secure, "http://wallet.example/", false, false},
		{secure, "http://localhost:4000/", false, false},
		{secure, "http://127.0.0.1/", false, false},
		{secure, "http://wallet.example/", true, true},
		{loopback, "http://127.0.0.1/", false, true},
		{loopback, secure, false, true},
		{loopback, "http://wallet.example/", false, false},
		{loopback, "/b", false, true},
		{secure, "ftp://wallet.example/", false, false},
		{secure, "file:///etc/passwd", false, false},
		{secure, "https://a:b@wallet.example/", false, false},
		{secure, "https://", false, false},
		{secure, "", false, false},
		{secure, "https://wallet.example/\r\nx: y", false, false},
	} {
		// as this package follows, and as a transport has followed
		server := fake.New(t, redirectTo(test.to), fake.Response{})
		_, err := (&Client{Transport: server, AllowHTTP: test.allowHTTP}).Do(t.Context(), request(opPublic, test.from, ""))
		if (err == nil) != test.want || err != nil && failure(t, err).Code != CodeRedirect {
			t.Errorf("from %s to %q: %v", test.from, test.to, err)
		}
		last, problem := url.Parse(test.to)
		if problem != nil || !last.IsAbs() || last.User != nil || last.Host == "" {
			continue
		}
		_, err = (&Client{Transport: elsewhere{last}, AllowHTTP: test.allowHTTP}).Do(t.Context(), request(opPublic, test.from, ""))
		if (err == nil) != test.want || err != nil && failure(t, err).Code != CodeRedirect {
			t.Errorf("followed from %s to %q: %v", test.from, test.to, err)
		}
	}
}

// elsewhere has followed redirects.
type elsewhere struct{ url *url.URL }

func (e elsewhere) RoundTrip(*http.Request) (*http.Response, error) {
	res := fake.Response{}.HTTP()
	res.Request = &http.Request{URL: e.url}
	return res, nil
}

// A signed request is for the address that was signed.
func TestSignedRequestsFollowNothing(t *testing.T) {
	client, server := newClient(t, redirectTo("https://as.example/other"))
	_, err := client.Do(t.Context(), request(opRead, testURI, testToken))
	if e := failure(t, err); e.Code != CodeRedirect {
		t.Error(e)
	}
	server.WantRequests(1)
}

// What makes something is not repeated where it may have been made.
func TestCreateIsNotRetryable(t *testing.T) {
	expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for name, test := range map[string]struct {
		ctx      context.Context
		response fake.Response
		want     bool // of a create; of the rest it is true
	}{
		"no response":         {t.Context(), fake.Response{Err: errors.New("reset")}, false},
		"time":                {expired, fake.Response{}, false},
		"fault of the server": {t.Context(), fake.Response{Status: 500, Body: "{}"}, false},
		"no gateway":          {t.Context(), fake.Response{Status: 503, Body: "{}"}, false},
		"too many":            {t.Context(), fake.Response{Status: 429, Body: "{}"}, true},
	} {
		for op, want := range map[*Operation]bool{opCreate: test.want, opStart: true} {
			_, err := (&Client{Transport: responding(test.response), Key: fake.Instant}).Do(test.ctx, request(op, testURI, testToken))
			if e := failure(t, err); e.Retryable != want {
				t.Errorf("%s of %s: retryable is %t", name, op.Name, e.Retryable)
			}
		}
	}
}

type responding fake.Response

func (r responding) RoundTrip(*http.Request) (*http.Response, error) {
	return fake.Response(r).HTTP(), r.Err
}

func TestCreateTellsWhatWasMade(t *testing.T) {
	long := "https://rs.example/" + strings.Repeat("a", 2048)
	for body, want := range map[string]string{
		`{"id":"https://rs.example/1"}`:                     `{"id":"https://rs.example/1"}`,
		`{"id":"https://rs.example/\u0031"}`:                `{"id":"https://rs.example/\u0031"}`,
		`{"id":"http://localhost/1"}`:                       `{"id":"http://localhost/1"}`,
		`{"id":"https://rs.example/` + testToken + `"}`:     `{"id":"https://rs.example/[redacted]"}`,
		`{"id":"a","id":"https://rs.example/2"}`:            `{"id":"https://rs.example/2"}`,
		`{"id":"` + long + `"}`:                             "",
		`{"id":"javascript:alert(1)"}`:                      "",
		`{"id":{"a":"https://rs.example/"}}`:                "",
		`{"ID":"https://rs.example/1"}`:                     "",
		`["https://rs.example/1"]`:                          "",
		strings.Repeat("[", 300) + strings.Repeat("]", 300): "",
	} {
		for op, want := range map[*Operation]string{opCreate: want, opStart: ""} {
			e := failingWith(t, request(op, testURI, testToken), 201, body)
			if e.Code != CodeShape || e.Retryable || string(e.Details) != want {
				t.Errorf("%s of %.60s: %s, %t, %q, want %q", op.Name, body, e.Code, e.Retryable, e.Details, want)
			}
		}
	}
}

// Two equal requests make two things.
func TestCreateIsNotShared(t *testing.T) {
	client, server := newClient(t)
	client.SingleFlight = &SingleFlight{}
	entered, leave := make(chan struct{}, 2), make(chan struct{})
	server.Handle = func(*http.Request) (*http.Response, error) {
		entered <- struct{}{}
		<-leave
		return fake.Response{}.HTTP(), nil
	}
	done := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := client.Do(t.Context(), request(opCreate, testURI, testToken))
			done <- err
		}()
	}
	<-entered
	<-entered // both were sent before one came back
	close(leave)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestTypeName(t *testing.T) {
	const text = `[{},[],"",1,true,null]`
	value, err := Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, item := range value.([]any) {
		names = append(names, TypeName(item))
	}
	if got := strings.Join(names, " "); got != "object array string number boolean null" {
		t.Error(got)
	}
}
