package resourceserver

import (
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	f := start(t, func(c *Config) { c.Fee = Fee{Fixed: 10} })
	expected := f.expect(bob, "")
	other := f.expect(bob, "")
	for name, test := range map[string]struct {
		limits *Limits
		ok     bool
	}{
		"none":                {nil, true},
		"empty":               {&Limits{}, true},
		"debit, just enough":  {&Limits{DebitAmount: &Amount{"110", "USD", 2}}, true},
		"debit, without fee":  {&Limits{DebitAmount: &Amount{"109", "USD", 2}}, false},
		"debit, other asset":  {&Limits{DebitAmount: &Amount{"999", "EUR", 2}}, false},
		"debit, other scale":  {&Limits{DebitAmount: &Amount{"999", "USD", 3}}, false},
		"receive enough":      {&Limits{ReceiveAmount: &Amount{"80", "EUR", 2}}, true},
		"receive too little":  {&Limits{ReceiveAmount: &Amount{"79", "EUR", 2}}, false},
		"receive other asset": {&Limits{ReceiveAmount: &Amount{"999", "USD", 2}}, false},
		"receiver":            {&Limits{Receiver: expected.ID}, true},
		"other receiver":      {&Limits{Receiver: other.ID}, false},
		"within interval":     {&Limits{Interval: "R/2026-11-28T00:00:00Z/P1D"}, true},
		"before interval":     {&Limits{Interval: "R/2026-11-29T00:00:00Z/P1D", DebitAmount: &Amount{"110", "USD", 2}}, false},
		"after interval":      {&Limits{Interval: "R0/2026-11-01T00:00:00Z/P1D"}, false},
		"no interval":         {&Limits{Interval: "R/soon/P1D"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f.spender(name, test.limits)
			quote := f.quote(expected.ID, `,"receiveAmount":`+amount("80", "EUR"))
			got := f.pay(name, quote.ID)
			if test.ok {
				want(t, got, 201, "")
			} else {
				want(t, got, 403, "unauthorized")
			}
		})
	}
	f.spender("two parts", &Limits{Interval: "2026-11-28/P1D"})
	want(t, f.pay("two parts", f.quote(expected.ID, `,"receiveAmount":`+amount("80", "EUR")).ID), 500, "Internal Server Error")
}

func TestSpentAmounts(t *testing.T) {
	f := start(t, func(c *Config) { c.PaymentDelay = time.Minute })
	expected := f.expect(bob, "")
	f.spender("month", &Limits{DebitAmount: &Amount{"250", "USD", 2}, Interval: "R1/2026-11-01T00:00:00Z/P1M"})
	pay := func(debit string) reply {
		return f.pay("month", f.quote(expected.ID, `,"debitAmount":`+amount(debit, "USD")).ID)
	}
	spent := func() reply {
		got := f.get("/op/outgoing-payment-grant", "month")
		want(t, got, 200, "")
		return got
	}
	if got := spent(); got.text != `{"spentDebitAmount":null,"spentReceiveAmount":null}` {
		t.Errorf("before the first: %s", got.text)
	}
	first := pay("100")
	wantAmount(t, "spent before the first", first.GrantSpentDebitAmount, "0", usd)
	second := pay("100") // the first is under way, and counts
	wantAmount(t, "spent before the second", second.GrantSpentDebitAmount, "100", usd)
	wantAmount(t, "received before the second", second.GrantSpentReceiveAmount, "80", eur)
	want(t, pay("51"), 403, "unauthorized")
	want(t, pay("50"), 201, "")
	wantAmount(t, "spent", spent().SpentDebitAmount, "250", usd)
	wantAmount(t, "received", spent().SpentReceiveAmount, "200", eur)
	want(t, pay("5"), 403, "unauthorized")

	f.clock.add(time.Minute) // they arrive
	f.server.deliverDue()
	f.clock.add(3 * 24 * time.Hour) // December
	wantAmount(t, "spent in December", spent().SpentDebitAmount, "0", usd)
	want(t, pay("250"), 201, "")
	want(t, pay("5"), 403, "unauthorized")
	wantAmount(t, "spent in December", spent().SpentDebitAmount, "250", usd)

	f.clock.add(time.Minute)
	f.server.deliverDue()
	f.clock.add(31 * 24 * time.Hour) // January, which is in no interval
	expected = f.expect(bob, "")
	want(t, pay("5"), 403, "unauthorized")
	if got := spent(); got.SpentDebitAmount != nil {
		t.Errorf("after the last interval: %s", got.text)
	}
	want(t, f.get("/op/outgoing-payment-grant", "gone"), 403, "Inactive Token")
	f.auth.grant("quoter", Grant{Access: []Access{{Type: quoteType, Actions: []string{"create"}}}})
	want(t, f.get("/op/outgoing-payment-grant", "quoter"), 403, "Insufficient Grant")
	want(t, f.send(request{method: "GET", path: "/op/outgoing-payment-grant", signature: "none"}), 401,
		"Signature validation error: missing keyId in signature input")
}

// A rotated token is of the same grant, another grant with the same limits is not.
func TestSpentAmountsAreOfTheGrant(t *testing.T) {
	f := start(t, nil)
	limits := &Limits{DebitAmount: &Amount{"100", "USD", 2}}
	f.spender("one", limits)
	f.spender("two", limits)
	f.auth.grant("rotated", *f.auth.grants["one"])
	expected := f.expect(shop, "")
	quote := func() string { return f.quote(expected.ID, `,"debitAmount":`+amount("60", "USD")).ID }
	want(t, f.pay("one", quote()), 201, "")
	want(t, f.pay("rotated", quote()), 403, "unauthorized")
	want(t, f.pay("two", quote()), 201, "")
}

func TestSpentAmountsDoNotOverflow(t *testing.T) {
	f := start(t, nil)
	expected := f.expect(shop, "")
	f.spender("huge", &Limits{DebitAmount: &Amount{"18446744073709551615", "USD", 2}})
	pay := func() reply { return f.pay("huge", f.quote(expected.ID, `,"debitAmount":`+amount("1", "USD")).ID) }
	want(t, pay(), 201, "")
	want(t, pay(), 201, "")
	f.server.deliverDue()
	f.server.mu.Lock()
	for _, p := range f.server.spending["grant-huge"].payments {
		p.debit = 1 << 63
	}
	f.server.mu.Unlock()
	want(t, pay(), 403, "unauthorized")
}
