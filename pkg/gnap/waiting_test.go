package gnap

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/signedhttp"
)

const tooFastBody = `{"error":{"code":"too_fast","description":"continued too early"}}`

func tooFast(retryAfter string) fake.Response {
	a := fake.Response{Status: 400, Body: tooFastBody, Header: http.Header{"Content-Type": {"application/json"}}}
	if retryAfter != "" {
		a.Header.Set("Retry-After", retryAfter)
	}
	return a
}

func TestTooFastWaitsAndTriesAgain(t *testing.T) {
	withWait := func(wait, retryAfter string) fake.Response {
		a := tooFast(retryAfter)
		a.Body = `{"error":{"code":"too_fast"},"continue":{"wait":` + wait + `}}`
		return a
	}
	cases := map[string]struct {
		response fake.Response
		wait     time.Duration
	}{
		"nothing said":         {tooFast(""), 5 * time.Second},
		"Retry-After":          {tooFast("7"), 7 * time.Second},
		"Retry-After, a part":  {tooFast("0.5"), time.Second},
		"Retry-After, a bit":   {tooFast("1e-300"), time.Second},
		"wait, a moment":       {withWait("0.0001", ""), time.Second},
		"beyond float64":       {withWait("1e400", ""), 24 * time.Hour},
		"far below zero":       {withWait("-1e400", ""), 5 * time.Second},
		"wait":                 {withWait("12", ""), 12 * time.Second},
		"wait, a part":         {withWait("1.5", ""), 1500 * time.Millisecond},
		"wait wins":            {withWait("3", "60"), 3 * time.Second},
		"code as a string":     {fake.Response{Status: 400, Body: `{"error":"too_fast","continue":{"wait":2}}`}, 2 * time.Second},
		"another status":       {fake.Response{Status: 429, Body: tooFastBody, Header: http.Header{"Retry-After": {"2"}}}, 2 * time.Second},
		"wait of zero":         {withWait("0", ""), 5 * time.Second},
		"Retry-After of zero":  {tooFast("0"), 5 * time.Second},
		"zero and Retry-After": {withWait("0", "4"), 4 * time.Second},
		"negative":             {withWait("-1", ""), 5 * time.Second},
		"negative, header":     {tooFast("-3"), 5 * time.Second},
		"null":                 {withWait("null", ""), 5 * time.Second},
		"text":                 {withWait(`"9"`, ""), 5 * time.Second},
		"a date":               {tooFast("Fri, 31 Dec 1999 23:59:59 GMT"), 5 * time.Second},
		"not a number":         {tooFast("NaN"), 5 * time.Second},
		"a day at most":        {withWait("1e300", ""), 24 * time.Hour},
		"a day, header":        {tooFast("1e300"), 24 * time.Hour},
		"no number, infinity":  {tooFast("Inf"), 5 * time.Second},
		"no number, of 16":     {tooFast("0x10"), 5 * time.Second},
		"no number, in groups": {tooFast("1_0"), 5 * time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := newClient(t, c.response, c.response, fake.Response{})
				start := time.Now()
				grant, err := client.Continue(t.Context(), testURI, testToken, "r")
				if err != nil || grant.AccessToken == nil {
					t.Fatalf("grant %v, error %v", grant, err)
				}
				server.WantRequests(3)
				seen := map[string]bool{}
				for i, request := range server.Requests() {
					if waited := request.At.Sub(start); waited != time.Duration(i)*c.wait {
						t.Errorf("request %d after %v, want %v", i, waited, time.Duration(i)*c.wait)
					}
					if request.Body != `{"interact_ref":"r"}` || request.Target != testURI || request.Method != "POST" {
						t.Errorf("request %d: %+v", i, request)
					}
					seen[request.Nonce] = true
					seen[request.Signature] = true
				}
				if len(seen) != 6 {
					t.Error("a nonce or signature was used again")
				}
			})
		})
	}
}

func TestTooFastOfAPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := newClient(t, tooFast("1"), fake.Response{Status: 200, Body: pendingBody})
		grant, err := client.Continue(t.Context(), testURI, testToken, "")
		if err != nil || grant.Continue == nil {
			t.Fatalf("grant %v, error %v", grant, err)
		}
		server.WantRequests(2)
	})
}

func TestOnlyContinuationsWait(t *testing.T) {
	for _, op := range []*signedhttp.Operation{OpRequest, OpCancel, OpRotate, OpRevoke} {
		synctest.Test(t, func(t *testing.T) {
			client, server := newClient(t, tooFast("1"), fake.Response{})
			start := time.Now()
			token := testToken
			if op == OpRequest {
				token = ""
			}
			_, err := client.Do(t.Context(), Call{op, testURI, token, nil})
			if e := failure(t, err); e.Code != "too_fast" || !e.Retryable || e.Operation != op {
				t.Errorf("%s: %+v", op, *e)
			}
			if time.Since(start) != 0 {
				t.Errorf("%s waited", op)
			}
			server.WantRequests(1)
		})
	}
}

// Whatever else a server says, a continuation that may have reached it is not made again.
func TestOnlyTooFastIsTriedAgain(t *testing.T) {
	responses := map[string]fake.Response{
		"429":          {Status: 429, Body: `{}`, Header: http.Header{"Retry-After": {"1"}}},
		"503":          {Status: 503, Body: `{"continue":{"wait":1}}`},
		"other code":   {Status: 400, Body: `{"error":"unknown_request"}`},
		"no network":   {Err: errors.New("reset")},
		"success":      {Status: 200, Body: tooFastBody},
		"not JSON":     {Status: 200, Body: "<p>"},
		"in the words": {Status: 400, Body: `{"error":{"description":"too_fast"}}`},
	}
	for name, a := range responses {
		synctest.Test(t, func(t *testing.T) {
			client, server := newClient(t, a, fake.Response{})
			if _, err := client.Continue(t.Context(), testURI, testToken, "r"); err == nil {
				t.Errorf("%s: no error", name)
			}
			server.WantRequests(1)
		})
	}
}

func TestTooFastAndTheDeadline(t *testing.T) {
	cases := map[string]struct {
		timeout  time.Duration
		requests int
		ended    time.Duration
		code     string
	}{
		"waiting would pass it":     {3 * time.Second, 1, 0, "too_fast"},
		"waiting would end on it":   {5 * time.Second, 1, 0, "too_fast"},
		"there is time for one":     {6 * time.Second, 2, 5 * time.Second, "too_fast"},
		"there is time for two":     {11 * time.Second, 3, 10 * time.Second, "too_fast"},
		"there is time for success": {16 * time.Second, 4, 15 * time.Second, ""},
	}
	for name, c := range cases {
		for _, flights := range []*signedhttp.SingleFlight{nil, {}} {
			t.Run(fmt.Sprint(name, flights != nil), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client, server := newClient(t, tooFast(""), tooFast(""), tooFast(""), fake.Response{})
					client.SingleFlight = flights
					ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
					defer cancel()
					start := time.Now()
					_, err := client.Continue(ctx, testURI, testToken, "r")
					if c.code != "" {
						if e := failure(t, err); e.Code != c.code || !e.Retryable || e.Status != 400 || e.Wait != 5*time.Second {
							t.Errorf("error %+v", *e)
						}
						if want := "continued too early. The next request may be made in 5 s, and this call ends before that."; said(failure(t, err)) != want {
							t.Errorf("it says %q", said(failure(t, err)))
						}
					} else if err != nil {
						t.Error(err)
					}
					if ended := time.Since(start); ended != c.ended {
						t.Errorf("ended after %v, want %v", ended, c.ended)
					}
					server.WantRequests(c.requests)
				})
			})
		}
	}
}

var errEnough = errors.New("enough of it")

func TestCancelWhileWaiting(t *testing.T) {
	for _, flights := range []*signedhttp.SingleFlight{nil, {}} {
		synctest.Test(t, func(t *testing.T) {
			client, server := newClient(t, tooFast("60"), fake.Response{})
			client.SingleFlight = flights
			ctx, cancel := context.WithCancelCause(t.Context())
			start := time.Now()
			time.AfterFunc(2*time.Second, func() { cancel(errEnough) })
			_, err := client.Continue(ctx, testURI, testToken, "r")
			if err != errEnough {
				t.Errorf("got %v, want the cause", err)
			}
			if waited := time.Since(start); waited != 2*time.Second {
				t.Errorf("returned after %v", waited)
			}
			time.Sleep(time.Hour)
			server.WantRequests(1)
		})
	}
}

// until answers when the request's context ends.
func until(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, fmt.Errorf("transport: %w", req.Context().Err())
}

// untilBody answers at once, with a body that ends when the request's context does.
func untilBody(req *http.Request) (*http.Response, error) {
	return fake.Response{Status: 200, Stream: contextReader{req.Context()}}.HTTP(), nil
}

type contextReader struct{ ctx context.Context }

func (r contextReader) Read([]byte) (int, error) {
	<-r.ctx.Done()
	return 0, errors.New("body: aborted")
}

func TestEndOfTheContext(t *testing.T) {
	servers := map[string]func(*http.Request) (*http.Response, error){"no response": until, "half a response": untilBody}
	for name, handle := range servers {
		for _, flights := range []*signedhttp.SingleFlight{nil, {}} {
			t.Run(fmt.Sprint(name, flights != nil), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client, server := newClient(t)
					server.Handle, client.SingleFlight = handle, flights

					ctx, cancel := context.WithCancelCause(t.Context())
					time.AfterFunc(time.Second, func() { cancel(errEnough) })
					if _, err := client.Continue(ctx, testURI, testToken, "r"); err != errEnough {
						t.Errorf("cancelled: got %v, want the cause", err)
					}

					plain, cancelPlain := context.WithCancel(t.Context())
					time.AfterFunc(time.Second, cancelPlain)
					if _, err := client.Continue(plain, testURI, testToken, "r"); err != context.Canceled {
						t.Errorf("cancelled: got %v, want context.Canceled", err)
					}

					limited, stop := context.WithTimeoutCause(t.Context(), time.Second, errEnough)
					defer stop()
					start := time.Now()
					_, err := client.Rotate(limited, testURI, testToken)
					e := failure(t, err)
					answered := name != "no response" && flights == nil // with Flights the call ends before the request
					if e.Code != signedhttp.CodeTimeout || !e.Retryable || (e.Status == 200) != answered || e.Operation != OpRotate || !errors.Is(err, errEnough) {
						t.Errorf("timed out: %+v", *e)
					}
					if waited := time.Since(start); waited != time.Second {
						t.Errorf("timed out after %v", waited)
					}

					bare, stopBare := context.WithTimeout(t.Context(), time.Second)
					defer stopBare()
					if _, err := client.Rotate(bare, testURI, testToken); failure(t, err).Code != signedhttp.CodeTimeout ||
						!errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("timed out: %v", err)
					}
					server.WantRequests(4)
				})
			})
		}
	}
}

func TestContextThatEndedBefore(t *testing.T) {
	for _, flights := range []*signedhttp.SingleFlight{nil, {}} {
		synctest.Test(t, func(t *testing.T) {
			client, server := newClient(t)
			client.SingleFlight = flights
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errEnough)
			if _, err := client.Continue(ctx, testURI, testToken, "r"); err != errEnough {
				t.Errorf("got %v, want the cause", err)
			}
			expired, stop := context.WithDeadline(t.Context(), time.Now())
			defer stop()
			if _, err := client.Continue(expired, testURI, testToken, "r"); failure(t, err).Code != signedhttp.CodeTimeout {
				t.Errorf("got %v, want a timeout", err)
			}
			if _, err := client.Continue(ctx, "javascript:a", testToken, "r"); err == errEnough {
				t.Error("a wrong argument was not reported")
			}
			synctest.Wait()
			server.WantRequests(0)
		})
	}
}

// slowSigner needs a second, unless its context ends before.
type slowSigner struct{ fake.SignerFunc }

func (slowSigner) WithContext(ctx context.Context) crypto.Signer {
	return fake.SignerFunc(func(message []byte) ([]byte, error) {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(time.Second):
			return ed25519.Sign(fake.Key, message), nil
		}
	})
}

func TestSlowSigner(t *testing.T) {
	for _, flights := range []*signedhttp.SingleFlight{nil, {}} {
		synctest.Test(t, func(t *testing.T) {
			client, server := newClient(t)
			client.Key, client.SingleFlight = httpsig.Key{ID: "k1", Signer: slowSigner{}}, flights
			if _, err := client.Continue(t.Context(), testURI, testToken, "r"); err != nil {
				t.Error(err)
			}
			server.WantRequests(1)
			limited, stop := context.WithTimeout(t.Context(), time.Millisecond)
			defer stop()
			if _, err := client.Continue(limited, testURI, testToken, "r"); failure(t, err).Code != signedhttp.CodeTimeout {
				t.Errorf("got %v, want a timeout", err)
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Millisecond, func() { cancel(errEnough) })
			if _, err := client.Continue(ctx, testURI, testToken, "r"); err != errEnough {
				t.Errorf("got %v, want the cause", err)
			}
			time.Sleep(time.Minute)
			server.WantRequests(1)
		})
	}
}
