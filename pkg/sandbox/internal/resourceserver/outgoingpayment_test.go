package resourceserver

import (
	"strings"
	"testing"
	"time"
)

func TestPayAQuote(t *testing.T) {
	f := start(t, func(c *Config) { c.Fee, c.PaymentDelay = Fee{Fixed: 5, BasisPoints: 100}, time.Second })
	expected := f.expect(bob, amount("800", "EUR"))
	quote := f.quote(expected.ID, "")
	got := f.post("/op/outgoing-payments", "", `{"walletAddress":"`+alice+`","quoteId":"`+quote.ID+`","metadata":{"a":1}}`)
	want(t, got, 201, "")
	if got.ID != strings.Replace(quote.ID, "/quotes/", "/outgoing-payments/", 1) || got.Failed ||
		got.Receiver != expected.ID || string(got.Metadata) != `{"a":1}` || !strings.Contains(got.text, `"quoteId":"`+quote.ID) {
		t.Errorf("%s", got.text)
	}
	wantAmount(t, "the debit amount", got.DebitAmount, "1015", usd)
	wantAmount(t, "the receive amount", got.ReceiveAmount, "800", eur)
	wantAmount(t, "the sent amount", got.SentAmount, "0", usd)
	wantAmount(t, "the spent debit amount", got.GrantSpentDebitAmount, "0", usd)
	wantAmount(t, "the spent receive amount", got.GrantSpentReceiveAmount, "0", eur)
	f.wantBalance("alice", 100_000, 98_985)

	underWay := f.get(got.ID, "")
	wantAmount(t, "what is sent under way", underWay.SentAmount, "0", usd)
	if underWay.GrantSpentDebitAmount != nil {
		t.Errorf("read: %s", underWay.text)
	}
	f.clock.add(time.Second)
	arrived := f.get(got.ID, "")
	wantAmount(t, "what is sent", arrived.SentAmount, "1000", usd) // without the fee
	if arrived.Failed {
		t.Errorf("%s", arrived.text)
	}
	received := f.get(expected.ID, "")
	wantAmount(t, "what is received", received.ReceivedAmount, "800", eur)
	if !received.Completed || len(*received.Methods) != 0 {
		t.Errorf("%s", received.text)
	}
	f.wantBalance("alice", 98_985, 98_985)
	f.wantBalance("bob", 100_800, 100_800)
	if fees, _, _ := f.server.ledger.Balance(f.server.fees[usd]); fees != 15 {
		t.Errorf("the fees are %d", fees)
	}
	want(t, f.get(got.ID, "other"), 404, "Outgoing payment does not exist")
	want(t, f.pay("", quote.ID), 400, "invalid quote")
}

func TestPayAnIncomingPayment(t *testing.T) {
	f := start(t, nil)
	expected := f.expect(bob, "")
	pay := func(receiver, debit string) reply {
		return f.post("/op/outgoing-payments", "", `{"walletAddress":"`+alice+`","incomingPayment":"`+receiver+`","debitAmount":`+debit+`}`)
	}
	got := pay(expected.ID, amount("101", "USD"))
	want(t, got, 201, "")
	wantAmount(t, "the receive amount", got.ReceiveAmount, "80", eur)
	wantAmount(t, "what is sent", f.get(got.ID, "").SentAmount, "101", usd)
	want(t, f.get(strings.Replace(got.ID, "outgoing-payments", "quotes", 1), ""), 200, "")
	want(t, pay(expected.ID, amount("0", "USD")), 400, "invalid amount")
	want(t, pay(expected.ID, amount("5", "EUR")), 400, "invalid amount")
	want(t, pay(base+"/op/incoming-payments"+anID, amount("5", "USD")), 400, "invalid receiver")
}

// A used, expired or closed quote is "invalid quote" before any limit is looked at.
func TestQuotesThatCannotBePaid(t *testing.T) {
	f := start(t, nil)
	f.spender("nothing", &Limits{DebitAmount: &Amount{"0", "USD", 2}})
	debit := `,"debitAmount":` + amount("10", "USD")
	expected := f.expect(shop, "")

	used := f.quote(expected.ID, debit)
	want(t, f.pay("nothing", used.ID), 403, "unauthorized")
	want(t, f.pay("", used.ID), 201, "") // the refusal has not used it up
	want(t, f.pay("nothing", used.ID), 400, "invalid quote")
	want(t, f.pay("nothing", used.ID+"/"), 400, "invalid quote")

	expired := f.quote(expected.ID, debit)
	f.clock.add(5 * time.Minute)
	want(t, f.pay("nothing", expired.ID), 400, "invalid quote")

	closed := f.quote(expected.ID, debit)
	want(t, f.post(strings.TrimPrefix(expected.ID, base)+"/complete", "", ""), 200, "")
	want(t, f.pay("nothing", closed.ID), 400, "invalid quote")

	others := f.quote(f.expect(shop, "").ID, debit)
	want(t, f.post("/op/outgoing-payments", "", `{"walletAddress":"`+shop+`","quoteId":"`+others.ID+`"}`), 400, "invalid quote")
	want(t, f.pay("nothing", base+"/op/quotes"+anID), 404, "unknown quote")
	want(t, f.pay("nothing", base+"/op/quotes/1"), 500, "Internal Server Error")
	f.spender("bob", nil)
	want(t, f.post("/op/outgoing-payments", "bob", `{"walletAddress":"`+bob+`","quoteId":"`+others.ID+`"}`), 403, "Insufficient Grant")
}

func TestPaymentsThatFail(t *testing.T) {
	for name, test := range map[string]struct {
		fault                  PaymentFault
		sent, received, debits string
	}{
		"nothing sent":  {PaymentFault{Fail: true}, "0", "0", "0"},
		"too little":    {PaymentFault{Fail: true, Sent: 1}, "0", "0", "0"},
		"a part":        {PaymentFault{Fail: true, Sent: 500}, "500", "400", "500"},
		"less will do":  {PaymentFault{Fail: true, Sent: 501}, "500", "400", "500"},
		"all but fails": {PaymentFault{Fail: true, Sent: 1 << 40}, "1000", "800", "1000"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []PaymentInfo
			f := start(t, func(c *Config) {
				c.Fee = Fee{Fixed: 7}
				c.Faults.Payment = func(p PaymentInfo) PaymentFault { asked = append(asked, p); return test.fault }
			})
			f.spender("limited", &Limits{DebitAmount: &Amount{"1007", "USD", 2}})
			expected := f.expect(bob, amount("800", "EUR"))
			made := f.pay("limited", f.quote(expected.ID, "").ID)
			want(t, made, 201, "")
			got := f.get(made.ID, "")
			if !got.Failed {
				t.Errorf("%s", got.text)
			}
			wantAmount(t, "what is sent", got.SentAmount, test.sent, usd)
			wantAmount(t, "what is received", f.get(expected.ID, "").ReceivedAmount, test.received, eur)
			spent := f.get("/op/outgoing-payment-grant", "limited")
			wantAmount(t, "the spent debit amount", spent.SpentDebitAmount, test.debits, usd)
			wantAmount(t, "the spent receive amount", spent.SpentReceiveAmount, test.received, eur)
			sent, _ := (*got.SentAmount).value()
			f.wantBalance("alice", 100_000-sent, 100_000-sent)
			if len(asked) != 1 || asked[0].Wallet != "alice" || asked[0].Receiver != expected.ID || asked[0].DebitAmount.Value != "1007" {
				t.Errorf("asked about %v", asked)
			}
			// What was not spent can be spent.
			f.server.config.Faults.Payment = nil
			rest := f.post("/op/outgoing-payments", "limited", `{"walletAddress":"`+alice+`","incomingPayment":"`+
				f.expect(shop, "").ID+`","debitAmount":`+amountOfDebit(1007-sent)+`}`)
			if sent < 1000 {
				want(t, rest, 201, "")
			}
		})
	}
}

func amountOfDebit(value uint64) string { return amount(amountOf(value, usd).Value, "USD") }

func TestAPaymentWithoutMoneyFails(t *testing.T) {
	f := start(t, nil)
	quote := f.quote(f.expect(shop, "").ID, `,"debitAmount":`+amount("100001", "USD"))
	made := f.pay("", quote.ID)
	want(t, made, 201, "")
	got := f.get(made.ID, "")
	if !got.Failed || got.SentAmount.Value != "0" {
		t.Errorf("%s", got.text)
	}
	f.wantBalance("alice", 100_000, 100_000)
}

func TestAPaymentWithoutLiquidityFails(t *testing.T) {
	f := start(t, func(c *Config) { c.Liquidity = 79 })
	expected := f.expect(bob, "")
	made := f.pay("", f.quote(expected.ID, `,"receiveAmount":`+amount("80", "EUR")).ID)
	if got := f.get(made.ID, ""); !got.Failed || got.SentAmount.Value != "0" {
		t.Errorf("%s", got.text)
	}
	f.wantBalance("alice", 100_000, 100_000)
	wantAmount(t, "what is received", f.get(expected.ID, "").ReceivedAmount, "0", eur)
}

// An incoming payment never gets more than its amount, whoever comes second.
func TestTheSecondPayerOfAnIncomingPayment(t *testing.T) {
	f := start(t, func(c *Config) { c.PaymentDelay = time.Second })
	expected := f.expect(bob, amount("800", "EUR"))
	whole := f.pay("", f.quote(expected.ID, "").ID)
	part := f.quote(expected.ID, `,"receiveAmount":`+amount("500", "EUR"))
	f.clock.add(time.Millisecond)
	second := f.pay("", f.quote(expected.ID, "").ID)
	_ = part
	f.clock.add(time.Second)
	if got := f.get(whole.ID, ""); got.Failed || got.SentAmount.Value != "1000" {
		t.Errorf("the first: %s", got.text)
	}
	// It waits, as with the reference server, and its money is held.
	if got := f.get(second.ID, ""); got.Failed || got.SentAmount.Value != "0" {
		t.Errorf("the second: %s", got.text)
	}
	f.wantBalance("alice", 99_000, 98_000)
	want(t, f.pay("", part.ID), 400, "invalid quote")
	f.clock.add(5 * time.Minute)
	if got := f.get(second.ID, ""); !got.Failed || got.SentAmount.Value != "0" {
		t.Errorf("the second, after its quote: %s", got.text)
	}
	f.wantBalance("alice", 99_000, 99_000)
	wantAmount(t, "what is received", f.get(expected.ID, "").ReceivedAmount, "800", eur)
}

// Where there is room for a part, the part is paid, and the payment has failed.
func TestTheRoomOfAnIncomingPayment(t *testing.T) {
	f := start(t, func(c *Config) { c.PaymentDelay = time.Second })
	expected := f.expect(bob, amount("800", "EUR"))
	second := f.quote(expected.ID, "")
	first := f.pay("", f.quote(expected.ID, `,"receiveAmount":`+amount("500", "EUR")).ID)
	f.clock.add(time.Second)
	f.get(first.ID, "")
	made := f.pay("", second.ID)
	want(t, made, 201, "")
	f.clock.add(time.Second)
	if got := f.get(made.ID, ""); !got.Failed || got.SentAmount.Value != "375" {
		t.Errorf("%s", got.text)
	}
	wantAmount(t, "what is received", f.get(expected.ID, "").ReceivedAmount, "800", eur)
	f.wantBalance("alice", 100_000-625-375, 100_000-625-375)
}

// Without a request too, a payment is delivered.
func TestDeliveryInTheBackground(t *testing.T) {
	f := start(t, nil)
	expected := f.expect(shop, "")
	want(t, f.pay("", f.quote(expected.ID, `,"debitAmount":`+amount("10", "USD")).ID), 201, "")
	deadline := time.Now().Add(10 * time.Second)
	for funds, _ := f.server.Balance("shop"); funds != 100_010; funds, _ = f.server.Balance("shop") {
		if time.Now().After(deadline) {
			t.Fatalf("shop has %d", funds)
		}
		time.Sleep(time.Millisecond)
	}
}
