package payment_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/openpayments/payment"
	"open-payments-wasm/pkg/sandbox"
	"open-payments-wasm/pkg/signedhttp"
)

// keptGrants keeps the grants of a world, for all its clients.
type keptGrants struct {
	world  *world
	mu     sync.Mutex
	grants map[string]json.RawMessage
	tokens []string // that were kept
	err    error    // what Keep fails with
}

func valueOf(grant json.RawMessage) string {
	return openpayments.Read[struct {
		AccessToken struct {
			Value string `json:"value"`
		} `json:"access_token"`
	}](grant).AccessToken.Value
}

func (k *keptGrants) Keep(_ context.Context, name string, grant json.RawMessage) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.err != nil:
		return k.err
	case !slices.Contains(k.tokens, valueOf(grant)):
		k.grants[name] = grant
		k.tokens = append(k.tokens, valueOf(grant))
	}
	return nil
}

func (k *keptGrants) Get(_ context.Context, name string) (json.RawMessage, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.grants[name], nil
}

func (k *keptGrants) Renew(ctx context.Context, name, used string) (json.RawMessage, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if valueOf(k.grants[name]) != used {
		return k.grants[name], nil
	}
	var grant map[string]json.RawMessage
	var token struct{ Value, Manage string }
	if err := errors.Join(json.Unmarshal(k.grants[name], &grant), json.Unmarshal(grant["access_token"], &token)); err != nil {
		return nil, err
	}
	client := gnap.Client{Client: signedhttp.Client{Transport: k.world.wire, Key: k.world.key}}
	rotated, err := client.Rotate(ctx, token.Manage, token.Value)
	if err != nil {
		return nil, err
	}
	_ = json.Unmarshal(rotated.Raw, &grant)
	k.grants[name], err = json.Marshal(grant)
	return k.grants[name], err
}

// payLimits are those of a grant for outgoing payments.
type payLimits struct {
	Receiver      string               `json:"receiver,omitempty"`
	DebitAmount   *openpayments.Amount `json:"debitAmount,omitempty"`
	ReceiveAmount *openpayments.Amount `json:"receiveAmount,omitempty"`
	Interval      string               `json:"interval,omitempty"`
}

// keep keeps a grant under the name "allowance" that alice has approved.
func (w *world) keep(limits payLimits, actions ...string) {
	w.t.Helper()
	if actions == nil {
		actions = []string{"create", "read", "list"}
	}
	client := gnap.Client{Client: signedhttp.Client{Transport: w.wire, Key: w.key}}
	access := gnap.Access{Type: "outgoing-payment", Actions: actions, Identifier: home + "/alice", Limits: limits}
	pending, err := client.Request(w.t.Context(), home+"/auth/", gnap.GrantRequest{
		AccessToken: &gnap.AccessTokenRequest{Access: []gnap.Access{access}}, Client: w.name,
		Interact: &gnap.InteractRequest{
			Start: []string{"redirect"}, Finish: &gnap.FinishRequest{Method: "redirect", URI: "https://shop.example/", Nonce: "nonce of the client"},
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	callback := w.approve(pending.Interact.Redirect)
	grant, err := client.Continue(w.t.Context(), pending.Continue.URI, pending.Continue.AccessToken.Value, callback.InteractRef)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.grants.Keep(w.t.Context(), "allowance", grant.Raw); err != nil {
		w.t.Fatal(err)
	}
}

// another pays 12.50 dollars to the shop.
func (w *world) another(key string) payment.Another {
	metadata := json.RawMessage(`{"order":"again"}`)
	return payment.Another{Grant: "allowance", Key: key, To: home + "/shop", Amount: amount("1250", "USD"), Metadata: metadata}
}

// again pays with the kept grant, or fails the test.
func (w *world) again(another payment.Another) *openpayments.OutgoingPayment {
	w.t.Helper()
	outgoing, err := w.client().Again(w.t.Context(), another)
	if err != nil {
		w.t.Fatal(err)
	}
	return outgoing
}

const monthly = "R/2000-01-01T00:00:00Z/P1M"

func TestAgain(t *testing.T) {
	test(t, "one key is paid once, by whoever asks", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("100000", "USD"), Interval: monthly})
		var all sync.WaitGroup
		var mu sync.Mutex
		ids := map[string]map[string]bool{}
		for range 3 {
			for i := range 12 {
				all.Go(func() {
					key := fmt.Sprintf("2026-%02d", i+1)
					outgoing, err := w.newParty().client().Again(w.t.Context(), w.another(key))
					if err != nil {
						w.t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					if ids[key] == nil {
						ids[key] = map[string]bool{}
					}
					ids[key][outgoing.ID] = true
				})
			}
		}
		all.Wait()
		for key, of := range ids {
			if len(of) != 1 {
				w.t.Errorf("%s was paid as %v", key, of)
			}
		}
		w.wantPaid(12*1250, 12*1250)
	})
	test(t, "a key is known for 400 days after its payment was handed over", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("1250", "USD"), Interval: monthly})
		outgoing := w.again(w.another("2000"))
		if err := w.client().HandOver(w.t.Context(), outgoing.ID); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(399 * 24 * time.Hour)
		if pending, err := w.client().Pending(w.t.Context()); err != nil || len(pending) > 0 {
			w.t.Error(pending, err)
		}
		if again := w.again(w.another("2000")); again.ID != outgoing.ID {
			w.t.Errorf("%s, then %s", outgoing.ID, again.ID)
		}
		w.wantPaid(1250, 1250)
	})
	test(t, "a key is known when its grant was revoked", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("100000", "USD"), Interval: monthly})
		outgoing := w.again(w.another("a"))
		delete(w.grants.grants, "allowance")
		if again := w.again(w.another("a")); again.ID != outgoing.ID {
			w.t.Errorf("%s, then %s", outgoing.ID, again.ID)
		}
		more := w.another("a")
		more.Amount = amount("1251", "USD")
		_, err := w.client().Again(w.t.Context(), more)
		w.wantCode(err, payment.CodeKeyInUse)
		_, err = w.client().Again(w.t.Context(), w.another("b"))
		w.wantCode(err, "grant_not_found")
		over, cancel := context.WithCancel(w.t.Context())
		cancel()
		if _, err = w.client().Again(over, w.another("a")); !errors.Is(err, context.Canceled) {
			w.t.Errorf("a look that fails says %v", err)
		}
		w.wantPaid(1250, 1250)
	})
	test(t, "a payment that may be made is no new one when its grant was revoked", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("100000", "USD"), Interval: monthly})
		w.party.breakOnce(paying, lost)
		w.party.rewrite = func(_ *http.Request, name string, status int, body string) (int, string) {
			if name == looking {
				return 500, "Internal Server Error"
			}
			return status, body
		}
		_, err := w.client().Again(w.t.Context(), w.another("a"))
		w.wantCode(err, payment.CodeOutcomeUnknown)
		delete(w.grants.grants, "allowance")
		_, err = w.client().Again(w.t.Context(), w.another("a"))
		w.wantCode(err, payment.CodeOutcomeUnknown)
		w.wantPaid(1250, 1250)
	})
	test(t, "a key is one of its own for each grant, and beside those of orders", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("100000", "USD"), Interval: monthly})
		w.grants.grants["other"] = w.grants.grants["allowance"]
		other := w.another("a")
		other.Grant = "other"
		ids := []string{w.again(w.another("a")).ID, w.again(other).ID, w.finish(w.start(w.order("a"))).ID}
		slices.Sort(ids)
		if len(slices.Compact(ids)) != 3 {
			w.t.Error(ids)
		}
		w.wantPaid(3*1250, 3*1250)
	})
	test(t, "another payment under a key is refused", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("100000", "USD"), Interval: monthly})
		w.again(w.another("a"))
		more := w.another("a")
		more.Amount = amount("1251", "USD")
		_, err := w.client().Again(w.t.Context(), more)
		w.wantCode(err, payment.CodeKeyInUse)
		w.wantPaid(1250, 1250)
	})
	test(t, "what arrives, where the grant limits that, across currencies", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{ReceiveAmount: amount("1000", "EUR"), Interval: monthly})
		another := w.another("a")
		another.To, another.Amount = home+"/bob", amount("1000", "EUR")
		w.again(another)
		w.wantMoved(w.sandbox, "bob", 1250, 1000)
	})
	test(t, "an incoming payment, which asks for an amount itself", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("100000", "USD"), Interval: monthly})
		another := w.another("a")
		another.To, another.Amount = w.expect(amount("700", "USD")), nil
		first := w.again(another)
		another.Key = "b"
		_, err := w.client().Again(w.t.Context(), another)
		if failure := w.wantCode(err, payment.CodeAlreadyPaid, "invalid_receiver"); failure.Code == payment.CodeAlreadyPaid &&
			!strings.Contains(string(failure.Details), first.ID) {
			w.t.Error(err)
		}
		w.wantPaid(700, 700)
	})
	test(t, "arrives, and is watched with a token that is rotated meanwhile", sandbox.Config{
		PaymentDelay: 30 * time.Second, AccessLifetime: 10 * time.Second,
	}, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("100000", "USD"), Interval: monthly})
		_, seen, err := w.watch(w.again(w.another("a")).ID)
		if err != nil || len(seen) == 0 {
			w.t.Fatal(seen, err)
		}
		w.again(w.another("b")) // the grant is still there
		w.wantPaid(2*1250, 2*1250)
	})
	test(t, "the metadata are on both sides", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("100000", "USD"), Interval: monthly})
		if outgoing := w.again(w.another("a")); string(outgoing.Metadata) != `{"order":"again"}` {
			w.t.Error(string(outgoing.Metadata))
		}
	})
}

func TestAgainIsRefusedBeforeAnythingIsSent(t *testing.T) {
	for name, c := range map[string]struct {
		limits  payLimits
		actions []string
		change  func(*payment.Another)
		want    string
	}{
		"no name of a grant":    {change: func(a *payment.Another) { a.Grant = "" }, want: "grant"},
		"a grant without list":  {actions: []string{"create", "read"}, want: "grant"},
		"no key":                {change: func(a *payment.Another) { a.Key = "" }, want: "key"},
		"no receiver":           {change: func(a *payment.Another) { a.To = "shop" }, want: "to"},
		"no amount":             {change: func(a *payment.Another) { a.Amount = nil }, want: "amount"},
		"nothing":               {change: func(a *payment.Another) { a.Amount.Value = "0" }, want: "amount"},
		"more than the limit":   {limits: payLimits{DebitAmount: amount("1249", "USD")}, want: "amount"},
		"more than may arrive":  {limits: payLimits{ReceiveAmount: amount("1249", "USD")}, want: "amount"},
		"metadata of no object": {change: func(a *payment.Another) { a.Metadata = json.RawMessage(`[]`) }, want: "metadata"},
	} {
		test(t, name, sandbox.Config{}, func(w *world) {
			w.keep(c.limits, c.actions...)
			another := w.another("a")
			if c.change != nil {
				c.change(&another)
			}
			_, err := w.client().Again(w.t.Context(), another)
			var argument *signedhttp.ArgumentError
			if !errors.As(err, &argument) || argument.Argument != c.want {
				w.t.Errorf("got %v", err)
			}
			if sent := w.party.requests(); len(sent) > 0 || w.journal.size() > 0 {
				w.t.Errorf("%v, %d records", sent, w.journal.size())
			}
		})
	}
	test(t, "of another asset than the wallet", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{})
		another := w.another("a")
		another.Amount = amount("1", "EUR")
		_, err := w.client().Again(w.t.Context(), another)
		var argument *signedhttp.ArgumentError
		if !errors.As(err, &argument) || argument.Argument != "amount.assetCode" || w.journal.size() > 0 {
			w.t.Error(err)
		}
	})
	test(t, "a grant for a wallet that is not asked", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{})
		kept := string(w.grants.grants["allowance"])
		w.grants.grants["allowance"] = json.RawMessage(strings.ReplaceAll(kept, home+"/alice", "http://wallet.example/alice"))
		_, err := w.client().Again(w.t.Context(), w.another("a"))
		var argument *signedhttp.ArgumentError
		if !errors.As(err, &argument) || argument.Argument != "grant" {
			w.t.Error(err)
		}
	})
	test(t, "a grant that is not kept", sandbox.Config{}, func(w *world) {
		_, err := w.client().Again(w.t.Context(), w.another("a"))
		w.wantCode(err, "grant_not_found")
	})
	test(t, "a client that keeps no grants", sandbox.Config{}, func(w *world) {
		client := w.client()
		client.Grants = nil
		order := w.order("a")
		order.Interval = monthly
		_, errStart := client.Start(w.t.Context(), order)
		_, errAgain := client.Again(w.t.Context(), w.another("a"))
		for _, err := range []error{errStart, errAgain} {
			var argument *signedhttp.ArgumentError
			if !errors.As(err, &argument) || argument.Argument != "grants" {
				w.t.Error(err)
			}
		}
	})
}

func TestAnIntervalIsUsedUpAndOpensAgain(t *testing.T) {
	// The clock begins on 2000-01-01 at 00:00.
	for interval, want := range map[string]string{
		"R/2000-01-01T00:00:00Z/P1M":                  "2000-02-01T00:00:00Z",
		"R11/1999-12-01T00:00:00Z/P1M":                "2000-02-01T00:00:00Z",
		"R1/1999-12-01T00:00:00Z/P1M":                 "", // two months, of which this is the second
		"R2/1999-12-01T00:00:00Z/P1M":                 "2000-02-01T00:00:00Z",
		"R-1/1999-10-31T12:00:00Z/P1M":                "2000-01-30T12:00:00Z", // the 31st is not in November, and then stays the 30th
		"R/1999-12-31T23:59:00+01:00/P1DT1H":          "2000-01-01T23:59:00Z",
		"R/1999-12-31T00:00:00Z/PT36H":                "2000-01-01T12:00:00Z",
		"R/1999-12-28T00:00:00Z/P1W":                  "2000-01-04T00:00:00Z",
		"R/1996-02-29T00:00:00Z/P4Y":                  "2000-02-29T00:00:00Z",
		"R/1999-12-31T00:00:00Z/2000-01-01T12:00:00Z": "2000-01-01T12:00:00Z",
		"R0/1999-12-31T00:00:00Z/P1Y":                 "",
		"R5/PT48H/2000-01-03T00:00:00Z":               "", // the last begins now
		"R/PT36H/2000-01-04T00:00:00Z":                "2000-01-02T12:00:00Z",
		"R/P1M/2000-03-15T00:00:00Z":                  "2000-01-15T00:00:00Z",
		"R/1999-12-31T23:00:00.25Z/PT2H":              "2000-01-01T01:00:01Z", // whole seconds, and not before
		"R/1999-12-31T00:00:00Z/P9000Y":               "",                     // no year of RFC 3339
		"R/PT48H/2000-01-02T12:00:00Z":                "",                     // this is the last
	} {
		test(t, strings.ReplaceAll(interval, "/", "|"), sandbox.Config{GrantLifetime: 10 * 365 * 24 * time.Hour}, func(w *world) {
			w.keep(payLimits{DebitAmount: amount("2000", "USD"), Interval: interval})
			w.again(w.another("first"))
			_, err := w.client().Again(w.t.Context(), w.another("second"))
			failure := w.wantCode(err, payment.CodeIntervalUsedUp)
			var details struct{ OpensAt time.Time }
			if err := json.Unmarshal(failure.Details, &details); err != nil && failure.Details != nil {
				w.t.Errorf("%s: %v", failure.Details, err)
			}
			wantOpens(w, details.OpensAt, want)
			if details.OpensAt.IsZero() {
				return
			}
			time.Sleep(time.Until(details.OpensAt) - time.Second)
			_, err = w.client().Again(w.t.Context(), w.another("second"))
			w.wantCode(err, payment.CodeIntervalUsedUp)
			time.Sleep(time.Second)
			w.again(w.another("second"))
			w.wantPaid(2*1250, 2*1250)
		})
	}
}

func wantOpens(w *world, at time.Time, want string) {
	w.t.Helper()
	got := ""
	if !at.IsZero() {
		got = at.Format(time.RFC3339)
	}
	if got != want {
		w.t.Errorf("opens at %q, want %q", got, want)
	}
}

func TestAnInterruptedPaymentIsMadeAnew(t *testing.T) {
	ten := sandbox.Config{GrantLifetime: 10 * 365 * 24 * time.Hour}
	// lose lets the request to pay of a key get lost on its way.
	lose := func(w *world, key string) {
		p := w.newParty()
		p.breakOnce("POST op/outgoing-payments", "killed before")
		if _, err := p.client().Again(w.t.Context(), w.another(key)); err == nil {
			w.t.Fatal("it was not lost")
		}
	}
	test(t, "a day later, when its incoming payment and its quote are gone", ten, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("2000", "USD"), Interval: monthly})
		lose(w, "a")
		time.Sleep(25 * time.Hour)
		first := w.again(w.another("a"))
		if again := w.again(w.another("a")); again.ID != first.ID {
			w.t.Errorf("%s, then %s", first.ID, again.ID)
		}
		w.wantPaid(1250, 1250)
	})
	test(t, "a month later, when the interval was used up meanwhile", ten, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("2000", "USD"), Interval: monthly})
		lose(w, "a")
		w.again(w.another("b"))
		for range 2 {
			_, err := w.client().Again(w.t.Context(), w.another("a"))
			w.wantCode(err, payment.CodeIntervalUsedUp)
		}
		time.Sleep(31 * 24 * time.Hour)
		w.again(w.another("a"))
		w.wantPaid(2*1250, 2*1250)
	})
}

// expired are grants that no server renews.
type expired struct{ *keptGrants }

var errExpired = errors.New("the grant has expired")

func (expired) Renew(context.Context, string, string) (json.RawMessage, error) {
	return nil, errExpired
}

func TestAGrantThatHasExpiredLeavesNothingUnknown(t *testing.T) {
	brief := sandbox.Config{AccessLifetime: 4 * time.Minute, QuoteLifetime: time.Hour}
	test(t, "the server refuses the token of the request to pay", brief, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("2000", "USD"), Interval: monthly})
		w.party.stallAt("write approved", 5*time.Minute)
		client := w.client()
		client.Grants = expired{w.grants}
		for range 2 {
			if _, err := client.Again(w.t.Context(), w.another("a")); !errors.Is(err, errExpired) {
				w.t.Error(err)
			}
		}
		pending, err := client.Pending(w.t.Context())
		if err != nil || len(pending) != 1 || pending[0].Step != payment.StepApproved {
			w.t.Fatal(pending, err)
		}
		if _, err := client.Forget(w.t.Context(), pending[0].ID); err != nil {
			w.t.Error(err)
		}
		w.wantPaid(0, 0)
	})
}

func TestForgetWaitsForWhoeverPaysWithTheGrant(t *testing.T) {
	test(t, "another key began it", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("2000", "USD"), Interval: monthly})
		begun, isForgotten := make(chan struct{}), false
		w.party.strike = func(_ context.Context, e event) (*http.Response, error) {
			if e.name == "POST op/quotes" && !e.isAfter {
				close(begun)
				time.Sleep(time.Minute)
				if isForgotten {
					w.t.Error("it was forgotten while it was worked on")
				}
			}
			return nil, nil
		}
		var all sync.WaitGroup
		all.Go(func() { w.again(w.another("a")) })
		<-begun
		stranger := w.newParty().client()
		pending, err := stranger.Pending(w.t.Context())
		if err != nil || len(pending) != 1 {
			w.t.Fatal(pending, err)
		}
		stranger.HTTP.Key.ID = "key-2"
		_, _ = stranger.Forget(w.t.Context(), pending[0].ID)
		isForgotten = true
		all.Wait()
		w.wantPaid(1250, 1250)
	})
}

func TestAnotherQuoteIsForWhatWasOrdered(t *testing.T) {
	test(t, "of ten times the amount", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("100000", "USD"), Interval: monthly})
		w.party.breakOnce("write paying", "killed before")
		_, _ = w.client().Again(w.t.Context(), w.another("a"))
		time.Sleep(10 * time.Minute) // the quote is over
		p := w.newParty()
		p.rewrite = func(_ *http.Request, name string, status int, body string) (int, string) {
			if name == "POST op/quotes" {
				body = strings.ReplaceAll(body, `"1250"`, `"12500"`)
			}
			return status, body
		}
		if _, err := p.client().Again(w.t.Context(), w.another("a")); err == nil {
			w.t.Error("paid")
		}
		w.wantPaid(0, 0)
	})
}

// silent are grants of a store, or of a server, that does not respond.
type silent struct{ *keptGrants }

func (silent) Get(ctx context.Context, _ string) (json.RawMessage, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func TestWatchGivesUpThoughNobodyResponds(t *testing.T) {
	const patience = 20 * time.Second
	for name, silence := range map[string]func(w *world, client *payment.Client){
		"the store of grants": func(w *world, client *payment.Client) { client.Grants = silent{w.grants} },
		"the wallet": func(w *world, _ *payment.Client) {
			w.party.strike = func(ctx context.Context, e event) (*http.Response, error) {
				if e.name == "GET op/outgoing-payments/…" {
					<-ctx.Done()
					return nil, context.Cause(ctx)
				}
				return nil, nil
			}
		},
	} {
		test(t, name, sandbox.Config{PaymentDelay: time.Hour}, func(w *world) {
			w.keep(payLimits{DebitAmount: amount("100000", "USD"), Interval: monthly})
			outgoing, client := w.again(w.another("a")), w.client()
			silence(w, client)
			ctx, cancel := context.WithTimeout(w.t.Context(), 3*patience)
			defer cancel()
			_, err := client.Watch(ctx, outgoing.ID, patience, nil)
			w.wantCode(err, payment.CodePending)
			if ctx.Err() != nil {
				w.t.Error("it has watched longer than its patience")
			}
		})
	}
}

func TestAGrantThatCannotBeRenewedPaysOnce(t *testing.T) {
	for name, manage := range map[string]string{"no address": ``, "an object (RFC 9635 §3.2.1)": `"manage":{"uri":"` + home + `/auth/token/1"},`} {
		test(t, name, sandbox.Config{}, func(w *world) {
			w.party.rewrite = func(_ *http.Request, name string, status int, body string) (int, string) {
				if name == "POST auth/continue/…" {
					body = regexp.MustCompile(`"manage":"[^"]*",`).ReplaceAllString(body, manage)
				}
				return status, body
			}
			order := w.order("subscription")
			order.Interval = monthly
			w.finish(w.start(order))
			another := w.another("a")
			another.Grant = "subscription"
			_, err := w.client().Again(w.t.Context(), another)
			w.wantCode(err, "grant_not_found")
			w.wantPaid(1250, 1250)
		})
	}
}

func TestAKeptTokenIsInNoText(t *testing.T) {
	test(t, "a server repeats the one that came by rotation", sandbox.Config{AccessLifetime: 4 * time.Minute, GrantLifetime: time.Hour}, func(w *world) {
		w.keep(payLimits{DebitAmount: amount("2000", "USD"), Interval: monthly})
		w.party.breakOnce("POST op/outgoing-payments", "killed before")
		_, _ = w.client().Again(w.t.Context(), w.another("a"))
		time.Sleep(10 * time.Minute)
		p := w.newParty()
		p.rewrite = func(_ *http.Request, name string, status int, body string) (int, string) {
			if name == "POST op/quotes" {
				token := valueOf(w.grants.grants["allowance"])
				return http.StatusTeapot, `{"error":{"code":"418","description":"your token is ` + token + `"}}`
			}
			return status, body
		}
		pending, err := p.client().Pending(w.t.Context())
		if err != nil || len(pending) != 1 {
			w.t.Fatal(pending, err)
		}
		_, err = p.client().Resume(w.t.Context(), pending[0].ID)
		if err == nil || !strings.Contains(err.Error(), "your token is") || strings.Contains(err.Error(), valueOf(w.grants.grants["allowance"])) {
			w.t.Error(err)
		}
	})
}
