package sandbox

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"open-payments-wasm/pkg/httpsig"
)

const (
	base     = "http://sandbox.example"
	outgoing = `{"type":"outgoing-payment","actions":["create","read"],"identifier":"http://sandbox.example/alice",` +
		`"limits":{"debitAmount":{"value":"500","assetCode":"USD","assetScale":2}}}`
	incoming     = `{"type":"incoming-payment","actions":["create"]}`
	finishMember = `,"finish":{"method":"redirect","uri":"http://localhost:3000/back?a=b%20c#top","nonce":"client-nonce"}`
)

// tester is a client whose keys the server hosts. Its fields say how its requests deviate.
type tester struct {
	t      testing.TB
	server http.Handler
	name   string
	keyID  string
	key    ed25519.PrivateKey
	// before changes a request before it is signed, and after when it is.
	before, after func(*http.Request)
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keySet(t testing.TB, kid string, key any) jwk.Set {
	t.Helper()
	public, err := jwk.FromRaw(key)
	if err != nil {
		t.Fatal(err)
	}
	set := jwk.NewSet()
	for name, value := range map[string]any{jwk.KeyIDKey: kid, jwk.AlgorithmKey: jwa.EdDSA} {
		if err := public.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := set.AddKey(public); err != nil {
		t.Fatal(err)
	}
	return set
}

func newTester(t testing.TB, server *Server, name string) *tester {
	t.Helper()
	key := newKey(t)
	if _, err := server.AddClient(name, keySet(t, "k1", key.Public())); err != nil {
		t.Fatal(err)
	}
	return &tester{t: t, server: server, name: name, keyID: "k1", key: key}
}

// start starts a server that may be called under the host of base, and returns a client of it.
func start(t testing.TB, config Config) *tester {
	t.Helper()
	config.Hosts = append(config.Hosts, strings.TrimPrefix(base, "http://"))
	return newTester(t, New(config), "shop")
}

type reply struct {
	status int
	header http.Header
	body   string

	Interact    *interactReply
	AccessToken *tokenReply `json:"access_token"`
	Subject     *struct {
		SubIDs []struct{ ID string } `json:"sub_ids"`
	}
	Continue continueReply
	Secret   string
	Error    *struct{ Code, Description string }
}

type interactReply struct{ Redirect, Finish string }

type continueReply struct {
	URI         string
	AccessToken struct{ Value string } `json:"access_token"`
	Wait        int
}

type tokenReply struct {
	Value, Manage string
	ExpiresIn     int `json:"expires_in"`
	Access        []json.RawMessage
}

// send sends a signed request. The URL must be below base.
func (c *tester) send(method, url, token, body string) reply {
	c.t.Helper()
	req := httptest.NewRequest(method, strings.TrimPrefix(url, base), strings.NewReader(body))
	req.Host = strings.TrimPrefix(base, "http://")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "GNAP "+token)
	}
	if c.before != nil {
		c.before(req)
	}
	if err := httpsig.Sign(req, []byte(body), httpsig.Key{ID: c.keyID, Signer: c.key}); err != nil {
		c.t.Fatal(err)
	}
	if c.after != nil {
		c.after(req)
	}
	return c.deliver(req)
}

// deliver hands a request to the server. One to the host that httptest makes up goes to that of base.
func (c *tester) deliver(req *http.Request) reply {
	c.t.Helper()
	if req.Host == "example.com" {
		req.Host = strings.TrimPrefix(base, "http://")
	}
	recorder := httptest.NewRecorder()
	c.server.ServeHTTP(recorder, req)
	r := reply{status: recorder.Code, header: recorder.Header(), body: recorder.Body.String()}
	if strings.HasPrefix(r.header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(recorder.Body.Bytes(), &r); err != nil {
			c.t.Fatalf("%s: %v", r.body, err)
		}
	}
	return r
}

func (c *tester) grantBody(access, interact string) string {
	body := `{"access_token":{"access":[` + access + `]},"client":"` + base + `/clients/` + c.name + `"`
	if interact != "" {
		body += `,"interact":{"start":["redirect"]` + interact + `}`
	}
	return body + "}"
}

// open requests a grant that a person must approve.
func (c *tester) open(finish string) reply {
	c.t.Helper()
	if finish == "" {
		finish = " " // interact without finish
	}
	r := c.send("POST", base+"/auth/", "", strings.ReplaceAll(c.grantBody(outgoing, finish), " ", ""))
	if r.status != http.StatusOK || r.Interact == nil {
		c.t.Fatalf("grant request: %d %s", r.status, r.body)
	}
	return r
}

// decide presses a button of the interaction page.
func (c *tester) decide(pending reply, button string) reply {
	c.t.Helper()
	req := httptest.NewRequest("POST", strings.TrimPrefix(pending.Interact.Redirect, base), strings.NewReader(button+"=1"))
	req.Host = strings.TrimPrefix(base, "http://")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.deliver(req)
}

// approve approves and returns the reference.
func (c *tester) approve(pending reply) string {
	c.t.Helper()
	r := c.decide(pending, "approve")
	location, err := url.Parse(r.header.Get("Location"))
	if err != nil || r.status != http.StatusSeeOther {
		c.t.Fatalf("approve: %d %v", r.status, err)
	}
	return location.Query().Get("interact_ref")
}

func reference(ref string) string { return `{"interact_ref":"` + ref + `"}` }

func (c *tester) resume(pending reply, body string) reply {
	c.t.Helper()
	return c.send("POST", pending.Continue.URI, pending.Continue.AccessToken.Value, body)
}

func (c *tester) cancel(pending reply) reply {
	c.t.Helper()
	return c.send("DELETE", pending.Continue.URI, pending.Continue.AccessToken.Value, "")
}

func (c *tester) manage(method string, token *tokenReply) reply {
	c.t.Helper()
	return c.send(method, token.Manage, token.Value, "")
}

// issued walks a grant to its token.
func (c *tester) issued() (pending, final reply, ref string) {
	c.t.Helper()
	pending = c.open(finishMember)
	ref = c.approve(pending)
	final = c.resume(pending, reference(ref))
	if final.status != http.StatusOK || final.AccessToken == nil {
		c.t.Fatalf("continuation: %d %s", final.status, final.body)
	}
	return pending, final, ref
}

// interactionHash is the hash of RFC 9635 §4.2.3 as a client computes it.
func interactionHash(encoding *base64.Encoding, pending reply, reference, endpoint string) string {
	sum := sha256.Sum256([]byte("client-nonce\n" + pending.Interact.Finish + "\n" + reference + "\n" + endpoint))
	return encoding.EncodeToString(sum[:])
}

// want checks the status and the code of a response. The code "-" is an error without a code,
// "text" one in plain text, and "" success.
func want(t testing.TB, r reply, status int, code string) {
	t.Helper()
	got := ""
	switch {
	case r.Error != nil && r.Error.Code == "":
		got = "-"
	case r.Error != nil:
		got = r.Error.Code
	case r.status >= 400:
		got = "text"
	}
	if r.status != status || got != code {
		t.Errorf("response %d %q, want %d %q: %s", r.status, got, status, code, r.body)
	}
	if r.status >= 400 && r.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Error("scripts cannot read this error")
	}
	if r.header.Get("Cache-Control") != "no-store" {
		t.Error("the response may be stored")
	}
}

func TestWholeGrant(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending, final, _ := c.issued()
	if pending.AccessToken != nil || pending.Interact.Finish == "" || strings.Contains(pending.body, "wait") {
		t.Errorf("pending grant %s", pending.body)
	}
	if final.Continue != pending.Continue {
		t.Errorf("continuation %+v, want it unchanged: %+v", final.Continue, pending.Continue)
	}
	token := final.AccessToken
	if token.ExpiresIn != 600 || len(token.Access) != 1 || string(token.Access[0]) != outgoing {
		t.Errorf("token %s", final.body)
	}
	rotated := c.manage("POST", token)
	want(t, rotated, http.StatusOK, "")
	if rotated.AccessToken.Value == token.Value || rotated.AccessToken.Manage == token.Manage {
		t.Error("rotation kept the value or the management URI")
	}
	want(t, c.manage("POST", token), http.StatusUnauthorized, "invalid_client")
	want(t, c.manage("DELETE", rotated.AccessToken), http.StatusNoContent, "")
	want(t, c.manage("POST", rotated.AccessToken), http.StatusUnauthorized, "invalid_client")
	want(t, c.cancel(final), http.StatusNoContent, "")
	want(t, c.cancel(final), http.StatusUnauthorized, "invalid_continuation")
}

func TestNobodyIsAskedForIncomingPaymentsAndQuotes(t *testing.T) {
	c := start(t, Config{})
	for _, access := range []string{incoming, `{"type":"quote","actions":["read"]}`} {
		r := c.send("POST", base+"/auth/", "", c.grantBody(access, ""))
		want(t, r, http.StatusOK, "")
		if r.Interact != nil || r.AccessToken == nil || r.Continue.URI == "" || r.Continue.Wait != 0 {
			t.Errorf("response %s", r.body)
		}
		want(t, c.resume(r, ""), http.StatusUnauthorized, "request_denied")
		want(t, c.manage("DELETE", r.AccessToken), http.StatusNoContent, "")
	}
}

func TestSubject(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending := c.send("POST", base+"/auth/", "", `{"subject":{"sub_ids":[{"id":"http://sandbox.example/alice","format":"uri"}]},`+
		`"client":{"walletAddress":"`+
		base+`/clients/shop"},"interact":{"start":["redirect"]`+finishMember+`}}`)
	want(t, pending, http.StatusOK, "")
	final := c.resume(pending, reference(c.approve(pending)))
	want(t, final, http.StatusOK, "")
	if final.AccessToken != nil || final.Subject == nil || final.Subject.SubIDs[0].ID != base+"/alice" {
		t.Errorf("response %s", final.body)
	}
}

func TestWalletAddressDocuments(t *testing.T) {
	c := start(t, Config{Wallets: []Wallet{{Name: "bob", PublicName: "Bob", AssetCode: "USD", AssetScale: 2}}})
	get := func(path string) reply { return c.deliver(httptest.NewRequest("GET", path, nil)) }
	for _, path := range []string{"/bob", "/clients/shop"} {
		r := get(path)
		want(t, r, http.StatusOK, "")
		var document map[string]any
		if err := json.Unmarshal([]byte(r.body), &document); err != nil {
			t.Fatal(err)
		}
		name := document["publicName"]
		delete(document, "publicName")
		if got := fmt.Sprint(document); name == "" ||
			got != "map[assetCode:USD assetScale:2 authServer:"+base+"/auth/ id:"+base+path+" resourceServer:"+base+"/op]" {
			t.Errorf("%s: %v %s", path, name, got)
		}
	}
	want(t, get("/alice"), http.StatusNotFound, "404")
	for _, path := range []string{"/clients/nobody", "/clients/nobody/jwks.json"} {
		want(t, get(path), http.StatusNotFound, "text")
	}
	set, err := jwk.ParseString(get("/clients/shop/jwks.json").body)
	if err != nil || set.Len() != 1 {
		t.Errorf("key set: %v", err)
	}
}

func TestWalletsThatCannotBe(t *testing.T) {
	for _, name := range []string{"", "Alice", "a/b", "auth", "op", "clients", "interact", "faults", "..", "alice"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a wallet named %q", name)
				}
			}()
			New(Config{Wallets: []Wallet{{Name: "alice", AssetCode: "USD"}, {Name: name, AssetCode: "USD"}}})
		}()
	}
}

func TestForeignHostsAreRefused(t *testing.T) {
	server := New(Config{BaseURL: "https://pay.example:8443", Hosts: []string{"proxy.internal"}})
	status := func(host string, request *http.Request) int {
		request.Host = host
		recorder := httptest.NewRecorder()
		server.ServeHTTP(recorder, request)
		return recorder.Code
	}
	for _, host := range []string{
		"localhost", "localhost:8081", "127.0.0.1:8081", "[::1]:8081", "alice.localhost", "LOCALHOST", "pay.example", "pay.example:8443",
		"proxy.internal:80",
	} {
		if got := status(host, httptest.NewRequest("GET", "/alice", nil)); got != http.StatusOK {
			t.Errorf("%s: %d", host, got)
		}
	}
	for _, host := range []string{"evil.example", "evil.example:8081", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example", ""} {
		for _, request := range []*http.Request{
			httptest.NewRequest("GET", "/alice", nil), httptest.NewRequest("POST", "/interact/1/2", nil), httptest.NewRequest("OPTIONS", "/auth", nil),
		} {
			if got := status(host, request); got != http.StatusMisdirectedRequest {
				t.Errorf("%s %s: %d", host, request.Method, got)
			}
		}
	}
}

// A server behind a proxy that ends TLS sees neither the scheme nor, perhaps, the host.
func TestBaseURL(t *testing.T) {
	c := start(t, Config{BaseURL: "https://pay.example/sandbox", Hosts: []string{"proxy.internal"}, Wait: NoWait})
	c.before = func(r *http.Request) { r.URL.Scheme, r.Host = "https", "pay.example" }
	c.after = func(r *http.Request) { r.URL.Scheme, r.Host = "", "proxy.internal:8080" }
	body := strings.ReplaceAll(c.grantBody(outgoing, finishMember), base+"/clients", "https://pay.example/sandbox/clients")
	r := c.send("POST", "/auth/", "", body)
	want(t, r, http.StatusOK, "")
	if !strings.HasPrefix(r.Continue.URI, "https://pay.example/sandbox/auth/continue/") {
		t.Errorf("continuation at %s", r.Continue.URI)
	}
	for _, wrong := range []string{"pay.example", "ftp://pay.example", "https://pay.example/", "https://%"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was accepted", wrong)
				}
			}()
			New(Config{BaseURL: wrong})
		}()
	}
}

func TestCORS(t *testing.T) {
	c := start(t, Config{})
	req := httptest.NewRequest("OPTIONS", "/auth/continue/x", nil)
	req.Header.Set("Access-Control-Request-Method", "DELETE")
	req.Header.Set("Access-Control-Request-Headers", "authorization,signature")
	r := c.deliver(req)
	if r.status != http.StatusNoContent || r.header.Get("Access-Control-Allow-Origin") != "*" ||
		r.header.Get("Access-Control-Allow-Headers") != "authorization,signature" ||
		!strings.Contains(r.header.Get("Access-Control-Allow-Methods"), "DELETE") || r.header.Get("Access-Control-Max-Age") == "" {
		t.Errorf("preflight: %d %v", r.status, r.header)
	}
	pending := c.open(finishMember)
	page := c.deliver(httptest.NewRequest("GET", strings.TrimPrefix(pending.Interact.Redirect, base), nil))
	if page.status != http.StatusOK || page.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("scripts of other origins can read the interaction page")
	}
}

func TestPreflightMaxAge(t *testing.T) {
	for maxAge, header := range map[time.Duration]string{0: "600", time.Minute: "60", NoMaxAge: ""} {
		r := start(t, Config{PreflightMaxAge: maxAge}).deliver(httptest.NewRequest("OPTIONS", "/auth/", nil))
		if got := r.header.Get("Access-Control-Max-Age"); got != header {
			t.Errorf("%s: %q, want %q", maxAge, got, header)
		}
	}
}

func TestOnRequestSeesVerdicts(t *testing.T) {
	var seen []Exchange
	c := start(t, Config{OnRequest: func(e Exchange) { seen = append(seen, e) }})
	body := c.grantBody(incoming, "")
	c.send("POST", base+"/auth", "", body)
	c.keyID = "k2"
	c.send("POST", base+"/auth", "", body)
	if len(seen) != 2 || seen[0].Err != nil || seen[1].Err == nil {
		t.Fatalf("seen %+v", seen)
	}
	if e := seen[0]; e.Method != "POST" || e.TargetURI != base+"/auth" || string(e.Body) != body || e.Header.Get("Signature") == "" {
		t.Errorf("seen %+v", e)
	}
}

// Over the wire, in bodies and headers as net/http delivers them, with the clients' keys on
// another server.
func TestOverTheWire(t *testing.T) {
	t.Parallel() // to find that keys are gone takes as long as to find that they do not come
	wallet := start(t, Config{})
	keys := httptest.NewServer(wallet.server)
	defer keys.Close()
	server := httptest.NewServer(New(Config{Wait: NoWait}))
	defer server.Close()
	request := func(address string) (int, string) {
		body := strings.ReplaceAll(wallet.grantBody(incoming, ""), base, address)
		req, err := http.NewRequest("POST", server.URL+"/auth/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if err := httpsig.Sign(req, []byte(body), httpsig.Key{ID: "k1", Signer: wallet.key}); err != nil {
			t.Fatal(err)
		}
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		response, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(response)
	}
	if status, response := request(keys.URL); status != http.StatusOK {
		t.Errorf("client on loopback: %d %s", status, response)
	}
	keys.Close()
	const unknown = `{"error":{"code":"invalid_client","description":"could not determine client"}}`
	for name, address := range map[string]string{
		"elsewhere": "http://wallet.example", "not known to this server": server.URL, "whose keys are gone": keys.URL,
	} {
		if status, response := request(address); status != http.StatusBadRequest || strings.TrimSpace(response) != unknown {
			t.Errorf("client %s: %d %s", name, status, response)
		}
	}
}

func TestFetchKeysOfTheCaller(t *testing.T) {
	key := newKey(t)
	server := New(Config{Hosts: []string{"sandbox.example"}, FetchKeys: func(_ context.Context, address string) (jwk.Set, error) {
		if address != "https://wallet.example/shop" {
			t.Errorf("asked for %s", address)
		}
		return keySet(t, "k1", key.Public()), nil
	}})
	c := &tester{t: t, server: server, keyID: "k1", key: key}
	want(t, c.send("POST", base+"/auth/", "", `{"access_token":{"access":[`+incoming+`]},"client":"https://wallet.example/shop"}`), http.StatusOK, "")
}

func TestDirectedIdentity(t *testing.T) {
	c := start(t, Config{})
	set, err := json.Marshal(keySet(t, "k1", c.key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSuffix(strings.TrimPrefix(string(set), `{"keys":[`), `]}`)
	body := `{"access_token":{"access":[` + incoming + `]},"client":{"jwk":` + key + `}}`
	r := c.send("POST", base+"/auth/", "", body)
	want(t, r, http.StatusOK, "")
	want(t, c.manage("DELETE", r.AccessToken), http.StatusNoContent, "")
	ask := strings.Replace(body, incoming, outgoing, 1)
	ask = strings.TrimSuffix(ask, "}") + `,"interact":{"start":["redirect"]}}`
	want(t, c.send("POST", base+"/auth/", "", ask), http.StatusBadRequest, "invalid_request")
	c.keyID = "k2"
	want(t, c.send("POST", base+"/auth/", "", body), http.StatusBadRequest, "invalid_client")
}

// The page is walked as a browser without scripts would walk it.
func TestInteractionPage(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending := c.open(finishMember)
	show := func() reply {
		return c.deliver(httptest.NewRequest("GET", strings.TrimPrefix(pending.Interact.Redirect, base), nil))
	}
	page := show()
	want(t, page, http.StatusOK, "")
	text := html.UnescapeString(page.body)
	for _, expected := range []string{
		"send up to 5.00 USD from alice", base + "/clients/shop", `<form method="post">`,
		`<button id="approve" name="approve"`, `<button id="decline" name="decline"`, `<html lang="en">`, "width=device-width",
	} {
		if !strings.Contains(text, expected) {
			t.Errorf("the page does not say %q", expected)
		}
	}
	_, style, _ := strings.Cut(page.body, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	styleHash := sha256.Sum256([]byte(style))
	styleSource := "'sha256-" + base64.StdEncoding.EncodeToString(styleHash[:]) + "'"
	policy := page.header.Get("Content-Security-Policy")
	for _, expected := range []string{"default-src 'none'", "form-action 'self' http:;", "frame-ancestors 'none'", styleSource} {
		if !strings.Contains(policy, expected) {
			t.Errorf("policy %q lacks %q", policy, expected)
		}
	}
	c.deliver(httptest.NewRequest("GET", strings.TrimPrefix(pending.Interact.Redirect, base)+"?approve=1", nil))
	if show().status != http.StatusOK {
		t.Error("a link decided")
	}
}

func TestDecisions(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending := c.open(finishMember)
	if r := c.decide(pending, "other"); r.status != http.StatusBadRequest {
		t.Errorf("neither button: %d", r.status)
	}
	if r := c.decide(pending, "approve=1&decline"); r.status != http.StatusBadRequest {
		t.Errorf("both buttons: %d", r.status)
	}
	link := pending
	link.Interact = &interactReply{Redirect: pending.Interact.Redirect + "?approve=1"}
	if r := c.decide(link, "other"); r.status != http.StatusBadRequest {
		t.Errorf("button in the query: %d", r.status)
	}
	r := c.decide(pending, "approve")
	location := r.header.Get("Location")
	if r.status != http.StatusSeeOther || !strings.HasPrefix(location, "http://localhost:3000/back?a=b%20c&") ||
		!strings.HasSuffix(location, "#top") {
		t.Errorf("redirect to %s", location)
	}
	query := mustParse(t, location).Query()
	if got := interactionHash(base64.StdEncoding, pending, query.Get("interact_ref"), base+"/auth/"); query.Get("hash") != got {
		t.Errorf("hash %s, want %s", query.Get("hash"), got)
	}

	const invalid = "http://localhost:3000/back?a=b%20c&result=grant_invalid#top"
	if got := c.decide(pending, "decline").header.Get("Location"); got != invalid {
		t.Errorf("used interaction: redirect to %s", got)
	}
	again := c.deliver(httptest.NewRequest("GET", strings.TrimPrefix(pending.Interact.Redirect, base), nil))
	if got := again.header.Get("Location"); got != invalid {
		t.Errorf("used interaction, shown again: redirect to %s", got)
	}

	declined := c.open(finishMember)
	if got := c.decide(declined, "decline").header.Get("Location"); got != "http://localhost:3000/back?a=b%20c&result=grant_rejected#top" {
		t.Errorf("declined: redirect to %s", got)
	}
	declined.Interact.Redirect += "x"
	if r := c.decide(declined, "approve"); r.status != http.StatusNotFound || !strings.Contains(r.body, "Nothing to approve") {
		t.Errorf("unknown interaction: %d", r.status)
	}
	unfinished := c.open("")
	if unfinished.Interact.Finish != "" {
		t.Error("a server nonce for a client that did not ask for one")
	}
	if r := c.decide(unfinished, "approve"); r.status != http.StatusOK || !strings.Contains(r.body, "You may close this page") {
		t.Errorf("without finish: %d", r.status)
	}
}

// What a client says cannot turn the text around, or push what follows out of sight.
func TestWordsOfClientsOnTheInteractionPage(t *testing.T) {
	c := start(t, Config{})
	access := strings.Replace(outgoing, "/alice", `/\u202ealice`+strings.Repeat("a", 1000), 1)
	access = strings.Replace(access, `"limits":{`, `"limits":{"receiver":"\u2067`+strings.Repeat("r", 1000)+`","interval":"\u2028R",`, 1)
	body := strings.NewReplacer(`\u202e`, "\u202e", `\u2067`, "\u2067", `\u2028`, "\u2028").Replace(c.grantBody(access, finishMember))
	pending := c.send("POST", base+"/auth/", "", body)
	want(t, pending, http.StatusOK, "")
	page := c.deliver(httptest.NewRequest("GET", strings.TrimPrefix(pending.Interact.Redirect, base), nil))
	// a client of another server, whose address is as odd
	c.server = New(Config{Hosts: []string{"sandbox.example"}, FetchKeys: func(context.Context, string) (jwk.Set, error) {
		return keySet(t, "k1", c.key.Public()), nil
	}})
	odd := strings.Replace(c.grantBody(outgoing, finishMember), base+"/clients/shop", "https://w.example/\u202ealice", 1)
	pending = c.send("POST", base+"/auth/", "", odd)
	want(t, pending, http.StatusOK, "")
	page.body += c.deliver(httptest.NewRequest("GET", strings.TrimPrefix(pending.Interact.Redirect, base), nil)).body
	if strings.ContainsAny(page.body, "\u202e\u2067\u2028") || !strings.Contains(page.body, "�") {
		t.Error("the page has direction characters")
	}
	for _, line := range strings.Split(page.body, "\n") {
		if strings.Contains(line, "<li>") && len([]rune(line)) > 250 {
			t.Errorf("a line of %d characters", len([]rune(line)))
		}
	}
}

func mustParse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestOnlyThePageItselfMayDecide(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending := c.open(finishMember)
	for _, site := range []string{"cross-site", "same-site"} {
		req := httptest.NewRequest("POST", strings.TrimPrefix(pending.Interact.Redirect, base), strings.NewReader("approve=1"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", site)
		if r := c.deliver(req); r.status != http.StatusForbidden {
			t.Errorf("%s: %d", site, r.status)
		}
	}
	c.approve(pending)
}

func TestHashOfTheEndpointAsCalled(t *testing.T) {
	for _, test := range []struct {
		called, hashed string
		other          bool
	}{
		{"/auth/", "/auth/", false}, {"/auth", "/auth", false}, {"/auth?x=%7e", "/auth?x=%7e", false},
		{"/auth/", "/auth", true}, {"/auth", "/auth/", true},
	} {
		c := start(t, Config{HashEncoding: HashBase64URL, HashOtherSlash: test.other})
		pending := c.send("POST", base+test.called, "", c.grantBody(outgoing, finishMember))
		query := mustParse(t, c.decide(pending, "approve").header.Get("Location")).Query()
		if want := interactionHash(base64.RawURLEncoding, pending, query.Get("interact_ref"), base+test.hashed); query.Get("hash") != want {
			t.Errorf("%+v: hash %s, want %s", test, query.Get("hash"), want)
		}
	}
}

func TestWaitIsRoundedUp(t *testing.T) {
	for wait, seconds := range map[time.Duration]int{0: 5, NoWait: 0, time.Millisecond: 1, 2 * time.Second: 2} {
		if r := start(t, Config{Wait: wait}).open(finishMember); r.Continue.Wait != seconds {
			t.Errorf("wait %s: %d seconds, want %d", wait, r.Continue.Wait, seconds)
		}
	}
}
