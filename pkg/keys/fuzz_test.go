package keys

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// errorTexts is every error that this package knows. Numbers of bytes apart they are fixed, so
// they cannot hold anything of the material.
var errorTexts = map[string]bool{
	"expected PKCS#8 PEM, a JWK, or base64 or hex of a key, found nothing":                                                           true,
	"expected PKCS#8 PEM, a JWK, or base64 or hex of a key, found text that is none of them":                                         true,
	"expected base64 of PEM, of a JWK or of a key, found base64 of something else":                                                   true,
	"expected a 32-byte seed, a 64-byte seed and public key, PKCS#8 DER, or the bytes of a text file, found N bytes":                 true,
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
	`expected one PEM block of type "PRIVATE KEY", found ` + openSSH:                                                                 true,
	`expected a JWK with kty "OKP", crv "Ed25519" and the private member d, found d or x that is not base64url`:                      true,
	`expected a JWK with kty "OKP", crv "Ed25519" and the private member d, found JSON that is damaged or of another shape`:          true,
	"expected a key set with one private Ed25519 key, found none in it":                                                              true,
	"expected a key set with one private Ed25519 key, found more than one":                                                           true,
	"expected a key set with one private Ed25519 key, found JSON that is damaged or of another shape":                                true,
	"expected a kid of printable ASCII, found a kid that is not a string":                                                            true,
	"expected a kid of printable ASCII, found an empty kid":                                                                          true,
	"expected a kid of printable ASCII" + foreignKid:                                                                                 true,
	"expected PKCS#8 PEM, a JWK, or base64 or hex of a key, found hex that is damaged or cut off":                                    true,
	"expected PKCS#8 PEM, a JWK, or base64 or hex of a key, found an SSH public key":                                                 true,
	`expected one PEM block of type "PRIVATE KEY", found a DSA private key`:                                                          true,
	`expected one PEM block of type "PRIVATE KEY", found an SSH private key; make a new key with openssl genpkey -algorithm ed25519`: true,
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
	var table packingTable
	readJSON(f, "packings.json", &table)
	for _, p := range table.Packings {
		if f.Add(p.Base64); p.Text != nil {
			f.Add([]byte(*p.Text))
		}
	}
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

// packers are what people and tools do to text. Those that make other text of any text are applied one
// upon the other; the first that is no such packer ends it.
var packers = []func(string) string{
	func(s string) string { return s },
	func(s string) string { return " \ufeff\u00a0" + s + "\u200b\r\n" },
	func(s string) string { return `"` + s + `"` },
	func(s string) string { return "'" + s + "'" },
	func(s string) string { return "“" + s + "”" },
	func(s string) string { return "`" + s + "`" },
	func(s string) string { text, _ := json.Marshal(s); return string(text) },
	url.QueryEscape,
	url.PathEscape,
	func(s string) string { return "data:text/plain," + url.PathEscape(s) },
	func(s string) string { return "data:;base64," + b64([]byte(s)) },
	func(s string) string { return b64([]byte(s)) },
	func(s string) string { return b64url([]byte(s)) },
	func(s string) string { return hex.EncodeToString([]byte(s)) },
	func(s string) string { return "export KEY=" + s },
}

// lines are what becomes of the line breaks of PEM.
var lines = []string{"\n", "\r\n", "\r", `\n`, `\r\n`, `\\n`, "\\\n", " ", "", "\u2028", "\u00a0", "%0A", " \n\u200b"}

// FuzzPackings packs a known key and reads it again: packing chooses what is done, one after the other.
func FuzzPackings(f *testing.F) {
	for i := range max(len(packers), len(lines)) {
		f.Add(bytes.Clone(testSeed), uint8(i%6), uint8(i), uint8(i), uint8(i+1), uint8(i+5))
	}
	f.Fuzz(func(t *testing.T, seed []byte, form, line, first, second, third uint8) {
		if len(seed) != ed25519.SeedSize || seed[0] == 0x30 && bytes.Contains(seed, oidDER) || beginsText(seed) {
			return
		}
		want := ed25519.NewKeyFromSeed(seed)
		forms := []string{
			strings.ReplaceAll(pemText("PRIVATE KEY", pkcs8(seed)), "\n", lines[int(line)%len(lines)]),
			b64(seed), b64url(pkcs8(seed)), hex.EncodeToString(seed), hex.EncodeToString(want),
			jwkText(okp, `"kid":"k 1%41\\\""`, `"d":"`+b64url(seed)+`"`),
		}
		text := forms[int(form)%len(forms)]
		for _, packer := range []uint8{first, second, third} {
			text = packers[int(packer)%len(packers)](text)
		}
		key, err := ParseText([]byte(text))
		if err != nil || !key.Equal(want) {
			t.Errorf("%v: %s", err, text)
		}
		if key, err := ParseBytes([]byte(text)); err != nil || !key.Equal(want) {
			t.Errorf("as bytes: %v: %s", err, text)
		}
	})
}
