package resourceserver

import (
	"fmt"
	"strings"
	"testing"
)

func TestPages(t *testing.T) {
	f := start(t, nil)
	var ids []string // newest first
	add := func() {
		url := f.expect(alice, "").ID
		ids = append([]string{url[strings.LastIndex(url, "/")+1:]}, ids...)
	}
	list := func(query string) reply {
		t.Helper()
		got := f.get("/op/incoming-payments?wallet-address="+alice+query, "")
		want(t, got, 200, "")
		return got
	}
	if got := list(""); got.text != `{"pagination":{"hasNextPage":false,"hasPreviousPage":false},"result":[]}` {
		t.Errorf("empty: %s", got.text)
	}
	for range 25 {
		add()
	}
	f.expect(bob, "") // of another wallet, and one of another client
	others := f.post("/op/incoming-payments", "other", `{"walletAddress":"`+alice+`"}`).ID
	for _, test := range []struct {
		query          string
		start, end     int
		next, previous bool
	}{
		{"", 0, 20, true, false},
		{"&first=25", 0, 25, false, false},
		{"&first=100", 0, 25, false, false},
		{"&first=1", 0, 1, true, false},
		{"&cursor=" + ids[19], 20, 25, false, true},
		{"&first=3&cursor=" + ids[4], 5, 8, true, true},
		{"&last=3&cursor=" + ids[4], 1, 4, true, true},
		{"&last=3&cursor=" + ids[2], 0, 2, true, false},
		{"&last=100&cursor=" + ids[24], 0, 24, true, false},
		{"&first=1&cursor=" + ids[24], 0, 0, false, false},
		{"&last=1&cursor=" + ids[0], 0, 0, false, false},
		{"&cursor=" + anID[1:], 0, 0, false, false},
		{"&first=2&cursor=" + others[strings.LastIndex(others, "/")+1:], 0, 2, true, false},
	} {
		got := list(test.query)
		var found []string
		for _, item := range got.Result {
			found = append(found, item.ID[strings.LastIndex(item.ID, "/")+1:])
			if item.Methods != nil {
				t.Errorf("an item has methods: %s", got.text)
			}
		}
		page := pageInfo{HasNextPage: test.next, HasPreviousPage: test.previous}
		if test.start < test.end {
			page.StartCursor, page.EndCursor = ids[test.start], ids[test.end-1]
		}
		if fmt.Sprint(found) != fmt.Sprint(ids[test.start:test.end]) || got.Pagination != page {
			t.Errorf("%s: %d items, %+v; want %d to %d", test.query, len(found), got.Pagination, test.start, test.end)
		}
	}
	f.auth.grant("auditor", Grant{Client: "x", Access: []Access{{Type: incomingPaymentType, Actions: []string{"list-all"}}}})
	f.auth.grant("reader", Grant{Client: "x", Access: []Access{{Type: incomingPaymentType, Actions: []string{"list", "read-all"}}}})
	for token, n := range map[string]int{"auditor": 26, "reader": 0, "other": 1} {
		if got := f.get("/op/incoming-payments?first=100&wallet-address="+alice, token); len(got.Result) != n {
			t.Errorf("%s sees %d", token, len(got.Result))
		}
	}
}

func TestPagesThatCannotBe(t *testing.T) {
	f := start(t, nil)
	f.auth.grant("bob", Grant{Access: []Access{
		{Type: incomingPaymentType, Actions: []string{"list"}, Identifier: bob}, {Type: outgoingPaymentType, Actions: []string{"list"}, Identifier: bob},
	}})
	const schema = "Received error validating OpenAPI request: "
	for _, collection := range []string{"/op/incoming-payments", "/op/outgoing-payments"} {
		for _, test := range []struct {
			request
			status int
			text   string
		}{
			{request{path: "?wallet-address=" + alice, signature: "none"}, 400, schema + "must have required property 'signature-input'"},
			{request{path: "?wallet-address=" + alice, noToken: true}, 400, schema + "must have required property 'signature-input'"},
			{request{path: "?wallet-address=" + alice, signature: "bad"}, 401, "Signature validation error: provided signature is invalid"},
			{request{path: "?wallet-address=" + alice, accept: "text/html"}, 406, notAcceptable},
			{request{path: "?wallet-address=" + alice, token: "gone"}, 403, "Inactive Token"},
			{request{path: "?wallet-address=" + alice, token: "bob"}, 403, "Insufficient Grant"},
			{request{path: "?wallet-address=" + base + "/carol"}, 400, "Could not get wallet address"},
			{request{path: ""}, 400, schema + "must have required property 'wallet-address'"},
			{request{path: "?wallet-address=" + alice + "&first=0"}, 400, schema + "first must be >= 1"},
			{request{path: "?wallet-address=" + alice + "&first=101"}, 400, schema + "first must be <= 100"},
			{request{path: "?wallet-address=" + alice + "&last=x"}, 400, schema + "last must be integer"},
			{request{path: "?wallet-address=" + alice + "&cursor="}, 400, schema + "cursor must NOT have fewer than 1 characters"},
			{request{path: "?wallet-address=" + alice + "&last=5"}, 400, "last requires cursor"},
			{request{path: "?wallet-address=" + alice + "&first=1&last=5"}, 400, "first and last are mutually exclusive"},
			{request{path: "?wallet-address=" + alice + "&cursor=5"}, 500, "Internal Server Error"},
			// The token is looked at before what the schema does not say.
			{request{path: "?wallet-address=" + alice + "&last=5", token: "gone"}, 403, "Inactive Token"},
		} {
			test.method, test.path = "GET", collection+test.path
			t.Run(test.path, func(t *testing.T) { want(t, f.send(test.request), test.status, test.text) })
		}
	}
}

func TestListOutgoingPayments(t *testing.T) {
	f := start(t, nil)
	made := f.pay("", f.quote(f.expect(shop, "").ID, `,"debitAmount":`+amount("10", "USD")).ID)
	got := f.get("/op/outgoing-payments?wallet-address="+alice, "")
	want(t, got, 200, "")
	if len(got.Result) != 1 || got.Result[0].ID != made.ID || got.Result[0].SentAmount.Value != "10" || got.Result[0].GrantSpentDebitAmount != nil {
		t.Errorf("%s", got.text)
	}
}
