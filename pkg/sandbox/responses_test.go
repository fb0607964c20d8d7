package sandbox

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const unknownID = "00000000-0000-4000-8000-000000000000"

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, Config{})
		pending := c.open(finishMember)
		if pending.Continue.Wait != 5 {
			t.Errorf("wait %d", pending.Continue.Wait)
		}
		time.Sleep(4 * time.Second)
		ref := c.approve(pending)
		want(t, c.resume(pending, reference("wrong")), http.StatusNotFound, "invalid_continuation")
		want(t, c.resume(pending, reference(ref)), http.StatusBadRequest, "too_fast")
		time.Sleep(time.Second) // neither attempt restarted the clock or used the reference up
		want(t, c.resume(pending, reference(ref)), http.StatusOK, "")
	})
}

func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, Config{})
		pending := c.open("")
		want(t, c.resume(pending, ""), http.StatusBadRequest, "too_fast")
		time.Sleep(5 * time.Second)
		still := c.resume(pending, "")
		want(t, still, http.StatusOK, "")
		if still.AccessToken != nil || still.Continue != pending.Continue {
			t.Errorf("response %s, want the continuation as it was: %s", still.body, pending.body)
		}
		want(t, c.resume(pending, ""), http.StatusBadRequest, "too_fast") // the poll restarted the clock
		c.decide(pending, "approve")
		time.Sleep(5 * time.Second)
		final := c.resume(pending, "{}") // an object without a reference polls too
		want(t, final, http.StatusOK, "")
		if final.AccessToken == nil {
			t.Errorf("response %s", final.body)
		}
		want(t, c.resume(pending, ""), http.StatusUnauthorized, "request_denied")
	})
}

func TestPollOfAGrantWithFinish(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	want(t, c.resume(c.open(finishMember), ""), http.StatusUnauthorized, "request_denied")
}

func TestPollAfterDecline(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending := c.open("")
	c.decide(pending, "decline")
	want(t, c.resume(pending, ""), http.StatusUnauthorized, "request_denied")
	want(t, c.resume(pending, reference("any")), http.StatusNotFound, "invalid_continuation")
}

func TestReferences(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending, other := c.open(finishMember), c.open(finishMember)
	want(t, c.resume(pending, reference("early")), http.StatusNotFound, "invalid_continuation")
	c.approve(pending)
	want(t, c.resume(pending, reference(c.approve(other))), http.StatusNotFound, "invalid_continuation")
	want(t, c.resume(pending, reference("")), http.StatusUnauthorized, "invalid_request")
	for _, body := range []string{`[]`, `null`, `"ref"`, `{"interact_ref":1}`} {
		want(t, c.resume(pending, body), http.StatusBadRequest, "-")
	}
	// as JSON.stringify writes them
	for _, ref := range []string{"a&b<c>", `\"\\`, "\u2028", "😀", `\u0000\u001f\b\f\n\r\t`, `\ud83d`} {
		want(t, c.resume(pending, reference(ref)), http.StatusNotFound, "invalid_continuation")
	}
}

func TestContinuedTwice(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending, _, ref := c.issued()
	want(t, c.resume(pending, reference(ref)), http.StatusUnauthorized, "request_denied")
}

func TestRotatedContinuation(t *testing.T) {
	c := start(t, Config{Wait: NoWait, RotateContinuation: true})
	pending := c.open("")
	still := c.resume(pending, "")
	want(t, still, http.StatusOK, "")
	if still.Continue.URI == pending.Continue.URI || still.Continue.AccessToken == pending.Continue.AccessToken {
		t.Errorf("poll kept %+v", still.Continue)
	}
	want(t, c.resume(pending, ""), http.StatusUnauthorized, "invalid_continuation")
	c.decide(pending, "approve")
	final := c.resume(still, "")
	want(t, final, http.StatusOK, "")
	if final.Continue.URI == still.Continue.URI || final.AccessToken == nil {
		t.Errorf("response %s", final.body)
	}
	want(t, c.cancel(still), http.StatusUnauthorized, "invalid_continuation")
	want(t, c.cancel(final), http.StatusNoContent, "")

	withFinish, issued, ref := c.issued()
	if issued.Continue.URI == withFinish.Continue.URI {
		t.Error("continuation kept its URI")
	}
	want(t, c.resume(withFinish, reference(ref)), http.StatusUnauthorized, "invalid_continuation")
}

func TestWrongTokensAndURIs(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending, final, ref := c.issued()
	uri, token := pending.Continue.URI, pending.Continue.AccessToken.Value
	other := c.open(finishMember)
	prefix := base + "/auth/continue/"
	want(t, c.send("POST", uri, "wrong", reference(ref)), http.StatusUnauthorized, "invalid_continuation")
	want(t, c.send("POST", uri, "", reference(ref)), http.StatusUnauthorized, "invalid_continuation")
	want(t, c.send("POST", prefix+unknownID, token, reference(ref)), http.StatusUnauthorized, "invalid_continuation")
	want(t, c.send("POST", other.Continue.URI, token, reference(ref)), http.StatusUnauthorized, "invalid_continuation")
	want(t, c.send("DELETE", uri, "wrong", ""), http.StatusUnauthorized, "invalid_continuation")
	want(t, c.send("POST", prefix+"malformed", token, reference(ref)), http.StatusInternalServerError, "text")
	want(t, c.send("DELETE", prefix+"malformed", token, ""), http.StatusInternalServerError, "text")
	want(t, c.send("POST", base+"/auth/token/malformed", token, ""), http.StatusInternalServerError, "text")
	want(t, c.send("POST", base+"/auth/token/"+unknownID, token, ""), http.StatusUnauthorized, "invalid_client")
	want(t, c.send("POST", final.AccessToken.Manage, "wrong", ""), http.StatusUnauthorized, "invalid_client")
	want(t, c.send("DELETE", final.AccessToken.Manage, token, ""), http.StatusUnauthorized, "invalid_client")

	c.before = func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	want(t, c.resume(pending, reference(ref)), http.StatusUnauthorized, "invalid_continuation")
}

func TestCancelInEveryState(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	undecided, accepted, declined := c.open(finishMember), c.open(finishMember), c.open(finishMember)
	ref := c.approve(accepted)
	c.decide(declined, "decline")
	_, final, _ := c.issued()
	for _, grant := range []reply{undecided, accepted, declined, final} {
		want(t, c.cancel(grant), http.StatusNoContent, "")
	}
	want(t, c.resume(accepted, reference(ref)), http.StatusUnauthorized, "invalid_continuation")
	want(t, c.manage("POST", final.AccessToken), http.StatusUnauthorized, "invalid_client")
	if r := c.decide(undecided, "approve"); r.status != http.StatusNotFound {
		t.Errorf("a cancelled grant was approved: %d", r.status)
	}
}

func TestBodiesThatAreNotRead(t *testing.T) {
	c := start(t, Config{Wait: NoWait})
	pending := c.open(finishMember)
	for _, body := range []string{`{"interact_ref":`, `{} {}`, "{\"interact_ref\":\"\xff\"}", `<html>`} {
		want(t, c.resume(pending, body), http.StatusBadRequest, "text")
	}
	want(t, c.resume(pending, reference(strings.Repeat("x", 64<<10))), http.StatusRequestEntityTooLarge, "text")
	c.before = func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }
	want(t, c.resume(pending, reference("x")), http.StatusUnsupportedMediaType, "-")
	c.before = func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=utf-8") }
	want(t, c.resume(pending, reference("x")), http.StatusNotFound, "invalid_continuation")
}

func TestGrantRequestsOfTheWrongShape(t *testing.T) {
	c := start(t, Config{})
	good := c.grantBody(outgoing, finishMember)
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%s is not in %s", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	const address = `"` + base + `/clients/shop"`
	for name, body := range map[string]string{
		"no body":                ``,
		"no object":              `[]`,
		"neither token nor sub":  `{"client":` + address + `}`,
		"no client":              replace(`,"client":`+address, ``),
		"client number":          replace(address, `1`),
		"client empty":           replace(address, `{}`),
		"client both":            replace(address, `{"walletAddress":`+address+`,"jwk":{}}`),
		"client unknown member":  replace(address, `{"walletAddress":`+address+`,"x":1}`),
		"client jwk":             replace(address, `{"jwk":{}}`),
		"client ftp":             replace(address, `"ftp://sandbox.example"`),
		"client with user":       replace(address, `"http://a@sandbox.example"`),
		"client with query":      replace(address, `"http://sandbox.example?x"`),
		"no access":              replace(outgoing, ``),
		"access no list":         replace(`[`+outgoing+`]`, `{}`),
		"access string":          replace(outgoing, `"read"`),
		"access four":            replace(outgoing, outgoing+strings.Repeat(","+incoming, 3)),
		"access unknown type":    replace(`outgoing-payment`, `gold`),
		"access unknown action":  replace(`"create"`, `"complete"`),
		"access action twice":    replace(`"create"`, `"read"`),
		"access no actions":      replace(`"create","read"`, ``),
		"access unknown member":  replace(`"actions"`, `"x":1,"actions"`),
		"access no identifier":   replace(`"identifier":"http://sandbox.example/alice",`, ``),
		"limits on incoming":     replace(`outgoing-payment`, `incoming-payment`),
		"amount both":            replace(`"debitAmount"`, `"receiveAmount":{"value":"1","assetCode":"USD","assetScale":2},"debitAmount"`),
		"amount negative":        replace(`"500"`, `"-500"`),
		"amount number":          replace(`"500"`, `500`),
		"amount no code":         replace(`USD`, ``),
		"amount code a sentence": replace(`USD`, `USD to Bob`),
		"amount code too long":   replace(`USD`, strings.Repeat("U", 17)),
		"amount no scale":        replace(`,"assetScale":2`, ``),
		"amount scale 256":       replace(`"assetScale":2`, `"assetScale":256`),
		"subject wrong format":   replace(`"client":`, `"subject":{"sub_ids":[{"id":"x","format":"email"}]},"client":`),
		"subject none":           replace(`"client":`, `"subject":{},"client":`),
		"start unknown":          replace(`"redirect"]`, `"app"]`),
		"start nine":             replace(`"redirect"]`, `"redirect"`+strings.Repeat(`,"app"`, 8)+`]`),
		"identifier too long":    replace(`sandbox.example/alice`, strings.Repeat("a", 2<<10)),
		"client too long":        replace(`sandbox.example/clients/shop`, strings.Repeat("a", 2<<10)),
		"finish too long":        replace(`localhost:3000/back`, "localhost/"+strings.Repeat("a", 2<<10)),
		"finish push":            replace(`"method":"redirect"`, `"method":"push"`),
		"finish no nonce":        replace(`client-nonce`, ``),
		"finish hash method":     replace(`"nonce"`, `"hash_method":"sha3-512","nonce"`),
	} {
		t.Run(name, func(t *testing.T) {
			want(t, c.send("POST", base+"/auth/", "", body), http.StatusBadRequest, "-")
		})
	}
	want(t, c.send("POST", base+"/auth/", "", good), http.StatusOK, "")
	want(t, c.send("POST", base+"/auth/", "", replace(`{`, `{"x":"`+strings.Repeat("x", 16<<10)+`",`)), http.StatusRequestEntityTooLarge, "text")
	want(t, c.send("POST", base+"/auth/", "", c.grantBody(outgoing, "")), http.StatusBadRequest, "invalid_request")
}

func TestFinishURIs(t *testing.T) {
	c := start(t, Config{})
	open := func(uri string) reply {
		return c.send("POST", base+"/auth/", "", c.grantBody(outgoing, `,"finish":{"method":"redirect","uri":"`+uri+`","nonce":"n"}`))
	}
	for _, uri := range []string{
		"https://shop.example/", "http://localhost:3000", "http://127.0.0.1/x", "http://[::1]:8080/", "http://demo.localhost/",
		"chrome-extension://abcdefgh/finish.html", "moz-extension://0b0b/finish.html",
	} {
		want(t, open(uri), http.StatusOK, "")
	}
	for _, uri := range []string{
		"", "/back", "//shop.example", "http://shop.example/", "http://localhost.shop.example/", "https:opaque", "https://a:b@shop.example/",
		"javascript:alert(1)", "javascript://localhost/%0aalert(1)", "data:text/html,x", "file:///etc/passwd", `https://shop.example/\r\nx`,
	} {
		want(t, open(uri), http.StatusBadRequest, "-")
	}
}

func TestInteractionExpiresBeforeTheGrantIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, Config{})
		pending := c.open(finishMember)
		time.Sleep(10 * time.Minute)
		if got := c.decide(pending, "approve").header.Get("Location"); !strings.Contains(got, "result=grant_invalid") {
			t.Errorf("redirect to %q", got)
		}
		time.Sleep(time.Hour)
		want(t, c.cancel(pending), http.StatusUnauthorized, "invalid_continuation")
		c.open(finishMember) // makes room
		want(t, c.cancel(pending), http.StatusUnauthorized, "invalid_continuation")
		if r := c.decide(pending, "approve"); r.status != http.StatusNotFound {
			t.Errorf("forgotten interaction: %d", r.status)
		}
	})
}
