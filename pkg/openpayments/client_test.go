package openpayments

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/signedhttp"
)

const (
	testToken = "5D9A9CF4BC7F46DDA114"
	server    = "https://rs.example/tenant"
	payment   = server + "/incoming-payments/1"
	address   = "https://wallet.example/alice"
)

// good are successes of each operation.
var good = map[string]string{
	"walletAddress.get": `{"id":"` + address + `","publicName":"Alice","assetCode":"USD","assetScale":2,` +
		`"authServer":"https://as.example","resourceServer":"` + server + `"}`,
	"walletAddress.getKeys": `{"keys":[{"kid":"k","alg":"EdDSA","kty":"OKP","crv":"Ed25519",` +
		`"x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`,
	"walletAddress.getDIDDocument":         `{"id":"did:web:wallet.example"}`,
	"incomingPayment.get":                  incoming(`"completed":true,"methods":[]`),
	"incomingPayment.getPublic":            `{"receivedAmount":` + usd("10") + `,"authServer":"https://as.example"}`,
	"incomingPayment.create":               strings.Replace(incoming(`"completed":false,"methods":[`+method+`]`), usd("5"), usd("0"), 1),
	"incomingPayment.complete":             incoming(`"completed":true`),
	"incomingPayment.list":                 page1(incoming(`"completed":false`)),
	"quote.get":                            quote,
	"quote.create":                         quote,
	"outgoingPayment.get":                  outgoing("5", "3", ""),
	"outgoingPayment.create":               outgoing("5", "0", `,"grantSpentDebitAmount":`+usd("0")),
	"outgoingPayment.list":                 page1(outgoing("5", "3", `,"failed":true`)),
	"outgoingPayment.getGrantSpentAmounts": `{"spentDebitAmount":` + usd("7") + `,"spentReceiveAmount":null}`,
}

const method = `{"type":"ilp","ilpAddress":"test.a.b","sharedSecret":"c2Vj"}`

func usd(value string) string { return `{"value":"` + value + `","assetCode":"USD","assetScale":2}` }

func incoming(more string) string {
	return `{"id":"` + payment + `","walletAddress":"` + address + `","incomingAmount":` + usd("10") + `,"receivedAmount":` + usd("5") +
		`,"createdAt":"2026-11-28T12:00:00Z",` + more + `}`
}

const quote = `{"id":"` + server + `/quotes/1","walletAddress":"` + address + `","receiver":"` + payment +
	`","receiveAmount":{"value":"4","assetCode":"EUR","assetScale":2},"debitAmount":{"value":"5","assetCode":"USD","assetScale":2},` +
	`"method":"ilp","createdAt":"2026-11-28T12:00:00Z","expiresAt":"2026-11-28T12:05:00Z"}`

func outgoing(debit, sent, more string) string {
	return `{"id":"` + server + `/outgoing-payments/1","walletAddress":"` + address + `","receiver":"` + payment + `","receiveAmount":` + usd("4") +
		`,"debitAmount":` + usd(debit) + `,"sentAmount":` + usd(sent) + `,"createdAt":"2026-11-28T12:00:00Z"` + more + `}`
}

func page1(item string) string {
	return `{"pagination":{"startCursor":"a","endCursor":"b","hasNextPage":false,"hasPreviousPage":false},"result":[` + item + `]}`
}

// callOf is a call of an operation that works where the server responds with what is good.
func callOf(op *Operation) Call {
	call := Call{Operation: op.Name, URL: server}
	switch {
	case op.Address:
		call.URL = address
	case op.Path == "" && strings.HasPrefix(op.Name, "incoming"), op.Path == "/complete":
		call.URL = payment
	case op.Path == "":
		call.URL = server + "/" + map[string]string{"quote.get": "quotes", "outgoingPayment.get": "outgoing-payments"}[op.Name] + "/1"
	}
	if op.Token {
		call.AccessToken = testToken
	}
	if op.Pages {
		call.WalletAddress = address
	}
	if op.Body {
		call.Body = []byte(`{"walletAddress":"` + address + `"}`)
	}
	return call
}

func newClient(t testing.TB, responses ...fake.Response) (*Client, *fake.Server) {
	server := fake.New(t, responses...)
	return &Client{Client: signedhttp.Client{Transport: server, Key: httpsig.Key{ID: fake.KeyID, Signer: fake.Key}}}, server
}

func responds(body string) fake.Response { return fake.Response{Status: 200, Body: body} }

func failure(t testing.TB, err error) *signedhttp.Error {
	t.Helper()
	var e *signedhttp.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T %v, want an *Error", err, err)
	}
	return e
}

func TestEveryOperation(t *testing.T) {
	targets := map[string]string{
		"walletAddress.get":                    "GET " + address,
		"walletAddress.getKeys":                "GET " + address + "/jwks.json",
		"walletAddress.getDIDDocument":         "GET " + address + "/did.json",
		"incomingPayment.get":                  "GET " + payment,
		"incomingPayment.getPublic":            "GET " + payment,
		"incomingPayment.create":               "POST " + server + "/incoming-payments",
		"incomingPayment.complete":             "POST " + payment + "/complete",
		"incomingPayment.list":                 "GET " + server + "/incoming-payments?wallet-address=https%3A%2F%2Fwallet.example%2Falice",
		"quote.get":                            "GET " + server + "/quotes/1",
		"quote.create":                         "POST " + server + "/quotes",
		"outgoingPayment.get":                  "GET " + server + "/outgoing-payments/1",
		"outgoingPayment.create":               "POST " + server + "/outgoing-payments",
		"outgoingPayment.list":                 "GET " + server + "/outgoing-payments?wallet-address=https%3A%2F%2Fwallet.example%2Falice",
		"outgoingPayment.getGrantSpentAmounts": "GET " + server + "/outgoing-payment-grant",
	}
	if len(Operations) != len(targets) || len(Operations) != len(good) {
		t.Fatalf("%d operations", len(Operations))
	}
	for _, op := range Operations {
		t.Run(op.Name, func(t *testing.T) {
			body := strings.Replace(good[op.Name], "{", `{"more":{"a":[1]},`, 1)
			client, server := newClient(t, responds(body))
			call := callOf(op)
			call.NoStore = true
			got, err := client.Do(t.Context(), call)
			if err != nil || string(got) != body {
				t.Errorf("%s, %v", got, err)
			}
			sent := server.Requests()[0]
			if got := sent.Method + " " + sent.Target; got != targets[op.Name] {
				t.Errorf("%s, want %s", got, targets[op.Name])
			}
			token := ""
			if op.Token {
				token = "GNAP " + testToken
			}
			if sent.Header.Get("Authorization") != token || sent.Body != string(call.Body) || sent.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("sent %q with %v", sent.Body, sent.Header)
			}
		})
	}
}

func TestEveryOperationNeedsItsToken(t *testing.T) {
	for _, op := range Operations {
		client, server := newClient(t, responds(good[op.Name]))
		call := callOf(op)
		call.AccessToken = ""
		_, err := client.Do(t.Context(), call)
		var argument *signedhttp.ArgumentError
		if isRefused := errors.As(err, &argument) && argument.Argument == "accessToken"; isRefused != op.Token {
			t.Errorf("%s: %v", op.Name, err)
		}
		if op.Token {
			server.WantRequests(0)
		}
	}
}

func TestTarget(t *testing.T) {
	for _, test := range []struct {
		operation, url, want string
	}{
		{"quote.create", server + "/", server + "/quotes"},
		{"quote.create", server + "//", server + "/quotes"},
		{"quote.create", "https://rs.example", "https://rs.example/quotes"},
		{"quote.create", "https://rs.example/", "https://rs.example/quotes"},
		{"quote.create", "https://rs.example?tenant=a/b", "https://rs.example/quotes?tenant=a/b"},
		{"quote.create", "https://rs.example/t/?tenant=a#b", "https://rs.example/t/quotes?tenant=a"},
		{"quote.get", server + "/quotes/1/", server + "/quotes/1/"},
		{"incomingPayment.complete", payment + "?a=1", payment + "/complete?a=1"},
		{"walletAddress.get", "https://x", "https://x"},
		{"walletAddress.get", "https://x/alice/", "https://x/alice/"},
		{"walletAddress.get", "$x", "https://x/.well-known/pay"},
		{"walletAddress.get", "$x/", "https://x/.well-known/pay"},
		{"walletAddress.get", "$x/alice", "https://x/alice"},
		{"walletAddress.get", "$x/alice/", "https://x/alice/"},
		{"walletAddress.get", "$x?a", "$x?a"},
		{"walletAddress.getKeys", "https://x", "https://x/jwks.json"},
		{"walletAddress.getKeys", "https://x/alice/", "https://x/alice/jwks.json"},
		{"walletAddress.getKeys", "$x", "https://x/.well-known/pay/jwks.json"},
		{"walletAddress.getDIDDocument", "https://x/alice", "https://x/alice/did.json"},
		{"quote.create", "$x", "$x/quotes"}, // no wallet address
	} {
		if got := named(test.operation).target(Call{URL: test.url}); got != test.want {
			t.Errorf("%s of %s: %s, want %s", test.operation, test.url, got, test.want)
		}
	}
}

func TestListParameters(t *testing.T) {
	list := named("incomingPayment.list")
	for want, call := range map[string]Call{
		"https://rs/incoming-payments?first=10&cursor=a+b%26c&wallet-address=https%3A%2F%2Fx%2Falice": {
			URL: "https://rs/", WalletAddress: "$x/alice", Pagination: Pagination{First: 10, Cursor: "a b&c"},
		},
		"https://rs/incoming-payments?t=1&last=100&cursor=c&wallet-address=https%3A%2F%2Fx%2F": {
			URL: "https://rs?t=1", WalletAddress: "https://x/", Pagination: Pagination{Last: 100, Cursor: "c"},
		},
	} {
		if got := list.target(call); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestArguments(t *testing.T) {
	const amount = "must be an unsigned 64-bit integer as text"
	list := func(walletAddress string, p Pagination) Call {
		return Call{Operation: "outgoingPayment.list", URL: server, AccessToken: testToken, WalletAddress: walletAddress, Pagination: p}
	}
	create := func(body string) Call {
		return Call{Operation: "quote.create", URL: server, AccessToken: testToken, Body: []byte(body)}
	}
	for _, test := range []struct {
		want string
		call Call
	}{
		{
			`"operation" must be the name of an operation`,
			Call{Operation: "quote.delete"},
		},
		{
			`"url" must be an absolute https: URL, or http: on loopback`,
			Call{Operation: "walletAddress.get", URL: "wallet.example/alice"},
		},
		{
			`"url" must be an https: URL, or http: on loopback`,
			Call{Operation: "walletAddress.get", URL: "http://wallet.example/alice"},
		},
		{
			`"first" must be from 1 to 100`,
			list(address, Pagination{First: 101}),
		},
		{
			`"last" must be from 1 to 100`,
			list(address, Pagination{Last: -1}),
		},
		{
			`"last" must not be given together with first`,
			list(address, Pagination{First: 1, Last: 1, Cursor: "a"}),
		},
		{
			`"last" requires cursor`,
			list(address, Pagination{Last: 1}),
		},
		{
			`"walletAddress" must be an absolute URL, or a payment pointer like $wallet.example/alice`,
			list("alice", Pagination{}),
		},
		{
			`"args" must be an object`,
			create(`[]`),
		},
		{
			`"args.debitAmount" must be an object`,
			create(`{"debitAmount":"5"}`),
		},
		{
			`"args.receiveAmount" must be an object`,
			create(`{"receiveAmount":null}`),
		},
		{
			`"args.debitAmount.value" is missing`,
			create(`{"debitAmount":{}}`),
		},
		{
			`"args.incomingAmount.assetScale" must be an integer from 0 to 255`,
			create(`{"incomingAmount":{"value":"5","assetCode":"USD","assetScale":2.5}}`),
		},
		{
			`"args.debitAmount.assetCode" must be a string`,
			create(`{"debitAmount":{"value":"5","assetCode":5,"assetScale":2}}`),
		},
	} {
		checkArgument(t, test.want, test.call)
	}
	for _, value := range []string{`5`, `"5.0"`, `"-5"`, `"+5"`, `"5e2"`, `""`, `" 5"`, `"0x5"`, `"18446744073709551616"`, `"1_0"`, `null`} {
		checkArgument(t, `"args.debitAmount.value" `+amount, create(`{"debitAmount":{"value":`+value+`,"assetCode":"USD","assetScale":2}}`))
	}
	checkArgument(t, `"args" must be an object`, create(""))
}

func checkArgument(t *testing.T, want string, call Call) {
	t.Helper()
	client, server := newClient(t)
	_, err := client.Do(t.Context(), call)
	var argument *signedhttp.ArgumentError
	if !errors.As(err, &argument) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	server.WantRequests(0)
}

// What was asked for is what comes.
func TestIdentity(t *testing.T) {
	ids := map[string]bool{ // of address
		"https://wallet.example/alice":     true,
		"https://wallet.example/alice/":    true,
		"https://wallet.example/Alice":     true,
		"HTTPS://WALLET.example/alice?a=1": true,
		"https://wallet.example/bob":       false,
		"https://wallet.example/alice//":   false,
		"https://wallet.example/alice/b":   false,
		"https://wallet.example":           false,
		"https://evil.example/alice":       false,
		"http://wallet.example/alice":      false,
		"":                                 false,
	}
	for id, want := range ids {
		client, _ := newClient(t, responds(strings.Replace(good["walletAddress.get"], address, id, 1)))
		for _, asked := range []string{address, address + "/", "https://wallet.example/ALICE?b=2", "$wallet.example/alice"} {
			_, err := client.Do(t.Context(), Call{Operation: "walletAddress.get", URL: asked})
			if (err == nil) != want {
				t.Errorf("%s for %s: %v", id, asked, err)
			}
			if err == nil {
				continue
			}
			e := failure(t, err)
			if e.Code != signedhttp.CodeShape || e.Retryable || !slices.Equal(e.Problems, []string{"id is that of another address than the one asked for"}) {
				t.Error(e)
			}
		}
	}
	for _, op := range Operations {
		call := callOf(op)
		call.URL = strings.Replace(call.URL, ".example", ".invalid", 1)
		client, _ := newClient(t, responds(good[op.Name]))
		_, err := client.Do(t.Context(), call)
		if want := strings.HasSuffix(op.Name, ".get") || op.Name == "incomingPayment.complete"; (err != nil) != want {
			t.Errorf("%s: %v", op.Name, err)
		}
	}
}

// A wallet at https does not lead to plain http, nor to the machine of who reads it.
func TestServersOfAWallet(t *testing.T) {
	const local = "http://127.0.0.1:4000/alice"
	for _, test := range []struct {
		address, server string
		allowHTTP, good bool
	}{
		{address, "https://as.example/", false, true},
		{address, "HTTPS://as.example/", false, true},
		{address, "http://127.0.0.1:9200/", false, false},
		{address, "http://localhost/", false, false},
		{address, "http://as.example/", false, false},
		{address, "http://127.0.0.1:9200/", true, true},
		{local, "http://127.0.0.1:4001/", false, true},
		{local, "https://as.example/", false, true},
	} {
		for _, name := range []string{"authServer", "resourceServer"} {
			body := strings.Replace(good["walletAddress.get"], address, test.address, 1)
			old := map[string]string{"authServer": "https://as.example", "resourceServer": server}[name]
			client, _ := newClient(t, responds(strings.Replace(body, `"`+name+`":"`+old, `"`+name+`":"`+test.server, 1)))
			client.AllowHTTP = test.allowHTTP
			_, err := client.Do(t.Context(), Call{Operation: "walletAddress.get", URL: test.address})
			if (err == nil) != test.good {
				t.Errorf("%s at %s leads to %s: %v", name, test.address, test.server, err)
			}
			if err != nil && !slices.Equal(failure(t, err).Problems, []string{name + ": expected an https: URL, found another"}) {
				t.Error(err)
			}
		}
	}
}

// In development a wallet says https of itself and is asked by http.
func TestIdentityInDevelopment(t *testing.T) {
	for allowHTTP, want := range map[bool]bool{true: true, false: false} {
		client, _ := newClient(t, responds(strings.Replace(good["walletAddress.get"], "wallet.example", "localhost:3000", 1)))
		client.AllowHTTP = allowHTTP
		_, err := client.Do(t.Context(), Call{Operation: "walletAddress.get", URL: "http://localhost:3000/alice"})
		if (err == nil) != want {
			t.Error(err)
		}
	}
}

// A redirect leads to where a document is, and it stays the document that was asked for.
func TestIdentityAfterRedirect(t *testing.T) {
	redirect := fake.Response{Status: 302, Header: http.Header{"Location": {"https://elsewhere.example/alice"}}}
	for id, want := range map[string]bool{address: true, "https://elsewhere.example/alice": false} {
		client, server := newClient(t, redirect, responds(strings.Replace(good["walletAddress.get"], address, id, 1)))
		if _, err := client.Do(t.Context(), Call{Operation: "walletAddress.get", URL: address}); (err == nil) != want {
			t.Errorf("%s: %v", id, err)
		}
		server.WantRequests(2)
	}
}

func TestAcceptAnyShape(t *testing.T) {
	for _, op := range Operations {
		for body, want := range map[string]bool{`{}`: true, `[1]`: true, `"a"`: true, `null`: false, `{`: false} {
			client, _ := newClient(t, responds(body))
			client.AcceptAnyShape = true
			got, err := client.Do(t.Context(), callOf(op))
			if (err == nil) != want || want && string(got) != body {
				t.Errorf("%s of %s: %s, %v", op.Name, body, got, err)
			}
		}
	}
}

// A create that cannot be understood has been made all the same.
func TestCreateThatIsNotUnderstood(t *testing.T) {
	for _, op := range Operations {
		if !op.Body {
			continue
		}
		client, _ := newClient(t, responds(`{"id":"https://rs.example/1"}`))
		_, err := client.Do(t.Context(), callOf(op))
		e := failure(t, err)
		if e.Code != signedhttp.CodeShape || e.Retryable || string(e.Details) != `{"id":"https://rs.example/1"}` {
			t.Errorf("%s: %v, %t, %s", op.Name, e, e.Retryable, e.Details)
		}
	}
}

// A read may be made again whatever became of it.
func TestReadsAreRepeatable(t *testing.T) {
	for _, op := range Operations {
		broken := fake.Response{Status: 200, Stream: io.MultiReader(strings.NewReader("{"), iotest.ErrReader(errors.New("reset")))}
		client, _ := newClient(t, broken)
		_, err := client.Do(t.Context(), callOf(op))
		if e := failure(t, err); e.Code != signedhttp.CodeUnreadable || e.Retryable != (op.Method == http.MethodGet) {
			t.Errorf("%s: %v, retryable %t", op.Name, e, e.Retryable)
		}
	}
}

func TestBeyondTheDocuments(t *testing.T) {
	replace := func(name, old, with string) string {
		if !strings.Contains(good[name], old) {
			t.Fatalf("%s has no %s", name, old)
		}
		return strings.Replace(good[name], old, with, 1)
	}
	euros := strings.Replace(usd("10"), "USD", "EUR", 1)
	scale := strings.Replace(usd("10"), "2", "3", 1)
	const assets = "incomingAmount: expected the asset of receivedAmount, found another"
	for _, test := range []struct{ operation, body, want string }{
		{"incomingPayment.get", replace("incomingPayment.get", usd("10"), euros), assets},
		{"incomingPayment.get", replace("incomingPayment.get", usd("10"), scale), assets},
		{"incomingPayment.get", replace("incomingPayment.get", `"incomingAmount":`+usd("10")+",", ""), ""},
		{"incomingPayment.getPublic", replace("incomingPayment.get", usd("10"), euros), ""},
		{"incomingPayment.create", replace("incomingPayment.create", usd("10"), euros), assets},
		{"incomingPayment.create", replace("incomingPayment.create", usd("0"), usd("1")),
			"receivedAmount.value: expected 0 of what was just created, found more"},
		{"incomingPayment.create", replace("incomingPayment.create", usd("0"), usd("000")), ""},
		{"incomingPayment.create", replace("incomingPayment.create", "false", "true"),
			"completed: expected false of what was just created, found true"},
		{"incomingPayment.complete", replace("incomingPayment.complete", "true", "false"), "completed: expected true, found false"},
		{"incomingPayment.complete", replace("incomingPayment.complete", `,"completed":true`, ""), "completed: expected true, found false"},
		{"incomingPayment.complete", replace("incomingPayment.complete", usd("10"), euros), assets},
		{"incomingPayment.list", replace("incomingPayment.list", usd("10"), euros), "result[0]." + assets},
		{"incomingPayment.list", `{}`, "result is missing"},
		{"outgoingPayment.list", `{"result":[]}`, ""},
		{"outgoingPayment.get", replace("outgoingPayment.get", usd("3"), scale), "sentAmount: expected the asset of debitAmount, found another"},
		{"outgoingPayment.get", outgoing("5", "6", ""), "sentAmount.value: expected no more than debitAmount.value, found more"},
		{"outgoingPayment.get", outgoing("18446744073709551614", "18446744073709551615", ""),
			"sentAmount.value: expected no more than debitAmount.value, found more"},
		{"outgoingPayment.get", outgoing("5", "5", ""), ""},
		{"outgoingPayment.get", outgoing("5", "5", `,"failed":true`), "failed: expected false where everything was sent, found true"},
		{"outgoingPayment.create", outgoing("5", "5", `,"failed":true`), "failed: expected false where everything was sent, found true"},
		{"outgoingPayment.list", page1(outgoing("5", "5", "") + "," + outgoing("5", "6", "")),
			"result[1].sentAmount.value: expected no more than debitAmount.value, found more"},
	} {
		client, _ := newClient(t, responds(test.body))
		_, err := client.Do(t.Context(), callOf(named(test.operation)))
		if test.want == "" {
			if err != nil {
				t.Errorf("%s of %s: %v", test.operation, test.body, err)
			}
			continue
		}
		if e := failure(t, err); !slices.Equal(e.Problems, []string{test.want}) {
			t.Errorf("%s: %q, want %q", test.operation, e.Problems, test.want)
		}
	}
}

// Problems say where and what was expected, and repeat nothing of what was found.
func TestProblems(t *testing.T) {
	for _, test := range []struct{ operation, body, want string }{
		{"quote.get", `null`, "the response: expected an object, found null"},
		{"walletAddress.getDIDDocument", `[]`, "the response: expected an object, found array"},
		{"incomingPayment.list", `{"result":{}}`, "result: expected an array, found object"},
		{"walletAddress.getKeys", `{"keys":[{"kid":7,"alg":"RS256","kty":"OKP","crv":"Ed25519","x":"="}]}`,
			`keys[0].kid: expected a string, found number; ` +
				`keys[0].alg: expected "EdDSA", found another string; ` +
				`keys[0].x: expected a base64url string, found another string`},
		{"outgoingPayment.getGrantSpentAmounts", `{"spentDebitAmount":{"value":5,"assetCode":"USD","assetScale":256},"spentReceiveAmount":null}`,
			"spentDebitAmount.value: expected an unsigned 64-bit integer as text, found number; " +
				"spentDebitAmount.assetScale: expected an integer from 0 to 255, found number"},
		{"incomingPayment.getPublic", `{"receivedAmount":` + usd("5") + `}`, "authServer is missing"},
		{"incomingPayment.get", strings.Replace(good["incomingPayment.get"], `"5"`, `5`, 1),
			"receivedAmount.value: expected an unsigned 64-bit integer as text, found number"},
		{"incomingPayment.get", strings.Replace(good["incomingPayment.get"], `"receivedAmount"`, `"ReceivedAmount"`, 1),
			"receivedAmount is missing"},
		{"incomingPayment.get", strings.Replace(good["incomingPayment.get"], `"receivedAmount"`, `"receivedAmount":5,"receivedAmount"`, 1), ""},
		{"quote.get", strings.Replace(quote, payment, "https://rs.example/incoming-payments/", 1),
			"receiver: expected the URL of an incoming payment, found another string"},
		{"quote.get", strings.Replace(quote, `"ilp"`, `"card"`, 1), `method: expected "ilp", found another string`},
		{"outgoingPayment.get", outgoing("5", "3", `,"failed":"no"`), "failed: expected true or false, found another string"},
		{"outgoingPayment.list", `{"pagination":{"startCursor":"","hasNextPage":true,"hasPreviousPage":null},"result":[]}`,
			"pagination.startCursor: expected a string that is not empty, found another string; " +
				"pagination.hasPreviousPage: expected true or false, found null"},
		{"incomingPayment.create", strings.Replace(good["incomingPayment.create"], "test.a.b", "test..b", 1),
			"methods[0].ilpAddress: expected an ILP address, found another string"},
	} {
		client, _ := newClient(t, responds(test.body))
		_, err := client.Do(t.Context(), callOf(named(test.operation)))
		got := ""
		if err != nil {
			got = strings.Join(failure(t, err).Problems, "; ")
		}
		if got != test.want {
			t.Errorf("%s: %s\nwant %s", test.operation, got, test.want)
		}
	}
}

// A long list of wrong items is given up early.
func TestProblemsEnd(t *testing.T) {
	body := `{"result":[` + strings.Repeat("{},", 100_000) + `{}]}`
	value, err := signedhttp.Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var c checker
	c.check("", "@list-outgoing-payments", value)
	if len(c.problems) < enough || len(c.problems) > enough+10 {
		t.Errorf("%d problems were looked for", len(c.problems))
	}
	client, _ := newClient(t, responds(body))
	_, err = client.Do(t.Context(), callOf(named("outgoingPayment.list")))
	if e := failure(t, err); len(e.Problems) != 21 {
		t.Errorf("%d problems", len(e.Problems))
	}
}

// No value of a response is in a problem, whatever it is.
func TestProblemsRepeatNothing(t *testing.T) {
	const secret = "hunter2-hunter2"
	for _, op := range Operations {
		var document map[string]any
		if err := json.Unmarshal([]byte(good[op.Name]), &document); err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(document)) {
			kept := document[name]
			for _, value := range []any{secret, []any{secret}, map[string]any{secret: secret}} {
				document[name] = value
				body, err := json.Marshal(document)
				if err != nil {
					t.Fatal(err)
				}
				client, _ := newClient(t, responds(string(body)))
				if _, err := client.Do(t.Context(), callOf(op)); err != nil && strings.Contains(fmt.Sprint(err, failure(t, err).Problems), secret) {
					t.Errorf("%s: %v", op.Name, err)
				}
			}
			document[name] = kept
		}
	}
}

func TestFormats(t *testing.T) {
	for kind, texts := range map[string]map[string]bool{
		"uint64": {"0": true, "007": true, "18446744073709551615": true, "18446744073709551616": false, "": false,
			"-1": false, "1.0": false, "１": false},
		"base64url": {"aZ09-_": true, "": false, "a=": false, "a+b": false, "a/b": false, "é": false,
			"a\n": false, "@": false, "[": false, "`": false, "{": false},
		"ilp-address": {"g.a": true, "test1.a.b~c_-d": true, "test4.a": false, "test.": false, "test": false, "": false,
			".a": false, "g..a": false, "g.a.": false, "G.a": false,
			"g.é": false, "g a.b": false, "private.a": true, "g." + strings.Repeat("a", 1021): true, "g." + strings.Repeat("a", 1022): false, "g. .a": false},
		"receiver": {payment: true, "http://a/incoming-payments/b": true, "https:///incoming-payments/b": false, "https://a/incoming-payments/": false,
			"https://a/b/incoming-payments//incoming-payments/c": true, "ftp://a/incoming-payments/b": false, "HTTPS://a/incoming-payments/b": false,
			"https://a\n/incoming-payments/b": false, "https://a/incoming-payments/b\n": false, "https://a/incoming-payments/b\u2028": false,
			"https://": false, "https://a": false, "": false,
			"https://é/incoming-payments/b": true},
		"text": {"a": true, "": false},
	} {
		for text, want := range texts {
			var c checker
			c.check("", kind, text)
			if (len(c.problems) == 0) != want {
				t.Errorf("%s: %q: %q", kind, text, c.problems)
			}
		}
	}
}
