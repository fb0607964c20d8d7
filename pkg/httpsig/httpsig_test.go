package httpsig

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/yaronf/httpsign"
)

type vector struct {
	JWK           struct{ Kid, D, X string }
	Method, URL   string
	Headers       map[string]string
	Components    []string
	Created       int64
	Body          string
	SignatureBase string
	Signature     string
}

func readVector(t *testing.T, name string) vector {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v vector) request(t *testing.T) *http.Request {
	t.Helper()
	req, err := http.NewRequest(v.Method, v.URL, strings.NewReader(v.Body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range v.Headers {
		req.Header.Set(name, value)
	}
	return req
}

var testKey = ed25519.NewKeyFromSeed([]byte("an Ed25519 seed made for testing"))

// recorder is a key that keeps what it was asked to sign.
type recorder struct {
	ed25519.PrivateKey
	message string
}

func (r *recorder) Sign(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	r.message = string(message)
	return r.PrivateKey.Sign(random, message, opts)
}

// RFC 9421 B.2.6 covers other components than our profile does, so it is walked with the same
// library and the same kind of signer, at the time at which the vector was made.
func TestRFC9421AppendixB26(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := readVector(t, "rfc9421-b26.json")
		time.Sleep(time.Until(time.Unix(v.Created, 0)))
		seed, err := base64.RawURLEncoding.DecodeString(v.JWK.D)
		if err != nil {
			t.Fatal(err)
		}
		key := &recorder{PrivateKey: ed25519.NewKeyFromSeed(seed)}
		config := httpsign.NewSignConfig().SignAlg(false).SetKeyID(v.JWK.Kid)
		signer, err := httpsign.NewJWSSigner(jwa.EdDSA, checkedSigner{key}, config, httpsign.Headers(v.Components...))
		if err != nil {
			t.Fatal(err)
		}
		_, signature, err := httpsign.SignRequest("sig-b26", *signer, v.request(t))
		if err != nil {
			t.Fatal(err)
		}
		if key.message != v.SignatureBase {
			t.Errorf("signature base:\n%s\nwant:\n%s", key.message, v.SignatureBase)
		}
		if want := "sig-b26=:" + v.Signature + ":"; signature != want {
			t.Errorf("signature %s, want %s", signature, want)
		}
	})
}

// The recorded request is signed again over the recorded base: Verify accepts it only if it
// builds that base byte for byte.
func TestVerifyRecordedContinuation(t *testing.T) {
	v := readVector(t, "node-continuation.json")
	public := testKey.Public().(ed25519.PublicKey)
	signature := base64.StdEncoding.EncodeToString(ed25519.Sign(testKey, []byte(v.SignatureBase)))
	request := func() *http.Request {
		req := v.request(t)
		req.Header.Set("Signature", "sig1=:"+signature+":")
		return req
	}
	params, err := Verify(request(), []byte(v.Body), public, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	if params.KeyID != "lab-key-1" || params.Created.Unix() != 1795423360 {
		t.Errorf("parameters %+v", params)
	}
	if _, err := Verify(request(), []byte(v.Body), public, Policy{Strict: true}); err == nil {
		t.Error("strict policy accepted a signature without nonce and tag")
	}
	req := request()
	req.Header.Set("Authorization", "GNAP 5D9A9CF4BC7F46DDA115")
	if _, err := Verify(req, []byte(v.Body), public, Policy{}); err == nil {
		t.Error("another token was accepted")
	}
}

func newRequest(t *testing.T, method, url, token, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "GNAP "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

func TestSignCoversTheProfile(t *testing.T) {
	const params = `;created=\d+;nonce="[A-Za-z0-9_-]{22}";tag="gnap";keyid="k1"`
	cases := map[string]struct{ method, token, body, base string }{
		"continue": {"POST", "T", `{"interact_ref":"r"}`, `"@method": POST
"@target-uri": https://as.example/continue/1?a=%20b
"authorization": GNAP T
"content-digest": sha-512=:[A-Za-z0-9+/=]{88}:
"content-length": 20
"content-type": application/json
"@signature-params": \("@method" "@target-uri" "authorization" "content-digest" "content-length" "content-type"\)` + params},
		"poll": {"POST", "T", "", `"@method": POST
"@target-uri": https://as.example/continue/1?a=%20b
"authorization": GNAP T
"@signature-params": \("@method" "@target-uri" "authorization"\)` + params},
		"request": {"POST", "", "{}", `"@method": POST
"@target-uri": https://as.example/continue/1?a=%20b
"content-digest": sha-512=:[A-Za-z0-9+/=]{88}:
"content-length": 2
"content-type": application/json
"@signature-params": \("@method" "@target-uri" "content-digest" "content-length" "content-type"\)` + params},
		"cancel": {"DELETE", "T", "", `"@method": DELETE
"@target-uri": https://as.example/continue/1?a=%20b
"authorization": GNAP T
"@signature-params": \("@method" "@target-uri" "authorization"\)` + params},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			req := newRequest(t, c.method, "https://as.example/continue/1?a=%20b", c.token, c.body)
			key := &recorder{PrivateKey: testKey}
			if err := Sign(req, []byte(c.body), Key{"k1", key}); err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile("^" + strings.ReplaceAll(c.base, "?", `\?`) + "$").MatchString(key.message) {
				t.Errorf("signature base:\n%s\nwant:\n%s", key.message, c.base)
			}
			policy := Policy{MaxAge: time.Minute, Strict: true}
			if _, err := Verify(req, []byte(c.body), testKey.Public().(ed25519.PublicKey), policy); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSignDigestSignsWhatSignDoes(t *testing.T) {
	public := testKey.Public().(ed25519.PublicKey)
	for _, body := range []string{"", "{}", strings.Repeat("a", 1<<20)} {
		req := newRequest(t, "POST", "https://as.example/", "T", body)
		if err := SignDigest(req, sha512.Sum512([]byte(body)), int64(len(body)), Key{"k1", testKey}); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(req, []byte(body), public, Policy{Strict: true, MaxAge: time.Minute}); err != nil {
			t.Errorf("%d bytes: %v", len(body), err)
		}
		if hasDigest := req.Header.Get("Content-Digest") != ""; hasDigest != (body != "") {
			t.Errorf("%d bytes: a digest is there: %v", len(body), hasDigest)
		}
	}
}

func TestEveryNonceIsNew(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		req := newRequest(t, "POST", "https://as.example/", "T", "")
		if err := Sign(req, nil, Key{"k1", testKey}); err != nil {
			t.Fatal(err)
		}
		params, err := ReadParams(req)
		if err != nil {
			t.Fatal(err)
		}
		if seen[params.Nonce] {
			t.Fatal("a nonce came twice")
		}
		seen[params.Nonce] = true
	}
}

func TestVerifyRefusesWhatChanged(t *testing.T) {
	const body = `{"interact_ref":"r"}`
	changes := map[string]func(*http.Request, *string){
		"method":         func(r *http.Request, _ *string) { r.Method = "PUT" },
		"target":         func(r *http.Request, _ *string) { r.URL.Path += "x" },
		"query":          func(r *http.Request, _ *string) { r.URL.RawQuery = "a=1" },
		"host":           func(r *http.Request, _ *string) { r.URL.Host = "bs.example" },
		"scheme":         func(r *http.Request, _ *string) { r.URL.Scheme = "http" },
		"token":          func(r *http.Request, _ *string) { r.Header.Set("Authorization", "GNAP U") },
		"no token":       func(r *http.Request, _ *string) { r.Header.Del("Authorization") },
		"content type":   func(r *http.Request, _ *string) { r.Header.Set("Content-Type", "text/plain") },
		"content length": func(r *http.Request, _ *string) { r.Header.Set("Content-Length", "21") },
		"digest":         func(r *http.Request, _ *string) { r.Header.Set("Content-Digest", "sha-512=:AAAA:") },
		"digest of another body": func(r *http.Request, b *string) {
			*b = `{"interact_ref":"s"}`
			r.Header.Set("Content-Digest", "sha-256=:"+"RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="+":")
		},
		"body":         func(_ *http.Request, b *string) { *b = `{"interact_ref":"s"}` },
		"missing body": func(_ *http.Request, b *string) { *b = "" },
		"nonce": func(r *http.Request, _ *string) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), `nonce="`, `nonce="a`, 1))
		},
		"created": func(r *http.Request, _ *string) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), "created=", "created=1", 1))
		},
		"keyid": func(r *http.Request, _ *string) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), `"k1"`, `"k2"`, 1))
		},
		"tag": func(r *http.Request, _ *string) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), `"gnap"`, `"gnat"`, 1))
		},
		"alg added": func(r *http.Request, _ *string) {
			r.Header.Set("Signature-Input", r.Header.Get("Signature-Input")+`;alg="ed25519"`)
		},
		"label": func(r *http.Request, _ *string) {
			for _, name := range []string{"Signature", "Signature-Input"} {
				r.Header.Set(name, strings.Replace(r.Header.Get(name), "sig1", "sig2", 1))
			}
		},
		"second signature": func(r *http.Request, _ *string) {
			for _, name := range []string{"Signature", "Signature-Input"} {
				r.Header.Add(name, strings.Replace(r.Header.Get(name), "sig1", "sig2", 1))
			}
		},
		"component dropped": func(r *http.Request, _ *string) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), ` "content-digest"`, "", 1))
		},
		"signature":    func(r *http.Request, _ *string) { r.Header.Set("Signature", "sig1=:AAAA:") },
		"no signature": func(r *http.Request, _ *string) { r.Header.Del("Signature") },
		"no input":     func(r *http.Request, _ *string) { r.Header.Del("Signature-Input") },
		"not a list":   func(r *http.Request, _ *string) { r.Header.Set("Signature-Input", "sig1=1") },
		"garbage":      func(r *http.Request, _ *string) { r.Header.Set("Signature-Input", "(((") },
		"numeric nonce": func(r *http.Request, _ *string) {
			r.Header.Set("Signature-Input", `sig1=("@method" "@target-uri");keyid="k1";nonce=1`)
		},
		"text created": func(r *http.Request, _ *string) {
			r.Header.Set("Signature-Input", `sig1=("@method" "@target-uri");keyid="k1";created="1"`)
		},
		"no keyid": func(r *http.Request, _ *string) {
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), `;keyid="k1"`, "", 1))
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			sent := body
			req := newRequest(t, "POST", "https://as.example/continue/1", "T", sent)
			if err := Sign(req, []byte(sent), Key{"k1", testKey}); err != nil {
				t.Fatal(err)
			}
			change(req, &sent)
			if _, err := Verify(req, []byte(sent), testKey.Public().(ed25519.PublicKey), Policy{OnlyLabel: true}); err == nil {
				t.Error("accepted")
			}
			_, err := Verify(req, []byte(sent), testKey.Public().(ed25519.PublicKey), Policy{})
			if isLabel := name == "label" || name == "second signature"; (err == nil) != isLabel {
				t.Errorf("where labels do not count: %v", err)
			}
		})
	}
}

func TestVerifyRefusesAnotherKeyAndAnotherTime(t *testing.T) {
	req := newRequest(t, "POST", "https://as.example/", "T", "")
	if err := Sign(req, nil, Key{"k1", testKey}); err != nil {
		t.Fatal(err)
	}
	other := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	if _, err := Verify(req, nil, other, Policy{}); err == nil {
		t.Error("another key was accepted")
	}
	synctest.Test(t, func(t *testing.T) { // its clock stands at the year 2000
		public := testKey.Public().(ed25519.PublicKey)
		if _, err := Verify(req, nil, public, Policy{MaxAge: time.Minute}); err == nil {
			t.Error("a signature from the future was accepted")
		}
		old := newRequest(t, "POST", "https://as.example/", "T", "")
		if err := Sign(old, nil, Key{"k1", testKey}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(61 * time.Second)
		if _, err := Verify(old, nil, public, Policy{MaxAge: time.Minute}); err == nil {
			t.Error("an old signature was accepted")
		}
	})
}

// What browsers leave unescaped must be signed unescaped, and a real server must see the same URI.
func TestTargetURIOnTheWire(t *testing.T) {
	for _, path := range []string{"/", "/a;b?c;d=%zz", "/a|b^c?`{}", "/%7Ea//b/../c?", "/ü"} {
		t.Run(path, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, err := Verify(r, nil, testKey.Public().(ed25519.PublicKey), Policy{}); err != nil {
					http.Error(w, err.Error(), http.StatusUnauthorized)
				}
			}))
			defer server.Close()
			req := newRequest(t, "POST", server.URL, "T", "")
			req.Body, req.ContentLength = nil, 0
			req.URL.Opaque = path
			if err := Sign(req, nil, Key{"k1", testKey}); err != nil {
				t.Fatal(err)
			}
			if got, want := TargetURI(req), server.URL+path; got != want {
				t.Errorf("target URI %s, want %s", got, want)
			}
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			response, _ := io.ReadAll(res.Body)
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				t.Errorf("%s: %s", res.Status, response)
			}
		})
	}
}

// relabel gives the signature of a request another label.
func relabel(r *http.Request, label string) {
	for _, name := range []string{"Signature", "Signature-Input"} {
		r.Header.Set(name, strings.Replace(r.Header.Get(name), Label, label, 1))
	}
}

// What a proxy, or another layer of the client, may have added.
func TestOneOfSeveralSignaturesIsEnough(t *testing.T) {
	public := testKey.Public().(ed25519.PublicKey)
	other := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	add := func(r *http.Request, name, value string, before bool) {
		values := []string{r.Header.Get(name), value}
		if before {
			slices.Reverse(values)
		}
		r.Header.Set(name, strings.Join(values, ", "))
	}
	signedBy := func(key ed25519.PrivateKey, id, label string) *http.Request {
		r := newRequest(t, "POST", "https://as.example/continue/1", "T", "")
		if err := Sign(r, nil, Key{id, key}); err != nil {
			t.Fatal(err)
		}
		relabel(r, label)
		return r
	}
	merge := func(r, from *http.Request, before bool) *http.Request {
		for _, name := range []string{"Signature", "Signature-Input"} {
			add(r, name, from.Header.Get(name), before)
		}
		return r
	}
	ours := func(label string) *http.Request { return signedBy(testKey, "k1", label) }
	stranger := func(label string) *http.Request { return signedBy(other, "proxy", label) }
	headers := func(r *http.Request, input, signature string) *http.Request {
		r.Header.Add("Signature-Input", input)
		r.Header.Add("Signature", signature)
		return r
	}
	unreadable := ours(Label)
	unreadable.Header.Add("Signature-Input", "proxy=1")
	many := ours(Label)
	for i := range maxSignatures {
		merge(many, stranger("p"+strconv.Itoa(i)), true)
	}
	for name, c := range map[string]struct {
		req   *http.Request
		label string
	}{
		"another label":        {ours("mine"), "mine"},
		"one behind":           {merge(ours(Label), stranger("proxy"), false), Label},
		"one before":           {merge(ours(Label), stranger("proxy"), true), Label},
		"sig1 is of a proxy":   {merge(ours("gnap"), stranger(Label), true), "gnap"},
		"two of ours":          {merge(ours(Label), ours("more"), true), Label},
		"not a list beside it": {unreadable, Label},
		"alg beside it":        {headers(ours("mine"), `sig1=("@method");keyid="k1";alg="ed25519"`, "sig1=:AAAA:"), "mine"},
		"no keyid beside it":   {headers(ours("mine"), `sig1=("@method");tag="gnap"`, "sig1=:AAAA:"), "mine"},
		"less is covered":      {headers(ours("mine"), `sig1=("@method");keyid="k1"`, "sig1=:AAAA:"), "mine"},
		"only of a proxy":      {stranger(Label), ""},
		"too many":             {many, ""},
		"none":                 {newRequest(t, "POST", "https://as.example/continue/1", "T", ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			params, err := Verify(c.req, nil, public, Policy{Strict: true})
			if (err == nil) != (c.label != "") || params.Label != c.label {
				t.Errorf("label %q: %v", params.Label, err)
			}
			asked := errors.New("asked")
			if c.label == "" {
				return
			}
			params, err = VerifyAny(c.req, nil, Policy{}, func(p Params) (ed25519.PublicKey, error) {
				if p.KeyID != "k1" {
					return nil, asked
				}
				return public, nil
			})
			if err != nil || params.Label != c.label {
				t.Errorf("where the key is looked up: label %q: %v", params.Label, err)
			}
			if _, err := VerifyAny(c.req, nil, Policy{}, func(Params) (ed25519.PublicKey, error) { return nil, asked }); err == nil {
				t.Error("verified without a key")
			}
			if _, err := Verify(c.req, nil, public, Policy{OnlyLabel: true}); err == nil {
				t.Error("accepted where only sig1 counts")
			}
		})
	}
}

func TestTargetURIInAbsoluteForm(t *testing.T) {
	for _, c := range []struct{ line, host, want string }{
		{"POST /a?b HTTP/1.1", "as.example", "http://as.example/a?b"},
		{"POST http://as.example/a?b HTTP/1.1", "as.example", "http://as.example/a?b"},
		{"POST http://as.example/a?b HTTP/1.1", "ignored.example", "http://as.example/a?b"}, // RFC 9112 §3.2.2
		{"POST https://as.example:8443/a?b HTTP/1.1", "x", "https://as.example:8443/a?b"},
		{"POST HTTP://as.example/%7Ea//b HTTP/1.1", "x", "http://as.example/%7Ea//b"},
		{"POST http://as.example HTTP/1.1", "x", "http://as.example/"},
		{"POST http://as.example?b HTTP/1.1", "x", "http://as.example/?b"},
		{"POST /a?b=http://c/d HTTP/1.1", "as.example", "http://as.example/a?b=http://c/d"},
		{"POST /http://c/d HTTP/1.1", "as.example", "http://as.example/http://c/d"},
		{"OPTIONS * HTTP/1.1", "as.example", "http://as.example"},
	} {
		req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(c.line + "\r\nHost: " + c.host + "\r\n\r\n")))
		if err != nil {
			t.Fatal(err)
		}
		if got := TargetURI(req); got != c.want {
			t.Errorf("%s with Host %s: %s, want %s", c.line, c.host, got, c.want)
		}
	}
	for _, target := range []string{"http://as.example/a?b", "https://as.example/a?b"} {
		made := httptest.NewRequest("POST", target, nil)
		if got := TargetURI(made); got != target {
			t.Errorf("httptest: %s, want %s", got, target)
		}
		if err := Sign(made, nil, Key{"k1", testKey}); err != nil {
			t.Fatal(err)
		}
		sent := newRequest(t, "POST", target, "", "")
		sent.Header = made.Header
		if _, err := Verify(sent, nil, testKey.Public().(ed25519.PublicKey), Policy{Strict: true}); err != nil {
			t.Errorf("signed in absolute form, and seen as %s: %v", target, err)
		}
	}
}

type signerFunc func([]byte) ([]byte, error)

func (f signerFunc) Public() crypto.PublicKey { return nil }
func (f signerFunc) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	return f(message)
}

type rsaSigner struct{ signerFunc }

func (rsaSigner) Public() crypto.PublicKey { return &rsa.PublicKey{} }

func TestKeysThatCannotSign(t *testing.T) {
	cases := map[string]Key{
		"no id":           {"", testKey},
		"id with newline": {"a\nb", testKey},
		"id not ASCII":    {"schlüssel", testKey},
		"no signer":       {"k1", nil},
		"RSA":             {"k1", rsaSigner{}},
		"short signature": {"k1", signerFunc(func([]byte) ([]byte, error) { return make([]byte, 63), nil })},
	}
	for name, key := range cases {
		t.Run(name, func(t *testing.T) {
			req := newRequest(t, "POST", "https://as.example/", "T", "")
			if err := Sign(req, nil, key); !errors.Is(err, ErrKey) {
				t.Errorf("got %v, want ErrKey", err)
			}
			if req.Header.Get("Signature") != "" {
				t.Error("the request was signed")
			}
		})
	}
	locked := errors.New("locked")
	key := Key{"k1", signerFunc(func([]byte) ([]byte, error) { return nil, locked })}
	if err := Sign(newRequest(t, "POST", "https://as.example/", "T", ""), nil, key); !errors.Is(err, locked) {
		t.Errorf("the signer's own error was lost: %v", err)
	}
}

type slowSigner struct {
	signerFunc
	ctx context.Context
}

func (s slowSigner) WithContext(ctx context.Context) crypto.Signer {
	return slowSigner{func(message []byte) ([]byte, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
			return ed25519.Sign(testKey, message), nil
		}
	}, ctx}
}

func TestSignerThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req := newRequest(t, "POST", "https://as.example/", "T", "")
		if err := Sign(req, nil, Key{"k1", slowSigner{}}); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(req, nil, testKey.Public().(ed25519.PublicKey), Policy{Strict: true}); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := Sign(req.WithContext(ctx), nil, Key{"k1", slowSigner{}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the end of the context", err)
		}
	})
}
