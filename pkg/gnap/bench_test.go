package gnap

import (
	"context"
	"crypto"
	"fmt"
	"testing"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/signedhttp"
)

func BenchmarkContinue(b *testing.B) {
	for name, signer := range map[string]crypto.Signer{"Ed25519": fake.Key, "KeyElsewhere": fake.Instant.Signer} {
		b.Run(name, func(b *testing.B) {
			client := &Client{Client: signedhttp.Client{Transport: fake.Fixed{}, Key: httpsig.Key{ID: "key", Signer: signer}}}
			benchmarkContinue(b, client)
		})
	}
}

// BenchmarkContinueShared is a continuation that others could join.
func BenchmarkContinueShared(b *testing.B) {
	client := &Client{Client: signedhttp.Client{Transport: fake.Fixed{}, Key: fake.Instant, SingleFlight: &signedhttp.SingleFlight{}}}
	benchmarkContinue(b, client)
}

func benchmarkContinue(b *testing.B, client *Client) {
	count := 0
	b.ReportAllocs()
	for b.Loop() {
		count++
		reference := fmt.Sprintf("36558ac2-%d", count)
		if _, err := client.Continue(context.Background(), testURI, testToken, reference); err != nil {
			b.Fatal(err)
		}
	}
}
