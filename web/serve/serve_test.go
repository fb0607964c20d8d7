package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"open-payments-wasm/pkg/sandbox"
)

func write(t *testing.T, folder, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// testSite has a page, a module, and a wasm with compressed copies.
func testSite(t *testing.T) (site http.Handler, demo, dist string) {
	t.Helper()
	demo, dist = t.TempDir(), t.TempDir()
	write(t, demo, "index.html", "<!doctype html>")
	write(t, demo, "demo.js", "1")
	write(t, dist, "open-payments.wasm", "wasm")
	write(t, dist, "open-payments.wasm.br", "wasm in brotli")
	write(t, dist, "open-payments.wasm.gz", "wasm in gzip")
	return newSite(demo, dist, newPlaces("http://127.0.0.1:8080", "http://127.0.0.1:8081")), demo, dist
}

func get(site http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest("GET", path, nil)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	site.ServeHTTP(recorder, req)
	return recorder
}

func TestFilesAndTheirTypes(t *testing.T) {
	site, _, dist := testSite(t)
	for path, contentType := range map[string]string{
		"/":                        "text/html; charset=utf-8",
		"/demo.js":                 "text/javascript; charset=utf-8",
		"/dist/open-payments.wasm": "application/wasm",
		"/config.json":             "application/json",
	} {
		r := get(site, path)
		if r.Code != http.StatusOK || r.Header().Get("Content-Type") != contentType {
			t.Errorf("%s: %d %s", path, r.Code, r.Header().Get("Content-Type"))
		}
		policy := r.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "script-src 'self' 'wasm-unsafe-eval';") || !strings.Contains(policy, "connect-src 'self' http://127.0.0.1:8081 ") {
			t.Errorf("%s: policy %s", path, policy)
		}
		if r.Header().Get("X-Content-Type-Options") != "nosniff" || r.Header().Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", path, r.Header())
		}
	}
	if err := os.Mkdir(filepath.Join(dist, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/missing", "/dist/", "/dist/folder", "/dist/missing.js"} {
		if r := get(site, path); r.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, r.Code, r.Body)
		}
	}
}

func TestPolicyIsStrict(t *testing.T) {
	site, _, _ := testSite(t)
	policy := get(site, "/").Header().Get("Content-Security-Policy")
	directives := map[string]string{}
	for _, directive := range strings.Split(policy, "; ") {
		name, sources, _ := strings.Cut(directive, " ")
		directives[name] = sources
	}
	for name, sources := range map[string]string{
		"default-src":               "'none'",
		"script-src":                "'self' 'wasm-unsafe-eval'",
		"style-src":                 "'self'",
		"connect-src":               "'self' http://127.0.0.1:8081 http://localhost:* http://127.0.0.1:* https:",
		"base-uri":                  "'none'",
		"form-action":               "'none'",
		"frame-ancestors":           "'none'",
		"require-trusted-types-for": "'script'",
	} {
		if directives[name] != sources {
			t.Errorf("%s %q, want %q", name, directives[name], sources)
		}
	}
	if strings.Contains(policy, "unsafe-inline") || strings.Contains(policy, "'unsafe-eval'") {
		t.Errorf("policy %s", policy)
	}
}

func TestNothingOutsideTheFolders(t *testing.T) {
	site, demo, _ := testSite(t)
	write(t, filepath.Dir(demo), "secret", "secret")
	for _, path := range []string{"/../secret", "/%2e%2e/secret", "/dist/../../secret", "/dist/..%2f..%2fsecret"} {
		if r := get(site, path); r.Code == http.StatusOK || r.Body.String() == "secret" {
			t.Errorf("%s: %d", path, r.Code)
		}
	}
}

func TestConfig(t *testing.T) {
	site, _, _ := testSite(t)
	const expected = `{"authServer":"http://127.0.0.1:8081/auth/","walletAddress":"http://127.0.0.1:8081/alice",` +
		`"clients":"http://127.0.0.1:8081/clients/","wallets":{"alice":"http://127.0.0.1:8081/alice",` +
		`"bob":"http://127.0.0.1:8081/bob","shop":"http://127.0.0.1:8081/shop"}}`
	if got := strings.TrimSpace(get(site, "/config.json").Body.String()); got != expected {
		t.Errorf("config %s", got)
	}
}

func TestCompressedCopies(t *testing.T) {
	site, _, dist := testSite(t)
	ask := func(accept string) (body, encoding string) {
		r := get(site, "/dist/open-payments.wasm", "Accept-Encoding", accept)
		if r.Header().Get("Content-Type") != "application/wasm" || r.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%q: headers %v", accept, r.Header())
		}
		return r.Body.String(), r.Header().Get("Content-Encoding")
	}
	for accept, want := range map[string][2]string{
		"gzip, deflate, br, zstd": {"wasm in brotli", "br"},
		"gzip, br;q=0":            {"wasm in gzip", "gzip"},
		"br;q=0.000, gzip;q=0.5":  {"wasm in gzip", "gzip"},
		"":                        {"wasm", ""},
		"zstd":                    {"wasm", ""},
	} {
		if body, encoding := ask(accept); body != want[0] || encoding != want[1] {
			t.Errorf("%q: %q in %q", accept, body, encoding)
		}
	}
	newer := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dist, "open-payments.wasm"), newer, newer); err != nil {
		t.Fatal(err)
	}
	if body, encoding := ask("br"); body != "wasm" || encoding != "" {
		t.Errorf("a stale copy was served: %q in %q", body, encoding)
	}
}

func TestRevalidation(t *testing.T) {
	site, _, dist := testSite(t)
	first := get(site, "/dist/open-payments.wasm", "Accept-Encoding", "br")
	tag := first.Header().Get("ETag")
	if tag == "" || first.Header().Get("Cache-Control") != "no-cache" {
		t.Fatalf("headers %v", first.Header())
	}
	if r := get(site, "/dist/open-payments.wasm", "Accept-Encoding", "br", "If-None-Match", tag); r.Code != http.StatusNotModified {
		t.Errorf("unchanged: %d", r.Code)
	}
	if r := get(site, "/dist/open-payments.wasm", "If-None-Match", tag); r.Code != http.StatusOK {
		t.Errorf("another encoding: %d", r.Code)
	}
	write(t, dist, "open-payments.wasm.br", "rebuilt in brotli")
	if r := get(site, "/dist/open-payments.wasm", "Accept-Encoding", "br", "If-None-Match", tag); r.Code != http.StatusOK {
		t.Errorf("changed: %d", r.Code)
	}
}

func TestOnlyLoopback(t *testing.T) {
	for _, addr := range []string{":8080", "0.0.0.0:0", "192.0.2.1:80", "example.com:80", "8080", ""} {
		if listener, err := listen("addr", addr, io.Discard); err == nil {
			listener.Close()
			t.Errorf("%q was served", addr)
		} else if !strings.Contains(err.Error(), "-addr") {
			t.Errorf("%q: %v does not name the flag", addr, err)
		}
	}
}

func TestTakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var messages bytes.Buffer
	listener, err := listen("sandbox-addr", taken.Addr().String(), &messages)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for _, expected := range []string{taken.Addr().String() + " is taken", listener.Addr().String(), "-sandbox-addr"} {
		if !strings.Contains(messages.String(), expected) {
			t.Errorf("message %q lacks %q", messages.String(), expected)
		}
	}
}

func TestSandboxFlags(t *testing.T) {
	parse := func(args ...string) sandbox.Config {
		t.Helper()
		o, err := parseOptions(args, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		return o.sandboxConfig()
	}
	if c := parse(); c.Wait != 5*time.Second || c.AcceptUnboundSignatures || c.RotateContinuation {
		t.Errorf("by default %+v", c)
	}
	if c := parse("-wait", "0s", "-lenient", "-rotate-continuation"); c.Wait != sandbox.NoWait || !c.AcceptUnboundSignatures || !c.RotateContinuation {
		t.Errorf("with flags %+v", c)
	}
	if c := parse(); c.QuoteLifetime != 5*time.Minute || c.AccessLifetime != 10*time.Minute {
		t.Errorf("lifetimes by default %+v", c)
	}
	lifetimes := parse("-quote-lifetime", "1ms", "-token-lifetime", "2s", "-grant-lifetime", "3s")
	if c := lifetimes; c.QuoteLifetime != time.Millisecond || c.AccessLifetime != 2*time.Second || c.GrantLifetime != 3*time.Second {
		t.Errorf("with lifetimes %+v", c)
	}
	if c := parse(); c.Fee != (sandbox.Fee{}) || c.PaymentDelay != 0 {
		t.Errorf("payments by default %+v", c)
	}
	if c := parse("-fee", "200", "-payment-delay", "1s"); c.Fee.BasisPoints != 200 || c.PaymentDelay != time.Second {
		t.Errorf("payments with flags %+v", c)
	}
	if parse().FaultSecret != "" {
		t.Error("faults without being asked for")
	}
	if first, second := parse("-json", "-faults").FaultSecret, parse("-json", "-faults").FaultSecret; first == "" || first == second {
		t.Errorf("secrets %q and %q", first, second)
	}
	for _, args := range [][]string{{"-wait", "soon"}, {"-fee", "-1"}, {"-unknown"}, {"stray"}, {"-faults"}} {
		if _, err := parseOptions(args, io.Discard); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}

func TestRun(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	demo := t.TempDir()
	write(t, demo, "index.html", "<!doctype html>")
	reader, writer := io.Pipe()
	var messages bytes.Buffer
	done := make(chan error, 1)
	go func() {
		done <- run(ctx, []string{"-json", "-addr", "127.0.0.1:0", "-sandbox-addr", "localhost:0",
			"-peer-addr", "127.0.0.1:0", "-faults", "-demo", demo, "-dist", t.TempDir()}, writer, &messages)
	}()
	var p places
	if err := json.NewDecoder(reader).Decode(&p); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(messages.String(), "make build") {
		t.Errorf("messages %q do not say how to build", messages.String())
	}
	if !strings.HasPrefix(p.Sandbox, "http://localhost:") {
		t.Errorf("sandbox at %s", p.Sandbox)
	}
	if p.Faults == nil || p.Peer == nil || len(p.Wallets) != 3 {
		t.Fatalf("places %+v", p)
	}
	req, err := http.NewRequest("PUT", p.Faults.URL, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+p.Faults.Secret)
	if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != http.StatusNoContent {
		t.Errorf("faults: %v %v", res, err)
	}
	for _, url := range []string{p.Demo, p.WalletAddress, p.Wallets["bob"], p.Wallets["shop"], p.Peer.Wallets["bob"]} {
		res, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, res.Status)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	s := newServer(nil)
	for name, bound := range map[string]time.Duration{
		"header": s.ReadHeaderTimeout, "read": s.ReadTimeout, "write": s.WriteTimeout, "idle": s.IdleTimeout,
	} {
		if bound <= 0 || bound > 2*time.Minute {
			t.Errorf("%s: %s", name, bound)
		}
	}
}

func TestAnnouncement(t *testing.T) {
	var out bytes.Buffer
	if err := announce(newPlaces("http://127.0.0.1:8080", "http://127.0.0.1:8081"), false, &out); err != nil {
		t.Fatal(err)
	}
	if out.String() != "Open http://127.0.0.1:8080/\n" {
		t.Errorf("printed %q", out.String())
	}
}
