package payment_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/openpayments/payment"
	"open-payments-wasm/pkg/sandbox"
	"open-payments-wasm/pkg/signedhttp"
)

func TestAKeyThatIsKnown(t *testing.T) {
	test(t, "waits for the person", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		sent := len(w.party.requests())
		order := w.order("a")
		order.FinishURI = "https://shop.example/other"
		again := w.start(order)
		if again.ID != started.ID || again.Redirect != started.Redirect || again.Quote.ID != started.Quote.ID || again.FinishURI != started.FinishURI {
			w.t.Errorf("%+v, then %+v", started, again)
		}
		if more := len(w.party.requests()) - sent; more != 0 {
			w.t.Errorf("%d requests", more)
		}
	})
	test(t, "under another name of the same address", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		w.journal.edit(w.t, func(record map[string]any) { record["order"].(map[string]any)["from"] = "https://wallet.example/alice" })
		order := w.order("a")
		order.From = "$wallet.example/alice"
		if again := w.start(order); again.ID != started.ID {
			w.t.Errorf("%+v", again)
		}
	})
	test(t, "of a payment that nobody has to approve", sandbox.Config{}, func(w *world) {
		asked := 0
		w.party.rewrite = func(_ *http.Request, name string, status int, body string) (int, string) {
			if name == granting {
				if asked++; asked == 2 {
					return 200, `{"access_token":{"value":"a-token-for-it","manage":"` + home + `/auth/token/x","access":[]}}`
				}
			}
			return status, body
		}
		started := w.start(w.order("a"))
		if started.Redirect != "" || started.Step != payment.StepApproved {
			w.t.Errorf("%+v", started)
		}
		w.party.answer(paying, 201, outgoingJSON("ours", started.Quote.ID, started.Quote.Receiver, time.Now(), false))
		if outgoing, err := w.client().Resume(w.t.Context(), started.ID); err != nil || !strings.HasSuffix(outgoing.ID, "/ours") {
			w.t.Fatal(outgoing, err)
		}
	})
	test(t, "with metadata in another order", sandbox.Config{}, func(w *world) {
		order := w.order("a")
		order.Metadata = json.RawMessage(`{"order":"4711","items":[{"n":1,"of":"tea"},null,true]}`)
		started := w.start(order)
		order.Metadata = json.RawMessage(`{"items":[{"of":"\u0074ea","n":1.0},null,true], "order":"4711"}`)
		if again := w.start(order); again.ID != started.ID {
			w.t.Errorf("%+v", again)
		}
		for _, other := range []string{
			`{"order":"4711","items":[null,{"n":1,"of":"tea"},true]}`, `{"order":"4711","items":[{"n":1},null,true]}`, `{"order":"4711"}`,
			`{"order":"4711","items":[{"n":2,"of":"tea"},null,true]}`, `{"order":"4711","items":[{"n":1,"of":"tea"},null,true],"a":null}`,
			`{"order":"4711","items":{"0":1}}`, `{"order":["4711"],"items":[{"n":1,"of":"tea"},null,true]}`, ``,
		} {
			order.Metadata = json.RawMessage(other)
			_, err := w.client().Start(w.t.Context(), order)
			w.wantCode(err, payment.CodeKeyInUse)
		}
	})
	test(t, "with another order", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		for name, change := range map[string]func(*payment.Order){
			"from":          func(o *payment.Order) { o.From = home + "/shop" },
			"to":            func(o *payment.Order) { o.To = abroad + "/shop" },
			"receiveAmount": func(o *payment.Order) { o.ReceiveAmount = amount("1251", "USD") },
			"debitAmount":   func(o *payment.Order) { o.ReceiveAmount, o.DebitAmount = nil, o.ReceiveAmount },
			"metadata":      func(o *payment.Order) { o.Metadata = nil },
		} {
			order := w.order("a")
			change(&order)
			_, err := w.client().Start(w.t.Context(), order)
			if failure := w.wantCode(err, payment.CodeKeyInUse); !strings.Contains(failure.Description, started.ID) {
				w.t.Errorf("%s: %v", name, err)
			}
		}
		w.finish(started)
		w.wantPaid(1250, 1250)
	})
	test(t, "accepted, and arrived", sandbox.Config{PaymentDelay: time.Minute}, func(w *world) {
		accepted := w.finish(w.start(w.order("a")))
		again := w.start(w.order("a"))
		if again.Step != payment.StepAccepted || again.Outgoing.ID != accepted.ID || again.Redirect != "" {
			w.t.Errorf("%+v", again)
		}
		if _, _, err := w.watch(accepted.ID); err != nil {
			w.t.Fatal(err)
		}
		if again = w.start(w.order("a")); again.Step != payment.StepArrived || again.Outgoing.SentAmount.Value != "1250" {
			w.t.Errorf("%+v", again)
		}
		w.wantSent(paying, 1)
	})
	test(t, "that may be paid", sandbox.Config{}, func(w *world) {
		started, _ := w.mayBePaid(w.order("a"), lost)
		time.Sleep(40 * 24 * time.Hour)
		if again := w.start(w.order("a")); again.ID != started.ID || again.Step != payment.StepPaying {
			w.t.Errorf("%+v", again)
		}
	})
	test(t, "of a payment that nobody approved in time", sandbox.Config{}, func(w *world) {
		old := w.start(w.order("a"))
		time.Sleep(61 * time.Minute)
		order := w.order("a")
		order.ReceiveAmount = amount("100", "USD")
		again := w.start(order)
		if again.ID == old.ID || w.journal.size() != 1 {
			w.t.Errorf("%+v", again)
		}
		w.finish(again)
		w.wantPaid(100, 100)
	})
	test(t, "of a payment that did not begin", sandbox.Config{}, func(w *world) {
		w.party.breakOnce(quoting, refused)
		_, err := w.client().Start(w.t.Context(), w.order("a"))
		w.wantCode(err, signedhttp.CodeNetwork)
		w.party.breakOnce(quoting, refused)
		_, err = w.client().Start(w.t.Context(), w.order("a")) // goes on from where it was
		w.wantCode(err, signedhttp.CodeNetwork)
		w.wantSent(receiving, 1)
		order := w.order("a")
		order.ReceiveAmount = amount("100", "USD")
		w.finish(w.start(order))
		w.wantPaid(100, 100)
	})
	test(t, "of a payment that did not begin, long ago", sandbox.Config{}, func(w *world) {
		w.party.breakOnce(quoting, refused)
		_, err := w.client().Start(w.t.Context(), w.order("a"))
		w.wantCode(err, signedhttp.CodeNetwork)
		time.Sleep(30 * time.Minute) // its tokens are over
		w.finish(w.start(w.order("a")))
		w.wantSent(receiving, 1)
		w.wantPaid(1250, 1250)
	})
}

func TestTheMetadata(t *testing.T) {
	test(t, "both sides can read it", sandbox.Config{}, func(w *world) {
		accepted := w.finish(w.start(w.order("a")))
		token := w.token(gnap.Access{Type: "incoming-payment", Actions: []string{"read"}})
		incoming, err := w.resources().IncomingPayment(w.t.Context(), accepted.Receiver, token)
		if err != nil || string(incoming.Metadata) != `{"order":"4711"}` || string(accepted.Metadata) != `{"order":"4711"}` {
			w.t.Errorf("%s, %s, %v", accepted.Metadata, incoming.Metadata, err)
		}
		if in := time.Until(incoming.ExpiresAt); in < 23*time.Hour || in > 24*time.Hour {
			w.t.Errorf("it expires in %v", in)
		}
	})
}

func TestMetadataIsSentAsItIs(t *testing.T) {
	test(t, "with what encoders escape", sandbox.Config{}, func(w *world) {
		order := w.order("a")
		order.Metadata = json.RawMessage(`{"note":"a&b <c> \\u003c","other":"` + "\u2028" + `"}`)
		started := w.start(order)
		if again := w.start(order); again.ID != started.ID {
			w.t.Errorf("%+v", again)
		}
		if accepted := w.finish(started); !strings.Contains(string(accepted.Metadata), "note") {
			w.t.Errorf("%s", accepted.Metadata)
		}
		for _, text := range w.journal.records {
			if !strings.Contains(string(text), string(order.Metadata)) {
				w.t.Errorf("%s", text)
			}
		}
	})
}

func TestWhatIsAskedFor(t *testing.T) {
	test(t, "exactly the quote, and what is needed to look", sandbox.Config{Fee: sandbox.Fee{Fixed: 7}}, func(w *world) {
		started := w.start(w.order("a"))
		w.finish(started)
		record := w.record()
		spent, err := w.resources().GrantSpentAmounts(w.t.Context(), home+"/op", record.Token.Value)
		if err != nil || spent.SpentDebitAmount.Value != "1257" {
			w.t.Fatal(spent, err)
		}
		// Not one cent more can be paid with it, nor to somebody else.
		for _, receiver := range []string{started.Quote.Receiver, w.expect(nil)} {
			_, err = w.resources().CreateOutgoingPayment(w.t.Context(), home+"/op", record.Token.Value, openpayments.NewOutgoingPayment{
				WalletAddress: home + "/alice", IncomingPayment: receiver, DebitAmount: amount("8", "USD"),
			})
			w.wantCode(err, openpayments.CodeLimitExceeded, openpayments.CodeInvalidAmount, openpayments.CodeInvalidReceiver)
		}
	})
}

func TestOrdersThatCannotBeMade(t *testing.T) {
	for argument, change := range map[string]func(*payment.Order){
		"key":                      func(o *payment.Order) { o.Key = "" },
		"from":                     func(o *payment.Order) { o.From = "http://wallet.example/alice" },
		"to":                       func(o *payment.Order) { o.To = "shop" },
		"finishUri":                func(o *payment.Order) { o.FinishURI = "/callback" },
		"finishUri ":               func(o *payment.Order) { o.FinishURI = "http://shop.example/callback" },
		"debitAmount":              func(o *payment.Order) { o.DebitAmount = amount("1", "USD") },
		"receiveAmount":            func(o *payment.Order) { o.ReceiveAmount = nil },
		"receiveAmount ":           func(o *payment.Order) { o.ReceiveAmount.Value = "0" },
		"receiveAmount  ":          func(o *payment.Order) { o.ReceiveAmount.Value = "12.50" },
		"metadata":                 func(o *payment.Order) { o.Metadata = json.RawMessage(`[1]`) },
		"metadata ":                func(o *payment.Order) { o.Metadata = json.RawMessage(`{`) },
		"metadata  ":               func(o *payment.Order) { o.Metadata = nested(251) },
		"receiveAmount.assetCode":  func(o *payment.Order) { o.ReceiveAmount.AssetCode = "EUR" },
		"receiveAmount.assetScale": func(o *payment.Order) { o.ReceiveAmount.AssetScale = 0 },
		"debitAmount.assetCode":    func(o *payment.Order) { o.DebitAmount, o.ReceiveAmount = amount("1", "EUR"), nil },
	} {
		test(t, argument, sandbox.Config{}, func(w *world) {
			order := w.order("a")
			change(&order)
			_, err := w.client().Start(w.t.Context(), order)
			var problem *signedhttp.ArgumentError
			if !errors.As(err, &problem) || problem.Argument != strings.TrimSpace(argument) {
				w.t.Fatal(err)
			}
			for _, sent := range w.party.requests() {
				if !strings.HasPrefix(sent, "GET ") {
					w.t.Errorf("%s was sent", sent)
				}
			}
			time.Sleep(time.Minute)
			if w.journal.size() != 0 {
				w.t.Error("it is kept")
			}
		})
	}
	test(t, "the quote does not fit", sandbox.Config{}, func(w *world) {
		order := w.order("a")
		order.To, order.ReceiveAmount = w.expect(amount("100", "USD")), amount("101", "USD")
		_, err := w.client().Start(w.t.Context(), order)
		w.wantCode(err, openpayments.CodeInvalidAmount)
		if w.journal.size() != 0 {
			w.t.Error("it is kept")
		}
	})
}

// nested is an object of so many levels.
func nested(levels int) json.RawMessage {
	return json.RawMessage(strings.Repeat(`{"a":`, levels-1) + "{}" + strings.Repeat("}", levels-1))
}

func TestMetadataAsDeepAsItMayBe(t *testing.T) {
	test(t, "is paid, and seen in a list", sandbox.Config{}, func(w *world) {
		order := w.order("a")
		order.Metadata = nested(250)
		started, callback := w.mayBePaid(order, lost)
		if outgoing, err := w.client().Finish(w.t.Context(), callback); err != nil || outgoing.QuoteID != started.Quote.ID {
			w.t.Fatal(outgoing, err)
		}
		order.Metadata = nested(251)
		_, err := w.client().Start(w.t.Context(), order)
		if err == nil || !strings.Contains(err.Error(), "nested deeper than 250 levels") {
			w.t.Error(err)
		}
	})
}

func TestTime(t *testing.T) {
	test(t, "a payment that may have been sent never leaves by it", sandbox.Config{}, func(w *world) {
		_, callback := w.mayBePaid(w.order("a"), lost)
		for range 3 {
			time.Sleep(400 * 24 * time.Hour)
			w.start(w.order("b"))
		}
		pending, err := w.client().Pending(w.t.Context())
		if err != nil || len(pending) != 2 {
			w.t.Fatal(pending, err)
		}
		w.party.answer(looking, 200, pageJSON("", outgoingJSON("ours", w.quoteOf("a"), "", time.Now(), false)))
		w.party.strike = nil
		_, err = w.client().Finish(w.t.Context(), callback)
		w.wantCode(err, payment.CodeOutcomeUnknown) // its token is over
		if w.journal.size() != 2 {
			w.t.Error("it is gone")
		}
	})
	test(t, "one that was approved and not sent leaves after a day", sandbox.Config{}, func(w *world) {
		w.party.breakOnce("write paying", "killed before")
		callback := w.approve(w.start(w.order("a")).Redirect)
		if _, err := w.client().Finish(w.t.Context(), callback); !errors.Is(err, errKilled) {
			w.t.Fatal(err)
		}
		w.party = w.newParty()
		time.Sleep(23 * time.Hour)
		if pending, _ := w.client().Pending(w.t.Context()); len(pending) != 1 || pending[0].Step != payment.StepApproved {
			w.t.Errorf("%+v", pending)
		}
		time.Sleep(2 * time.Hour)
		if pending, _ := w.client().Pending(w.t.Context()); len(pending) != 0 {
			w.t.Errorf("%+v", pending)
		}
		_, err := w.client().Finish(w.t.Context(), callback)
		w.wantCode(err, payment.CodeNotPending)
		w.start(w.order("b"))
		if w.journal.size() != 1 {
			w.t.Errorf("%d records", w.journal.size())
		}
	})
	test(t, "centuries ahead, none leaves", sandbox.Config{}, func(w *world) {
		w.start(w.order("a"))
		for _, began := range []int64{1e13, 2e13, 3e13, 1e15, math.MaxInt64} {
			w.journal.edit(w.t, func(record map[string]any) { record["began"] = began })
			if pending, err := w.client().Pending(w.t.Context()); err != nil || len(pending) != 1 {
				w.t.Errorf("%d: %v, %v", began, pending, err)
			}
		}
	})
	test(t, "one whose outcome was handed over leaves after a day", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		callback := w.approve(started.Redirect)
		accepted, err := w.client().Finish(w.t.Context(), callback)
		if err != nil {
			w.t.Fatal(err)
		}
		sent := len(w.party.requests())
		time.Sleep(100 * time.Hour)
		for range 2 {
			if err := w.client().HandOver(w.t.Context(), accepted.ID); err != nil {
				w.t.Fatal(err)
			}
			time.Sleep(12*time.Hour - time.Minute)
			if again, err := w.client().Finish(w.t.Context(), callback); err != nil || again.ID != accepted.ID {
				w.t.Fatal(again, err)
			}
		}
		if more := len(w.party.requests()) - sent; more != 0 {
			w.t.Errorf("%d requests", more)
		}
		time.Sleep(time.Hour)
		_, err = w.client().Finish(w.t.Context(), callback)
		w.wantCode(err, payment.CodeNotPending)
		w.start(w.order("b"))
		time.Sleep(time.Minute)
		w.wantSent(completing, 0) // it was under way, as far as we know
		w.wantPaid(1250, 1250)
	})
	test(t, "an old one that somebody works on stays", sandbox.Config{}, func(w *world) {
		callback := w.approve(w.start(w.order("a")).Redirect)
		time.Sleep(24*time.Hour - time.Minute)
		rival := w.newParty()
		w.party.strike = func(_ context.Context, e event) (res *http.Response, err error) {
			if e.name == oneContinue && !e.isAfter {
				time.Sleep(2 * time.Minute)
				ctx, stop := context.WithTimeout(w.t.Context(), time.Second)
				defer stop()
				_, err := rival.client().Start(ctx, w.order("b"))
				if !errors.Is(err, context.DeadlineExceeded) {
					w.t.Errorf("%v", err)
				}
			}
			return nil, nil
		}
		_, _ = w.client().Finish(w.t.Context(), callback)
		if w.journal.size() != 1 {
			w.t.Errorf("%d records", w.journal.size())
		}
	})
}

// record returns the only one.
func (w *world) record() (record payment.Record) {
	w.t.Helper()
	for _, text := range w.journal.records {
		if err := json.Unmarshal(text, &record); err != nil {
			w.t.Fatal(err)
		}
	}
	return record
}

// quoteOf returns the id of the quote under a key.
func (w *world) quoteOf(key string) string {
	for _, text := range w.journal.records {
		var record struct {
			Key   string
			Quote struct{ ID string }
		}
		if json.Unmarshal(text, &record) == nil && record.Key == key {
			return record.Quote.ID
		}
	}
	return ""
}

func TestCallbacks(t *testing.T) {
	test(t, "prove nothing", sandbox.Config{}, func(w *world) {
		_, err := w.client().Finish(w.t.Context(), payment.Callback{Hash: "a", InteractRef: "b"})
		w.wantCode(err, payment.CodeNotPending)
		started := w.start(w.order("a"))
		callback := w.approve(started.Redirect)
		sent := len(w.party.requests())
		for _, wrong := range []payment.Callback{
			{}, {Hash: callback.Hash}, {InteractRef: callback.InteractRef}, {Hash: callback.Hash, InteractRef: "other"},
			{Hash: callback.Hash[1:], InteractRef: callback.InteractRef},
		} {
			_, err := w.client().Finish(w.t.Context(), wrong)
			w.wantCode(err, gnap.CodeHash)
		}
		if len(w.party.requests()) != sent {
			w.t.Error("something was sent")
		}
		if _, err := w.client().Finish(w.t.Context(), callback); err != nil {
			w.t.Fatal(err)
		}
	})
	test(t, "are of one payment among others", sandbox.Config{}, func(w *world) {
		first, second := w.start(w.order("a")), w.start(w.order("b"))
		paid := w.finish(second)
		if paid.QuoteID != second.Quote.ID {
			w.t.Errorf("%+v", paid)
		}
		w.finish(first)
		w.wantPaid(2500, 2500)
	})
	test(t, "a plus sign reads as a space", sandbox.Config{}, func(w *world) {
		w.start(w.order("a"))
		record := w.record()
		hash := gnap.InteractionHash{
			ClientNonce: record.Grant.ClientNonce, ServerNonce: record.Grant.ServerNonce, InteractRef: "a+b", GrantEndpoint: record.Grant.Endpoint,
		}
		w.party.strike = instead(oneContinue, 401, `{"error":{"code":"user_denied","description":"no"}}`)
		_, err := w.client().Finish(w.t.Context(), payment.Callback{Hash: hashOf(hash), InteractRef: "a b"})
		w.wantCode(err, "user_denied")
	})
	test(t, "a reload gives the same payment", sandbox.Config{}, func(w *world) {
		callback := w.approve(w.start(w.order("a")).Redirect)
		first, err := w.client().Finish(w.t.Context(), callback)
		if err != nil {
			w.t.Fatal(err)
		}
		sent := len(w.party.requests())
		if again, err := w.client().Finish(w.t.Context(), callback); err != nil || again.ID != first.ID || len(w.party.requests()) != sent {
			w.t.Error(again, err)
		}
	})
	test(t, "none yet", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		_, err := w.client().Resume(w.t.Context(), started.ID)
		var waits *payment.InteractionRequired
		if !errors.As(err, &waits) || waits.Payment.Redirect != started.Redirect {
			w.t.Fatal(err)
		}
		w.wantCode(err, payment.CodeInteractionRequired)
	})
	test(t, "too early for the server", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		callback := w.approve(started.Redirect)
		w.party.strike = instead(oneContinue, 400, `{"error":{"code":"too_fast","description":"wait"},"continue":{"wait":30}}`)
		ctx, stop := context.WithTimeout(w.t.Context(), 20*time.Second)
		defer stop()
		_, err := w.client().Finish(ctx, callback)
		w.wantCode(err, "too_fast")
		w.party.strike = instead(oneContinue, 401, `{"error":{"code":"request_denied","description":"no"}}`)
		began := time.Now()
		_, err = w.client().Finish(w.t.Context(), callback)
		if waited := time.Since(began); waited != 30*time.Second {
			w.t.Errorf("it has waited for %v", waited)
		}
		if failure := w.wantCode(err, "request_denied"); strings.Contains(failure.Advice, "was lost") {
			w.t.Errorf("%v", failure) // nothing was lost
		}
	})
	test(t, "after a wait of centuries", sandbox.Config{}, func(w *world) {
		for i, wait := range []string{"1e10", "1e16", "1e20", "1e300"} {
			w.party.rewrite = func(_ *http.Request, _ string, status int, body string) (int, string) {
				return status, strings.Replace(body, `"continue":{`, `"continue":{"wait":`+wait+`,`, 1)
			}
			callback := w.approve(w.start(w.order(fmt.Sprint(i))).Redirect)
			ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
			_, err := w.client().Finish(ctx, callback)
			cancel()
			w.wantCode(err, "too_fast")
		}
		w.wantSent(oneContinue, 0)
	})
	test(t, "after a wait of less than nothing", sandbox.Config{}, func(w *world) {
		w.party.rewrite = func(_ *http.Request, _ string, status int, body string) (int, string) {
			return status, strings.Replace(body, `"continue":{`, `"continue":{"wait":-1e10,`, 1)
		}
		w.finish(w.start(w.order("a")))
	})
	test(t, "with a grant that began centuries ahead", sandbox.Config{}, func(w *world) {
		w.party.rewrite = func(_ *http.Request, _ string, status int, body string) (int, string) {
			return status, strings.Replace(body, `"continue":{`, `"continue":{"wait":30,`, 1)
		}
		for _, at := range []int64{1e13, 2e13, 3e13, 1e15, math.MaxInt64} {
			callback := w.approve(w.start(w.order(fmt.Sprint(at))).Redirect)
			w.journal.edit(w.t, func(record map[string]any) { record["grant"].(map[string]any)["began"] = at })
			began := time.Now()
			if _, err := w.client().Finish(w.t.Context(), callback); err != nil || time.Since(began) != 30*time.Second {
				w.t.Errorf("%d: after %s: %v", at, time.Since(began), err)
			}
		}
	})
	test(t, "the server has no token yet", sandbox.Config{}, func(w *world) {
		callback := w.approve(w.start(w.order("a")).Redirect)
		uri := home + "/auth/continue/next-12345678901234567890"
		w.party.strike = instead(oneContinue, 200, `{"continue":{"access_token":{"value":"next"},"uri":"`+uri+`","wait":5}}`)
		_, err := w.client().Finish(w.t.Context(), callback)
		w.wantCode(err, signedhttp.CodeShape)
		began := time.Now()
		_, err = w.client().Finish(w.t.Context(), callback)
		w.wantCode(err, signedhttp.CodeShape)
		if time.Since(began) != 5*time.Second {
			w.t.Errorf("it has waited for %v", time.Since(began))
		}
	})
}

func TestTheJournal(t *testing.T) {
	test(t, "another key", sandbox.Config{}, func(w *world) {
		started, _ := w.mayBePaid(w.order("a"), lost)
		client := w.client()
		client.HTTP.Key.ID = "key-2"
		sent := len(w.party.requests())
		_, errStart := client.Start(w.t.Context(), w.order("a"))
		_, errResume := client.Resume(w.t.Context(), started.ID)
		_, errForget := client.Forget(w.t.Context(), started.ID)
		for _, err := range []error{errStart, errResume, errForget} {
			var problem *signedhttp.ArgumentError
			if !errors.As(err, &problem) || problem.Argument != "key" || !strings.Contains(problem.Problem, "key-1") {
				w.t.Errorf("%v", err)
			}
		}
		if len(w.party.requests()) != sent {
			w.t.Error("something was sent")
		}
	})
	test(t, "another key forgets where there is nothing to look for", sandbox.Config{}, func(w *world) {
		client := w.client()
		client.HTTP.Key.ID = "key-2"
		started := w.start(w.order("a"))
		if outgoing, err := client.Forget(w.t.Context(), started.ID); outgoing != nil || err != nil {
			w.t.Fatal(outgoing, err)
		}
		started = w.start(w.order("b"))
		accepted := w.finish(started)
		if outgoing, err := client.Forget(w.t.Context(), started.ID); err != nil || outgoing.ID != accepted.ID {
			w.t.Fatal(outgoing, err)
		}
		if w.journal.size() != 0 {
			w.t.Errorf("%d records", w.journal.size())
		}
	})
	test(t, "somebody works on the payment", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		w.party.strike = func(_ context.Context, e event) (*http.Response, error) {
			if e.name == oneContinue && !e.isAfter {
				time.Sleep(time.Hour)
			}
			return nil, nil
		}
		callback := w.approve(started.Redirect)
		go func() { _, _ = w.client().Finish(w.t.Context(), callback) }()
		time.Sleep(time.Second)
		ctx, stop := context.WithTimeout(w.t.Context(), 10*time.Second)
		defer stop()
		began := time.Now()
		_, err := w.newParty().client().Finish(ctx, callback)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 10*time.Second {
			w.t.Error(time.Since(began), err)
		}
		time.Sleep(2 * time.Hour)
	})
	test(t, "all at once", sandbox.Config{}, func(w *world) {
		started := make(chan *payment.Payment, 8)
		for range cap(started) {
			go func() {
				p, err := w.newParty().client().Start(w.t.Context(), w.order("a"))
				if err != nil {
					w.t.Error(err)
				}
				started <- p
			}()
		}
		first := <-started
		for range cap(started) - 1 {
			if again := <-started; again.ID != first.ID || again.Redirect != first.Redirect {
				w.t.Errorf("%+v", again)
			}
		}
		callback := w.approve(first.Redirect)
		paid := make(chan *openpayments.OutgoingPayment, 8)
		for range cap(paid) {
			go func() {
				outgoing, err := w.newParty().client().Finish(w.t.Context(), callback)
				if err != nil {
					w.t.Error(err)
				}
				paid <- outgoing
			}()
		}
		one := <-paid
		for range cap(paid) - 1 {
			if again := <-paid; again.ID != one.ID {
				w.t.Errorf("%+v", again)
			}
		}
		w.wantPaid(1250, 1250)
	})
	test(t, "pending", sandbox.Config{PaymentDelay: time.Minute}, func(w *world) {
		started := w.start(w.order("a"))
		pending, err := w.client().Pending(w.t.Context())
		if err != nil || len(pending) != 1 || pending[0].ID != started.ID || pending[0].Redirect != started.Redirect ||
			string(pending[0].Metadata) != `{"order":"4711"}` || pending[0].Quote.ID != started.Quote.ID || pending[0].To != home+"/shop" {
			w.t.Fatalf("%+v %v", pending, err)
		}
		accepted := w.finish(started)
		if pending, _ := w.client().Pending(w.t.Context()); len(pending) != 1 || pending[0].Outgoing.ID != accepted.ID {
			w.t.Errorf("%+v", pending)
		}
		if _, _, err := w.watch(accepted.ID); err != nil {
			w.t.Fatal(err)
		}
		if pending, _ := w.client().Pending(w.t.Context()); len(pending) != 0 {
			w.t.Errorf("%+v", pending)
		}
	})
}

// What lies in a store may be damaged, or be somebody else's.
func TestDamagedRecords(t *testing.T) {
	damages := map[string]func(map[string]any){
		"no id":              func(r map[string]any) { delete(r, "id") },
		"no key id":          func(r map[string]any) { delete(r, "keyId") },
		"no wallet":          func(r map[string]any) { delete(r, "from") },
		"no receiver":        func(r map[string]any) { delete(r, "receiver") },
		"no quote":           func(r map[string]any) { delete(r, "quote") },
		"a quote without id": func(r map[string]any) { delete(r["quote"].(map[string]any), "id") },
		"a quote of text":    func(r map[string]any) { r["quote"] = "12.50" },
		"another step":       func(r map[string]any) { r["step"] = "considering" },
		"no token":           func(r map[string]any) { delete(r, "token") },
	}
	for name, damage := range damages {
		test(t, "that may have been paid: "+name, sandbox.Config{}, func(w *world) {
			started, callback := w.mayBePaid(w.order("a"), lost)
			w.journal.edit(w.t, damage)
			sent := len(w.party.requests())
			_, err := w.client().Start(w.t.Context(), w.order("a"))
			w.wantCode(err, payment.CodeOutcomeUnknown)
			_, err = w.client().Finish(w.t.Context(), callback)
			w.wantCode(err, payment.CodeNotPending)
			_, err = w.client().Resume(w.t.Context(), started.ID)
			w.wantCode(err, payment.CodeNotPending)
			if pending, err := w.client().Pending(w.t.Context()); len(pending) != 0 || err != nil {
				w.t.Error(pending, err)
			}
			if len(w.party.requests()) != sent {
				w.t.Error("something was sent")
			}
			w.finish(w.start(w.order("b"))) // others go on
			if name == "no id" {
				return
			}
			_, err = w.client().Forget(w.t.Context(), started.ID) // and says that nobody can look
			w.wantCode(err, payment.CodeOutcomeUnknown)
			if again := w.start(w.order("a")); again.ID == started.ID || w.journal.size() != 2 {
				w.t.Errorf("%+v", again)
			}
		})
	}
	for name, damage := range damages {
		if name == "no token" {
			damage = func(r map[string]any) { delete(r, "grant") }
		}
		test(t, "that was not paid: "+name, sandbox.Config{}, func(w *world) {
			w.start(w.order("a"))
			w.journal.edit(w.t, damage)
			w.finish(w.start(w.order("a")))
			w.wantPaid(1250, 1250)
		})
	}
	test(t, "of another kind", sandbox.Config{}, func(w *world) {
		for id, text := range map[string]string{"1": `{}`, "2": `null`, "3": `[]`, "4": `{"id":"4","key":"a","step":"interact"}`, "5": "damaged"} {
			w.journal.records[id] = []byte(text)
		}
		w.finish(w.start(w.order("a")))
		w.wantPaid(1250, 1250)
	})
	test(t, "without the token for quotes", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		w.journal.edit(w.t, func(r map[string]any) { delete(r, "quoteToken") })
		time.Sleep(long)
		w.finish(started)
		w.wantPaid(1250, 1250)
	})
}
