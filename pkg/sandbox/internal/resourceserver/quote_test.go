package resourceserver

import (
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestQuotes(t *testing.T) {
	f := start(t, func(c *Config) { c.Fee = Fee{Fixed: 5, BasisPoints: 100} })
	for _, test := range []struct {
		name, wallet, expected, member string
		debit, receive                 string
	}{
		// A dollar is 0.80 €. The fee is 5 ¢ and a hundredth of what is sent, rounded down.
		{"fixed debit", bob, "", `,"debitAmount":` + amount("1000", "USD"), "1000", "788"}, // (1000 − 15) × 0.8
		{"fixed debit, rounded down", bob, "", `,"debitAmount":` + amount("1001", "USD"), "1001", "788"},
		{"fixed receive", bob, "", `,"receiveAmount":` + amount("800", "EUR"), "1015", "800"},
		{"fixed receive, rounded up", bob, "", `,"receiveAmount":` + amount("801", "EUR"), "1017", "801"}, // 1001.25 → 1002
		{"incoming amount", bob, amount("800", "EUR"), "", "1015", "800"},
		{"same asset", shop, "", `,"receiveAmount":` + amount("800", "USD"), "813", "800"},
		{"the least", shop, "", `,"debitAmount":` + amount("6", "USD"), "6", "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			receiver, asset := f.expect(test.wallet, test.expected).ID, eur
			if test.wallet == shop {
				asset = usd
			}
			got := f.quote(receiver, test.member)
			want(t, got, 201, "")
			wantAmount(t, "the debit amount", got.DebitAmount, test.debit, usd)
			wantAmount(t, "the receive amount", got.ReceiveAmount, test.receive, asset)
			if got.Receiver != receiver || got.Method != "ilp" || got.WalletAddress != alice || got.ExpiresAt != "2026-11-28T12:05:00.000Z" {
				t.Errorf("%s", got.text)
			}
			again := f.get(got.ID, "")
			want(t, again, 200, "")
			if again.text != got.text {
				t.Errorf("read %s, created %s", again.text, got.text)
			}
		})
	}
}

func TestQuotesThatCannotBe(t *testing.T) {
	f := start(t, func(c *Config) {
		c.Fee = Fee{Fixed: 5}
		c.Wallets = append(c.Wallets, Wallet{Name: "gold", AssetCode: "XAU", AssetScale: 3})
	})
	open, full := f.expect(bob, "").ID, f.expect(bob, amount("100", "EUR")).ID
	gold := f.expect(base+"/gold", "").ID
	debit := func(value string) string { return `,"debitAmount":` + amount(value, "USD") }
	receive := func(value string) string { return `,"receiveAmount":` + amount(value, "EUR") }
	for name, test := range map[string]struct {
		receiver, member string
		status           int
		text             string
	}{
		"no amount":                {open, "", 400, "invalid amount"},
		"zero debit":               {open, debit("0"), 400, "invalid amount"},
		"zero receive":             {open, receive("0"), 400, "invalid amount"},
		"no more than the fee":     {open, debit("5"), 400, "invalid amount"},
		"less than the fee":        {open, debit("4"), 400, "invalid amount"},
		"with the fee beyond 2^64": {open, receive("14757395258967641292"), 400, "invalid amount"},
		"nothing after conversion": {open, debit("6"), 400, "invalid amount"},
		"debit in another asset":   {open, `,"debitAmount":` + amount("100", "EUR"), 400, "invalid amount"},
		"receive in another asset": {open, `,"receiveAmount":` + amount("100", "USD"), 400, "invalid amount"},
		"more than expected":       {full, receive("101"), 400, "invalid amount"},
		"debit for more":           {full, debit("1000"), 400, "invalid amount"},
		"cost beyond 2^64":         {open, receive("18446744073709551615"), 400, "invalid amount"},
		"beyond 2^64":              {open, debit("18446744073709551616"), 500, "Internal Server Error"},
		"unknown receiver":         {base + "/op/incoming-payments" + anID, debit("100"), 400, "invalid receiver"},
		"receiver elsewhere":       {"https://elsewhere.example/incoming-payments" + anID, debit("100"), 400, "invalid receiver"},
		"receiver without a price": {gold, debit("100"), 400, "invalid receiver"},
		"trailing slash":           {open + "/", debit("100"), 500, "Internal Server Error"},
		// The debit amount is looked at before the receiver.
		"both invalid": {base + "/op/incoming-payments" + anID, debit("0"), 400, "invalid amount"},
	} {
		t.Run(name, func(t *testing.T) { want(t, f.quote(test.receiver, test.member), test.status, test.text) })
	}
	f.auth.grant("bob", Grant{Access: []Access{{Type: quoteType, Actions: []string{"create"}, Identifier: bob}}})
	want(t, f.post("/op/quotes", "bob", `{"walletAddress":"`+alice+`","receiver":"`+open+`","method":"ilp"}`), 403, "Insufficient Grant")
}

func TestQuotesExpire(t *testing.T) {
	f := start(t, nil)
	got := f.quote(f.expect(shop, "").ID, `,"debitAmount":`+amount("100", "USD"))
	f.clock.add(5 * time.Minute)
	want(t, f.get(got.ID, ""), 200, "")
	want(t, f.pay("", got.ID), 400, "invalid quote")
	want(t, f.get(got.ID, "other"), 404, "Quote does not exist")
	f.clock.add(24 * time.Hour)
	want(t, f.get(got.ID, ""), 401, "Unauthorized")

	// A quote ends with its receiver.
	made := f.post("/op/incoming-payments", "", `{"walletAddress":"`+shop+`","expiresAt":"2026-11-29T12:06:00Z"}`)
	if got := f.quote(made.ID, `,"debitAmount":`+amount("100", "USD")); got.ExpiresAt != "2026-11-29T12:06:00.000Z" {
		t.Errorf("%s", got.text)
	}
}

func TestRates(t *testing.T) {
	c := Config{Prices: map[string]*big.Rat{"USD": big.NewRat(4, 5), "EUR": big.NewRat(1, 1), "ZERO": new(big.Rat)}}
	for _, test := range []struct {
		from, to string
		scales   [2]uint8
		rate     string
	}{
		{"USD", "EUR", [2]uint8{2, 2}, "4/5"},
		{"EUR", "USD", [2]uint8{2, 2}, "5/4"},
		{"EUR", "USD", [2]uint8{2, 4}, "125/1"},
		{"EUR", "EUR", [2]uint8{9, 2}, "1/10000000"},
		{"XAU", "XAU", [2]uint8{2, 3}, "10/1"},
		{"XAU", "EUR", [2]uint8{2, 2}, ""},
		{"ZERO", "EUR", [2]uint8{2, 2}, ""},
	} {
		from, to := usd, eur
		from.Code, from.Scale, to.Code, to.Scale = test.from, test.scales[0], test.to, test.scales[1]
		rate, text := c.rate(from, to), ""
		if rate != nil {
			text = rate.String()
		}
		if text != test.rate {
			t.Errorf("%v to %v is %q, want %q", from, to, text, test.rate)
		}
	}
}

func TestSchemas(t *testing.T) {
	f := start(t, nil)
	const w, r = `"walletAddress":"https://a/b"`, `"receiver":"https://a/incoming-payments/1"`
	a := amount("1", "USD")
	// The first complaints of @interledger/openapi 2.0.3 about the same bodies.
	for _, test := range []struct{ path, body, complaint string }{
		{"incoming-payments", `[]`, `body must be object`},
		{"incoming-payments", `"x"`, `body must be object`},
		{"incoming-payments", `null`, `request.body was not present in the request.  Is a body-parser being used?`},
		{"incoming-payments", `{"walletAddress":1}`, `body.walletAddress must be string`},
		{"incoming-payments", `{"walletAddress":"x"}`, `body.walletAddress must match format "uri"`},
		{"incoming-payments", `{` + w + `,"x":1}`, `body must NOT have additional properties: x`},
		{"incoming-payments", `{` + w + `,"incomingAmount":{}}`, `body.incomingAmount must have required property 'value'`},
		{"incoming-payments", `{` + w + `,"incomingAmount":3}`, `body.incomingAmount must be object`},
		{"incoming-payments", `{` + w + `,"incomingAmount":null}`, `body.incomingAmount must be object`},
		{"incoming-payments", `{` + w + `,"incomingAmount":` + strings.Replace(a, `"1"`, `1`, 1) + `}`, `body.incomingAmount.value must be string`},
		{"incoming-payments", `{` + w + `,"incomingAmount":` + amount("-1", "USD") + `}`, `body.incomingAmount.value must match format "uint64"`},
		{"incoming-payments", `{` + w + `,"incomingAmount":` + amount("1.5", "USD") + `}`, `body.incomingAmount.value must match format "uint64"`},
		{"incoming-payments", `{` + w + `,"incomingAmount":` + strings.Replace(a, `:2`, `:256`, 1) + `}`, `body.incomingAmount.assetScale must be <= 255`},
		{"incoming-payments", `{` + w + `,"incomingAmount":` + strings.Replace(a, `:2`, `:-1`, 1) + `}`, `body.incomingAmount.assetScale must be >= 0`},
		{"incoming-payments", `{` + w + `,"incomingAmount":` + strings.Replace(a, `:2`, `:1.5`, 1) + `}`, `body.incomingAmount.assetScale must be integer`},
		{"incoming-payments", `{` + w + `,"incomingAmount":` + strings.Replace(a, `:2`, `:"2"`, 1) + `}`, `body.incomingAmount.assetScale must be integer`},
		{"incoming-payments", `{` + w + `,"expiresAt":"tomorrow"}`, `body.expiresAt must match format "date-time"`},
		{"incoming-payments", `{` + w + `,"expiresAt":5}`, `body.expiresAt must be string`},
		{"incoming-payments", `{` + w + `,"metadata":"x"}`, `body.metadata must be object`},
		{"quotes", `{}`, `body must have required property 'walletAddress'`},
		{"quotes", `[]`, `body must match exactly one schema in oneOf`},
		{"quotes", `{` + w + `,` + r + `}`, `body must have required property 'method'`},
		{"quotes", `{` + w + `,` + r + `,"method":"x"}`, `body.method must be equal to one of the allowed values`},
		{"quotes", `{` + w + `,"receiver":"https://a/b","method":"ilp"}`,
			`body.receiver must match pattern "^(https|http):..(.+).incoming-payments.(.+)$"`},
		{"quotes", `{` + w + `,` + r + `,"method":"ilp","debitAmount":` + a + `,"receiveAmount":` + a + `}`,
			`body must NOT have additional properties: debitAmount`},
		{"quotes", `{` + w + `,` + r + `,"method":"ilp","debitAmount":{}}`, `body must NOT have additional properties: debitAmount`},
		{"outgoing-payments", `{}`, `body must have required property 'quoteId'`},
		{"outgoing-payments", `{` + w + `,"quoteId":"x"}`, `body.quoteId must match format "uri"`},
		{"outgoing-payments", `{` + w + `,"incomingPayment":"https://a/b"}`, `body must have required property 'quoteId'`},
		{"outgoing-payments", `{` + w + `,"quoteId":"https://a/b","incomingPayment":"https://a/b","debitAmount":` + a + `}`,
			`body must NOT have additional properties: debitAmount`},
		{"outgoing-payments", `{` + w + `,"quoteId":"https://a/b","metadata":1}`, `body.metadata must be object`},
		// No complaint: these fail later, at the wallet that is unknown.
		{"incoming-payments", `{` + w + `,"incomingAmount":` + strings.Replace(a, `:2`, `:2.0,"more":1`, 1) + `,"metadata":{}}`, ""},
		{"incoming-payments", `{` + w + `,"expiresAt":"2026-11-28t12:00:00.123+01:00"}`, ""},
		{"quotes", `{` + w + `,` + r + `,"method":"ilp"}`, ""},
		{"outgoing-payments", `{` + w + `,"incomingPayment":"https://a/b","debitAmount":` + a + `}`, ""},
	} {
		t.Run(test.path+" "+test.body, func(t *testing.T) {
			complaint := "Could not get wallet address"
			if test.complaint != "" {
				complaint = "Received error validating OpenAPI request: " + test.complaint
			}
			want(t, f.post("/op/"+test.path, "", test.body), 400, complaint)
		})
	}
}
