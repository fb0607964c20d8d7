package sandbox_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/sandbox"
	"open-payments-wasm/pkg/signedhttp"
)

// payer is a client that gets grants with package gnap and makes payments with plain signed requests.
type payer struct {
	t     *testing.T
	base  string
	name  string // its wallet address
	key   httpsig.Key
	grant *gnap.Client
}

// serve runs a sandbox and returns a client of it.
func serve(t *testing.T, config sandbox.Config) (*sandbox.Server, *payer) {
	t.Helper()
	config.Wait = sandbox.NoWait
	wallet := sandbox.New(config)
	server := httptest.NewServer(wallet)
	t.Cleanup(server.Close)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwk.FromRaw(public)
	if err != nil {
		t.Fatal(err)
	}
	keys := jwk.NewSet()
	if err := errors.Join(key.Set(jwk.KeyIDKey, "key-1"), keys.AddKey(key)); err != nil {
		t.Fatal(err)
	}
	path, err := wallet.AddClient("till", keys)
	if err != nil {
		t.Fatal(err)
	}
	p := &payer{t: t, base: server.URL, name: server.URL + path, key: httpsig.Key{ID: "key-1", Signer: private}}
	p.grant = &gnap.Client{Client: signedhttp.Client{Transport: http.DefaultTransport, Key: p.key}}
	return wallet, p
}

// token gets an access token, at the wallet server of p or of another.
func (p *payer) token(base string, access gnap.Access) *gnap.AccessToken {
	p.t.Helper()
	request := gnap.GrantRequest{AccessToken: &gnap.AccessTokenRequest{Access: []gnap.Access{access}}, Client: p.name}
	if access.Type == "outgoing-payment" {
		request.Interact = &gnap.InteractRequest{
			Start:  []string{"redirect"},
			Finish: &gnap.FinishRequest{Method: "redirect", URI: "http://localhost/back", Nonce: "nonce"},
		}
	}
	grant, err := p.grant.Request(p.t.Context(), base+"/auth/", request)
	if err != nil {
		p.t.Fatal(err)
	}
	if grant.Interact == nil {
		return grant.AccessToken
	}
	final, err := p.grant.Continue(p.t.Context(), grant.Continue.URI, grant.Continue.AccessToken.Value, p.approve(grant.Interact.Redirect))
	if err != nil {
		p.t.Fatal(err)
	}
	return final.AccessToken
}

// approve presses the button of an interaction page and returns the reference that comes back.
func (p *payer) approve(redirect string) string {
	p.t.Helper()
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := stay.PostForm(redirect, url.Values{"approve": {"1"}})
	if err != nil {
		p.t.Fatal(err)
	}
	res.Body.Close()
	location, err := res.Location()
	if err != nil {
		p.t.Fatal(err)
	}
	return location.Query().Get("interact_ref")
}

type money struct {
	Value      string `json:"value"`
	AssetCode  string `json:"assetCode"`
	AssetScale uint8  `json:"assetScale"`
}

func dollars(value string) money { return money{value, "USD", 2} }

// resource is what the tests read of the resources of Open Payments.
type resource struct {
	ID                                                string
	IncomingAmount, ReceivedAmount                    money
	DebitAmount, ReceiveAmount, SentAmount            money
	SpentDebitAmount, GrantSpentDebitAmount           *money
	Completed, Failed                                 bool
	Result                                            []resource
	Error                                             struct{ Code, Description string }
	PublicName, AssetCode, AuthServer, ResourceServer string
}

// call makes a signed request and returns its status and response. Body and token may be empty.
func (p *payer) call(method, url, token string, body any) (int, resource) {
	p.t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = signedhttp.Marshal(body); err != nil {
			p.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, url, bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "GNAP "+token)
		if err := httpsig.Sign(req, text, p.key); err != nil {
			p.t.Fatal(err)
		}
	}
	status, response, err := send(req)
	if err != nil {
		p.t.Fatal(err)
	}
	return status, response
}

func send(req *http.Request) (int, resource, error) {
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, resource{}, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, resource{}, err
	}
	var response resource
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		err = json.Unmarshal(data, &response)
	}
	return res.StatusCode, response, err
}

// must is call where only one status will do.
func (p *payer) must(status int, method, url, token string, body any) resource {
	p.t.Helper()
	got, response := p.call(method, url, token, body)
	if got != status {
		p.t.Fatalf("%s %s: %d %+v, want %d", method, url, got, response.Error, status)
	}
	return response
}

// expect makes an incoming payment of a wallet, and fails the test when that is not possible.
func (p *payer) expect(base, wallet string, amount money) (payment resource, token string) {
	p.t.Helper()
	access := gnap.Access{Type: "incoming-payment", Actions: []string{"create", "read", "complete", "list"}, Identifier: base + "/" + wallet}
	token = p.token(base, access).Value
	return p.must(http.StatusCreated, "POST", base+"/op/incoming-payments", token, map[string]any{
		"walletAddress": base + "/" + wallet, "incomingAmount": amount,
	}), token
}

// quote asks what it costs a wallet of p's server to pay a receiver in full.
func (p *payer) quote(wallet, receiver string) resource {
	p.t.Helper()
	token := p.token(p.base, gnap.Access{Type: "quote", Actions: []string{"create", "read"}}).Value
	return p.must(http.StatusCreated, "POST", p.base+"/op/quotes", token, map[string]any{
		"walletAddress": p.base + "/" + wallet, "receiver": receiver, "method": "ilp",
	})
}

// spend gets a token with which a wallet may spend so much.
func (p *payer) spend(wallet string, limit money) *gnap.AccessToken {
	p.t.Helper()
	return p.token(p.base, gnap.Access{
		Type: "outgoing-payment", Actions: []string{"create", "read", "list"}, Identifier: p.base + "/" + wallet,
		Limits: map[string]any{"debitAmount": limit},
	})
}

func (p *payer) pay(status int, token, wallet, quoteID string) resource {
	p.t.Helper()
	return p.must(status, "POST", p.base+"/op/outgoing-payments", token, map[string]any{
		"walletAddress": p.base + "/" + wallet, "quoteId": quoteID,
	})
}

// From wallet address to receipt: alice pays a bill of the shop.
func TestAPaymentFromEndToEnd(t *testing.T) {
	server, p := serve(t, sandbox.Config{Fee: sandbox.Fee{Fixed: 10}})
	for name, asset := range map[string]string{"alice": "USD", "bob": "EUR", "shop": "USD"} {
		document := p.must(http.StatusOK, "GET", p.base+"/"+name, "", nil)
		if document.ID != p.base+"/"+name || document.AssetCode != asset || document.AuthServer != p.base+"/auth/" ||
			document.ResourceServer != p.base+"/op" || document.PublicName == "" {
			t.Errorf("%+v", document)
		}
	}
	bill, billToken := p.expect(p.base, "shop", dollars("1999"))
	quote := p.quote("alice", bill.ID)
	if quote.DebitAmount != dollars("2009") || quote.ReceiveAmount != dollars("1999") {
		t.Errorf("quote %+v", quote)
	}
	spending := p.spend("alice", dollars("2500"))
	payment := p.pay(http.StatusCreated, spending.Value, "alice", quote.ID)
	p.must(http.StatusBadRequest, "POST", p.base+"/op/outgoing-payments", spending.Value, map[string]any{
		"walletAddress": p.base + "/alice", "quoteId": quote.ID,
	}) // it is paid once

	paid := p.must(http.StatusOK, "GET", payment.ID, spending.Value, nil)
	if paid.Failed || paid.SentAmount != dollars("1999") || paid.DebitAmount != dollars("2009") {
		t.Errorf("payment %+v", paid)
	}
	arrived := p.must(http.StatusOK, "GET", bill.ID, billToken, nil)
	if !arrived.Completed || arrived.ReceivedAmount != dollars("1999") {
		t.Errorf("bill %+v", arrived)
	}
	public := p.must(http.StatusOK, "GET", bill.ID, "", nil)
	if public.ReceivedAmount != dollars("1999") || public.AuthServer != p.base+"/auth/" || public.ID != "" {
		t.Errorf("public part %+v", public)
	}
	spent := p.must(http.StatusOK, "GET", p.base+"/op/outgoing-payment-grant", spending.Value, nil)
	if spent.SpentDebitAmount == nil || *spent.SpentDebitAmount != dollars("2009") {
		t.Errorf("spent %+v", spent.SpentDebitAmount)
	}
	list := p.must(http.StatusOK, "GET", p.base+"/op/outgoing-payments?wallet-address="+url.QueryEscape(p.base+"/alice"), spending.Value, nil)
	if len(list.Result) != 1 || list.Result[0].ID != payment.ID {
		t.Errorf("list %+v", list)
	}
	for name, want := range map[string]uint64{"alice": 1_000_000 - 2009, "shop": 100_000 + 1999, "bob": 1_000_000} {
		if funds, available := server.Balance(name); funds != want || available != want {
			t.Errorf("%s has %d, %d available, want %d", name, funds, available, want)
		}
	}
}

func TestAPaymentIntoAnotherCurrency(t *testing.T) {
	server, p := serve(t, sandbox.Config{})
	bill, _ := p.expect(p.base, "bob", money{"1000", "EUR", 2})
	quote := p.quote("alice", bill.ID)
	if quote.DebitAmount != dollars("1250") {
		t.Errorf("quote %+v", quote)
	}
	p.pay(http.StatusCreated, p.spend("alice", dollars("1250")).Value, "alice", quote.ID)
	p.must(http.StatusOK, "GET", bill.ID, "", nil)
	if funds, _ := server.Balance("bob"); funds != 1_001_000 {
		t.Errorf("bob has %d", funds)
	}
}

// What a grant allows, rotated or not, is what the resource server lets pass.
func TestTheResourceServerAsksTheAuthorizationServer(t *testing.T) {
	_, p := serve(t, sandbox.Config{})
	bill, billToken := p.expect(p.base, "shop", dollars("1000"))
	quote := p.quote("alice", bill.ID)
	narrow := p.spend("alice", dollars("999"))
	if r := p.pay(http.StatusForbidden, narrow.Value, "alice", quote.ID); r.Error.Description != "unauthorized" || r.Error.Code != "403" {
		t.Errorf("over the limit: %+v", r.Error)
	}
	if r := p.pay(http.StatusForbidden, billToken, "alice", quote.ID); r.Error.Description != "Insufficient Grant" {
		t.Errorf("another token: %+v", r.Error)
	}
	spending := p.spend("alice", dollars("1500"))
	rotated, err := p.grant.Rotate(t.Context(), spending.Manage.URI, spending.Manage.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if r := p.pay(http.StatusForbidden, spending.Value, "alice", quote.ID); r.Error.Description != "Inactive Token" {
		t.Errorf("rotated away: %+v", r.Error)
	}
	p.pay(http.StatusCreated, rotated.AccessToken.Value, "alice", quote.ID)
	again, err := p.grant.Rotate(t.Context(), rotated.AccessToken.Manage.URI, rotated.AccessToken.Manage.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	second, _ := p.expect(p.base, "shop", dollars("1000"))
	p.pay(http.StatusForbidden, again.AccessToken.Value, "alice", p.quote("alice", second.ID).ID) // what was spent stays spent

	mine := p.key
	_, stolen, _ := ed25519.GenerateKey(nil)
	p.key.Signer = stolen
	const invalid = "Signature validation error: provided signature is invalid"
	if r := p.must(http.StatusUnauthorized, "GET", bill.ID, billToken, nil); r.Error.Description != invalid {
		t.Errorf("without the key: %+v", r.Error)
	}
	p.key = mine
	p.must(http.StatusOK, "GET", bill.ID, billToken, nil)
}

// Two servers in one process: alice of the one pays bob of the other, in a currency that her own server must know.
func TestPeers(t *testing.T) {
	here, p := serve(t, sandbox.Config{})
	there, q := serve(t, sandbox.Config{})
	bill, _ := q.expect(q.base, "bob", money{"800", "EUR", 2})
	token := p.token(p.base, gnap.Access{Type: "quote", Actions: []string{"create"}}).Value
	request := map[string]any{"walletAddress": p.base + "/alice", "receiver": bill.ID, "method": "ilp"}
	if r := p.must(http.StatusBadRequest, "POST", p.base+"/op/quotes", token, request); r.Error.Description != "invalid receiver" {
		t.Errorf("without a peer: %+v", r.Error)
	}
	here.AddPeer(q.base, there)
	quote := p.must(http.StatusCreated, "POST", p.base+"/op/quotes", token, request)
	spending := p.spend("alice", quote.DebitAmount)
	payment := p.pay(http.StatusCreated, spending.Value, "alice", quote.ID)
	if paid := p.must(http.StatusOK, "GET", payment.ID, spending.Value, nil); paid.Failed || paid.SentAmount != dollars("1000") {
		t.Errorf("payment %+v", paid)
	}
	if funds, _ := there.Balance("bob"); funds != 1_000_800 {
		t.Errorf("bob has %d", funds)
	}
	if funds, _ := here.Balance("alice"); funds != 999_000 {
		t.Errorf("alice has %d", funds)
	}
}

// Faults come from Config, or from who knows the secret of the server.
func TestFaultsOfPayments(t *testing.T) {
	server, p := serve(t, sandbox.Config{FaultSecret: "s3cret", Faults: sandbox.Faults{
		Payment: func(info sandbox.PaymentInfo) sandbox.PaymentFault {
			return sandbox.PaymentFault{Fail: info.Wallet == "alice"}
		},
	}})
	put := func(status int, secret, plan string) {
		t.Helper()
		req, err := http.NewRequest("PUT", p.base+"/faults", strings.NewReader(plan))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+secret)
		if got, response, err := send(req); err != nil || got != status {
			t.Errorf("%s: %d %+v %v", plan, got, response.Error, err)
		}
	}
	put(http.StatusUnauthorized, "wrong", `{}`)
	put(http.StatusUnauthorized, "", `{}`)
	for _, plan := range []string{
		`[]`, `{"x":1}`, `{"payments":[{"fail":true}]}`, `{"payments":[{"times":1,"sent":"-1"}]}`, `{"payments":[null]}`,
		`{"responses":[{"lose":true}]}`, `{"responses":[{"times":1,"delayMs":-1}]}`, `{"responses":[null]}`,
	} {
		put(http.StatusBadRequest, "s3cret", plan)
	}
	put(http.StatusNoContent, "s3cret", `{"payments":[{"wallet":"alice","times":1,"fail":true,"sent":"250"}]}`)

	bill, _ := p.expect(p.base, "shop", dollars("1000"))
	spending := p.spend("alice", dollars("2000"))
	half := p.pay(http.StatusCreated, spending.Value, "alice", p.quote("alice", bill.ID).ID)
	if paid := p.must(http.StatusOK, "GET", half.ID, spending.Value, nil); !paid.Failed || paid.SentAmount != dollars("250") {
		t.Errorf("part of it: %+v", paid)
	}
	if public := p.must(http.StatusOK, "GET", bill.ID, "", nil); public.ReceivedAmount != dollars("250") {
		t.Errorf("bill %+v", public)
	}
	nothing := p.pay(http.StatusCreated, spending.Value, "alice", p.quote("alice", bill.ID).ID) // the plan is used up
	if paid := p.must(http.StatusOK, "GET", nothing.ID, spending.Value, nil); !paid.Failed || paid.SentAmount != dollars("0") {
		t.Errorf("nothing of it: %+v", paid)
	}
	if funds, available := server.Balance("alice"); funds != 999_750 || available != funds {
		t.Errorf("alice has %d, %d available", funds, available)
	}
}

func TestFaultsOfResponses(t *testing.T) {
	_, p := serve(t, sandbox.Config{FaultSecret: "s3cret"})
	token := p.token(p.base, gnap.Access{Type: "incoming-payment", Actions: []string{"create", "list"}}).Value
	plan := strings.NewReader(`{"responses":[{"method":"POST","path":"/op/incoming-payments","times":1,"lose":true},` +
		`{"method":"GET","path":"/op/","times":1,"delayMs":60}]}`)
	req, err := http.NewRequest("PUT", p.base+"/faults", plan)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer s3cret")
	if status, _, err := send(req); err != nil || status != http.StatusNoContent {
		t.Fatalf("%d %v", status, err)
	}
	list := p.base + "/op/incoming-payments?wallet-address=" + url.QueryEscape(p.base+"/shop")
	began := time.Now()
	if r := p.must(http.StatusOK, "GET", list, token, nil); len(r.Result) != 0 || time.Since(began) < 60*time.Millisecond {
		t.Errorf("%+v after %s", r, time.Since(began))
	}
	text := []byte(fmt.Sprintf(`{"walletAddress":"%s/shop"}`, p.base))
	lost, err := http.NewRequest("POST", p.base+"/op/incoming-payments", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	lost.Header.Set("Content-Type", "application/json")
	lost.Header.Set("Authorization", "GNAP "+token)
	if err := httpsig.Sign(lost, text, p.key); err != nil {
		t.Fatal(err)
	}
	if status, _, err := send(lost); err == nil {
		t.Errorf("a response came: %d", status)
	}
	if r := p.must(http.StatusOK, "GET", list, token, nil); len(r.Result) != 1 { // it was processed all the same
		t.Errorf("%+v", r)
	}
	p.must(http.StatusCreated, "POST", p.base+"/op/incoming-payments", token, json.RawMessage(text)) // once was enough
}

func TestNoFaultsWithoutASecret(t *testing.T) {
	_, p := serve(t, sandbox.Config{})
	if status, _ := p.call("PUT", p.base+"/faults", "", map[string]any{}); status != http.StatusMethodNotAllowed && status != http.StatusNotFound {
		t.Errorf("%d", status)
	}
}
