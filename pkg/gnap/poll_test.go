package gnap

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/signedhttp"
)

// script responds to requests one after the other and notes when they came.
type script struct {
	responses []string // "status body"
	began     time.Time
	at        []time.Duration
	urls      []string
	tokens    []string
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	s.at = append(s.at, time.Since(s.began))
	s.urls = append(s.urls, httpsig.TargetURI(req))
	s.tokens = append(s.tokens, req.Header.Get("Authorization"))
	response := s.responses[0]
	s.responses = s.responses[1:]
	if response == "lost" {
		return nil, errors.New("connection lost")
	}
	if response == "silence" {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	status := map[string]int{"200": 200, "400": 400, "401": 401, "425": 425}[response[:3]]
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(response[4:]))}, nil
}

const (
	pollPending = `200 {"continue":{"uri":"https://as.example/c/2","access_token":{"value":"T2"},"wait":2}}`
	pollAtOnce  = `200 {"continue":{"uri":"https://as.example/c/2","access_token":{"value":"T2"},"wait":0}}`
	pollMoment  = `200 {"continue":{"uri":"https://as.example/c/2","access_token":{"value":"T2"},"wait":0.0001}}`
	pollIssued  = `200 {"access_token":{"value":"A","manage":"https://as.example/t","access":[]}}`
	pollTooFast = `400 {"error":{"code":"too_fast"}}`
)

func TestPoll(t *testing.T) {
	cases := map[string]struct {
		responses []string
		at        []time.Duration
		code      string
	}{
		"waits as the server says, then follows": {[]string{pollPending, pollPending, pollIssued}, []time.Duration{1, 3, 5}, ""},
		"zero is no pause":                       {[]string{pollAtOnce, pollAtOnce, pollIssued}, []time.Duration{1, 2, 3}, ""},
		"slows down for good":                    {[]string{pollTooFast, pollPending, pollIssued}, []time.Duration{1, 7, 14}, ""},
		"survives a lost connection":             {[]string{"lost", pollIssued}, []time.Duration{1, 7}, ""},
		"gives up on a dead one":                 {[]string{"lost", "lost", "lost", "lost"}, []time.Duration{1, 7, 18, 34}, signedhttp.CodeNetwork},
		"a server that is not ready":             {[]string{"425 {}", pollIssued}, []time.Duration{1, 7}, ""},
		"too_fast says how long":                 {[]string{`400 {"error":"too_fast","continue":{"wait":40}}`, pollIssued}, []time.Duration{1, 41}, ""},
		"a moment is a second":                   {[]string{pollMoment, pollMoment, pollIssued}, []time.Duration{1, 2, 3}, ""},
		"stops on denial": {[]string{pollPending, `401 {"error":{"code":"request_denied"}}`}, []time.Duration{1, 3},
			"request_denied"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &script{responses: c.responses, began: time.Now()}
				grant, err := pollWith(t.Context(), server, nil)
				var failure *signedhttp.Error
				if errors.As(err, &failure); c.code != "" && (failure == nil || failure.Code != c.code) || c.code == "" && err != nil {
					t.Fatalf("error %v, want code %q", err, c.code)
				}
				if c.code == "" && grant.AccessToken.Value != "A" {
					t.Errorf("grant %+v", grant)
				}
				for i, at := range c.at {
					if server.at[i] != at*time.Second {
						t.Errorf("request %d came after %s, want %s", i, server.at[i], at*time.Second)
					}
				}
			})
		})
	}
}

func pollWith(ctx context.Context, server *script, progress func(Continuation)) (*Grant, error) {
	wait := 1.0
	pending := Continuation{URI: "https://as.example/c/1", Wait: &wait}
	pending.AccessToken.Value = "T1"
	key := httpsig.Key{ID: "k", Signer: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	return (&Client{Client: signedhttp.Client{Transport: server, Key: key}}).Poll(ctx, pending, progress)
}

func TestPollFollowsRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &script{responses: []string{pollPending, pollIssued}}
		var seen []string
		if _, err := pollWith(t.Context(), server, func(next Continuation) { seen = append(seen, next.URI) }); err != nil {
			t.Fatal(err)
		}
		if want := []string{"https://as.example/c/1", "https://as.example/c/2"}; !slices.Equal(server.urls, want) {
			t.Errorf("requests went to %q", server.urls)
		}
		if want := []string{"GNAP T1", "GNAP T2"}; !slices.Equal(server.tokens, want) {
			t.Errorf("tokens were %q", server.tokens)
		}
		if want := []string{"https://as.example/c/2"}; !slices.Equal(seen, want) {
			t.Errorf("progress was %q", seen)
		}
	})
}

func TestPollWaitsFiveSecondsWhereTheServerDoesNotSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := `200 {"continue":{"uri":"https://as.example/c/2","access_token":{"value":"T2"}}}`
		server := &script{responses: []string{silent, pollIssued}, began: time.Now()}
		if _, err := pollWith(t.Context(), server, nil); err != nil {
			t.Fatal(err)
		}
		if server.at[1] != 6*time.Second {
			t.Errorf("the second request came after %s", server.at[1])
		}
	})
}

func TestPollEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reason := errors.New("the person went away")
		aborted, abort := context.WithCancelCause(t.Context())
		abort(reason)
		if _, err := pollWith(aborted, &script{}, nil); err != reason {
			t.Errorf("got %v, want the reason", err)
		}
	})
}
