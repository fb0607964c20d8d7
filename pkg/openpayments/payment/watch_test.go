package payment_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"open-payments-wasm/pkg/openpayments/payment"
	"open-payments-wasm/pkg/sandbox"
)

// watch watches a payment for a minute without change, and returns what was reported too.
func (w *world) watch(id string) (arrived *payment.Progress, seen []payment.Progress, err error) {
	arrived, err = w.client().Watch(w.t.Context(), id, time.Minute, func(p payment.Progress) { seen = append(seen, p) })
	return arrived, seen, err
}

func TestWatch(t *testing.T) {
	fees := sandbox.Fee{Fixed: 5, BasisPoints: 100}
	test(t, "what has arrived is what the receiver has", sandbox.Config{Fee: fees, PaymentDelay: 30 * time.Second}, func(w *world) {
		started := w.start(w.order("a"))
		accepted := w.finish(started)
		arrived, seen, err := w.watch(started.ID)
		if err != nil || arrived.ReceivedAmount.Value != "1250" || arrived.Outgoing.SentAmount.Value != "1250" {
			w.t.Fatal(arrived, err)
		}
		if len(seen) != 2 || seen[0].ReceivedAmount.Value != "0" || seen[0].Outgoing.ID != accepted.ID || seen[1].ReceivedAmount.Value != "1250" {
			w.t.Errorf("%+v", seen)
		}
		time.Sleep(time.Second)
		for _, id := range []string{started.ID, accepted.ID} { // it may be watched again
			sent := len(w.party.requests())
			again, _, err := w.watch(id)
			if err != nil || again.Outgoing.SentAmount.Value != "1250" || again.ReceivedAmount == nil {
				w.t.Fatal(again, err)
			}
			if more := len(w.party.requests()) - sent; more > 1 {
				w.t.Errorf("%d requests to watch what has arrived", more)
			}
		}
	})
	test(t, "the receiver is somebody else's", sandbox.Config{PaymentDelay: 30 * time.Second}, func(w *world) {
		order := w.order("a")
		order.To = w.expect(nil)
		w.finish(w.start(order))
		time.Sleep(time.Minute)
		other := w.expect(nil)
		order.Key, order.To = "b", other
		accepted := w.finish(w.start(order))
		if arrived, _, err := w.watch(accepted.ID); err != nil || arrived.ReceivedAmount.Value != "1250" {
			w.t.Fatal(arrived, err)
		}
		w.wantPaid(2500, 2500)
	})
	test(t, "what the receiver had before does not count", sandbox.Config{PaymentDelay: 30 * time.Second}, func(w *world) {
		order := w.order("a")
		order.To = w.expect(nil)
		received := `{"receivedAmount":` + usd("5000") + `,"authServer":"` + home + `/auth"}`
		w.party.answer("GET op/incoming-payments/…", 200, received)
		accepted := w.finish(w.start(order))
		_, _, err := w.watch(accepted.ID)
		w.wantCode(err, payment.CodePending)
		w.party.answer("GET op/incoming-payments/…", 200, strings.Replace(received, "5000", "6249", 1))
		_, _, err = w.watch(accepted.ID)
		w.wantCode(err, payment.CodePending)
		w.party.answer("GET op/incoming-payments/…", 200, strings.Replace(received, "5000", "6250", 1))
		if _, _, err := w.watch(accepted.ID); err != nil {
			w.t.Fatal(err)
		}
	})
	test(t, "what the wallet has sent proves nothing", sandbox.Config{PaymentDelay: 4 * time.Minute}, func(w *world) {
		accepted := w.finish(w.start(w.order("a")))
		w.party.rewrite = func(_ *http.Request, name string, status int, body string) (int, string) {
			if name == looking+"/…" {
				return status, strings.Replace(body, `"sentAmount":`+usd("0"), `"sentAmount":`+usd("1250"), 1)
			}
			return status, body
		}
		began := time.Now()
		_, seen, err := w.watch(accepted.ID)
		failure := w.wantCode(err, payment.CodePending)
		if !failure.Retryable || seen[0].Outgoing.SentAmount.Value != "1250" {
			w.t.Errorf("%+v %+v", failure, seen)
		}
		if waited := time.Since(began); waited < time.Minute || waited > time.Minute+10*time.Second {
			w.t.Errorf("it has waited for %v", waited)
		}
		w.party.mend()
		time.Sleep(3 * time.Minute)
		if _, _, err = w.watch(accepted.ID); err != nil {
			w.t.Fatal(err)
		}
	})
	test(t, "a rotation goes on when nobody watches any more", sandbox.Config{PaymentDelay: time.Hour}, func(w *world) {
		started := w.start(w.order("a"))
		accepted := w.finish(started)
		over := w.record().Token.Value
		time.Sleep(11 * time.Minute)
		ctx, leave := context.WithCancelCause(w.t.Context())
		w.party.strike = func(ctx context.Context, e event) (*http.Response, error) {
			if e.name != oneRotate || !e.isAfter {
				return nil, nil
			}
			leave(errAborted)
			time.Sleep(time.Second)
			return nil, context.Cause(ctx) // the response does not reach who has left
		}
		began := time.Now()
		if _, err := w.client().Watch(ctx, accepted.ID, time.Minute, nil); !errors.Is(err, errAborted) || time.Since(began) > 900*time.Millisecond {
			w.t.Fatal(err)
		}
		time.Sleep(time.Minute)
		record, err := w.journal.Get(w.t.Context(), started.ID)
		if err != nil || record.Token.Value == over {
			w.t.Fatal(record, err)
		}
		if _, err := w.resources().OutgoingPayment(w.t.Context(), accepted.ID, record.Token.Value); err != nil {
			w.t.Error(err)
		}
	})
	for sent, came := range map[string]string{"": "0", "500": "500"} {
		test(t, "it failed, and has sent "+came, sandbox.Config{Faults: failOnce(sent), PaymentDelay: 10 * time.Second}, func(w *world) {
			started := w.start(w.order("a"))
			w.finish(started)
			_, _, err := w.watch(started.ID)
			failure := w.wantCode(err, payment.CodeFailed)
			if want := `{"sentAmount":` + usd(came) + `,"receivedAmount":` + usd(came) + `}`; string(failure.Details) != want || failure.Retryable {
				w.t.Errorf("%s, want %s", failure.Details, want)
			}
			again, err := w.client().Resume(w.t.Context(), started.ID)
			if failure := w.wantCode(err, payment.CodeFailed); again != nil || !strings.Contains(string(failure.Details), came) {
				w.t.Errorf("%v %v", again, failure)
			}
			_, _, err = w.watch(started.ID)
			w.wantCode(err, payment.CodeFailed)
			time.Sleep(time.Second)
			w.wantSent(completing, 1)
		})
	}
	test(t, "looks that fail are made again", sandbox.Config{}, func(w *world) {
		accepted := w.finish(w.start(w.order("a")))
		w.party.strike = func(_ context.Context, e event) (*http.Response, error) {
			if e.number < 30 && !e.isWrite() {
				return nil, errLost
			}
			return nil, nil
		}
		if _, _, err := w.watch(accepted.ID); err != nil {
			w.t.Fatal(err)
		}
	})
	test(t, "the receiver's server says nothing", sandbox.Config{}, func(w *world) {
		accepted := w.finish(w.start(w.order("a")))
		w.party.strike = instead("GET op/incoming-payments/…", 500, "")
		_, seen, err := w.watch(accepted.ID)
		w.wantCode(err, payment.CodePending)
		if len(seen) != 1 || seen[0].ReceivedAmount != nil {
			w.t.Errorf("%+v", seen)
		}
	})
	test(t, "tokens are over", sandbox.Config{AccessLifetime: time.Minute, PaymentDelay: 3 * time.Minute}, func(w *world) {
		accepted := w.finish(w.start(w.order("a")))
		time.Sleep(150 * time.Second)
		if arrived, _, err := w.watch(accepted.ID); err != nil || arrived.Outgoing.SentAmount.Value != "1250" {
			w.t.Fatal(arrived, err)
		}
		w.wantSent(oneRotate, 1)
	})
	test(t, "it is given up by its caller", sandbox.Config{PaymentDelay: 4 * time.Minute}, func(w *world) {
		accepted := w.finish(w.start(w.order("a")))
		ctx, cancel := context.WithCancelCause(w.t.Context())
		time.AfterFunc(7*time.Second, func() { cancel(errAborted) })
		if _, err := w.client().Watch(ctx, accepted.ID, time.Minute, nil); !errors.Is(err, errAborted) {
			w.t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(w.t.Context(), 7*time.Second)
		defer stop()
		_, err := w.client().Watch(ctx, accepted.ID, time.Minute, nil)
		w.wantCode(err, payment.CodePending)
	})
	test(t, "what was not accepted", sandbox.Config{}, func(w *world) {
		_, _, err := w.watch("unknown")
		w.wantCode(err, payment.CodeNotPending)
		started := w.start(w.order("a"))
		_, _, err = w.watch(started.ID)
		var waits *payment.InteractionRequired
		if !errors.As(err, &waits) || waits.Payment.Redirect != started.Redirect {
			w.t.Fatal(err)
		}
		tried, _ := w.mayBePaid(w.order("b"), lost)
		_, _, err = w.watch(tried.ID)
		w.wantCode(err, payment.CodeOutcomeUnknown)
	})
}

// What was granted is given back, and nobody waits for it.
func TestGivingBack(t *testing.T) {
	test(t, "when it has arrived", sandbox.Config{}, func(w *world) {
		order := w.order("a")
		order.DebitAmount, order.ReceiveAmount = amount("2000", "USD"), nil
		accepted := w.finish(w.start(order))
		time.Sleep(time.Second)
		w.party.strike = func(_ context.Context, e event) (*http.Response, error) {
			if e.name == completing && !e.isAfter {
				time.Sleep(10 * time.Second)
			}
			return nil, nil
		}
		began := time.Now()
		if _, _, err := w.watch(accepted.ID); err != nil || time.Since(began) > time.Second {
			w.t.Fatal(time.Since(began), err)
		}
		time.Sleep(time.Minute)
		w.wantSent(completing, 1)
		w.wantSent(oneRevoke, 2) // one for quote and receiver, one to pay
		w.journal.edit(w.t, func(record map[string]any) {
			for _, name := range []string{"token", "quoteToken", "receiverToken"} {
				if record[name] != nil {
					w.t.Errorf("%s is kept", name)
				}
			}
		})
	})
	test(t, "two servers, forgotten before it was approved", sandbox.Config{}, func(w *world) {
		order := w.order("a")
		order.To = abroad + "/shop"
		started := w.start(order)
		if outgoing, err := w.client().Forget(w.t.Context(), started.ID); outgoing != nil || err != nil {
			w.t.Fatal(outgoing, err)
		}
		time.Sleep(time.Second)
		w.wantSent(completing, 1)
		w.wantSent(oneRevoke, 2) // for the quote, for the receiver
		w.wantSent(oneCancel, 1)
		if w.journal.size() != 0 {
			w.t.Error("it is kept")
		}
		_, err := w.client().Forget(w.t.Context(), started.ID)
		w.wantCode(err, payment.CodeNotPending)
		w.start(order) // the key is free again
	})
	test(t, "an incoming payment of the shop stays", sandbox.Config{}, func(w *world) {
		order := w.order("a")
		order.To = w.expect(nil)
		if _, err := w.client().Forget(w.t.Context(), w.start(order).ID); err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(time.Second)
		w.wantSent(completing, 0)
	})
	test(t, "forgotten under way, it arrives all the same", sandbox.Config{PaymentDelay: time.Minute}, func(w *world) {
		started := w.start(w.order("a"))
		accepted := w.finish(started)
		outgoing, err := w.client().Forget(w.t.Context(), accepted.ID)
		if err != nil || outgoing.ID != accepted.ID {
			w.t.Fatal(outgoing, err)
		}
		time.Sleep(time.Second)
		w.wantSent(completing, 0)
		w.wantSent(oneRevoke, 2)
		w.wantPaid(1250, 1250)
	})
}

func TestForgetLooksFirst(t *testing.T) {
	test(t, "it was paid", sandbox.Config{PaymentDelay: time.Minute}, func(w *world) {
		started, _ := w.mayBePaid(w.order("a"), lost)
		outgoing, err := w.client().Forget(w.t.Context(), started.ID)
		if err != nil || outgoing.QuoteID != started.Quote.ID {
			w.t.Fatal(outgoing, err)
		}
		time.Sleep(time.Second)
		w.wantSent(completing, 0)
		w.wantPaid(1250, 1250)
	})
	test(t, "it was not paid", sandbox.Config{}, func(w *world) {
		started, _ := w.mayBePaid(w.order("a"), refused)
		looks := w.party.count(looking)
		if outgoing, err := w.client().Forget(w.t.Context(), started.ID); err != nil || outgoing != nil {
			w.t.Fatal(outgoing, err)
		}
		w.wantSent(looking, looks+1)
		time.Sleep(time.Second)
		w.wantSent(completing, 1)
	})
	test(t, "it has failed", sandbox.Config{Faults: failOnce("")}, func(w *world) {
		started, _ := w.mayBePaid(w.order("a"), lost)
		time.Sleep(time.Second)
		if outgoing, err := w.client().Forget(w.t.Context(), started.ID); err != nil || !outgoing.Failed {
			w.t.Fatal(outgoing, err)
		}
		time.Sleep(time.Second)
		w.wantSent(completing, 1)
	})
	test(t, "the look fails", sandbox.Config{}, func(w *world) {
		started, callback := w.mayBePaid(w.order("a"), lost)
		w.party.answer(looking, 500, "")
		_, err := w.client().Forget(w.t.Context(), started.ID)
		w.wantCode(err, payment.CodeOutcomeUnknown)
		w.party.mend()
		if _, err := w.client().Finish(w.t.Context(), callback); err != nil {
			w.t.Fatal(err)
		}
		w.wantPaid(1250, 1250)
	})
}
