package keys

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// errorTexts is every error that this package knows. Numbers of bytes apart they are fixed, so
// they cannot hold anything of the material.
var errorTexts = map[string]bool{
	"expected PKCS#8 PEM, base64 of PEM, a JWK or hex, found nothing":                                                                true,
	"expected PKCS#8 PEM, base64 of PEM, a JWK or hex, found text that is none of them":                                              true,
	"expected base64 of PEM, found base64 of something else":                                                                         true,
	"expected a 32-byte seed, a 64-byte seed and public key, or PKCS#8 DER, found N bytes":                                           true,
	"expected an Ed25519 public key of 32 bytes, found N bytes":                                                                      true,
	"expected an Ed25519 seed of 32 bytes, found N bytes":                                                                            true,
	"expected the two halves of one key, found a public key that is not that of the private key":                                     true,
	"expected PKCS#8 DER of an Ed25519 private key, found DER that is damaged or cut off":                                            true,
	"expected PKCS#8 DER of an Ed25519 private key, found DER of another structure":                                                  true,
	"expected PKCS#8 DER of an Ed25519 private key, found DER with parts that do not belong there":                                   true,
	"expected PKCS#8 DER of an Ed25519 private key, found an Ed25519 key without a readable private half":                            true,
	"expected PKCS#8 DER of an Ed25519 private key, found a public half of the wrong length":                                         true,
	"expected PKCS#8 DER of an Ed25519 private key, found a public key":                                                              true,
	"expected PKCS#8 DER of an Ed25519 private key, found an encrypted private key; decrypt it first, for example with openssl pkey": true,
	"expected PKCS#8 DER of an Ed25519 private key, found a key of another algorithm":                                                true,
	"expected PKCS#8 DER of an Ed25519 private key, found an RSA key":                                                                true,
	"expected PKCS#8 DER of an Ed25519 private key, found an elliptic curve (ECDSA) key":                                             true,
	"expected PKCS#8 DER of an Ed25519 private key, found a DSA key":                                                                 true,
	"expected PKCS#8 DER of an Ed25519 private key, found an X25519 key, which cannot sign":                                          true,
	"expected PKCS#8 DER of an Ed25519 private key, found an X448 key, which cannot sign":                                            true,
	"expected PKCS#8 DER of an Ed25519 private key, found an Ed448 key":                                                              true,
	`expected one PEM block of type "PRIVATE KEY", found more than one`:                                                              true,
	`expected one PEM block of type "PRIVATE KEY", found another type`:                                                               true,
	`expected one PEM block of type "PRIVATE KEY", found PEM that is damaged or cut off`:                                             true,
	`expected one PEM block of type "PRIVATE KEY", found an encrypted private key; decrypt it first, for example with openssl pkey`:  true,
	`expected one PEM block of type "PRIVATE KEY", found a public key`:                                                               true,
	`expected one PEM block of type "PRIVATE KEY", found a certificate`:                                                              true,
	`expected one PEM block of type "PRIVATE KEY", found an RSA private key`:                                                         true,
	`expected one PEM block of type "PRIVATE KEY", found an elliptic curve (ECDSA) private key`:                                      true,
	`expected one PEM block of type "PRIVATE KEY", found an OpenSSH private key; convert it to PKCS#8 first`:                         true,
	`expected a JWK with kty "OKP", crv "Ed25519" and the private member d, found d or x that is not base64url`:                      true,
	`expected a JWK with kty "OKP", crv "Ed25519" and the private member d, found JSON that is damaged or of another shape`:          true,
	`expected a JWK with kty "OKP", crv "Ed25519" and the private member d, found a key set; pass one key of it`:                     true,
	`expected a JWK with kty "OKP", crv "Ed25519" and the private member d, found a JWK of another kty or crv`:                       true,
	`expected a JWK with kty "OKP", crv "Ed25519" and the private member d, found a JWK whose use is not sig`:                        true,
	`expected a JWK with kty "OKP", crv "Ed25519" and the private member d, found a public key`:                                      true,
}

var byteCount = regexp.MustCompile(`\d+ bytes$`)

// checkOutcome holds for whatever was parsed: a key works and comes back, an error is one of those
// that are known.
func checkOutcome(t *testing.T, key PrivateKey, err error) {
	t.Helper()
	if err != nil {
		if key.PrivateKey != nil || key.ID != "" {
			t.Error("there is a key beside the error")
		}
		if !errors.Is(err, ErrMaterial) || !errorTexts[byteCount.ReplaceAllString(Explain(err), "N bytes")] {
			t.Errorf("unknown error: %v", err)
		}
		return
	}
	message := []byte("a message")
	if !ed25519.Verify(key.Public().(ed25519.PublicKey), message, ed25519.Sign(key.PrivateKey, message)) {
		t.Error("the signature of the key does not verify")
	}
	back, err := ParseBytes(Material{Seed: key.Seed()}.PKCS8())
	if err != nil || !back.Equal(key.PrivateKey) {
		t.Errorf("the key does not come back from its PKCS#8 form: %v", err)
	}
	key.Clear()
}

func seedCorpus(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatal("no files: ", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, der := range [][]byte{testSeed, testKey, pkcs8(testSeed), pkcs8v2(testSeed, testPublic)} {
		f.Add(der)
		f.Add([]byte(hex.EncodeToString(der)))
		f.Add([]byte(b64(der)))
		f.Add([]byte(b64([]byte(pemText("PRIVATE KEY", der)))))
		f.Add([]byte(pemText("PRIVATE KEY", der)))
	}
	f.Add([]byte(jwkText(okp, memberD, memberX, `"kid":"k1"`)))
	f.Add([]byte(`{"keys":[]}`))
}

func FuzzParseText(f *testing.F) {
	seedCorpus(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		first, firstErr := ParseText(bytes.Clone(text))
		second, secondErr := ParseText(bytes.Join([][]byte{[]byte(" \n"), text, []byte("\t\r\n")}, nil))
		if (firstErr == nil) != (secondErr == nil) || firstErr == nil && !first.Equal(second.PrivateKey) {
			t.Errorf("white space around it matters: %v and %v", firstErr, secondErr)
		}
		checkOutcome(t, second, secondErr)
		checkOutcome(t, first, firstErr)
	})
}

func FuzzParseBytes(f *testing.F) {
	seedCorpus(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		key, err := ParseBytes(raw)
		if !bytes.Equal(raw, before) {
			t.Error("the material was changed")
		}
		checkOutcome(t, key, err)
	})
}
