package keys

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"testing"
)

func BenchmarkParseText(b *testing.B) {
	key := PrivateKey{PrivateKey: ed25519.NewKeyFromSeed([]byte("an Ed25519 seed made for testing"))}
	encode := base64.RawURLEncoding.EncodeToString
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.PKCS8()})
	public := key.Public().(ed25519.PublicKey)
	forms := map[string][]byte{
		"PEM":         text,
		"Base64OfPEM": []byte(base64.StdEncoding.EncodeToString(text)),
		"JWK":         fmt.Appendf(nil, `{"kty":"OKP","crv":"Ed25519","kid":"key","d":%q,"x":%q}`, encode(key.Seed()), encode(public)),
		"Hex":         fmt.Appendf(nil, "%x", key.Seed()),
	}
	for name, form := range forms {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseText(append([]byte(nil), form...)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkThumbprint(b *testing.B) {
	public := ed25519.NewKeyFromSeed([]byte("an Ed25519 seed made for testing")).Public().(ed25519.PublicKey)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Thumbprint(public); err != nil {
			b.Fatal(err)
		}
	}
}
