package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// put publishes a key set under a name, with the secret of the name unless that is "".
func (c *tester) put(name, secret, keys string) reply {
	c.t.Helper()
	return c.putAt("/clients/"+name, secret, keys)
}

func (c *tester) putAt(path, secret, keys string) reply {
	c.t.Helper()
	req := httptest.NewRequest("PUT", path+"/jwks.json", strings.NewReader(keys))
	req.Host = strings.TrimPrefix(base, "http://")
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	return c.deliver(req)
}

func encodeKeys(t *testing.T, key any) string {
	t.Helper()
	data, err := json.Marshal(keySet(t, "k1", key))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPutClientKeys(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	public := encodeKeys(t, c.key.Public())
	r := c.put("page", "", public)
	want(t, r, http.StatusOK, "")
	if !strings.Contains(r.body, `/clients/page"`) {
		t.Errorf("response %s", r.body)
	}
	c.name = "page"
	c.issued()

	one := strings.TrimSuffix(strings.TrimPrefix(public, `{"keys":[`), `]}`)
	for name, body := range map[string]string{
		"private key": encodeKeys(t, c.key),
		"no kid":      strings.Replace(public, `"kid":"k1"`, `"kid":""`, 1),
		"another alg": strings.Replace(public, "EdDSA", "ES256", 1),
		"another use": strings.Replace(public, `"kid"`, `"use":"enc","kid"`, 1),
		"X25519":      strings.Replace(public, "Ed25519", "X25519", 1),
		"short x":     regexp.MustCompile(`"x":"[^"]*"`).ReplaceAllString(public, `"x":"AAAA"`),
		"symmetric":   `{"keys":[{"kty":"oct","k":"AAAA","kid":"k1"}]}`,
		"one key":     one,
		"no JSON":     "<html>",
		"17 keys":     `{"keys":[` + strings.Repeat(one+",", 16) + one + `]}`,
	} {
		t.Run(name, func(t *testing.T) { want(t, c.put("bad", "", body), http.StatusBadRequest, "-") })
	}
	for _, name := range []string{"a%2Fb", "%2e%2e", "%2e", "%252e%252e", strings.Repeat("a", 65), "a%E2%80%AEb"} {
		want(t, c.put(name, "", public), http.StatusBadRequest, "-")
	}
	want(t, c.put("large", "", public+strings.Repeat(" ", 16<<10)), http.StatusRequestEntityTooLarge, "text")
}

// A wallet with keys is a client, as the reference server has it.
func TestPutWalletKeys(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	mine, theirs := encodeKeys(t, c.key.Public()), encodeKeys(t, newKey(t).Public())
	asAlice := func() reply {
		return c.send("POST", base+"/auth/", "", strings.Replace(c.grantBody(incoming, ""), "/clients/shop", "/alice", 1))
	}
	want(t, asAlice(), http.StatusBadRequest, "invalid_client")
	first := c.putAt("/alice", "", mine)
	want(t, first, http.StatusOK, "")
	want(t, asAlice(), http.StatusOK, "")
	req := httptest.NewRequest("GET", base+"/alice/jwks.json", nil)
	if r := c.deliver(req); strings.TrimSpace(r.body) != mine {
		t.Errorf("got %s, want %s", r.body, mine)
	}
	want(t, c.putAt("/alice", "", theirs), http.StatusUnauthorized, "text")
	want(t, c.putAt("/alice", first.Secret, theirs), http.StatusOK, "")
	want(t, asAlice(), http.StatusUnauthorized, "invalid_client")
	want(t, c.putAt("/nobody", "", mine), http.StatusNotFound, "text")
	want(t, c.put("alice", "", mine), http.StatusOK, "") // a client of that name is another
}

// The first who puts keys under a name owns it.
func TestAStrangerCannotReplaceAKeySet(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	mine, theirs := encodeKeys(t, c.key.Public()), encodeKeys(t, newKey(t).Public())
	first := c.put("page", "", mine)
	want(t, first, http.StatusOK, "")
	if first.Secret == "" {
		t.Fatalf("response %s", first.body)
	}
	for _, secret := range []string{"", "wrong", strings.ToLower(first.Secret)} {
		want(t, c.put("page", secret, theirs), http.StatusUnauthorized, "text")
	}
	c.name = "page"
	c.issued()

	again := c.put("page", "", mine) // as a page does that was loaded again
	want(t, again, http.StatusOK, "")
	if again.Secret != "" {
		t.Errorf("a stranger learns the secret: %s", again.body)
	}
	want(t, c.put("page", first.Secret, theirs), http.StatusOK, "")
	want(t, c.send("POST", base+"/auth/", "", c.grantBody(incoming, "")), http.StatusUnauthorized, "invalid_client")
	want(t, c.put("page", "", mine), http.StatusUnauthorized, "text")
	want(t, c.put("page", first.Secret, mine), http.StatusOK, "")
	c.issued()
}

// What the program that runs the server has added is nobody's to replace.
func TestAStrangerCannotReplaceAnAddedClient(t *testing.T) {
	c := start(t, Config{})
	want(t, c.put("shop", "", encodeKeys(t, newKey(t).Public())), http.StatusUnauthorized, "text")
	want(t, c.put("shop", "", encodeKeys(t, c.key.Public())), http.StatusOK, "")
	if _, err := c.server.(*Server).AddClient("..", keySet(t, "k1", c.key.Public())); err == nil {
		t.Error("a client without a wallet address was added")
	}
}

// A client's name ends where its address does: the reference server asks for /shop//jwks.json.
func TestASlashAfterTheClientIsAnotherClient(t *testing.T) {
	c := start(t, Config{})
	body := strings.Replace(c.grantBody(incoming, ""), "/clients/shop", "/clients/shop/", 1)
	want(t, c.send("POST", base+"/auth/", "", body), http.StatusBadRequest, "invalid_client")
}

func TestForeignKeysInASet(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	data := encodeKeys(t, c.key.Public())
	foreign := `{"kty":"AKP","alg":"ML-DSA-65","kid":"q","pub":"AA"},{"kty":"new"},{"kty":7},null,1,` +
		`{"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB"},{"kty":"OKP","crv":"Ed25519","x":7},`
	ours := strings.TrimPrefix(data, `{"keys":[`)
	for name, body := range map[string]string{
		"foreign":    `{"keys":[` + foreign + ours,
		"of browser": strings.Replace(data, `"EdDSA"`, `"Ed25519"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if name == "of browser" && body == data {
				t.Fatal("the key has no alg")
			}
			c.name = strings.ReplaceAll(name, " ", "-")
			want(t, c.put(c.name, "", body), http.StatusOK, "")
			c.issued()
		})
	}
	for name, key := range map[string]string{
		"private RSA": `{"kty":"RSA","n":"AQAB","e":"AQAB","d":"AQAB"},`, "symmetric": `{"kty":"oct","k":"AQAB"},`,
		"private AKP": `{"kty":"AKP","priv":"AQAB"},`,
	} {
		t.Run(name, func(t *testing.T) { want(t, c.put("bad", "", `{"keys":[`+key+ours), http.StatusBadRequest, "-") })
	}
}
