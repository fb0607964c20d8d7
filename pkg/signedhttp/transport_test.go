package signedhttp

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/internal/fake"
)

var fakeKey = httpsig.Key{ID: fake.KeyID, Signer: fake.Key}

// received is a request as a server got it, which has verified it.
type received struct {
	method, target, body, contentType, authorization string
	chunked                                          bool
}

// startVerifying starts a server that verifies what comes and then lets handle respond.
func startVerifying(t *testing.T, handle http.HandlerFunc) (server *httptest.Server, requests func() []received) {
	var mu sync.Mutex
	var all []received
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		policy := httpsig.Policy{Strict: true, MaxAge: time.Minute, OnlyLabel: true}
		if _, err := httpsig.Verify(r, body, fake.Key.Public().(ed25519.PublicKey), policy); err != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		mu.Lock()
		all = append(all, received{
			r.Method, r.RequestURI, string(body), r.Header.Get("Content-Type"), r.Header.Get("Authorization"), r.TransferEncoding != nil,
		})
		mu.Unlock()
		handle(w, r)
	}))
	t.Cleanup(server.Close)
	return server, func() []received {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func respondWithNothing(http.ResponseWriter, *http.Request) {}

func post(t *testing.T, address string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestTransportSignsEveryKindOfBody(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 1<<17) // 2 MiB, more than any response is read of
	bodies := map[string]struct {
		body              io.Reader
		contentType       string
		want, wantType    string
		transferEncodings []string
	}{
		"none":                {nil, "", "", "", nil},
		"empty":               {strings.NewReader(""), "text/plain", "", "text/plain", nil},
		"of nothing":          {http.NoBody, "", "", "", nil},
		"JSON":                {strings.NewReader(`{"a":"é"}`), "application/json", `{"a":"é"}`, "application/json", nil},
		"without a type":      {bytes.NewReader([]byte{0, 255, '\n'}), "", "\x00\xff\n", "application/octet-stream", nil},
		"of unknown length":   {io.MultiReader(strings.NewReader(large)), "text/plain", large, "text/plain", nil},
		"that was chunked":    {strings.NewReader("chunks"), "text/plain", "chunks", "text/plain", []string{"chunked"}},
		"of unknown no bytes": {io.MultiReader(), "text/plain", "", "text/plain", nil},
	}
	for name, c := range bodies {
		t.Run(name, func(t *testing.T) {
			server, requests := startVerifying(t, respondWithNothing)
			req := post(t, server.URL+"/a//b?c=%20d|e", c.body)
			req.TransferEncoding = c.transferEncodings
			req.Header.Set("Authorization", "GNAP "+testToken)
			if c.contentType != "" {
				req.Header.Set("Content-Type", c.contentType)
			}
			before := req.Header.Clone()
			res, err := (&http.Client{Transport: &Transport{Key: fakeKey}}).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			want := received{"POST", "/a//b?c=%20d|e", c.want, c.wantType, "GNAP " + testToken, false}
			if got := requests(); len(got) != 1 || got[0] != want {
				t.Errorf("%.200v, want %.200v", got, want)
			}
			if fmt.Sprint(req.Header) != fmt.Sprint(before) {
				t.Errorf("the request was changed: %v", req.Header)
			}
		})
	}
}

func TestTransportSignsEveryMethodAndWithoutAToken(t *testing.T) {
	for _, method := range []string{"", "GET", "HEAD", "PUT", "PATCH", "patch", "DELETE", "OPTIONS", "QUERY"} {
		server, requests := startVerifying(t, respondWithNothing)
		address, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		req := (&http.Request{Method: method, URL: address}).WithContext(t.Context()) // with neither Header nor Host
		res, err := (&Transport{Key: fakeKey}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := requests(); len(got) != 1 || got[0].method != method && method != "" || got[0].authorization != "" {
			t.Errorf("%q: %v", method, got)
		}
	}
}

// recording is an http.RoundTripper that keeps what it was given.
type recording struct{ requests []*http.Request }

func (r *recording) RoundTrip(req *http.Request) (*http.Response, error) {
	r.requests = append(r.requests, req)
	return fake.Response{}.HTTP(), nil
}

func TestTransportKeepsGetBody(t *testing.T) {
	base := &recording{}
	req := post(t, testURI, io.MultiReader(strings.NewReader("twice")))
	if _, err := (&Transport{Base: base, Key: fakeKey}).RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	sent := base.requests[0]
	for range 2 {
		body, err := sent.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(body); string(text) != "twice" || err != nil {
			t.Errorf("%q %v", text, err)
		}
	}
}

func TestTransportHandsOutTheResponseAsItComes(t *testing.T) {
	proceed := make(chan struct{})
	server, _ := startVerifying(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, "first")
		w.(http.Flusher).Flush()
		<-proceed
		_, _ = w.Write(make([]byte, 2*MaxResponse))
	})
	res, err := (&http.Client{Transport: &Transport{Key: fakeKey}}).Do(post(t, server.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 5)
	if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "first" || res.StatusCode != http.StatusTeapot {
		t.Errorf("%d %q %v", res.StatusCode, first, err)
	}
	close(proceed)
	if rest, err := io.Copy(io.Discard, res.Body); rest != 2*MaxResponse || err != nil {
		t.Errorf("%d bytes %v", rest, err)
	}
}

func TestTransportFollowsNoRedirect(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		server, requests := startVerifying(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", status)
		})
		client := http.Client{Transport: &Transport{Key: fakeKey}}
		_, err := client.Do(post(t, server.URL, strings.NewReader("body")))
		if e := failure(t, err); e.Code != CodeRedirect || e.Status != status || !strings.Contains(err.Error(), "redirected") {
			t.Errorf("%d: %v", status, err)
		}
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		res, err := client.Do(post(t, server.URL, strings.NewReader("body")))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := requests(); res.StatusCode != status || len(got) != 2 {
			t.Errorf("%d: %v", status, got)
		}
	}
}

func TestTransportNamesWhatItRefuses(t *testing.T) {
	lost := errors.New("lost")
	cases := map[string]struct {
		change            func(*http.Request)
		argument, problem string
	}{
		"http":      {func(r *http.Request) { r.URL.Scheme = "http" }, "URL", "must be an https: URL, or http: on loopback"},
		"ftp":       {func(r *http.Request) { r.URL.Scheme = "ftp" }, "URL", "must be an absolute https: URL, or http: on loopback"},
		"no URL":    {func(r *http.Request) { r.URL = nil }, "URL", "must be there"},
		"user":      {func(r *http.Request) { r.URL.User = url.User("u") }, "URL", "must not carry a user name or password"},
		"host":      {func(r *http.Request) { r.Host = "other.example" }, "Host", "must be that of the URL, which is what is signed"},
		"signature": {func(r *http.Request) { r.Header.Set("Signature", "s") }, "Signature", "must not be there: it is made of the request"},
		"input": {
			func(r *http.Request) { r.Header.Set("Signature-Input", "s") }, "Signature-Input", "must not be there: it is made of the request",
		},
		"digest": {
			func(r *http.Request) { r.Header.Set("Content-Digest", "s") }, "Content-Digest", "must not be there: it is made of the request",
		},
	}
	base := &recording{}
	transport := &Transport{Base: base, Key: fakeKey}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			body := &closing{Reader: strings.NewReader("body")}
			req := post(t, testURI, body)
			c.change(req)
			_, err := transport.RoundTrip(req)
			wantArgument(t, err, c.argument, c.problem)
			if !body.closed {
				t.Error("the body was not closed")
			}
		})
	}
	if _, err := transport.RoundTrip(post(t, testURI, &failingReader{lost})); !errors.Is(err, lost) {
		t.Errorf("a body that cannot be read: %v", err)
	}
	if _, err := (&Transport{Base: base}).RoundTrip(post(t, testURI, nil)); failure(t, err).Code != CodeKey || !errors.Is(err, httpsig.ErrKey) {
		t.Errorf("no key: %v", err)
	}
	if len(base.requests) != 0 {
		t.Errorf("%d requests were sent", len(base.requests))
	}
	plain := post(t, "http://as.example/", nil)
	if _, err := (&Transport{Base: base, Key: fakeKey, AllowHTTP: true}).RoundTrip(plain); err != nil {
		t.Errorf("AllowHTTP: %v", err)
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestTransportManyGoroutines(t *testing.T) {
	server, requests := startVerifying(t, respondWithNothing)
	client := http.Client{Transport: &Transport{Key: fakeKey}}
	var group sync.WaitGroup
	for i := range 32 {
		req := post(t, server.URL, strings.NewReader(fmt.Sprint("body ", i)))
		group.Go(func() {
			res, err := client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
		})
	}
	group.Wait()
	if got := len(requests()); got != 32 {
		t.Errorf("%d requests", got)
	}
}

func TestSignMakesTheHeadersOfARequest(t *testing.T) {
	client := Client{Key: fakeKey}
	body := []byte("--a\r\n")
	for _, token := range []string{"", testToken} {
		for _, content := range [][]byte{nil, body} {
			unsent := Unsent{Method: "PUT", URL: testURI + "?a|b#fragment", AccessToken: token}
			if content != nil {
				unsent.ContentType, unsent.SHA512, unsent.Length = "multipart/form-data; boundary=a", sha512.Sum512(content), int64(len(content))
			}
			header, err := client.Sign(t.Context(), unsent)
			if err != nil {
				t.Fatal(err)
			}
			target, err := url.Parse(testURI + "?a|b")
			if err != nil {
				t.Fatal(err)
			}
			req := &http.Request{Method: "PUT", URL: target, Header: header}
			policy := httpsig.Policy{Strict: true, MaxAge: time.Minute}
			if _, err := httpsig.Verify(req, content, fake.Key.Public().(ed25519.PublicKey), policy); err != nil {
				t.Error(err)
			}
			if got := strings.TrimPrefix(header.Get("Authorization"), "GNAP "); got != token {
				t.Errorf("token %q", got)
			}
		}
	}
}

func TestSignNamesWhatItRefuses(t *testing.T) {
	client := Client{Key: fakeKey}
	_, err := client.Sign(t.Context(), Unsent{Method: "GET", URL: "http://as.example/"})
	wantArgument(t, err, "url", "must be an https: URL, or http: on loopback")
	_, err = client.Sign(t.Context(), Unsent{Method: "GET", URL: testURI, AccessToken: "a b"})
	wantArgument(t, err, "accessToken", TokenProblem)
	_, err = (&Client{}).Sign(t.Context(), Unsent{Method: "GET", URL: testURI})
	if failure(t, err).Code != CodeKey {
		t.Error(err)
	}
	own := errors.New("own")
	ctx, cancel := context.WithCancelCause(t.Context())
	client.Key.Signer = fake.SignerFunc(func([]byte) ([]byte, error) { cancel(own); return nil, own })
	if _, err := client.Sign(ctx, Unsent{Method: "GET", URL: testURI}); err != own {
		t.Errorf("after its end: %v", err)
	}
}
