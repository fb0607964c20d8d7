package resourceserver

import (
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"open-payments-wasm/pkg/sandbox/internal/ledger"
)

const (
	base  = "https://wallet.example"
	alice = base + "/alice"
	bob   = base + "/bob"
	shop  = base + "/shop"
)

var (
	usd = ledger.Asset{Code: "USD", Scale: 2}
	eur = ledger.Asset{Code: "EUR", Scale: 2}
)

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fakeAuthorizer knows tokens, and takes every signature but "bad".
type fakeAuthorizer struct {
	mu     sync.Mutex
	grants map[string]*Grant // by token
}

func (a *fakeAuthorizer) Introspect(r *http.Request) (*Grant, error) {
	token, isGNAP := strings.CutPrefix(r.Header.Get("Authorization"), "GNAP ")
	if !isGNAP {
		return nil, fail(http.StatusUnauthorized, "Missing or invalid authorization header value")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	grant, known := a.grants[token]
	if !known {
		return nil, fail(http.StatusForbidden, "Inactive Token")
	}
	return grant, nil
}

func (a *fakeAuthorizer) VerifySignature(r *http.Request, _ []byte, _ *Grant) error {
	switch r.Header.Get("Signature") {
	case "":
		return fail(http.StatusUnauthorized, "Signature validation error: missing keyId in signature input")
	case "bad":
		return fail(http.StatusUnauthorized, "Signature validation error: provided signature is invalid")
	}
	return nil
}

func (a *fakeAuthorizer) grant(token string, grant Grant) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.grants[token] = &grant
}

// fixture is a server with the wallets alice (USD), bob (EUR) and shop (USD), and the tokens "all", which may do everything
// with every wallet, and "other", which another client has.
type fixture struct {
	t      *testing.T
	server *Server
	mux    *http.ServeMux
	clock  *clock
	auth   *fakeAuthorizer
	base   string
}

func start(t *testing.T, change func(*Config)) *fixture { return startAt(t, base, change) }

func startAt(t *testing.T, base string, change func(*Config)) *fixture {
	f := &fixture{t: t, mux: http.NewServeMux(), base: base, auth: &fakeAuthorizer{grants: map[string]*Grant{}},
		clock: &clock{now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}}
	config := Config{
		Wallets: []Wallet{
			{Name: "alice", PublicName: "Alice", AssetCode: "USD", AssetScale: 2, Balance: 100_000},
			{Name: "bob", AssetCode: "EUR", AssetScale: 2, Balance: 100_000},
			{Name: "shop", AssetCode: "USD", AssetScale: 2, Balance: 100_000},
		},
		BaseURL:    func(*http.Request) string { return base },
		AuthServer: "/auth/",
		Authorizer: f.auth,
		Prices:     map[string]*big.Rat{"USD": big.NewRat(4, 5), "EUR": big.NewRat(1, 1)},
		Now:        f.clock.Now,
	}
	if change != nil {
		change(&config)
	}
	f.server = New(config)
	f.server.Register(f.mux)
	for token, client := range map[string]string{"all": "https://client.example", "other": "https://other.example"} {
		f.auth.grant(token, Grant{ID: "grant-" + token, Client: client, Access: []Access{
			{Type: incomingPaymentType, Actions: []string{"create", "complete", "read", "list"}},
			{Type: quoteType, Actions: []string{"create", "read"}},
			{Type: outgoingPaymentType, Actions: []string{"create", "read", "list"}},
		}})
	}
	t.Cleanup(f.wantSums)
	return f
}

// spender makes a token that may create outgoing payments of alice within limits.
func (f *fixture) spender(token string, limits *Limits) {
	f.auth.grant(token, Grant{ID: "grant-" + token, Client: "https://client.example", Access: []Access{
		{Type: outgoingPaymentType, Actions: []string{"create", "read"}, Identifier: f.base + "/alice", Limits: limits},
	}})
}

func (f *fixture) wantSums() {
	for _, asset := range []ledger.Asset{usd, eur} {
		if sum := f.server.ledger.Sum(asset); sum.Sign() != 0 {
			f.t.Errorf("the sum of %s is %s", asset.Code, sum)
		}
	}
}

func (f *fixture) wantBalance(name string, funds, available uint64) {
	f.t.Helper()
	if got, free := f.server.Balance(name); got != funds || free != available {
		f.t.Errorf("%s has %d, %d available; want %d, %d", name, got, free, funds, available)
	}
}

// reply is a response: the members that tests look at, and its text.
type reply struct {
	status int
	header http.Header
	text   string

	ID, WalletAddress, Receiver, ExpiresAt, CreatedAt, AuthServer, Method string
	Completed, Failed                                                     bool
	IncomingAmount, ReceivedAmount, DebitAmount, ReceiveAmount            *Amount
	SentAmount, GrantSpentDebitAmount, GrantSpentReceiveAmount            *Amount
	SpentDebitAmount, SpentReceiveAmount                                  *Amount
	Metadata                                                              json.RawMessage
	Methods                                                               *[]ilpMethod
	Pagination                                                            pageInfo
	Result                                                                []reply
	Error                                                                 *struct {
		Code, Description string
		Details           map[string]any
	}
}

// request is what fixture.send sends. The zero signature is a good one, "none" leaves it out.
type request struct {
	method, path, token, body      string
	contentType, accept, signature string
	noToken                        bool
}

func (f *fixture) send(q request) reply {
	f.t.Helper()
	r := httptest.NewRequest(q.method, f.base+q.path, strings.NewReader(q.body))
	if q.token == "" {
		q.token = "all"
	}
	if !q.noToken {
		r.Header.Set("Authorization", "GNAP "+q.token)
		r.Header.Set("Signature", "good")
		r.Header.Set("Signature-Input", "sig1=()")
	}
	switch q.signature {
	case "":
	case "none":
		r.Header.Del("Signature")
		r.Header.Del("Signature-Input")
	default:
		r.Header.Set("Signature", q.signature)
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.contentType != "" {
		r.Header.Set("Content-Type", q.contentType)
	}
	if q.accept != "" {
		r.Header.Set("Accept", q.accept)
	}
	w := httptest.NewRecorder()
	f.mux.ServeHTTP(w, r)
	got := reply{status: w.Code, header: w.Header(), text: strings.TrimSpace(w.Body.String())}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			f.t.Errorf("%s %s: %v: %s", q.method, q.path, err, got.text)
		}
	}
	return got
}

func (f *fixture) post(path, token, body string) reply {
	f.t.Helper()
	return f.send(request{method: "POST", path: path, token: token, body: body})
}

func (f *fixture) get(url, token string) reply {
	f.t.Helper()
	return f.send(request{method: "GET", path: strings.TrimPrefix(url, f.base), token: token})
}

// want fails the test when a response is not so. The description is that of the error, the whole text when it is no JSON,
// or "" for success.
func want(t *testing.T, got reply, status int, description string) {
	t.Helper()
	said := got.text
	switch {
	case got.Error != nil:
		said = got.Error.Description
		if code := got.Error.Code; code != strconv.Itoa(status) {
			t.Errorf("the code is %q", code)
		}
	case got.status < 300:
		said = ""
	}
	if got.status != status || said != description {
		t.Errorf("%d %q, want %d %q", got.status, said, status, description)
	}
}

func amount(value, code string) string {
	return `{"value":"` + value + `","assetCode":"` + code + `","assetScale":2}`
}

func wantAmount(t *testing.T, what string, got *Amount, value string, asset ledger.Asset) {
	t.Helper()
	if got == nil || *got != (Amount{value, asset.Code, asset.Scale}) {
		t.Errorf("%s is %v, want %s %s", what, got, value, asset.Code)
	}
}

// expect creates an incoming payment of a wallet, "" for any amount.
func (f *fixture) expect(wallet, amount string) reply {
	f.t.Helper()
	if amount != "" {
		amount = `,"incomingAmount":` + amount
	}
	got := f.post("/op/incoming-payments", "", `{"walletAddress":"`+wallet+`"`+amount+`}`)
	want(f.t, got, 201, "")
	return got
}

func (f *fixture) quote(receiver, member string) reply {
	f.t.Helper()
	return f.post("/op/quotes", "", `{"walletAddress":"`+f.base+`/alice","receiver":"`+receiver+`","method":"ilp"`+member+`}`)
}

func (f *fixture) pay(token, quoteID string) reply {
	f.t.Helper()
	return f.post("/op/outgoing-payments", token, `{"walletAddress":"`+f.base+`/alice","quoteId":"`+quoteID+`"}`)
}
