package authserver

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/sandbox/internal/resourceserver"
	"open-payments-wasm/pkg/sandbox/internal/respond"
)

const testBase = "http://localhost"

// tester is a client of a server that hosts its key.
type tester struct {
	t      *testing.T
	server *Server
	key    httpsig.Key
}

func newTester(t *testing.T) *tester {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &tester{t: t, key: httpsig.Key{ID: "k1", Signer: private}, server: New(Config{
		BaseURL:        func(*http.Request) string { return testBase },
		MaxAge:         time.Minute,
		AccessLifetime: 10 * time.Minute,
		GrantLifetime:  time.Hour,
	})}
	c.host(public)
	return c
}

// host puts a key into the place of the client's.
func (c *tester) host(public ed25519.PublicKey) {
	c.t.Helper()
	key, err := jwk.FromRaw(public)
	if err != nil {
		c.t.Fatal(err)
	}
	keys := jwk.NewSet()
	if err := errors.Join(key.Set(jwk.KeyIDKey, "k1"), keys.AddKey(key)); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.server.AddClient("shop", keys); err != nil {
		c.t.Fatal(err)
	}
}

// request returns a signed request; body may be "".
func (c *tester) request(method, url, token, body string) *http.Request {
	c.t.Helper()
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "GNAP "+token)
	}
	if err := httpsig.Sign(r, []byte(body), c.key); err != nil {
		c.t.Fatal(err)
	}
	return r
}

// call sends a signed request to the server's own routes and returns the access token of the response.
func (c *tester) call(method, url, token, body string) (status int, access accessTokenResponse) {
	c.t.Helper()
	mux := http.NewServeMux()
	c.server.Register(mux)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, c.request(method, url, token, body))
	var response struct {
		AccessToken struct{ Value, Manage string } `json:"access_token"`
	}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &response); err != nil {
			c.t.Fatalf("%s: %v", w.Body, err)
		}
	}
	return w.Code, accessTokenResponse{Value: response.AccessToken.Value, Manage: response.AccessToken.Manage}
}

const twoRights = `{"type":"incoming-payment","actions":["create","read-all"],"identifier":"http://localhost/alice"},` +
	`{"type":"quote","actions":["create"]}`

// token gets an access token for some rights, for which nobody has to be asked.
func (c *tester) token() accessTokenResponse {
	c.t.Helper()
	body := `{"access_token":{"access":[` + twoRights + `]},"client":"` + testBase + `/clients/shop"}`
	status, access := c.call("POST", testBase+"/auth", "", body)
	if status != http.StatusOK {
		c.t.Fatalf("grant request: %d", status)
	}
	return access
}

// wantFailure checks an error in the form of the resource server.
func wantFailure(t *testing.T, err error, status int, description string) {
	t.Helper()
	var f *respond.Failure
	if !errors.As(err, &f) || f.Status != status || f.Code != strconv.Itoa(status) || f.Description != description {
		t.Errorf("%+v, want %d %q", err, status, description)
	}
}

func TestIntrospect(t *testing.T) {
	c := newTester(t)
	token := c.token()
	introspect := func(value string) (*resourceserver.Grant, error) {
		return c.server.Introspect(c.request("GET", testBase+"/op/quotes/1", value, ""))
	}
	grant, err := introspect(token.Value)
	if err != nil {
		t.Fatal(err)
	}
	if grant.ID == "" || grant.Client != testBase+"/clients/shop" || time.Until(grant.EndsAt) <= 0 || time.Until(grant.EndsAt) > time.Hour {
		t.Errorf("grant %+v", grant)
	}
	rights := []resourceserver.Access{
		{Type: "incoming-payment", Actions: []string{"create", "read-all"}, Identifier: "http://localhost/alice"},
		{Type: "quote", Actions: []string{"create"}},
	}
	if !reflect.DeepEqual(grant.Access, rights) {
		t.Errorf("access %+v", grant.Access)
	}
	if c.server.client("shop").used.IsZero() {
		t.Error("it is not known that the client's key signed something")
	}
	_, rotated := c.call("POST", token.Manage, token.Value, "")
	again, err := introspect(rotated.Value)
	if err != nil || again.ID != grant.ID {
		t.Errorf("after rotation: %+v %v", again, err)
	}
	_, err = introspect(token.Value)
	wantFailure(t, err, http.StatusForbidden, "Inactive Token")
	if status, _ := c.call("DELETE", rotated.Manage, rotated.Value, ""); status != http.StatusNoContent {
		t.Fatalf("revoke: %d", status)
	}
	for _, value := range []string{rotated.Value, "unknown"} {
		_, err = introspect(value)
		wantFailure(t, err, http.StatusForbidden, "Inactive Token")
	}
	for _, header := range []string{"", "Bearer " + c.token().Value} {
		r := httptest.NewRequest("GET", testBase+"/op/quotes/1", nil)
		r.Header.Set("Authorization", header)
		_, err = c.server.Introspect(r)
		wantFailure(t, err, http.StatusUnauthorized, "Missing or invalid authorization header value")
	}
}

func TestLimitsOfAGrant(t *testing.T) {
	scale := uint8(2)
	got := resourceAccess([]access{{Type: "outgoing-payment", Actions: []string{"create"}, Identifier: "i", Limits: &limits{
		Receiver: "r", Interval: "R/2026-01-01T00:00:00Z/P1M", DebitAmount: &amount{"500", "USD", &scale},
	}}})
	want := []resourceserver.Access{{Type: "outgoing-payment", Actions: []string{"create"}, Identifier: "i", Limits: &resourceserver.Limits{
		Receiver: "r", Interval: "R/2026-01-01T00:00:00Z/P1M",
		DebitAmount: &resourceserver.Amount{Value: "500", AssetCode: "USD", AssetScale: 2},
	}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

// A token that has expired is inactive, but can be rotated until the grant is over.
func TestExpiredTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTester(t)
		token := c.token()
		isActive := func(value string) bool {
			_, err := c.server.Introspect(c.request("GET", testBase+"/op/quotes/1", value, ""))
			return err == nil
		}
		time.Sleep(10 * time.Minute)
		if !isActive(token.Value) {
			t.Error("the token expired too early")
		}
		time.Sleep(time.Second)
		if isActive(token.Value) {
			t.Error("the token has not expired")
		}
		status, rotated := c.call("POST", token.Manage, token.Value, "")
		if status != http.StatusOK || !isActive(rotated.Value) {
			t.Errorf("rotation of an expired token: %d", status)
		}
		time.Sleep(50 * time.Minute)
		if status, _ := c.call("POST", rotated.Manage, rotated.Value, ""); status != http.StatusUnauthorized {
			t.Errorf("rotation after the grant is over: %d", status)
		}
	})
}

func TestVerifySignature(t *testing.T) {
	const url, body = testBase + "/op/quotes", `{"a":1}`
	c := newTester(t)
	token := c.token().Value
	verify := func(r *http.Request, body string) error {
		grant, err := c.server.Introspect(r)
		if err != nil {
			t.Fatal(err)
		}
		return c.server.VerifySignature(r, []byte(body), grant)
	}
	for _, sent := range []string{"", body} {
		if err := verify(c.request("POST", url, token, sent), sent); err != nil {
			t.Errorf("body %q: %v", sent, err)
		}
	}
	const invalid = "Signature validation error: provided signature is invalid"
	wantFailure(t, verify(c.request("POST", url, token, body), `{"a":2}`), http.StatusUnauthorized, invalid)
	wantFailure(t, verify(c.request("POST", url, token, ""), body), http.StatusUnauthorized, invalid)
	replayed := c.request("POST", url, token, body)
	if err := verify(replayed, body); err != nil {
		t.Error(err)
	}
	err := verify(replayed, body)
	wantFailure(t, err, http.StatusUnauthorized, invalid)
	if f := new(respond.Failure); errors.As(err, &f) {
		if details, isObject := f.Details.(map[string]any); !isObject || details["reason"] == "" {
			t.Errorf("details %#v are not the object that the OpenAPI documents want", f.Details)
		}
	}

	r := c.request("GET", url, token, "")
	r.Header.Del("Signature-Input")
	wantFailure(t, verify(r, ""), http.StatusUnauthorized, "Signature validation error: missing keyId in signature input")

	mine := c.key
	c.key.ID = "k2"
	err = verify(c.request("GET", url, token, ""), "")
	wantFailure(t, err, http.StatusUnauthorized, "Signature validation error: could not find key in list of client keys")
	var f *respond.Failure
	if errors.As(err, &f) {
		details, _ := json.Marshal(f.Details)
		if !strings.Contains(string(details), `"keyId":"k2"`) || !strings.Contains(string(details), `"kid":"k1"`) {
			t.Errorf("details %s", details)
		}
	}

	// Another key of the client verifies, but it is not the one to which the token is bound.
	public, private, _ := ed25519.GenerateKey(nil)
	c.key = httpsig.Key{ID: "k1", Signer: private}
	c.host(public)
	wantFailure(t, verify(c.request("GET", url, token, ""), ""), http.StatusUnauthorized, invalid)
	c.key = mine
	wantFailure(t, verify(c.request("GET", url, token, ""), ""), http.StatusUnauthorized, invalid)
}

// A client has to have a name before a person is asked about it.
func TestInteractionNeedsAPublicName(t *testing.T) {
	c := newTester(t)
	document := ""
	wallet := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/shop/jwks.json" {
			_, _ = w.Write(c.server.client("shop").served)
			return
		}
		_, _ = w.Write([]byte(document))
	}))
	defer wallet.Close()
	body := `{"access_token":{"access":[{"type":"outgoing-payment","actions":["create"],"identifier":"http://localhost/alice"}]},` +
		`"client":"` + wallet.URL + `/shop","interact":{"start":["redirect"]}}`
	for _, test := range []struct {
		document string
		status   int
	}{
		{`{"id":"x","publicName":"Shop"}`, http.StatusOK},
		{`{"id":"x"}`, http.StatusBadRequest},
		{`{"publicName":""}`, http.StatusBadRequest},
		{``, http.StatusBadRequest},
	} {
		document = test.document
		if status, _ := c.call("POST", testBase+"/auth", "", body); status != test.status {
			t.Errorf("%s: %d", test.document, status)
		}
	}
	unasked := strings.Replace(body, "outgoing", "incoming", 1)
	if status, _ := c.call("POST", testBase+"/auth", "", unasked); status != http.StatusOK {
		t.Errorf("where nobody is asked: %d", status)
	}
}
