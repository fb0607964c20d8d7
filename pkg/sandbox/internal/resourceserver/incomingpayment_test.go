package resourceserver

import (
	"strings"
	"testing"
	"time"
)

const anID = "/4f0d8b6e-9a2c-4a5e-8e55-0c1a2b3c4d5e"

func TestCreateIncomingPayment(t *testing.T) {
	f := start(t, nil)
	got := f.post("/op/incoming-payments", "", `{"walletAddress":"`+alice+`","incomingAmount":`+amount("2500", "USD")+
		`,"expiresAt":"2026-11-29T12:00:00.5+01:00","metadata":{"b":[1,"ü"],"a":null}}`)
	want(t, got, 201, "")
	if !strings.HasPrefix(got.ID, base+"/op/incoming-payments/") || got.WalletAddress != alice {
		t.Errorf("id %s of %s", got.ID, got.WalletAddress)
	}
	wantAmount(t, "the incoming amount", got.IncomingAmount, "2500", usd)
	wantAmount(t, "the received amount", got.ReceivedAmount, "0", usd)
	if got.Completed || string(got.Metadata) != `{"b":[1,"ü"],"a":null}` {
		t.Errorf("%s", got.text)
	}
	if got.ExpiresAt != "2026-11-29T11:00:00.500Z" || got.CreatedAt != "2026-11-28T12:00:00.000Z" {
		t.Errorf("from %s to %s", got.CreatedAt, got.ExpiresAt)
	}
	if got.Methods == nil || len(*got.Methods) != 1 || (*got.Methods)[0].Type != "ilp" {
		t.Errorf("methods of %s", got.text)
	}
	if got := f.expect(bob, ""); got.ExpiresAt != "2026-12-28T12:00:00.000Z" || got.IncomingAmount != nil || got.Metadata != nil {
		t.Errorf("with nothing asked for: %s", got.text)
	}
}

func TestIncomingPaymentsThatCannotBe(t *testing.T) {
	f := start(t, nil)
	f.auth.grant("alice", Grant{Access: []Access{{Type: incomingPaymentType, Actions: []string{"create"}, Identifier: alice}}})
	f.auth.grant("reader", Grant{Access: []Access{{Type: incomingPaymentType, Actions: []string{"read-all"}}}})
	f.auth.grant("quoter", Grant{Access: []Access{{Type: quoteType, Actions: []string{"create"}}}})
	const schema = "Received error validating OpenAPI request: "
	ok := `{"walletAddress":"` + alice + `"}`
	with := func(members string) string { return `{"walletAddress":"` + alice + `",` + members + `}` }
	at := func(expiresAt string) string { return with(`"expiresAt":"` + expiresAt + `"`) }
	for name, test := range map[string]struct {
		request
		status int
		text   string
	}{
		"unknown token":    {request{token: "gone", body: ok}, 403, "Inactive Token"},
		"no token":         {request{noToken: true, body: ok}, 401, "Missing or invalid authorization header value"},
		"other action":     {request{token: "reader", body: ok}, 403, "Insufficient Grant"},
		"other type":       {request{token: "quoter", body: ok}, 403, "Insufficient Grant"},
		"other wallet":     {request{token: "alice", body: `{"walletAddress":"` + bob + `"}`}, 403, "Insufficient Grant"},
		"upper case":       {request{token: "alice", body: `{"walletAddress":"` + base + `/Alice"}`}, 403, "Insufficient Grant"},
		"trailing slash":   {request{token: "alice", body: `{"walletAddress":"` + alice + `/"}`}, 403, "Insufficient Grant"},
		"http":             {request{token: "alice", body: `{"walletAddress":"http` + alice[5:] + `"}`}, 403, "Insufficient Grant"},
		"no signature":     {request{signature: "none", body: ok}, 401, "Signature validation error: missing keyId in signature input"},
		"bad signature":    {request{signature: "bad", body: ok}, 401, "Signature validation error: provided signature is invalid"},
		"unknown wallet":   {request{body: `{"walletAddress":"` + base + `/carol"}`}, 400, "Could not get wallet address"},
		"slash, any grant": {request{body: `{"walletAddress":"` + alice + `/"}`}, 400, "Could not get wallet address"},
		"type":             {request{contentType: "text/plain", body: ok}, 415, schema + "Unsupported Content-Type text/plain"},
		"accept":           {request{accept: "text/html", body: ok}, 406, schema + "Must accept application/json"},
		"malformed":        {request{body: `{`}, 400, "Bad Request"},
		"no body":          {request{}, 400, schema + "request.body was not present in the request.  Is a body-parser being used?"},
		"too large":        {request{body: `"` + strings.Repeat("x", 64<<10) + `"`}, 413, "request entity too large"},
		"against schema":   {request{token: "gone", body: `{}`}, 400, schema + "body must have required property 'walletAddress'"},
		"now":              {request{body: at("2026-11-28T12:00:00Z")}, 400, "invalid expiresAt"},
		"30 days":          {request{body: at("2026-12-28T12:00:00Z")}, 201, ""},
		"after 30 days":    {request{body: at("2026-12-28T12:00:00.001Z")}, 400, "invalid expiresAt"},
		"zero":             {request{body: with(`"incomingAmount":` + amount("0", "USD"))}, 400, "invalid amount"},
		"other asset":      {request{body: with(`"incomingAmount":` + amount("1", "EUR"))}, 400, "invalid amount"},
		"other scale":      {request{body: with(`"incomingAmount":{"value":"1","assetCode":"USD","assetScale":3}`)}, 400, "invalid amount"},
		"beyond 2^64":      {request{body: with(`"incomingAmount":` + amount("18446744073709551616", "USD"))}, 500, "Internal Server Error"},
		"just below 2^64":  {request{body: with(`"incomingAmount":` + amount("18446744073709551615", "USD"))}, 201, ""},
		// The expiry is looked at before the amount, and the grant before the signature.
		"both invalid": {request{body: with(`"incomingAmount":` + amount("0", "USD") + `,"expiresAt":"2020-01-01T00:00:00Z"`)}, 400, "invalid expiresAt"},
		"grant first":  {request{token: "quoter", signature: "bad", body: ok}, 403, "Insufficient Grant"},
		"token first":  {request{token: "gone", signature: "bad", body: ok}, 403, "Inactive Token"},
		"signature next": {request{signature: "bad", body: `{"walletAddress":"` + base + `/carol"}`},
			401, "Signature validation error: provided signature is invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			test.method, test.path = "POST", "/op/incoming-payments"
			got := f.send(test.request)
			want(t, got, test.status, test.text)
			challenged := got.header.Get("WWW-Authenticate") == "GNAP as_uri="+base+"/auth/"
			if isChallenge := strings.Contains(test.text, "Grant") || strings.Contains(test.text, "Token") ||
				strings.Contains(test.text, "authorization"); challenged != isChallenge {
				t.Errorf("WWW-Authenticate: %q", got.header.Get("WWW-Authenticate"))
			}
		})
	}
}

func TestReadIncomingPayment(t *testing.T) {
	f := start(t, nil)
	made := f.expect(alice, amount("100", "USD"))
	first, second := f.get(made.ID, ""), f.get(made.ID, "")
	want(t, first, 200, "")
	if len(*made.Methods) != 1 || len(*first.Methods) != 1 || len(*second.Methods) != 1 {
		t.Fatalf("methods of %s", first.text)
	}
	for _, pair := range [][2]ilpMethod{{(*made.Methods)[0], (*first.Methods)[0]}, {(*first.Methods)[0], (*second.Methods)[0]}} {
		if pair[0].ILPAddress == pair[1].ILPAddress || pair[0].SharedSecret == pair[1].SharedSecret {
			t.Errorf("the same method twice: %v", pair)
		}
	}
	public := f.send(request{method: "GET", path: strings.TrimPrefix(made.ID, base), noToken: true})
	want(t, public, 200, "")
	if public.text != `{"receivedAmount":{"value":"0","assetCode":"USD","assetScale":2},"authServer":"https://wallet.example/auth/"}` {
		t.Errorf("public: %s", public.text)
	}
	f.auth.grant("auditor", Grant{Client: "x", Access: []Access{{Type: incomingPaymentType, Actions: []string{"read-all"}, Identifier: alice}}})
	f.auth.grant("bob", Grant{Client: "x", Access: []Access{{Type: incomingPaymentType, Actions: []string{"read-all"}, Identifier: bob}}})
	want(t, f.get(made.ID, "auditor"), 200, "")
	want(t, f.get(made.ID, "bob"), 403, "Insufficient Grant")
	want(t, f.get(made.ID, "gone"), 403, "Inactive Token")
	want(t, f.get(made.ID, "other"), 404, "Incoming payment does not exist")
	want(t, f.send(request{method: "GET", path: "/op/incoming-payments" + anID, accept: "text/html"}), 406, notAcceptable)

	// What does not exist cannot be told from what one may not see.
	for _, q := range []request{
		{method: "GET", path: "/op/incoming-payments" + anID},
		{method: "GET", path: "/op/incoming-payments" + anID, token: "gone"},
		{method: "GET", path: "/op/incoming-payments" + anID, noToken: true},
		{method: "POST", path: "/op/incoming-payments" + anID + "/complete"},
		{method: "GET", path: "/op/quotes" + anID},
		{method: "GET", path: "/op/outgoing-payments" + anID},
	} {
		got := f.send(q)
		want(t, got, 401, "Unauthorized")
		if got.Error.Details["id"] != anID[1:] || !strings.HasPrefix(got.Error.Details["description"].(string), "Failed to get wallet address from ") {
			t.Errorf("details %v", got.Error.Details)
		}
		q.path = strings.Replace(q.path, anID, anID[:20], 1)
		want(t, f.send(q), 500, "Internal Server Error")
		q.path = strings.Replace(q.path, anID[:20], strings.ToUpper(anID)+"x", 1)
		want(t, f.send(q), 500, "Internal Server Error")
	}
}

func TestCompleteIncomingPayment(t *testing.T) {
	f := start(t, nil)
	made := f.expect(alice, amount("100", "USD"))
	complete := strings.TrimPrefix(made.ID, base) + "/complete"
	f.auth.grant("reader", Grant{Access: []Access{{Type: incomingPaymentType, Actions: []string{"read", "create"}}}})
	want(t, f.post(complete, "reader", ""), 403, "Insufficient Grant")
	want(t, f.send(request{method: "POST", path: complete, signature: "none"}), 401, "Signature validation error: missing keyId in signature input")
	got := f.post(complete, "other", "") // any client that may complete
	want(t, got, 200, "")
	if !got.Completed || got.Methods != nil {
		t.Errorf("%s", got.text)
	}
	want(t, f.post(complete, "", ""), 409, "wrong state")
	if got := f.get(made.ID, ""); !got.Completed || got.Methods == nil || len(*got.Methods) != 0 {
		t.Errorf("completed: %s", got.text)
	}
	want(t, f.quote(made.ID, ""), 400, "invalid receiver")
}

func TestIncomingPaymentsExpire(t *testing.T) {
	f := start(t, nil)
	expiring := `,"expiresAt":"2026-11-28T13:00:00Z"}`
	unpaid := f.post("/op/incoming-payments", "", `{"walletAddress":"`+shop+`"`+expiring)
	half := f.post("/op/incoming-payments", "", `{"walletAddress":"`+shop+`","incomingAmount":`+amount("100", "USD")+expiring)
	want(t, f.pay("", f.quote(half.ID, `,"receiveAmount":`+amount("40", "USD")).ID), 201, "")
	if got := f.get(half.ID, ""); got.ReceivedAmount.Value != "40" {
		t.Fatalf("received: %s", got.text)
	}
	f.clock.add(time.Hour - time.Millisecond)
	want(t, f.get(unpaid.ID, ""), 200, "")
	f.clock.add(time.Millisecond)
	want(t, f.get(unpaid.ID, ""), 401, "Unauthorized")
	got := f.get(half.ID, "")
	want(t, got, 200, "")
	if got.Completed || len(*got.Methods) != 0 {
		t.Errorf("half paid: %s", got.text)
	}
	want(t, f.post(strings.TrimPrefix(half.ID, base)+"/complete", "", ""), 409, "wrong state")
	for _, p := range []reply{unpaid, half} {
		want(t, f.quote(p.ID, `,"debitAmount":`+amount("1", "USD")), 400, "invalid receiver")
	}
	if list := f.get("/op/incoming-payments?wallet-address="+shop, ""); len(list.Result) != 1 || list.Result[0].ID != half.ID {
		t.Errorf("list: %s", list.text)
	}
}
