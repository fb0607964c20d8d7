package signedhttp

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/internal/fake"
)

var errEnough = errors.New("enough of it")

// tooFast is a server that asks to come back in so many seconds.
func tooFast(seconds string) fake.Response {
	return fake.Response{Status: 400, Body: `{"error":{"code":"too_fast"}}`, Header: http.Header{"Retry-After": {seconds}}}
}

// outcome is how one call ended, and when.
type outcome struct {
	result   any
	err      error
	panicked any
	after    time.Duration
}

// start makes a call in a goroutine of its own.
func start(ctx context.Context, client *Client, request Request) <-chan outcome {
	result := make(chan outcome, 1)
	began := time.Now()
	go func() {
		var o outcome
		defer func() {
			o.panicked = recover()
			o.after = time.Since(began)
			result <- o
		}()
		o.result, o.err = client.Do(ctx, request)
	}()
	return result
}

var continuation = change("r")

// sharing is a client with Flights whose server responds one second later.
func sharing(t testing.TB, a fake.Response) (*Client, *fake.Server) {
	client, server := newClient(t)
	client.SingleFlight = &SingleFlight{}
	server.Handle = func(req *http.Request) (*http.Response, error) {
		select {
		case <-req.Context().Done():
			return nil, req.Context().Err()
		case <-time.After(time.Second):
			return a.HTTP(), nil
		}
	}
	return client, server
}

func TestEqualCallsShareOneRequest(t *testing.T) {
	responses := map[string]fake.Response{
		"success": {}, "failure": {Status: 404, Body: `{"error":"invalid_continuation"}`},
	}
	for name, a := range responses {
		synctest.Test(t, func(t *testing.T) {
			client, server := sharing(t, a)
			var calls []<-chan outcome
			for range 64 {
				calls = append(calls, start(t.Context(), client, continuation))
				time.Sleep(time.Millisecond)
			}
			for _, url := range []string{"HTTPS://as.example/continue/1", "https://AS.EXAMPLE/continue/1", testURI + "#fragment"} {
				same := continuation
				same.URL = url
				calls = append(calls, start(t.Context(), client, same))
			}
			for i, call := range calls {
				o := <-call
				if a.Status == 0 && (o.err != nil || o.result == nil) {
					t.Errorf("%s, call %d: %+v", name, i, o)
				}
				if a.Status != 0 && failure(t, o.err).Code != "invalid_continuation" {
					t.Errorf("%s, call %d: %+v", name, i, o)
				}
			}
			server.WantRequests(1)
		})
	}
}

func TestOtherCallsAreNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := sharing(t, fake.Response{})
		otherKey := &Client{
			Transport: client.Transport, SingleFlight: client.SingleFlight,
			Key: httpsig.Key{ID: "k1 ", Signer: fake.Key},
		}
		server.T = quiet{t} // it knows one key id
		changed := func(change func(*Request)) Request {
			call := continuation
			change(&call)
			return call
		}
		calls := []<-chan outcome{
			start(t.Context(), client, continuation),
			start(t.Context(), client, changed(func(r *Request) { r.Body = []byte(`{"interact_ref":"s"}`) })),
			start(t.Context(), client, changed(func(r *Request) { r.Body = nil })),
			start(t.Context(), client, changed(func(r *Request) { r.AccessToken += "5" })),
			start(t.Context(), client, changed(func(r *Request) { r.URL += "1" })),
			start(t.Context(), client, changed(func(r *Request) { r.URL += "?" })),
			start(t.Context(), client, changed(func(r *Request) { r.URL += "/" })),
			start(t.Context(), client, changed(func(r *Request) { r.URL = "https://as.example/Continue/1" })),
			start(t.Context(), client, changed(func(r *Request) { r.URL = "https://as.example:444/continue/1" })),
			start(t.Context(), client, changed(func(r *Request) { r.Operation = opStart })),
			start(t.Context(), client, changed(func(r *Request) { r.Operation = opRead })),
			start(t.Context(), client, changed(func(r *Request) { r.Operation = opEnd })),
			start(t.Context(), client, changed(func(r *Request) { r.Reader = otherReader{} })),
			start(t.Context(), otherKey, continuation),
			start(t.Context(), &Client{Transport: client.Transport, SingleFlight: client.SingleFlight, Key: client.Key}, continuation),
		}
		for i, call := range calls {
			if o := <-call; o.err != nil {
				t.Errorf("call %d: %v", i, o.err)
			}
		}
		if got := len(server.Requests()); got != len(calls) { // the server itself is quiet
			t.Errorf("%d requests, want %d", got, len(calls))
		}
	})
}

// otherReader makes another result of the same response.
type otherReader struct{}

func (otherReader) Read(_ *Operation, text []byte, _ any) (any, []string) { return string(text), nil }

// quiet does not mind what the server finds.
type quiet struct{ testing.TB }

func (quiet) Errorf(string, ...any) {}

func TestWithoutSingleFlightNothingIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := sharing(t, fake.Response{})
		client.SingleFlight = nil
		a, b := start(t.Context(), client, continuation), start(t.Context(), client, continuation)
		if x, y := <-a, <-b; x.err != nil || y.err != nil || x.result == y.result {
			t.Errorf("%+v %+v", x, y)
		}
		server.WantRequests(2)
	})
}

func TestCallsInTurnAreNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := sharing(t, fake.Response{})
		for i := range 3 {
			if o := <-start(t.Context(), client, continuation); o.err != nil {
				t.Error(o.err)
			}
			server.WantRequests(i + 1)
		}
		if len(client.SingleFlight.calls) != 0 {
			t.Error("calls that have ended are kept")
		}
	})
}

func TestOneCallerLeavesTheOthersTheirResponse(t *testing.T) {
	for leaver := range 3 {
		synctest.Test(t, func(t *testing.T) {
			client, server := sharing(t, fake.Response{})
			ctx, cancel := context.WithCancelCause(t.Context())
			var calls []<-chan outcome
			for i := range 3 {
				callCtx := t.Context()
				if i == leaver {
					callCtx = ctx
				}
				calls = append(calls, start(callCtx, client, continuation))
				synctest.Wait()
			}
			time.Sleep(500 * time.Millisecond)
			cancel(errEnough)
			for i, call := range calls {
				o := <-call
				if i == leaver && (o.err != errEnough || o.after != 500*time.Millisecond) {
					t.Errorf("who left: %+v", o)
				}
				if i != leaver && (o.err != nil || o.after != time.Second) {
					t.Errorf("caller %d, when %d left: %+v", i, leaver, o)
				}
			}
			server.WantRequests(1)
		})
	}
}

func TestRequestEndsWithItsLastCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := newClient(t)
		client.SingleFlight = &SingleFlight{}
		ended := make(chan time.Time, 1)
		server.Handle = func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			ended <- time.Now()
			return nil, req.Context().Err()
		}
		began := time.Now()
		first, cancelFirst := context.WithCancel(t.Context())
		second, cancelSecond := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancelSecond()
		a, b := start(first, client, continuation), start(second, client, continuation)
		time.Sleep(time.Second)
		cancelFirst()
		if o := <-a; o.err != context.Canceled {
			t.Errorf("first caller: %+v", o)
		}
		synctest.Wait()
		if len(ended) > 0 {
			t.Error("the request ended while somebody waited for it")
		}
		if o := <-b; failure(t, o.err).Code != CodeTimeout {
			t.Errorf("second caller: %+v", o)
		}
		if got := (<-ended).Sub(began); got != 2*time.Second {
			t.Errorf("the request ended after %v", got)
		}

		// The next caller must not join a request that is ending.
		server.HandleWith(nil)
		if o := <-start(t.Context(), client, continuation); o.err != nil {
			t.Error(o.err)
		}
		server.WantRequests(2)
	})
}

// Between the end of the last caller and the end of the request somebody may come.
func TestNobodyJoinsARequestThatIsEnding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := newClient(t)
		client.SingleFlight = &SingleFlight{}
		server.Handle = func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			time.Sleep(time.Second) // an abort may take its time
			return nil, req.Context().Err()
		}
		ctx, cancel := context.WithCancel(t.Context())
		first := start(ctx, client, continuation)
		synctest.Wait()
		cancel()
		<-first
		server.HandleWith(nil)
		late := start(t.Context(), client, continuation)
		if o := <-late; o.err != nil || o.after != 0 {
			t.Errorf("late caller: %+v", o)
		}
		time.Sleep(time.Minute) // the end of the first request must not disturb later ones
		server.WantRequests(2)
		if len(client.SingleFlight.calls) != 0 {
			t.Error("calls that have ended are kept")
		}
	})
}

func TestPanicReachesEveryCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := newClient(t)
		client.SingleFlight = &SingleFlight{}
		server.Handle = func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			panic("out of order")
		}
		var calls []<-chan outcome
		for range 8 {
			calls = append(calls, start(t.Context(), client, continuation))
		}
		for i, call := range calls {
			if o := <-call; o.panicked != "out of order" || o.result != nil {
				t.Errorf("call %d: %+v", i, o)
			}
		}
		server.WantRequests(1)
		server.HandleWith(nil)
		if o := <-start(t.Context(), client, continuation); o.err != nil || o.panicked != nil {
			t.Errorf("later call: %+v", o)
		}
		server.WantRequests(2)
	})
}

type contextKey struct{}

func TestValuesOfTheFirstCallerAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := newClient(t)
		client.SingleFlight = &SingleFlight{}
		server.Handle = func(req *http.Request) (*http.Response, error) {
			if req.Context().Value(contextKey{}) != "value" {
				t.Error("the values of the context were lost")
			}
			return fake.Response{}.HTTP(), nil
		}
		if o := <-start(context.WithValue(t.Context(), contextKey{}, "value"), client, continuation); o.err != nil {
			t.Error(o.err)
		}
	})
}

// The most patient of those who wait decides how long the shared request may wait.
func TestPatienceIsShared(t *testing.T) {
	const forever = time.Duration(0)
	cases := map[string]struct {
		patience []time.Duration
		wait     bool // until the server allows the next try, five seconds later
	}{
		"one, impatient":         {[]time.Duration{3 * time.Second}, false},
		"one, patient":           {[]time.Duration{10 * time.Second}, true},
		"all impatient":          {[]time.Duration{2 * time.Second, 4 * time.Second, 3 * time.Second}, false},
		"the last is patient":    {[]time.Duration{2 * time.Second, 10 * time.Second}, true},
		"the first is patient":   {[]time.Duration{10 * time.Second, 2 * time.Second}, true},
		"one without a limit":    {[]time.Duration{2 * time.Second, forever}, true},
		"no limit, then a limit": {[]time.Duration{forever, 2 * time.Second}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, server := newClient(t)
				client.SingleFlight = &SingleFlight{}
				var turn atomic.Int32
				server.Handle = func(*http.Request) (*http.Response, error) {
					time.Sleep(time.Second)
					if turn.Add(1) == 1 {
						return tooFast("5").HTTP(), nil
					}
					return fake.Response{}.HTTP(), nil
				}
				var calls []<-chan outcome
				for _, patience := range c.patience {
					ctx := t.Context()
					if patience != forever {
						limited, cancel := context.WithTimeout(ctx, patience)
						defer cancel()
						ctx = limited
					}
					calls = append(calls, start(ctx, client, continuation))
					synctest.Wait()
				}
				for i, call := range calls {
					o := <-call
					switch patience := c.patience[i]; {
					case !c.wait:
						if failure(t, o.err).Code != "too_fast" || o.after != time.Second {
							t.Errorf("caller %d: %+v", i, o)
						}
					case patience == forever || patience > 7*time.Second:
						if o.err != nil || o.after != 7*time.Second {
							t.Errorf("caller %d: %+v", i, o)
						}
					default:
						if failure(t, o.err).Code != CodeTimeout || o.after != patience {
							t.Errorf("caller %d: %+v", i, o)
						}
					}
				}
			})
		})
	}
}

// The patience of a caller leaves with it.
func TestPatienceOfWhoLeftDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := sharing(t, tooFast("5"))
		patient, cancel := context.WithCancel(t.Context())
		hurried, stop := context.WithTimeout(t.Context(), 3*time.Second)
		defer stop()
		a, b := start(patient, client, continuation), start(hurried, client, continuation)
		time.Sleep(500 * time.Millisecond)
		cancel()
		if o := <-a; o.err != context.Canceled {
			t.Errorf("patient caller: %+v", o)
		}
		if o := <-b; failure(t, o.err).Code != "too_fast" || o.after != time.Second {
			t.Errorf("hurried caller: %+v", o)
		}
	})
}

// Many callers come and go at once, for the race detector: every one gets a response or its own
// cancellation, and nothing is left.
func TestSingleFlightUnderLoad(t *testing.T) {
	client, server := newClient(t)
	client.SingleFlight = &SingleFlight{}
	server.Handle = func(req *http.Request) (*http.Response, error) {
		for range 10 {
			if req.Context().Err() != nil {
				return nil, req.Context().Err()
			}
			_, _ = req.Context().Deadline()
		}
		return fake.Response{}.HTTP(), nil
	}
	var group sync.WaitGroup
	for i := range 400 {
		group.Go(func() {
			call := continuation
			call.AccessToken = fmt.Sprint("token-", i%5)
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			if rand.IntN(2) == 0 {
				go cancel(errEnough)
			}
			result, err := client.Do(ctx, call)
			if err != nil && !errors.Is(err, errEnough) || err == nil && result == nil {
				t.Errorf("result %v, error %v", result, err)
			}
		})
	}
	group.Wait()
	client.SingleFlight.mu.Lock()
	defer client.SingleFlight.mu.Unlock()
	for id := range client.SingleFlight.calls {
		t.Errorf("still in flight: %+v", id)
	}
	if n := len(server.Requests()); n > 400 {
		t.Errorf("%d requests for 400 calls", n)
	}
}

// What is sent once is sent by itself, however equal it is.
func TestRequestsThatAreSentOnceAreNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := sharing(t, tooFast("5"))
		once := continuation
		once.Once = true
		a, b := start(t.Context(), client, once), start(t.Context(), client, once)
		for _, o := range []outcome{<-a, <-b} {
			if failure(t, o.err).Code != "too_fast" || o.after != time.Second {
				t.Errorf("%+v", o)
			}
		}
		server.WantRequests(2)
	})
}
