package httpsig

import (
	"bytes"
	"crypto/ed25519"
	"net/http"
	"testing"
)

var (
	benchKey  = ed25519.NewKeyFromSeed([]byte("an Ed25519 seed made for testing"))
	benchBody = []byte(`{"interact_ref":"36558ac2-06cb-4d55-b4bb-adf251473431"}`)
)

func benchRequest(b *testing.B, body []byte) *http.Request {
	b.Helper()
	req, err := http.NewRequest(http.MethodPost, "https://as.example/continue/95e3eeb4", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Authorization", "GNAP 5D9A9CF4BC7F46DDA114")
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

func BenchmarkSign(b *testing.B) {
	for name, body := range map[string][]byte{"WithBody": benchBody, "WithoutBody": nil} {
		b.Run(name, func(b *testing.B) {
			req, key := benchRequest(b, body), Key{ID: "key", Signer: benchKey}
			b.ReportAllocs()
			for b.Loop() {
				if err := Sign(req, body, key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEd25519 is what no signature can go below.
func BenchmarkEd25519(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ed25519.Sign(benchKey, benchBody)
	}
}

func BenchmarkVerify(b *testing.B) {
	req := benchRequest(b, benchBody)
	if err := Sign(req, benchBody, Key{ID: "key", Signer: benchKey}); err != nil {
		b.Fatal(err)
	}
	public := benchKey.Public().(ed25519.PublicKey)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Verify(req, benchBody, public, Policy{Strict: true}); err != nil {
			b.Fatal(err)
		}
	}
}
