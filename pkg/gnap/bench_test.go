package gnap

import (
	"context"
	"crypto"
	"fmt"
	"io"
	"net/http"
	"testing"

	"open-payments-wasm/pkg/httpsig"
)

// instant answers every request at once.
type instant struct{}

func (instant) RoundTrip(*http.Request) (*http.Response, error) { return answer{}.response(), nil }

// signed is a key that signs in no time: what is left is the work of this module.
type signed struct{}

func (signed) Public() crypto.PublicKey { return nil }

func (signed) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return make([]byte, 64), nil
}

func BenchmarkContinue(b *testing.B) {
	for name, signer := range map[string]crypto.Signer{"Ed25519": testKey, "KeyElsewhere": signed{}} {
		b.Run(name, func(b *testing.B) {
			client := &Client{Transport: instant{}, Key: httpsig.Key{ID: "key", Signer: signer}}
			benchmarkContinue(b, client)
		})
	}
}

// BenchmarkContinueShared is a continuation that others could join.
func BenchmarkContinueShared(b *testing.B) {
	client := &Client{Transport: instant{}, Key: httpsig.Key{ID: "key", Signer: signed{}}, Flights: &Flights{}}
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
