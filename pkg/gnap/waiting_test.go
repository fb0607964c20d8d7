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
)

const tooFastBody = `{"error":{"code":"too_fast","description":"continued too early"}}`

func tooFast(retryAfter string) answer {
	a := answer{status: 400, body: tooFastBody, header: http.Header{"Content-Type": {"application/json"}}}
	if retryAfter != "" {
		a.header.Set("Retry-After", retryAfter)
	}
	return a
}

func TestTooFastWaitsAndTriesAgain(t *testing.T) {
	withWait := func(wait, retryAfter string) answer {
		a := tooFast(retryAfter)
		a.body = `{"error":{"code":"too_fast"},"continue":{"wait":` + wait + `}}`
		return a
	}
	cases := map[string]struct {
		answer answer
		wait   time.Duration
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
		"code as a string":     {answer{status: 400, body: `{"error":"too_fast","continue":{"wait":2}}`}, 2 * time.Second},
		"another status":       {answer{status: 429, body: tooFastBody, header: http.Header{"Retry-After": {"2"}}}, 2 * time.Second},
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
		"a day, header":        {tooFast("Inf"), 24 * time.Hour},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := newClient(t, c.answer, c.answer, answer{})
				start := time.Now()
				grant, err := client.Continue(t.Context(), testURI, testToken, "r")
				if err != nil || grant.AccessToken == nil {
					t.Fatalf("grant %v, error %v", grant, err)
				}
				server.wantRequests(3)
				seen := map[string]bool{}
				for i, request := range server.requests() {
					if waited := request.at.Sub(start); waited != time.Duration(i)*c.wait {
						t.Errorf("request %d after %v, want %v", i, waited, time.Duration(i)*c.wait)
					}
					if request.body != `{"interact_ref":"r"}` || request.target != testURI || request.method != "POST" {
						t.Errorf("request %d: %+v", i, request)
					}
					seen[request.nonce] = true
					seen[request.signature] = true
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
		client, server := newClient(t, tooFast("1"), answer{status: 200, body: pendingBody})
		grant, err := client.Continue(t.Context(), testURI, testToken, "")
		if err != nil || grant.Continue == nil {
			t.Fatalf("grant %v, error %v", grant, err)
		}
		server.wantRequests(2)
	})
}

func TestOnlyContinuationsWait(t *testing.T) {
	for _, op := range []Operation{OpRequest, OpCancel, OpRotate, OpRevoke} {
		synctest.Test(t, func(t *testing.T) {
			client, server := newClient(t, tooFast("1"), answer{})
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
			server.wantRequests(1)
		})
	}
}

// Whatever else a server says, a continuation that may have reached it is not made again.
func TestOnlyTooFastIsTriedAgain(t *testing.T) {
	answers := map[string]answer{
		"429":          {status: 429, body: `{}`, header: http.Header{"Retry-After": {"1"}}},
		"503":          {status: 503, body: `{"continue":{"wait":1}}`},
		"other code":   {status: 400, body: `{"error":"unknown_request"}`},
		"no network":   {err: errors.New("reset")},
		"success":      {status: 200, body: tooFastBody},
		"not JSON":     {status: 200, body: "<p>"},
		"in the words": {status: 400, body: `{"error":{"description":"too_fast"}}`},
	}
	for name, a := range answers {
		synctest.Test(t, func(t *testing.T) {
			client, server := newClient(t, a, answer{})
			if _, err := client.Continue(t.Context(), testURI, testToken, "r"); err == nil {
				t.Errorf("%s: no error", name)
			}
			server.wantRequests(1)
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
		for _, flights := range []*Flights{nil, {}} {
			t.Run(fmt.Sprint(name, flights != nil), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client, server := newClient(t, tooFast(""), tooFast(""), tooFast(""), answer{})
					client.Flights = flights
					ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
					defer cancel()
					start := time.Now()
					_, err := client.Continue(ctx, testURI, testToken, "r")
					if c.code != "" {
						if e := failure(t, err); e.Code != c.code || !e.Retryable || e.Status != 400 || e.Wait != 5*time.Second {
							t.Errorf("error %+v", *e)
						}
						if want := "continued too early. The next request may be made in 5 s, and this call ends before that."; failure(t, err).Description != want {
							t.Errorf("description %q", failure(t, err).Description)
						}
					} else if err != nil {
						t.Error(err)
					}
					if ended := time.Since(start); ended != c.ended {
						t.Errorf("ended after %v, want %v", ended, c.ended)
					}
					server.wantRequests(c.requests)
				})
			})
		}
	}
}

var errEnough = errors.New("enough of it")

func TestCancelWhileWaiting(t *testing.T) {
	for _, flights := range []*Flights{nil, {}} {
		synctest.Test(t, func(t *testing.T) {
			client, server := newClient(t, tooFast("60"), answer{})
			client.Flights = flights
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
			server.wantRequests(1)
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
	return answer{status: 200, stream: contextReader{req.Context()}}.response(), nil
}

type contextReader struct{ ctx context.Context }

func (r contextReader) Read([]byte) (int, error) {
	<-r.ctx.Done()
	return 0, errors.New("body: aborted")
}

func TestEndOfTheContext(t *testing.T) {
	servers := map[string]func(*http.Request) (*http.Response, error){"no answer": until, "half an answer": untilBody}
	for name, handle := range servers {
		for _, flights := range []*Flights{nil, {}} {
			t.Run(fmt.Sprint(name, flights != nil), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client, server := newClient(t)
					server.handle, client.Flights = handle, flights

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
					answered := name != "no answer" && flights == nil // with Flights the call ends before the request
					if e.Code != CodeTimeout || !e.Retryable || (e.Status == 200) != answered || e.Operation != OpRotate || !errors.Is(err, errEnough) {
						t.Errorf("timed out: %+v", *e)
					}
					if waited := time.Since(start); waited != time.Second {
						t.Errorf("timed out after %v", waited)
					}

					bare, stopBare := context.WithTimeout(t.Context(), time.Second)
					defer stopBare()
					if _, err := client.Rotate(bare, testURI, testToken); failure(t, err).Code != CodeTimeout || !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("timed out: %v", err)
					}
					server.wantRequests(4)
				})
			})
		}
	}
}

func TestContextThatEndedBefore(t *testing.T) {
	for _, flights := range []*Flights{nil, {}} {
		synctest.Test(t, func(t *testing.T) {
			client, server := newClient(t)
			client.Flights = flights
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errEnough)
			if _, err := client.Continue(ctx, testURI, testToken, "r"); err != errEnough {
				t.Errorf("got %v, want the cause", err)
			}
			expired, stop := context.WithDeadline(t.Context(), time.Now())
			defer stop()
			if _, err := client.Continue(expired, testURI, testToken, "r"); failure(t, err).Code != CodeTimeout {
				t.Errorf("got %v, want a timeout", err)
			}
			if _, err := client.Continue(ctx, "javascript:a", testToken, "r"); err == errEnough {
				t.Error("a wrong argument was not reported")
			}
			synctest.Wait()
			server.wantRequests(0)
		})
	}
}

// slowSigner needs a second, unless its context ends before.
type slowSigner struct{ signerFunc }

func (slowSigner) WithContext(ctx context.Context) crypto.Signer {
	return signerFunc(func(message []byte) ([]byte, error) {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(time.Second):
			return ed25519.Sign(testKey, message), nil
		}
	})
}

func TestSlowSigner(t *testing.T) {
	for _, flights := range []*Flights{nil, {}} {
		synctest.Test(t, func(t *testing.T) {
			client, server := newClient(t)
			client.Key, client.Flights = httpsig.Key{ID: "k1", Signer: slowSigner{}}, flights
			if _, err := client.Continue(t.Context(), testURI, testToken, "r"); err != nil {
				t.Error(err)
			}
			server.wantRequests(1)
			limited, stop := context.WithTimeout(t.Context(), time.Millisecond)
			defer stop()
			if _, err := client.Continue(limited, testURI, testToken, "r"); failure(t, err).Code != CodeTimeout {
				t.Errorf("got %v, want a timeout", err)
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Millisecond, func() { cancel(errEnough) })
			if _, err := client.Continue(ctx, testURI, testToken, "r"); err != errEnough {
				t.Errorf("got %v, want the cause", err)
			}
			time.Sleep(time.Minute)
			server.wantRequests(1)
		})
	}
}
