package payment_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/openpayments/payment"
	"open-payments-wasm/pkg/sandbox"
	"open-payments-wasm/pkg/signedhttp"
)

// scenario is a payment in whose every step something goes wrong.
type scenario struct {
	name   string
	config sandbox.Config
	order  func(w *world) payment.Order
	// think is how long the person takes to approve it, stall how long the program stands still when it has the token, and
	// rest how much time passes between the fault and who goes on.
	think, stall, rest time.Duration
	to                 string // the wallet that gets it, of abroad where isAbroad
	isAgain            bool   // a kept grant pays it, and no person approves it
	isAbroad           bool
	left, came         uint64
}

const long = 6 * time.Minute // beyond the lifetime of quotes, and not of what a person may approve

func scenarios() []scenario {
	receive := func(w *world) payment.Order { return w.order("order") }
	fee := sandbox.Fee{Fixed: 5, BasisPoints: 100}
	return []scenario{
		{name: "fixed receive", config: sandbox.Config{Fee: fee}, order: receive, to: "shop", left: 1267, came: 1250},
		{name: "fixed debit", config: sandbox.Config{Fee: fee}, order: func(w *world) payment.Order {
			order := w.order("order")
			order.DebitAmount, order.ReceiveAmount = amount("2000", "USD"), nil
			return order
		}, to: "shop", left: 2000, came: 1975},
		{name: "across currencies", order: func(w *world) payment.Order {
			order := w.order("order")
			order.To, order.ReceiveAmount = home+"/bob", amount("1000", "EUR")
			return order
		}, to: "bob", left: 1250, came: 1000},
		{name: "two servers", order: func(w *world) payment.Order {
			order := w.order("order")
			order.To = abroad + "/shop"
			return order
		}, to: "shop", isAbroad: true, left: 1250, came: 1250},
		{name: "an incoming payment", order: func(w *world) payment.Order {
			order := w.order("order")
			order.To, order.ReceiveAmount = w.expect(order.ReceiveAmount), nil
			return order
		}, to: "shop", left: 1250, came: 1250},
		{name: "an incoming payment of any amount", order: func(w *world) payment.Order {
			order := w.order("order")
			order.To = w.expect(nil)
			return order
		}, to: "shop", left: 1250, came: 1250},
		{name: "continuations rotate", config: sandbox.Config{RotateContinuation: true}, order: receive, to: "shop", left: 1250, came: 1250},
		{name: "under way for a while", config: sandbox.Config{PaymentDelay: time.Minute}, order: receive, to: "shop", left: 1250, came: 1250},
		{name: "the quote expires while the person thinks", order: receive, think: long, to: "shop", left: 1250, came: 1250},
		{name: "the quote expires after the fault", config: sandbox.Config{AccessLifetime: time.Hour}, order: receive, rest: long,
			to: "shop", left: 1250, came: 1250},
		{
			name:   "the token expires before it is used",
			config: sandbox.Config{AccessLifetime: 5 * time.Minute, QuoteLifetime: time.Hour}, order: receive, stall: long,
			to: "shop", left: 1250, came: 1250},
		{
			name:   "tokens and quotes expire after the fault",
			config: sandbox.Config{AccessLifetime: 5 * time.Minute}, order: receive, rest: long, to: "shop", left: 1250, came: 1250},
		{name: "the first of many", order: func(w *world) payment.Order {
			order := w.order("order")
			order.Interval = "R/2000-01-01T00:00:00Z/P1M"
			return order
		}, to: "shop", left: 1250, came: 1250},
		{name: "by a kept grant", isAgain: true, to: "shop", left: 1250, came: 1250},
		{name: "by a kept grant whose token is over", isAgain: true, config: sandbox.Config{AccessLifetime: time.Nanosecond, QuoteLifetime: time.Hour},
			to: "shop", left: 1250, came: 1250},
		{name: "by a kept grant, and the quote expires after the fault", isAgain: true, config: sandbox.Config{AccessLifetime: time.Hour}, rest: long,
			to: "shop", left: 1250, came: 1250},
	}
}

// everyCase is 1 where all of the matrix runs, 7 where every seventh case does.
var everyCase = 1

// The kill matrix: what a payment without faults sends and writes is counted, and then each of it goes wrong in each way, once.
// Whoever goes on with the same journal pays once, or not at all, and says which.
func TestMoneyMovesOnce(t *testing.T) {
	count := 0
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			for i, c := range s.cases(t) {
				if i%everyCase != 0 {
					continue
				}
				count++
				t.Run(c.String(), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { s.run(t, c) })
				})
			}
		})
	}
	t.Logf("%d cases", count)
}

// matrixCase is one fault at one event of a payment.
type matrixCase struct {
	event   event
	fault   fault
	resumes bool // and does not finish again
}

func (c matrixCase) String() string {
	again := "finish"
	if c.resumes {
		again = "resume"
	}
	return fmt.Sprintf("%d %s/%s, %s", c.event.number, c.event.name, c.fault.name, again)
}

// cases are those of a scenario: every event of a payment without faults, in each way, finished and resumed in turn.
func (s scenario) cases(t *testing.T) (cases []matrixCase) {
	t.Helper()
	var events []event
	synctest.Test(t, func(t *testing.T) {
		w := s.newWorld(t)
		p := w.newParty()
		if outcome := s.drive(w, p, s.newOrder(w)); outcome.err != nil {
			t.Fatalf("without a fault: %v", outcome.err)
		}
		s.wantOnce(w)
		events = p.events()
	})
	all := append(faults, fault{"another at once", false, true, true, nil}, fault{"frozen before, and another goes on", false, true, false, nil},
		fault{"frozen after, and another goes on", true, true, false, nil})
	for _, e := range events {
		for i, f := range all {
			if e.isWrite() && f.ofWrites || !e.isWrite() && f.ofRequests {
				cases = append(cases, matrixCase{e, f, (i+e.number)%2 == 0})
			}
		}
	}
	return cases
}

// outcome is how far a party has come with a payment.
type outcome struct {
	started  *payment.Payment
	callback payment.Callback // of the person's approval
	outgoing *openpayments.OutgoingPayment
	err      error
}

// drive makes a payment with one party, as far as that comes.
func (s scenario) drive(w *world, p *party, order payment.Order) (o outcome) {
	ctx := p.context()
	if s.isAgain {
		o.outgoing, o.err = p.client().Again(ctx, w.another("order"))
		return o
	}
	if o.started, o.err = p.client().Start(ctx, order); o.err != nil {
		return o
	}
	time.Sleep(s.think)
	o.callback = w.approve(o.started.Redirect)
	if s.stall > 0 {
		p.stallAt("write approved", s.stall)
	}
	o.outgoing, o.err = p.client().Finish(ctx, o.callback)
	return o
}

// stallAt lets the party stand still the first time when something has been written.
func (p *party) stallAt(name string, d time.Duration) {
	strike, once := p.strike, sync.Once{}
	p.strike = func(ctx context.Context, e event) (*http.Response, error) {
		if e.name == name && e.isAfter {
			once.Do(func() { time.Sleep(d) })
		}
		if strike == nil {
			return nil, nil
		}
		return strike(ctx, e)
	}
}

func (s scenario) run(t *testing.T, c matrixCase) {
	w := s.newWorld(t)
	order := s.newOrder(w)
	p := w.newParty()
	var rival sync.WaitGroup
	var approved payment.Callback
	p.strike = func(ctx context.Context, e event) (*http.Response, error) {
		if e.number != c.event.number || e.isAfter != c.fault.isAfter {
			return nil, nil
		}
		if c.fault.strike != nil {
			return c.fault.strike(ctx, p)
		}
		callback := approved
		asRival := func() {
			if err := s.rival(t, w, order, callback); err != nil && !(c.isFrozen() && isOver(err)) {
				t.Errorf("the other client: %v", err)
			}
		}
		if c.isFrozen() {
			w.journal.breakLocks()
			asRival()
		} else {
			rival.Go(asRival)
		}
		return nil, nil
	}
	ctx := p.context()
	var first outcome
	if s.isAgain {
		first.outgoing, first.err = p.client().Again(ctx, w.another("order"))
	} else if first.started, first.err = p.client().Start(ctx, order); first.err == nil {
		time.Sleep(s.think)
		first.callback = w.approve(first.started.Redirect)
		approved = first.callback
		if s.stall > 0 {
			p.stallAt("write approved", s.stall)
		}
		first.outgoing, first.err = p.client().Finish(ctx, first.callback)
	}
	rival.Wait()
	s.wantTruth(t, w, first)
	time.Sleep(s.rest)
	last := s.goOn(t, w, order, first, c.resumes)
	switch {
	case last.err == nil:
		s.wantOnce(w)
		if first.outgoing != nil && first.outgoing.ID != last.outgoing.ID {
			t.Errorf("it was paid as %s, and then as %s", first.outgoing.ID, last.outgoing.ID)
		}
	case !c.mayLose():
		t.Fatalf("the approval was lost: first %v, then %v", first.err, last.err)
	default:
		wantCode(t, last.err, over...)
		w.wantMoved(s.server(w), s.to, 0, 0)
	}
	if what := w.trace.blind(); what != "" && !c.isFrozen() {
		t.Errorf("%s was sent without a look", what)
	}
}

// rival is another client that does the same at the same time.
func (s scenario) rival(t *testing.T, w *world, order payment.Order, approved payment.Callback) (err error) {
	client := w.newParty().client()
	if s.isAgain {
		_, err = client.Again(t.Context(), w.another("order"))
	} else if approved == (payment.Callback{}) {
		_, err = client.Start(t.Context(), order)
	} else {
		_, err = client.Finish(t.Context(), approved)
	}
	return err
}

// over are the codes where the response is lost that a server gives once: the token. Of two clients whose lock was broken at
// that time one has them.
var over = []string{"request_denied", "invalid_continuation", "invalid_client", payment.CodeOutcomeUnknown}

func isOver(err error) bool {
	var failure *signedhttp.Error
	return errors.As(err, &failure) && slices.Contains(over, failure.Code)
}

// isFrozen tells whether two clients worked at the same time, because a lock ended before its holder.
func (c matrixCase) isFrozen() bool { return strings.HasPrefix(c.fault.name, "frozen") }

// mayLose tells whether a fault lets the response get lost that a server gives once: the token.
func (c matrixCase) mayLose() bool {
	isResponse := strings.HasPrefix(c.event.name, "POST auth/continue") || strings.HasPrefix(c.event.name, "POST auth/token")
	switch {
	case isResponse:
		return c.fault.isAfter
	}
	return c.fault.name == "killed before" && c.event.name == "write approved"
}

// goOn goes on with a payment after a fault, up to three times, each time with a new client.
func (s scenario) goOn(t *testing.T, w *world, order payment.Order, first outcome, resumes bool) (o outcome) {
	o = first
	for range 3 {
		client := w.newParty().client()
		if s.isAgain {
			if o.outgoing, o.err = goOnAgain(t, w, client, resumes); o.err == nil {
				break
			}
			continue
		}
		if o.callback == (payment.Callback{}) {
			if o.started, o.err = client.Start(t.Context(), order); o.err != nil {
				continue
			}
			o.callback = w.approve(o.started.Redirect)
		}
		if o.outgoing, o.err = s.again(t, client, o, resumes); o.err == nil {
			break
		}
	}
	return o
}

// goOnAgain goes on with a payment by a kept grant: with its key, or with what is pending.
func goOnAgain(t *testing.T, w *world, client *payment.Client, resumes bool) (*openpayments.OutgoingPayment, error) {
	pending, err := client.Pending(t.Context())
	if err == nil && resumes && len(pending) > 0 {
		return client.Resume(t.Context(), pending[0].ID)
	}
	return client.Again(t.Context(), w.another("order"))
}

func (s scenario) newWorld(t *testing.T) *world {
	w := newWorld(t, s.config)
	if s.isAgain {
		w.keep(payLimits{DebitAmount: amount("2000", "USD"), Interval: "R/2000-01-01T00:00:00Z/P1M"})
	}
	return w
}

func (s scenario) newOrder(w *world) payment.Order {
	if s.isAgain {
		return payment.Order{}
	}
	return s.order(w)
}

func (s scenario) again(t *testing.T, client *payment.Client, o outcome, resumes bool) (*openpayments.OutgoingPayment, error) {
	if resumes {
		outgoing, err := client.Resume(t.Context(), o.started.ID)
		var waits *payment.InteractionRequired
		if !errors.As(err, &waits) { // else the reference was never written down
			return outgoing, err
		}
	}
	return client.Finish(t.Context(), o.callback)
}

// wantTruth fails the test where the first client was told something else than what had happened.
func (s scenario) wantTruth(t *testing.T, w *world, first outcome) {
	t.Helper()
	alice, available := w.sandbox.Balance("alice")
	isPaid := min(alice, available) != initial("alice")
	isKilled := errors.Is(first.err, errKilled)
	var failure *signedhttp.Error
	isUnknown := errors.As(first.err, &failure) && failure.Code == payment.CodeOutcomeUnknown
	switch {
	case first.err == nil && !isPaid:
		t.Error("there is a result, and nothing was paid")
	case first.err != nil && isPaid && !isKilled && !isUnknown && !errors.Is(first.err, errAborted):
		t.Errorf("it was paid, and the error says %v", first.err)
	}
}

func (s scenario) server(w *world) *sandbox.Server {
	if s.isAbroad {
		return w.abroad
	}
	return w.sandbox
}

func (s scenario) wantOnce(w *world) {
	w.t.Helper()
	w.wantMoved(s.server(w), s.to, s.left, s.came)
}
