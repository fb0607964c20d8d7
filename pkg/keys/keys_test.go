package keys

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/x25519"
)

var (
	testSeed   = []byte("an Ed25519 seed made for testing")
	testKey    = ed25519.NewKeyFromSeed(testSeed)
	testPublic = testKey.Public().(ed25519.PublicKey)
)

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readJSON(t testing.TB, name string, target any) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, name), target); err != nil {
		t.Fatal(err)
	}
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	decoded, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

func TestRFC8032Section71(t *testing.T) {
	var file struct {
		Vectors []struct {
			Name, Seed, Public string
			Message, Signature *string
		}
	}
	readJSON(t, "rfc8032.json", &file)
	if len(file.Vectors) != 5 {
		t.Fatalf("%d vectors, want 5", len(file.Vectors))
	}
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			key, err := ParseText([]byte(v.Seed + v.Public)) // mismatched halves would be refused
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(key.Public().(ed25519.PublicKey)); got != v.Public {
				t.Errorf("public key %s, want %s", got, v.Public)
			}
			if v.Signature == nil {
				return
			}
			if got := hex.EncodeToString(ed25519.Sign(key.PrivateKey, unhex(t, *v.Message))); got != *v.Signature {
				t.Errorf("signature %s, want %s", got, *v.Signature)
			}
		})
	}
}

func TestRFC8037AppendixA(t *testing.T) {
	var v struct {
		JWK                                 json.RawMessage
		Thumbprint, SigningInput, Signature string
	}
	readJSON(t, "rfc8037.json", &v)
	key, err := ParseText(v.JWK)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Thumbprint(key.Public().(ed25519.PublicKey)); got != v.Thumbprint || err != nil {
		t.Errorf("thumbprint %s (%v), want %s", got, err, v.Thumbprint)
	}
	if got := base64.RawURLEncoding.EncodeToString(ed25519.Sign(key.PrivateKey, []byte(v.SigningInput))); got != v.Signature {
		t.Errorf("signature %s, want %s", got, v.Signature)
	}
}

// Each tool signed the same text with the key that it made: a key that was read wrong would sign
// differently.
func TestKeysMadeByOtherTools(t *testing.T) {
	const (
		message          = "open payments"
		opensslSignature = "af0873842bae4b869522bf2af475d695bf9668c222c6a21f29e627c002b5fb60" +
			"a071e42833a9c6c9c1d4f7c16aab67c954b541b710e00369fcc7e31a76bb190e"
	)
	var node struct {
		PEM, Base64OfPEM, Base64OfDER, HexOfDER string
		JWK                                     json.RawMessage
		Signature                               string
	}
	readJSON(t, "node.json", &node)
	cases := map[string]struct {
		material  []byte
		parse     func([]byte) (PrivateKey, error)
		signature string
	}{
		"openssl PEM":        {readFile(t, "openssl.pem"), ParseText, opensslSignature},
		"openssl DER":        {readFile(t, "openssl.der"), ParseBytes, opensslSignature},
		"node PEM":           {[]byte(node.PEM), ParseText, node.Signature},
		"node base64 of PEM": {[]byte(node.Base64OfPEM), ParseText, node.Signature},
		"node base64 of DER": {[]byte(node.Base64OfDER), ParseText, node.Signature},
		"node hex of DER":    {[]byte(node.HexOfDER), ParseText, node.Signature},
		"node JWK":           {node.JWK, ParseText, node.Signature},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			key, err := c.parse(c.material)
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.EncodeToString(ed25519.Sign(key.PrivateKey, []byte(message))); got != c.signature {
				t.Errorf("signature %s, want %s", got, c.signature)
			}
		})
	}
}

// RFC 8410 §10.3: attributes and a public half.
func TestRFC8410OneAsymmetricKey(t *testing.T) {
	key, err := ParseText(readFile(t, "rfc8410-v2.pem"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"
	if got := hex.EncodeToString(key.Public().(ed25519.PublicKey)); got != want {
		t.Errorf("public key %s, want %s", got, want)
	}
}

func TestPKCS8RoundTrip(t *testing.T) {
	for range 100 {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der := Material{Seed: private.Seed()}.PKCS8()
		standard, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(der, standard) {
			t.Fatalf("%x, but crypto/x509 writes %x", der, standard)
		}
		if cap(der) != len(der) {
			t.Errorf("PKCS8 of %d bytes sits in %d: what is behind it may not be overwritten", len(der), cap(der))
		}
		back, err := ParseBytes(der)
		if err != nil || !back.Equal(private) {
			t.Fatalf("did not come back: %v", err)
		}
	}
}

func TestPKCS8IsACopy(t *testing.T) {
	found, err := ReadBytes(testSeed)
	if err != nil {
		t.Fatal(err)
	}
	clear(found.PKCS8())
	if !bytes.Equal(found.Seed, testSeed) {
		t.Error("overwriting the PKCS#8 form changed the seed")
	}
}

func TestClear(t *testing.T) {
	key, err := ParseBytes(testSeed)
	if err != nil {
		t.Fatal(err)
	}
	copied := key // shares the bytes
	key.Clear()
	if !bytes.Equal(copied.PrivateKey, make([]byte, ed25519.PrivateKeySize)) {
		t.Error("something of the key is left")
	}
	PrivateKey{}.Clear()

	found, err := ReadBytes(testSeed)
	if err != nil {
		t.Fatal(err)
	}
	sameSeed := found
	found.Clear()
	if !bytes.Equal(sameSeed.Seed, make([]byte, ed25519.SeedSize)) {
		t.Error("something of the seed is left")
	}
	Material{}.Clear()
}

func TestThumbprintIsTheSameForEveryKeyForm(t *testing.T) {
	want, err := Thumbprint(testPublic)
	if err != nil {
		t.Fatal(err)
	}
	published, err := PublicJWK(testPublic, "some id")
	if err != nil {
		t.Fatal(err)
	}
	var members struct{ X string }
	decode(t, published, &members)
	// RFC 7638 §3: the required members alone, in lexicographic order.
	sum := sha256Base64(`{"crv":"Ed25519","kty":"OKP","x":"` + members.X + `"}`)
	if sum != want {
		t.Errorf("thumbprint %s, want %s", want, sum)
	}
}

func decode(t *testing.T, value, target any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, target); err != nil {
		t.Fatal(err)
	}
}

func TestPublicJWKHasExactlyWhatIsPublished(t *testing.T) {
	const id = `a key "id" & more`
	key, err := PublicJWK(testPublic, id)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	decode(t, key, &got)
	want := map[string]any{
		"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": id,
		"x": base64.RawURLEncoding.EncodeToString(testPublic),
	}
	if !maps.Equal(got, want) {
		t.Errorf("published %v, want %v", got, want)
	}
}

func TestPublicJWKRefuses(t *testing.T) {
	cases := map[string]struct {
		public ed25519.PublicKey
		id     string
		want   string
	}{
		"no key":        {nil, "k1", "expected a public key of 32 bytes, found 0 bytes"},
		"a private key": {ed25519.PublicKey(testKey), "k1", "expected a public key of 32 bytes, found 64 bytes"},
		"a short key":   {testPublic[:31], "k1", "expected a public key of 32 bytes, found 31 bytes"},
		"no id":         {testPublic, "", "expected a key id, found none"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			key, err := PublicJWK(c.public, c.id)
			wantUnusable(t, err, c.want)
			if key != nil {
				t.Error("there is a key all the same")
			}
		})
	}
}

func wantUnusable(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil:
		t.Fatalf("accepted, want: %s", want)
	case !errors.Is(err, ErrMaterial):
		t.Errorf("%v does not wrap ErrMaterial", err)
	case Explain(err) != want:
		t.Errorf("error:\n%s\nwant:\n%s", Explain(err), want)
	case err.Error() != "keys: unusable key material: "+want:
		t.Errorf("error: %s", err)
	}
}

func publicJWK(t *testing.T, public ed25519.PublicKey, id string) jwk.Key {
	t.Helper()
	key, err := PublicJWK(public, id)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestJWKS(t *testing.T) {
	other := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	set, err := JWKS(publicJWK(t, testPublic, "old"), publicJWK(t, other, "new"))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string][]map[string]string
	decode(t, set, &got)
	if len(got) != 1 || len(got["keys"]) != 2 || got["keys"][0]["kid"] != "old" || got["keys"][1]["kid"] != "new" {
		t.Fatalf("key set %v", got)
	}
	for _, key := range got["keys"] {
		if names := slices.Sorted(maps.Keys(key)); !slices.Equal(names, []string{"alg", "crv", "kid", "kty", "use", "x"}) {
			t.Errorf("members %v", names)
		}
	}
	empty, err := JWKS()
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(empty); string(text) != `{"keys":[]}` {
		t.Errorf("empty key set %s", text)
	}
}

func fromRaw(t *testing.T, raw any) jwk.Key {
	t.Helper()
	key, err := jwk.FromRaw(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Set(jwk.KeyIDKey, "k1"); err != nil {
		t.Fatal(err)
	}
	return key
}

func TestJWKSRefuses(t *testing.T) {
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	montgomery, private, err := x25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := publicJWK(t, testPublic, "k0")
	cases := map[string]struct {
		keys []jwk.Key
		want string
	}{
		"a private key":        {[]jwk.Key{good, fromRaw(t, testKey)}, "expected public Ed25519 keys, found a private key"},
		"a private X25519 key": {[]jwk.Key{fromRaw(t, private)}, "expected public Ed25519 keys, found a private key"},
		"an X25519 key":        {[]jwk.Key{fromRaw(t, montgomery)}, "expected public Ed25519 keys, found a key of another curve"},
		"an ECDSA key":         {[]jwk.Key{fromRaw(t, ecKey.Public())}, "expected public Ed25519 keys, found *jwk.ecdsaPublicKey"},
		"a private ECDSA key":  {[]jwk.Key{fromRaw(t, ecKey)}, "expected public Ed25519 keys, found *jwk.ecdsaPrivateKey"},
		"a symmetric key":      {[]jwk.Key{fromRaw(t, []byte("secret"))}, "expected public Ed25519 keys, found *jwk.symmetricKey"},
		"nil":                  {[]jwk.Key{nil}, "expected public Ed25519 keys, found <nil>"},
		"one id twice": {
			[]jwk.Key{good, publicJWK(t, testPublic, "k0")},
			"expected a different key id for every key, found the same id twice",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			set, err := JWKS(c.keys...)
			wantUnusable(t, err, c.want)
			if set != nil {
				t.Error("there is a set all the same")
			}
		})
	}
}

func TestExplainLeavesOtherErrorsAlone(t *testing.T) {
	if got := Explain(errors.New("something else")); got != "something else" {
		t.Errorf("got %q", got)
	}
	if _, err := ParseText(nil); strings.Contains(Explain(err), "keys:") {
		t.Errorf("got %q", Explain(err))
	}
}
