package payment_test

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/openpayments/payment"
	"open-payments-wasm/pkg/sandbox"
	"open-payments-wasm/pkg/signedhttp"
)

const (
	oneContinue  = "POST auth/continue/…"
	oneRotate    = "POST auth/token/…"
	oneRevoke    = "DELETE auth/token/…"
	oneCancel    = "DELETE auth/continue/…"
	granting     = "POST auth"
	receiving    = "POST op/incoming-payments"
	completing   = "POST op/incoming-payments/…/complete"
	lost         = "response lost"
	refused      = "connection refused"
	crashed      = "500 before processing"
	crashedAfter = "500 after processing"
)

// outgoingJSON is a payment as it stands in a list. quoteID may be empty.
func outgoingJSON(id, quoteID, receiver string, created time.Time, isFailed bool) string {
	text := `{"id":"` + home + `/op/outgoing-payments/` + id + `","walletAddress":"` + home + `/alice",`
	if quoteID != "" {
		text += `"quoteId":"` + quoteID + `",`
	}
	return text + fmt.Sprintf(`"failed":%t,"receiver":"%s","receiveAmount":%s,"debitAmount":%s,"sentAmount":%s,"createdAt":"%s"}`,
		isFailed, receiver, usd("1250"), usd("1250"), usd("0"), created.UTC().Format(time.RFC3339))
}

func usd(value string) string { return `{"value":"` + value + `","assetCode":"USD","assetScale":2}` }

// pageJSON is a page of a list. cursor is that of the next page, or "".
func pageJSON(cursor string, items ...string) string {
	return fmt.Sprintf(`{"pagination":{"startCursor":"s","endCursor":"%s","hasNextPage":%t,"hasPreviousPage":false},"result":[%s]}`,
		cmp.Or(cursor, "end"), cursor != "", strings.Join(items, ","))
}

// mayBePaid brings a payment to where a request to pay may have been sent and nobody knows what became of it.
func (w *world) mayBePaid(order payment.Order, faultName string) (*payment.Payment, payment.Callback) {
	w.t.Helper()
	started := w.start(order)
	callback := w.approve(started.Redirect)
	w.party.breakOnce(paying, faultName)
	w.party.rewrite = func(_ *http.Request, name string, status int, body string) (int, string) {
		if name == looking {
			return 500, "Internal Server Error"
		}
		return status, body
	}
	_, err := w.client().Finish(w.t.Context(), callback)
	w.wantCode(err, payment.CodeOutcomeUnknown)
	w.party.mend()
	return started, callback
}

func TestTheLookGoesThroughTheList(t *testing.T) {
	others := make([]string, 50)
	for i := range others {
		others[i] = outgoingJSON(fmt.Sprint(i), home+"/op/quotes/other", home+"/op/incoming-payments/other", time.Now().AddDate(200, 0, 0), false)
	}
	list := func(w *world, pages map[string]string) {
		w.party.rewrite = func(req *http.Request, name string, status int, body string) (int, string) {
			if name != looking {
				return status, body
			}
			query := req.URL.Query()
			if req.URL.RawQuery == "" {
				_, raw, _ := strings.Cut(req.URL.Opaque, "?")
				req.URL.RawQuery = raw
				query = req.URL.Query()
			}
			if req.Header.Get("Cache-Control") != "no-store" || query.Get("wallet-address") != home+"/alice" || query.Get("first") != "100" {
				w.t.Errorf("the list was asked for with %v and %v", req.Header, query)
			}
			return 200, pages[query.Get("cursor")]
		}
	}
	test(t, "over pages, by the quote", sandbox.Config{}, func(w *world) {
		started, callback := w.mayBePaid(w.order("a"), refused)
		ours := outgoingJSON("ours", started.Quote.ID, started.Quote.Receiver, time.Now(), false)
		list(w, map[string]string{"": pageJSON("c1", others...), "c1": pageJSON("c2", others...), "c2": pageJSON("", others[0], ours)})
		outgoing, err := w.client().Finish(w.t.Context(), callback)
		if err != nil || !strings.HasSuffix(outgoing.ID, "/ours") {
			w.t.Fatal(outgoing, err)
		}
		w.wantSent(paying, 1)
	})
	test(t, "by the receiver where the quote is missing", sandbox.Config{}, func(w *world) {
		started, callback := w.mayBePaid(w.order("a"), refused)
		list(w, map[string]string{"": pageJSON("", others[0], outgoingJSON("ours", "", started.Quote.Receiver, time.Now(), false))})
		if outgoing, err := w.client().Finish(w.t.Context(), callback); err != nil || !strings.HasSuffix(outgoing.ID, "/ours") {
			w.t.Fatal(outgoing, err)
		}
		w.wantSent(paying, 1)
	})
	test(t, "an older payment to the receiver is not it", sandbox.Config{}, func(w *world) {
		started, callback := w.mayBePaid(w.order("a"), refused)
		older := outgoingJSON("older", "", started.Quote.Receiver, time.Now().Add(-time.Hour), true)
		list(w, map[string]string{"": pageJSON("c1", older), "c1": "not asked for"})
		if _, err := w.client().Finish(w.t.Context(), callback); err != nil {
			w.t.Fatal(err)
		}
		w.wantSent(paying, 2)
		w.wantPaid(1250, 1250)
	})
	test(t, "by the quote, although its time is cut to seconds", sandbox.Config{}, func(w *world) {
		time.Sleep(900 * time.Millisecond)
		started, callback := w.mayBePaid(w.order("a"), refused)
		list(w, map[string]string{"": pageJSON("", outgoingJSON("ours", "", started.Quote.Receiver, time.Now(), false))})
		if outgoing, err := w.client().Finish(w.t.Context(), callback); err != nil || !strings.HasSuffix(outgoing.ID, "/ours") {
			w.t.Fatal(outgoing, err)
		}
	})
	test(t, "to what is older than all quotes that were tried", sandbox.Config{}, func(w *world) {
		_, callback := w.mayBePaid(w.order("a"), refused)
		older := outgoingJSON("older", home+"/op/quotes/older", home+"/op/incoming-payments/other", time.Now().Add(-2*time.Minute), false)
		time.Sleep(long)
		list(w, map[string]string{"": pageJSON("", others...)})
		tries := 0
		w.party.strike = func(_ context.Context, e event) (*http.Response, error) {
			if e.name != paying || e.isAfter {
				return nil, nil
			}
			if tries++; tries == 2 { // of another quote, in place of the one that has expired
				return nil, errLost
			}
			return nil, nil
		}
		_, err := w.client().Finish(w.t.Context(), callback)
		w.wantCode(err, payment.CodeOutcomeUnknown)
		if record := w.record(); len(record.Tried) != 2 {
			w.t.Fatal(record.Tried)
		}
		list(w, map[string]string{"": pageJSON("c1", others...), "c1": pageJSON("c2", older), "c2": "not asked for"})
		if _, err := w.client().Finish(w.t.Context(), callback); err != nil {
			w.t.Fatal(err)
		}
		w.wantPaid(1250, 1250)
	})
	test(t, "of an account with thousands of payments", sandbox.Config{}, func(w *world) {
		started, callback := w.mayBePaid(w.order("a"), refused)
		pages := endless(others)
		ours := outgoingJSON("ours", started.Quote.ID, started.Quote.Receiver, time.Now(), false)
		pages["c60"] = pageJSON("", ours)
		list(w, pages)
		if outgoing, err := w.client().Finish(w.t.Context(), callback); err != nil || !strings.HasSuffix(outgoing.ID, "/ours") {
			w.t.Fatal(outgoing, err)
		}
	})
	for name, pages := range map[string]map[string]string{
		"no cursor":         {"": strings.Replace(pageJSON("c1", others...), `"endCursor":"c1",`, "", 1)},
		"no further cursor": {"": pageJSON("c1", others...), "c1": pageJSON("c1", others...)},
		"no list":           {"": `{}`},
		"no list at all":    {"": `{"result":null}`},
		"no end":            endless(others),
	} {
		test(t, "what fails is no result: "+name, sandbox.Config{}, func(w *world) {
			_, callback := w.mayBePaid(w.order("a"), refused)
			list(w, pages)
			_, err := w.client().Finish(w.t.Context(), callback)
			failure := w.wantCode(err, payment.CodeOutcomeUnknown)
			if !failure.Retryable || failure.Advice == "" || failure.Err == nil {
				w.t.Errorf("%+v", failure)
			}
			w.wantSent(paying, 1)
			w.party.mend()
			if _, err = w.client().Finish(w.t.Context(), callback); err != nil {
				w.t.Fatal(err)
			}
			w.wantPaid(1250, 1250)
		})
	}
}

func endless(others []string) map[string]string {
	pages := map[string]string{"": pageJSON("c0", others...)}
	for i := range 100 {
		pages[fmt.Sprint("c", i)] = pageJSON(fmt.Sprint("c", i+1), others...)
	}
	return pages
}

func TestARequestToPayThatFailed(t *testing.T) {
	refusal := func(code, description string) string {
		return `{"error":{"code":"` + code + `","description":"` + description + `"}}`
	}
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		// A browser sends a request again by itself when a connection closes without a response.
		"used":             {400, refusal("400", "invalid quote")},
		"over the limit":   {403, refusal("403", "unauthorized")},
		"crashed":          {500, "Internal Server Error"},
		"too many":         {429, "slow down"},
		"no document":      {201, `{"id":"` + home + `/op/outgoing-payments/1"}`},
		"no JSON":          {201, "thank you"},
		"no longer a path": {404, refusal("404", "unknown quote")},
	} {
		test(t, "it was processed, and the response said: "+name, sandbox.Config{}, func(w *world) {
			started := w.start(w.order("a"))
			w.party.answer(paying, c.status, c.body)
			outgoing := w.finish(started)
			if outgoing.QuoteID != started.Quote.ID {
				w.t.Errorf("%+v", outgoing)
			}
			w.wantSent(paying, 1)
			w.wantSent(looking, 1)
			w.wantPaid(1250, 1250)
		})
	}
	test(t, "its response repeats what other requests were sent", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		callback := w.approve(started.Redirect)
		records, _ := w.journal.List(w.t.Context())
		grant, token := records[0].Grant, records[0].QuoteToken
		secrets := []string{callback.InteractRef, grant.ClientNonce, grant.ServerNonce, grant.AccessToken, token.Value}
		w.party.answer(oneContinue, 400, refusal("teapot", strings.Join(secrets, " ")))
		_, err := w.client().Finish(w.t.Context(), callback)
		for _, secret := range secrets {
			if err == nil || len(secret) < 8 || strings.Contains(err.Error(), secret) {
				w.t.Errorf("%q in %v", secret, err)
			}
		}
	})
	test(t, "the look after it failed", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		callback := w.approve(started.Redirect)
		w.party.rewrite = func(_ *http.Request, name string, status int, body string) (int, string) {
			switch name {
			case paying:
				return 400, refusal("400", "invalid quote")
			case looking:
				return 500, "Internal Server Error"
			}
			return status, body
		}
		_, err := w.client().Finish(w.t.Context(), callback)
		w.wantCode(err, payment.CodeOutcomeUnknown)
		w.wantSent(quoting, 1)
	})
	for description, code := range map[string]string{
		"unauthorized": openpayments.CodeLimitExceeded, "Insufficient Grant": openpayments.CodeInsufficientGrant,
	} {
		test(t, "the wallet refuses: "+code, sandbox.Config{}, func(w *world) {
			started := w.start(w.order("a"))
			callback := w.approve(started.Redirect)
			w.party.strike = instead(paying, 403, refusal("403", description))
			for range 2 {
				_, err := w.client().Finish(w.t.Context(), callback)
				w.wantCode(err, code)
			}
			w.wantPaid(0, 0)
			w.party.mend()
			if _, err := w.client().Resume(w.t.Context(), started.ID); err != nil {
				w.t.Fatal(err)
			}
		})
	}
	test(t, "the key cannot sign", sandbox.Config{}, func(w *world) {
		started, callback := w.mayBePaid(w.order("a"), refused)
		client := w.client()
		client.HTTP.Key.Signer = nil
		_, err := client.Resume(w.t.Context(), started.ID)
		w.wantCode(err, payment.CodeOutcomeUnknown)
		if _, err := w.client().Finish(w.t.Context(), callback); err != nil {
			w.t.Fatal(err)
		}
		w.wantPaid(1250, 1250)
	})
	test(t, "an invalid quote that may be under way and has not expired", sandbox.Config{}, func(w *world) {
		started, _ := w.mayBePaid(w.order("a"), refused)
		w.party.strike = instead(paying, 400, refusal("400", "invalid quote"))
		_, err := w.client().Resume(w.t.Context(), started.ID)
		w.wantCode(err, payment.CodeOutcomeUnknown)
		w.wantSent(quoting, 1)
		time.Sleep(long)
		w.party.mend()
		if _, err := w.client().Resume(w.t.Context(), started.ID); err != nil {
			w.t.Fatal(err)
		}
		w.wantSent(quoting, 2)
		w.wantPaid(1250, 1250)
	})
	test(t, "without a result the same quote is paid", sandbox.Config{}, func(w *world) {
		started, callback := w.mayBePaid(w.order("a"), refused)
		outgoing, err := w.client().Finish(w.t.Context(), callback)
		if err != nil || outgoing.QuoteID != started.Quote.ID {
			w.t.Fatal(outgoing, err)
		}
		w.wantSent(quoting, 1)
		w.wantPaid(1250, 1250)
	})
}

// instead lets a server say something, and not process requests of a name.
func instead(name string, status int, body string) strikeFunc {
	return func(_ context.Context, e event) (*http.Response, error) {
		if e.name != name || e.isAfter {
			return nil, nil
		}
		return response(status, body), nil
	}
}

func TestAQuoteThatExpired(t *testing.T) {
	changed := func(w *world, change func(quote map[string]any)) {
		count := 0
		w.party.rewrite = func(_ *http.Request, name string, status int, body string) (int, string) {
			if name != quoting || status != 201 {
				return status, body
			}
			if count++; count == 1 {
				return status, body
			}
			var quote map[string]any
			_ = json.Unmarshal([]byte(body), &quote)
			change(quote)
			text, _ := json.Marshal(quote)
			return status, string(text)
		}
	}
	set := func(name, value string) func(map[string]any) {
		return func(quote map[string]any) { quote[name].(map[string]any)["value"] = value }
	}
	for name, c := range map[string]struct {
		change  func(map[string]any)
		isTaken bool
	}{
		"the same":      {func(map[string]any) {}, true},
		"costs less":    {set("debitAmount", "1249"), true},
		"delivers more": {set("receiveAmount", "1251"), true},
		"costs more":    {set("debitAmount", "1251"), false},
		"delivers less": {set("receiveAmount", "1249"), false},
		"costs less, in euros": {func(q map[string]any) {
			q["debitAmount"] = map[string]any{"value": "1", "assetCode": "EUR", "assetScale": 2}
		}, false},
		"costs ten times as much":  {func(q map[string]any) { q["debitAmount"].(map[string]any)["assetScale"] = 1 }, false},
		"goes to another receiver": {func(q map[string]any) { q["receiver"] = home + "/op/incoming-payments/other" }, false},
	} {
		test(t, name, sandbox.Config{}, func(w *world) {
			changed(w, c.change)
			started := w.start(w.order("a"))
			callback := w.approve(started.Redirect)
			time.Sleep(long)
			outgoing, err := w.client().Finish(w.t.Context(), callback)
			w.wantSent(quoting, 2)
			if c.isTaken {
				if err != nil || outgoing.QuoteID == started.Quote.ID {
					w.t.Fatal(outgoing, err)
				}
				w.wantSent(paying, 1)
				w.wantPaid(1250, 1250)
				return
			}
			failure := w.wantCode(err, payment.CodeQuoteChanged)
			var details struct{ Before, Now openpayments.Quote }
			if err := json.Unmarshal(failure.Details, &details); err != nil || details.Before.ID != started.Quote.ID || details.Now.ID == details.Before.ID {
				w.t.Errorf("%s, %v", failure.Details, err)
			}
			w.wantSent(paying, 0)
			w.wantPaid(0, 0)
			w.party.mend() // it is cheap again
			if _, err := w.client().Resume(w.t.Context(), started.ID); err != nil {
				w.t.Fatal(err)
			}
		})
	}
	test(t, "its token too", sandbox.Config{AccessLifetime: 5 * time.Minute}, func(w *world) {
		started := w.start(w.order("a"))
		time.Sleep(long)
		w.finish(started)
		w.wantSent(quoting, 3)
		w.wantPaid(1250, 1250)
	})
	test(t, "it may have been paid, and a look finds it", sandbox.Config{}, func(w *world) {
		started, callback := w.mayBePaid(w.order("a"), lost)
		time.Sleep(long)
		if outgoing, err := w.client().Finish(w.t.Context(), callback); err != nil || outgoing.QuoteID != started.Quote.ID {
			w.t.Fatal(outgoing, err)
		}
		w.wantSent(quoting, 1)
	})
	test(t, "it may have been paid, and the look fails", sandbox.Config{}, func(w *world) {
		_, callback := w.mayBePaid(w.order("a"), refused)
		time.Sleep(long)
		w.party.answer(looking, 500, "")
		_, err := w.client().Finish(w.t.Context(), callback)
		w.wantCode(err, payment.CodeOutcomeUnknown)
		w.wantSent(quoting, 1)
		w.wantSent(paying, 1)
	})
	test(t, "after the second quote both are looked for", sandbox.Config{}, func(w *world) {
		started, callback := w.mayBePaid(w.order("a"), refused)
		time.Sleep(long)
		w.party.strike = func(_ context.Context, e event) (*http.Response, error) {
			if e.name == paying && w.party.count(quoting) == 2 {
				return nil, errLost
			}
			return nil, nil
		}
		_, err := w.client().Finish(w.t.Context(), callback)
		w.wantCode(err, payment.CodeOutcomeUnknown)
		w.wantSent(paying, 3)
		w.party.mend()
		w.party.answer(looking, 200, pageJSON("", outgoingJSON("ours", started.Quote.ID, started.Quote.Receiver, time.Now().Add(-time.Hour), false)))
		if outgoing, err := w.client().Finish(w.t.Context(), callback); err != nil || !strings.HasSuffix(outgoing.ID, "/ours") {
			w.t.Fatal(outgoing, err)
		}
	})
}

// A clock here that is wrong is one there that is wrong the other way.
func TestTheClockIsWrong(t *testing.T) {
	times := regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	for _, wrong := range []time.Duration{2 * time.Hour, -2 * time.Hour} {
		shift := func(w *world) {
			w.party.rewrite = func(_ *http.Request, _ string, status int, body string) (int, string) {
				return status, times.ReplaceAllStringFunc(body, func(text string) string {
					at, _ := time.Parse(time.RFC3339, text)
					return at.Add(wrong).Format("2006-01-02T15:04:05.000Z")
				})
			}
		}
		test(t, fmt.Sprint("a good quote, ", wrong), sandbox.Config{}, func(w *world) {
			shift(w)
			w.finish(w.start(w.order("a")))
			w.wantSent(quoting, 1)
			w.wantPaid(1250, 1250)
		})
		test(t, fmt.Sprint("an expired quote, ", wrong), sandbox.Config{}, func(w *world) {
			shift(w)
			started := w.start(w.order("a"))
			time.Sleep(long)
			w.finish(started)
			w.wantSent(quoting, 2)
			w.wantSent(paying, 1)
			w.wantPaid(1250, 1250)
		})
		for _, faultName := range []string{lost, refused} {
			test(t, fmt.Sprint("a quote that may have been paid, ", faultName, ", ", wrong), sandbox.Config{}, func(w *world) {
				_, callback := w.mayBePaid(w.order("a"), faultName)
				time.Sleep(long)
				shift(w)
				if _, err := w.client().Finish(w.t.Context(), callback); err != nil {
					w.t.Fatal(err)
				}
				w.wantPaid(1250, 1250)
			})
		}
	}
}

func TestWhatGoesWrongOnTheWay(t *testing.T) {
	test(t, "the receiver is closed", sandbox.Config{}, func(w *world) {
		order := w.order("a")
		order.To = w.expect(order.ReceiveAmount)
		started := w.start(order)
		token := w.token(gnap.Access{Type: "incoming-payment", Actions: []string{"complete"}})
		if _, err := w.resources().CompleteIncomingPayment(w.t.Context(), order.To, token); err != nil {
			w.t.Fatal(err)
		}
		callback := w.approve(started.Redirect)
		for range 2 {
			_, err := w.client().Finish(w.t.Context(), callback)
			w.wantCode(err, openpayments.CodeInvalidReceiver)
		}
		w.wantPaid(0, 0)
		if outgoing, err := w.client().Forget(w.t.Context(), started.ID); outgoing != nil || err != nil {
			w.t.Fatal(outgoing, err)
		}
	})
	test(t, "there is not enough money", sandbox.Config{}, func(w *world) {
		order := w.order("a")
		order.ReceiveAmount = amount("2000000", "USD")
		_, callback := w.mayBePaid(order, lost)
		_, err := w.client().Finish(w.t.Context(), callback)
		failure := w.wantCode(err, payment.CodeFailed)
		if !strings.Contains(string(failure.Details), `"sentAmount":`+usd("0")) {
			w.t.Errorf("%s", failure.Details)
		}
		_, err = w.client().Finish(w.t.Context(), callback)
		w.wantCode(err, payment.CodeFailed)
		w.wantSent(paying, 1)
		w.wantPaid(0, 0)
	})
	test(t, "the key is not published for a while", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		callback := w.approve(started.Redirect)
		w.setKeys(keySet(w.t, "key-2", publicKey()))
		_, err := w.client().Finish(w.t.Context(), callback)
		w.wantCode(err, "invalid_client")
		w.setKeys(keySet(w.t, "key-1", w.key.Signer.Public().(ed25519.PublicKey)))
		if _, err := w.client().Finish(w.t.Context(), callback); err != nil {
			w.t.Fatal(err)
		}
		w.wantPaid(1250, 1250)
	})
	test(t, "the wallet cannot be reached", sandbox.Config{}, func(w *world) {
		w.party.breakOnce("GET alice", refused)
		_, err := w.client().Start(w.t.Context(), w.order("a"))
		w.wantCode(err, signedhttp.CodeNetwork)
		w.finish(w.start(w.order("a")))
		w.wantPaid(1250, 1250)
	})
	test(t, "the person declines, and the server says it", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		callback := w.approve(started.Redirect)
		w.party.strike = instead(oneContinue, 401, `{"error":{"code":"user_denied","description":"no"}}`)
		_, err := w.client().Finish(w.t.Context(), callback)
		w.wantCode(err, "user_denied")
		w.party.mend()
		for range 2 {
			_, err = w.client().Start(w.t.Context(), w.order("a"))
			w.wantCode(err, "user_denied")
			_, err = w.client().Resume(w.t.Context(), started.ID)
			w.wantCode(err, "user_denied")
		}
		if _, err := w.client().Forget(w.t.Context(), started.ID); err != nil {
			w.t.Fatal(err)
		}
		w.finish(w.start(w.order("a")))
		w.wantPaid(1250, 1250)
	})
	test(t, "a continuation was lost, and the server says denied", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		callback := w.approve(started.Redirect)
		w.party.breakOnce(oneContinue, lost)
		_, err := w.client().Finish(w.t.Context(), callback)
		w.wantCode(err, signedhttp.CodeNetwork)
		_, err = w.client().Finish(w.t.Context(), callback)
		if failure := w.wantCode(err, "request_denied", "invalid_continuation"); !strings.Contains(failure.Advice, "was lost") {
			w.t.Errorf("%v", failure)
		}
		w.wantPaid(0, 0)
	})
	test(t, "a token is over, and the server does not rotate it", sandbox.Config{AccessLifetime: time.Minute}, func(w *world) {
		started, _ := w.mayBePaid(w.order("a"), lost)
		time.Sleep(2 * time.Minute)
		w.party.strike = instead(oneRotate, 401, `{"error":{"code":"invalid_client","description":"no"}}`)
		_, err := w.client().Resume(w.t.Context(), started.ID)
		if failure := w.wantCode(err, payment.CodeOutcomeUnknown); !strings.Contains(failure.Advice, "person's wallet shows it") {
			w.t.Errorf("%v", failure)
		}
		w.wantSent(paying, 1)
	})
	test(t, "a token is over, and has no address", sandbox.Config{AccessLifetime: time.Minute}, func(w *world) {
		w.party.rewrite = func(_ *http.Request, name string, status int, body string) (int, string) {
			if name == oneContinue {
				body = strings.Replace(body, `"manage"`, `"other"`, 1)
			}
			return status, body
		}
		callback := w.approve(w.start(w.order("a")).Redirect)
		w.party.stallAt("write approved", 2*time.Minute)
		_, err := w.client().Finish(w.t.Context(), callback)
		if failure := w.wantCode(err, openpayments.CodeInactiveToken); !strings.Contains(failure.Advice, "Nothing was paid") {
			w.t.Errorf("%v", failure)
		}
		w.wantPaid(0, 0)
	})
	test(t, "the journal cannot keep the token", sandbox.Config{}, func(w *world) {
		started := w.start(w.order("a"))
		callback := w.approve(started.Redirect)
		w.party.strike = func(_ context.Context, e event) (*http.Response, error) {
			if e.name == "write approved" {
				return nil, errDisk
			}
			return nil, nil
		}
		_, err := w.client().Finish(w.t.Context(), callback)
		var unwritten *payment.NotWritten
		if !errors.As(err, &unwritten) || !errors.Is(err, errDisk) || !strings.Contains(string(unwritten.Response), "access_token") {
			w.t.Fatalf("%v", err)
		}
		if strings.Contains(err.Error(), "access_token") {
			w.t.Errorf("%v", err)
		}
	})
}

// Across devices the incoming payment is the key.
func TestAnIncomingPaymentIsPaidOnce(t *testing.T) {
	test(t, "it is being paid", sandbox.Config{PaymentDelay: time.Minute}, func(w *world) {
		order := w.order("a")
		order.To = w.expect(nil)
		first, second := w.start(order), payment.Order{}
		second = order
		second.Key = "b"
		other := w.start(second)
		paid := w.finish(first)
		callback := w.approve(other.Redirect)
		for range 2 {
			_, err := w.client().Finish(w.t.Context(), callback)
			if failure := w.wantCode(err, payment.CodeAlreadyPaid); !strings.Contains(string(failure.Details), paid.ID) {
				w.t.Errorf("%s", failure.Details)
			}
		}
		w.wantSent(paying, 1)
		w.wantPaid(1250, 1250)
	})
	test(t, "it is paid", sandbox.Config{}, func(w *world) {
		order := w.order("a")
		order.To = w.expect(order.ReceiveAmount)
		w.finish(w.start(order))
		time.Sleep(time.Second)
		order.Key = "b"
		_, err := w.client().Start(w.t.Context(), order)
		w.wantCode(err, openpayments.CodeInvalidReceiver)
		w.wantPaid(1250, 1250)
	})
	test(t, "a payment that failed does not count", sandbox.Config{Faults: failOnce("")}, func(w *world) {
		order := w.order("a")
		order.To = w.expect(order.ReceiveAmount)
		w.finish(w.start(order))
		time.Sleep(time.Second)
		order.Key = "b"
		w.finish(w.start(order))
		w.wantPaid(1250, 1250)
	})
}
