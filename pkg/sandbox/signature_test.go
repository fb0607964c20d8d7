package sandbox

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatAStrangerChanges(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending := c.open(finishMember)
	body := reference(c.approve(pending))
	changes := map[string]func(*http.Request){
		"body": func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(strings.Replace(body, `-`, `0`, 1)))
		},
		"no body":           func(r *http.Request) { r.Body = http.NoBody },
		"query":             func(r *http.Request) { r.RequestURI += "?x" },
		"host":              func(r *http.Request) { r.Host = "localhost" },
		"method":            func(r *http.Request) { r.Method = "DELETE" },
		"digest":            func(r *http.Request) { r.Header.Set("Content-Digest", "sha-512=:AAAA:") },
		"no digest":         func(r *http.Request) { r.Header.Del("Content-Digest") },
		"content type":      func(r *http.Request) { r.Header.Set("Content-Type", "application/json;x=y") },
		"signature":         func(r *http.Request) { flip(r, "Signature", 30) },
		"nonce":             func(r *http.Request) { replaceInput(r, `nonce="`, `nonce="0`) },
		"created":           func(r *http.Request) { replaceInput(r, `created=1`, `created=2`) },
		"tag":               func(r *http.Request) { replaceInput(r, `tag="gnap"`, `tag="gnat"`) },
		"label":             func(r *http.Request) { replaceInput(r, `sig1=`, `sig2=`) },
		"uncovered body":    func(r *http.Request) { replaceInput(r, `"content-digest" `, ``) },
		"uncovered token":   func(r *http.Request) { replaceInput(r, ` "authorization"`, ``) },
		"no signature":      func(r *http.Request) { r.Header.Del("Signature") },
		"no input":          func(r *http.Request) { r.Header.Del("Signature-Input") },
		"algorithm as well": func(r *http.Request) { replaceInput(r, `;tag`, `;alg="ed25519";tag`) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			c.after = change
			want(t, c.resume(pending, body), http.StatusUnauthorized, "invalid_client")
		})
	}
	c.after = nil
	want(t, c.resume(pending, body), http.StatusOK, "")
}

func flip(r *http.Request, name string, at int) {
	value := []byte(r.Header.Get(name))
	value[at] ^= 1
	r.Header.Set(name, string(value))
}

func replaceInput(r *http.Request, old, new string) {
	r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), old, new, 1))
}

func TestKeysThatMayNotSign(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending, final, _ := c.issued()
	all := func(status int) {
		t.Helper()
		want(t, c.resume(pending, ""), status, "invalid_client")
		want(t, c.cancel(pending), status, "invalid_client")
		want(t, c.manage("POST", final.AccessToken), status, "invalid_client")
		want(t, c.manage("DELETE", final.AccessToken), status, "invalid_client")
		want(t, c.send("POST", base+"/auth/", "", c.grantBody(incoming, "")), status, "invalid_client")
	}
	c.keyID = "k2"
	all(http.StatusBadRequest)

	c.keyID = "k1"
	key := c.key
	c.key = newKey(t)
	all(http.StatusUnauthorized)

	// The client may change its keys, but what was granted stays bound to the old one.
	if _, err := c.server.(*Server).AddClient("shop", keySet(t, "k1", c.key.Public())); err != nil {
		t.Fatal(err)
	}
	want(t, c.resume(pending, ""), http.StatusUnauthorized, "invalid_client")
	want(t, c.cancel(pending), http.StatusUnauthorized, "invalid_client")
	want(t, c.manage("POST", final.AccessToken), http.StatusUnauthorized, "invalid_client")
	want(t, c.send("POST", base+"/auth/", "", c.grantBody(incoming, "")), http.StatusOK, "")

	c.key = key
	all(http.StatusUnauthorized)

	c.name = "nobody"
	want(t, c.send("POST", base+"/auth/", "", c.grantBody(incoming, "")), http.StatusBadRequest, "invalid_client")
}

// A request that is sent twice, byte for byte, is refused for as long as it looks fresh, and then
// because it does not.
func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, Config{})
		body := c.grantBody(incoming, "")
		var header http.Header
		c.after = func(r *http.Request) { header = r.Header.Clone() }
		want(t, c.send("POST", base+"/auth/", "", body), http.StatusOK, "")
		again := func() *http.Request {
			req := httptest.NewRequest("POST", "/auth/", strings.NewReader(body))
			req.Host, req.Header = "sandbox.example", header
			return req
		}
		for range 4 {
			r := c.deliver(again())
			want(t, r, http.StatusUnauthorized, "invalid_client")
			if !strings.Contains(r.body, "nonce") {
				t.Errorf("refused for another reason: %s", r.body)
			}
			time.Sleep(20 * time.Second)
		}
		want(t, c.deliver(again()), http.StatusUnauthorized, "invalid_client")

		// Another key may use the same nonce, and the old one is forgotten in time.
		time.Sleep(2 * time.Minute)
		c.after = nil
		want(t, c.send("POST", base+"/auth/", "", body), http.StatusOK, "")
		if n := c.server.(*Server).auth.Held().Nonces; n != 1 {
			t.Errorf("%d nonces are remembered, want the last one", n)
		}
	})
}

func TestFreshness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			config Config
			delay  time.Duration
			status int
		}{
			{Config{}, time.Minute, http.StatusOK},
			{Config{}, 61 * time.Second, http.StatusUnauthorized},
			{Config{MaxAge: time.Hour}, time.Hour, http.StatusOK},
			{Config{AcceptUnboundSignatures: true}, 61 * time.Second, http.StatusUnauthorized},
		} {
			c := start(t, test.config)
			c.after = func(*http.Request) { time.Sleep(test.delay) }
			if r := c.send("POST", base+"/auth/", "", c.grantBody(incoming, "")); r.status != test.status {
				t.Errorf("%+v: %d %s", test.config, r.status, r.body)
			}
		}
	})
}

// sendUnbound signs a continuation as the official Node client does: keyid and created only.
func sendUnbound(c *tester, pending reply, components ...string) reply {
	req := httptest.NewRequest("POST", strings.TrimPrefix(pending.Continue.URI, base), nil)
	req.Host = "sandbox.example"
	values := map[string]string{
		"@method": "POST", "@target-uri": pending.Continue.URI, "authorization": "GNAP " + pending.Continue.AccessToken.Value,
	}
	req.Header.Set("Authorization", values["authorization"])
	var signed, list strings.Builder
	for i, name := range components {
		fmt.Fprintf(&signed, "%q: %s\n", name, values[name])
		if i > 0 {
			list.WriteByte(' ')
		}
		fmt.Fprintf(&list, "%q", name)
	}
	params := fmt.Sprintf(`(%s);keyid="k1";created=%d`, list.String(), time.Now().Unix())
	signature := ed25519.Sign(c.key, []byte(signed.String()+`"@signature-params": `+params))
	req.Header.Set("Signature-Input", "sig1="+params)
	req.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(signature)+":")
	return c.deliver(req)
}

func TestUnboundSignatures(t *testing.T) {
	all := []string{"@method", "@target-uri", "authorization"}
	strict := start(t, Config{Wait: NoWait})
	want(t, sendUnbound(strict, strict.open(""), all...), http.StatusUnauthorized, "invalid_client")

	lenient := start(t, Config{Wait: NoWait, AcceptUnboundSignatures: true})
	pending := lenient.open("")
	want(t, sendUnbound(lenient, pending, all...), http.StatusOK, "")
	want(t, sendUnbound(lenient, pending, all...), http.StatusOK, "") // that is what unbound means
	want(t, sendUnbound(lenient, pending, all[:2]...), http.StatusUnauthorized, "invalid_client")
	want(t, sendUnbound(lenient, pending, all[1:]...), http.StatusUnauthorized, "invalid_client")
}

func TestBodiesThatJSONStringifyDoesNotWrite(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending := c.open(finishMember)
	for _, body := range []string{
		`{"interact_ref": "x"}`, "{\"interact_ref\":\"x\"}\n", ` {"interact_ref":"x"}`, `{"interact_ref":"\u0041"}`, `{"interact_ref":"\u0026"}`,
		`{"interact_ref":"\u2028"}`, `{"interact_ref":"\/"}`, `{"interact_ref":"\u000a"}`, `{"interact_ref":"\u001F"}`,
		`{"interact_ref":"\ud83d\ude00"}`, `{"interact_ref":"x","interact_ref":"y"}`, `{"interact_ref":"x","more":[{"a":1,"a":2}]}`,
	} {
		r := c.resume(pending, body)
		want(t, r, http.StatusUnauthorized, "invalid_client")
		if !strings.Contains(r.body, "the body") {
			t.Errorf("%s was refused for another reason: %s", body, r.body)
		}
	}
	want(t, c.resume(pending, `{"interact_ref":"x \\u0041 : ,","more":[1,{"a":[],"b":{}},[2]]}`), http.StatusNotFound, "invalid_continuation")
}

// Whatever else is signed, and whatever ours is called, unless only sig1 counts.
func TestFurtherSignatures(t *testing.T) {
	relabel := func(r *http.Request) {
		for _, name := range []string{"Signature", "Signature-Input"} {
			r.Header.Set(name, strings.Replace(r.Header.Get(name), "sig1", "mine", 1))
		}
	}
	proxy := func(r *http.Request) {
		r.Header.Add("Signature-Input", `proxy=("@method");keyid="edge";tag="edge"`)
		r.Header.Add("Signature", "proxy=:AAAA:")
	}
	stolen := func(r *http.Request) { // a second one that does not verify, by the name of ours
		relabel(r)
		r.Header.Add("Signature-Input", `sig1=("@method");keyid="k1";tag="gnap"`)
		r.Header.Add("Signature", "sig1=:AAAA:")
	}
	for name, change := range map[string]func(*http.Request){"another label": relabel, "of a proxy": proxy, "one that fails": stolen} {
		t.Run(name, func(t *testing.T) {
			open := start(t, Config{Wait: NoWait})
			pending := open.open(finishMember)
			open.after = change
			want(t, open.resume(pending, reference(open.approve(pending))), http.StatusOK, "")

			strict := start(t, Config{Wait: NoWait, OnlySig1: true})
			pending = strict.open(finishMember)
			body := reference(strict.approve(pending))
			strict.after = change
			want(t, strict.resume(pending, body), http.StatusUnauthorized, "invalid_client")
			strict.after = nil
			want(t, strict.resume(pending, body), http.StatusOK, "")
		})
	}
}

// As a proxy sends it, and as httptest makes it.
func TestRequestsInAbsoluteForm(t *testing.T) {
	for _, config := range []Config{{Wait: NoWait}, {Wait: NoWait, BaseURL: base}} {
		c := start(t, config)
		pending := c.open(finishMember)
		body := reference(c.approve(pending))
		c.after = func(r *http.Request) { r.RequestURI = "http://" + r.Host + r.RequestURI }
		want(t, c.resume(pending, body), http.StatusOK, "")
	}
}
