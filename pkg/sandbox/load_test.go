package sandbox

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
)

const parallel = 64

func TestWholeGrantsInParallel(t *testing.T) {
	var mu sync.Mutex
	verified := 0
	server := New(Config{Wait: NoWait, RotateContinuation: true, Hosts: []string{"sandbox.example"}, OnRequest: func(Exchange) {
		mu.Lock()
		defer mu.Unlock()
		verified++
	}})
	var clients sync.WaitGroup
	for i := range parallel {
		c := newTester(t, server, fmt.Sprintf("shop-%d", i))
		clients.Go(func() {
			_, final, _ := c.issued()
			rotated := c.manage("POST", final.AccessToken)
			want(t, rotated, http.StatusOK, "")
			want(t, c.manage("DELETE", rotated.AccessToken), http.StatusNoContent, "")
			want(t, c.cancel(final), http.StatusNoContent, "")
		})
	}
	clients.Wait()
	if verified != 5*parallel {
		t.Errorf("%d requests were seen, want %d", verified, 5*parallel)
	}
	if held := server.auth.Held(); held.Grants+held.Interactions+held.Tokens != 0 {
		t.Errorf("things of cancelled grants are kept: %+v", held)
	}
}

func TestAReferenceAndATokenWorkOnce(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending := c.open(finishMember)
	body := reference(c.approve(pending))
	final := race(t, http.StatusUnauthorized, func() reply { return c.resume(pending, body) })
	race(t, http.StatusUnauthorized, func() reply { return c.manage("POST", final.AccessToken) })
}

// race makes a call many times at once and returns the one reply that is success.
func race(t *testing.T, refused int, call func() reply) reply {
	t.Helper()
	replies := make(chan reply, parallel)
	var calls sync.WaitGroup
	for range parallel {
		calls.Go(func() { replies <- call() })
	}
	calls.Wait()
	close(replies)
	var winners []reply
	for r := range replies {
		switch r.status {
		case http.StatusOK:
			winners = append(winners, r)
		case refused:
		default:
			t.Errorf("response %d %s", r.status, r.body)
		}
	}
	if len(winners) != 1 {
		t.Fatalf("%d calls succeeded, want 1", len(winners))
	}
	return winners[0]
}

// The grant is looked up again once the signature is verified, because that takes its time.
func TestAGrantThatEndsWhileItsSignatureIsVerified(t *testing.T) {
	meanwhile := func() {}
	server := New(Config{Wait: NoWait, Hosts: []string{"sandbox.example"}, OnRequest: func(Exchange) { meanwhile() }})
	c := newTester(t, server, "shop")
	cancel := func(grant reply) func() {
		return func() {
			meanwhile = func() {}
			want(t, c.cancel(grant), http.StatusNoContent, "")
		}
	}
	pending := c.open(finishMember)
	body := reference(c.approve(pending))
	meanwhile = cancel(pending)
	want(t, c.resume(pending, body), http.StatusUnauthorized, "invalid_continuation")

	_, final, _ := c.issued()
	meanwhile = cancel(final)
	want(t, c.manage("DELETE", final.AccessToken), http.StatusUnauthorized, "invalid_client")
}
