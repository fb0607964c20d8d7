package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
)

const (
	expectText = "expected PKCS#8 PEM, a JWK, or base64 or hex of a key"
	expectDER  = "expected PKCS#8 DER of an Ed25519 private key"
	expectRaw  = "expected a 32-byte seed, a 64-byte seed and public key, PKCS#8 DER, or the bytes of a text file"
	expectPEM  = `expected one PEM block of type "PRIVATE KEY"`
	expectB64  = "expected base64 of PEM, of a JWK or of a key"
	expectSet  = "expected a key set with one private Ed25519 key"
	expectID   = "expected a kid of printable ASCII"
	expectJWK  = `expected a JWK with kty "OKP", crv "Ed25519" and the private member d`
	expectSeed = "expected an Ed25519 seed of 32 bytes"
	expectHalf = "expected an Ed25519 public key of 32 bytes"
	expectPair = "expected the two halves of one key"

	foreignKid = ", found a kid with other characters, which cannot sign: change it before you publish it"

	encrypted = ", found an encrypted private key; decrypt it first, for example with openssl pkey"
	mismatch  = ", found a public key that is not that of the private key"
)

func sha256Base64(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// asn1 writes one DER element of less than 128 bytes.
func asn1Element(tag byte, parts ...[]byte) []byte {
	content := slices.Concat(parts...)
	return append([]byte{tag, byte(len(content))}, content...)
}

var (
	version1  = []byte{0x02, 0x01, 0x00}
	version2  = []byte{0x02, 0x01, 0x01}
	algorithm = []byte{0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70}
)

func octets(seed []byte) []byte { return asn1Element(0x04, asn1Element(0x04, seed)) }

func pkcs8(seed []byte) []byte { return asn1Element(0x30, version1, algorithm, octets(seed)) }

func pkcs8v2(seed, public []byte) []byte {
	return asn1Element(0x30, version2, algorithm, octets(seed), asn1Element(0x81, []byte{0}, public))
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func testPEM() string { return pemText("PRIVATE KEY", pkcs8(testSeed)) }

func b64(data []byte) string    { return base64.StdEncoding.EncodeToString(data) }
func b64url(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func jwkText(members ...string) string { return "{" + strings.Join(members, ",") + "}" }

var (
	okp     = `"kty":"OKP","crv":"Ed25519"`
	memberD = `"d":"` + b64url(testSeed) + `"`
	memberX = `"x":"` + b64url(testPublic) + `"`
)

func wrap(text string, width int, newline string) string {
	var lines []string
	for line := range slices.Chunk([]byte(text), width) {
		lines = append(lines, string(line))
	}
	return strings.Join(lines, newline)
}

func TestParseTextTakes(t *testing.T) {
	text := testPEM()
	body := b64(pkcs8(testSeed))
	v2 := pkcs8v2(testSeed, testPublic)
	cases := map[string]struct{ text, id string }{
		"PEM":                           {text, ""},
		"PEM without a last line break": {strings.TrimSuffix(text, "\n"), ""},
		"PEM with CRLF":                 {strings.ReplaceAll(text, "\n", "\r\n"), ""},
		"PEM with an indent":            {"    " + strings.ReplaceAll(text, "\n", "\n    "), ""},
		"PEM with tabs":                 {"\t" + strings.ReplaceAll(text, "\n", "\n\t"), ""},
		"PEM with trailing spaces":      {strings.ReplaceAll(text, "\n", "  \t\n"), ""},
		"PEM with trailing spaces, CRLF": {
			strings.ReplaceAll(text, "\n", "  \t\r\n"), "",
		},
		"PEM with spaces inside": {strings.Replace(text, body, body[:10]+" "+body[10:20]+"\t"+body[20:], 1), ""},
		"PEM with short lines":   {strings.Replace(text, body, wrap(body, 16, "\n"), 1), ""},
		"PEM with short indented CRLF lines": {
			strings.Replace(text, body, "  "+wrap(body, 16, " \r\n  "), 1), "",
		},
		"PEM with headers": {
			strings.Replace(text, body, "Comment: a key for tests\nX-Other: 1\n\n"+body, 1), "",
		},
		"PEM with white space around it": {"\n\t " + text + "\r\n\n ", ""},
		"PEM and words after it":         {text + "this was the key\n", ""},
		"PEM of version 2":               {pemText("PRIVATE KEY", v2), ""},
		"base64 of PEM":                  {b64([]byte(text)), ""},
		"base64 of PEM with CRLF":        {b64([]byte(strings.ReplaceAll(text, "\n", "\r\n"))), ""},
		"base64 of indented PEM":         {b64([]byte("  " + strings.ReplaceAll(text, "\n", "\n  "))), ""},
		"base64 of PEM, wrapped":         {wrap(b64([]byte(text)), 76, "\n"), ""},
		"base64 of PEM, wrapped with CRLF": {
			wrap(b64([]byte(text)), 64, "\r\n") + "\r\n", "",
		},
		"base64 of PEM, no padding":  {strings.TrimRight(b64([]byte(text)), "="), ""},
		"base64url of PEM":           {base64.URLEncoding.EncodeToString([]byte(text)), ""},
		"base64url of PEM, unpadded": {b64url([]byte(text)), ""},
		"base64 of DER":              {body, ""},
		"base64 of DER, version 2":   {b64(v2), ""},
		"base64url of DER":           {b64url(v2), ""},
		"JWK":                        {jwkText(okp, memberD, memberX), ""},
		"JWK without x":              {jwkText(okp, memberD), ""},
		"JWK with kid":               {jwkText(okp, memberD, memberX, `"kid":"my & key"`), "my & key"},
		"JWK with kid without x":     {jwkText(`"kid":"k1"`, okp, memberD), "k1"},
		"JWK with use and alg":       {jwkText(okp, memberD, memberX, `"use":"sig"`, `"alg":"EdDSA"`), ""},
		"JWK with other members":     {jwkText(okp, memberD, `"key_ops":["sign"]`, `"ext":true`, `"x5c":null`), ""},
		"JWK with padding":           {jwkText(okp, `"d":"`+base64.URLEncoding.EncodeToString(testSeed)+`"`), ""},
		"JWK, indented":              {"\r\n {\n\t" + okp + " ,\n\t" + memberD + "\n}\n", ""},
		"hex of the seed":            {hex.EncodeToString(testSeed), ""},
		"hex of both halves":         {hex.EncodeToString(testKey), ""},
		"hex of PKCS#8":              {hex.EncodeToString(pkcs8(testSeed)), ""},
		"hex of PKCS#8, version 2":   {hex.EncodeToString(v2), ""},
		"hex in capitals":            {strings.ToUpper(hex.EncodeToString(testKey)), ""},
		"hex with white space":       {"\t" + hex.EncodeToString(testSeed) + "\n", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			key, err := ParseText([]byte(c.text))
			if err != nil {
				t.Fatalf("%v\n%s", err, c.text)
			}
			if !key.Equal(testKey) {
				t.Error("another key came out")
			}
			if key.ID != c.id {
				t.Errorf("id %q, want %q", key.ID, c.id)
			}
			found, err := ReadText([]byte(c.text))
			if err != nil || !bytes.Equal(found.Seed, testSeed) || found.ID != c.id {
				t.Errorf("ReadText found another key: %v", err)
			}
			if found.Public != nil && !bytes.Equal(found.Public, testPublic) {
				t.Errorf("ReadText found the public half %x", found.Public)
			}
		})
	}
}

func TestParseBytesTakes(t *testing.T) {
	attributes := asn1Element(0xa0, asn1Element(0x30, []byte{0x06, 0x03, 0x2a, 0x03, 0x04}))
	cases := map[string][]byte{
		"seed":             testSeed,
		"both halves":      testKey,
		"PKCS#8":           pkcs8(testSeed),
		"PKCS#8 version 2": pkcs8v2(testSeed, testPublic),
		"attributes":       asn1Element(0x30, version1, algorithm, octets(testSeed), attributes),
		"attributes and public half": asn1Element(0x30, version2, algorithm, octets(testSeed), attributes,
			asn1Element(0x81, []byte{0}, testPublic)),
	}
	for name, material := range cases {
		t.Run(name, func(t *testing.T) {
			raw := bytes.Clone(material)
			key, err := ParseBytes(raw)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(raw, material) {
				t.Error("the material was changed")
			}
			clear(raw)
			if !key.Equal(testKey) {
				t.Error("the key is not a copy of the material")
			}
			if key.ID != "" {
				t.Errorf("id %q from nowhere", key.ID)
			}
		})
	}
}

// A seed may end in, begin with or consist of anything, and base64 of DER ends with it.
func TestEverySeedIsTaken(t *testing.T) {
	for b := range 256 {
		seed := bytes.Repeat([]byte{byte(b)}, ed25519.SeedSize)
		want := ed25519.NewKeyFromSeed(seed)
		materials := []string{
			pemText("PRIVATE KEY", pkcs8(seed)), b64([]byte(pemText("PRIVATE KEY", pkcs8(seed)))),
			b64(pkcs8(seed)), b64url(pkcs8(seed)), hex.EncodeToString(seed), hex.EncodeToString(pkcs8(seed)),
			jwkText(okp, `"d":"`+b64url(seed)+`"`),
		}
		for _, material := range materials {
			if key, err := ParseText([]byte(material)); err != nil || !key.Equal(want) {
				t.Errorf("seed of %#x: %v\n%s", b, err, material)
			}
		}
		for _, material := range [][]byte{seed, want, pkcs8(seed)} {
			if key, err := ParseBytes(material); err != nil || !key.Equal(want) {
				t.Errorf("seed of %#x: %v\n%x", b, err, material)
			}
		}
	}
}

// Base64 of a seed may begin with any letter, a plus and a slash among them.
func TestBase64OfEverySeedIsTaken(t *testing.T) {
	for b := range 256 {
		seed := append([]byte{byte(b)}, testSeed[1:]...)
		want := ed25519.NewKeyFromSeed(seed)
		for _, material := range []string{b64(seed), b64url(seed), b64(want), b64url(want)} {
			if key, err := ParseText([]byte(material)); err != nil || !key.Equal(want) {
				t.Errorf("seed that begins with %#x: %v\n%s", b, err, material)
			}
		}
	}
}

func TestParseTextRefuses(t *testing.T) {
	text := testPEM()
	body := b64(pkcs8(testSeed))
	other := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	file := func(name string) string { return string(readFile(t, name)) }
	var node struct {
		EncryptedPEM, PublicPEM string
		PublicJWK               json.RawMessage
	}
	readJSON(t, "node.json", &node)
	der := func(name string) []byte {
		block, _ := pem.Decode(readFile(t, name))
		return block.Bytes
	}
	otherX := `"x":"` + b64url(other[32:]) + `"`
	cases := map[string]struct{ text, want string }{
		"nothing":        {"", expectText + ", found nothing"},
		"white space":    {" \r\n\t", expectText + ", found nothing"},
		"words":          {"my private key", expectText + ", found text that is none of them"},
		"a sentence":     {"Your key: " + b64(testSeed), expectText + ", found text that is none of them"},
		"wrong base64":   {b64([]byte(text))[:40] + "*" + b64([]byte(text))[40:], expectText + ", found text that is none of them"},
		"mixed alphabet": {b64(bytes.Repeat([]byte{0xfb, 0xff}, 30)) + "-_", expectText + ", found text that is none of them"},
		"null":           {"null", expectB64 + ", found base64 of something else"}, // it is base64, too
		"true":           {"true", expectB64 + ", found base64 of something else"},
		"undefined":      {"undefined", expectText + ", found text that is none of them"},
		"a number":       {"42", expectRaw + ", found 1 bytes"}, // and so are numbers hex
		"a long number":  {"12345", expectText + ", found text that is none of them"},
		"[object Object]": {
			"[object Object]", expectText + ", found text that is none of them",
		},
		"base64 of nothing": {
			"====", expectText + ", found text that is none of them",
		},
		"base64 of white space":  {b64([]byte("   ")), expectB64 + ", found base64 of something else"},
		"base64 of a public key": {b64([]byte(file("openssl-public.pem"))), expectPEM + ", found a public key"},
		"base64, cut off":        {b64([]byte(text))[:80], expectPEM + ", found PEM that is damaged or cut off"},
		"base64 of DER, cut off": {body[:40], expectDER + ", found DER that is damaged or cut off"},

		"hex of 31 bytes":  {hex.EncodeToString(testSeed[:31]), expectRaw + ", found 31 bytes"},
		"hex of 33 bytes":  {hex.EncodeToString(testKey[:33]), expectRaw + ", found 33 bytes"},
		"hex of 63 digits": {hex.EncodeToString(testSeed)[:63], expectText + ", found hex that is damaged or cut off"},
		"hex of words":     {hex.EncodeToString([]byte("my private key")), expectRaw + ", found 14 bytes"},
		"hex of 48 bytes": {
			hex.EncodeToString(testKey[:48]), expectRaw + ", found 48 bytes",
		},
		"hex of another pair": {
			hex.EncodeToString(slices.Concat(testSeed, other[32:])), expectPair + mismatch,
		},
		"hex with a letter": {
			"g" + hex.EncodeToString(testSeed)[1:], expectB64 + ", found base64 of something else",
		},

		"PEM, no END":    {strings.TrimSuffix(text, "-----END PRIVATE KEY-----\n"), expectPEM + ", found PEM that is damaged or cut off"},
		"PEM, half":      {text[:60], expectPEM + ", found PEM that is damaged or cut off"},
		"PEM, only END":  {text[len("-----BEGIN PRIVATE KEY-----\n"):], expectText + ", found text that is none of them"},
		"PEM, bad body":  {strings.Replace(text, body, "*"+body[1:], 1), expectPEM + ", found PEM that is damaged or cut off"},
		"PEM, other END": {strings.Replace(text, "END PRIVATE", "END PUBLIC", 1), expectPEM + ", found PEM that is damaged or cut off"},
		"PEM, no body":   {"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", expectPEM + ", found PEM that is damaged or cut off"},
		"PEM, short body": {
			pemText("PRIVATE KEY", pkcs8(testSeed)[:47]), expectDER + ", found DER that is damaged or cut off",
		},
		"two keys":                  {text + text, expectPEM + ", found more than one"},
		"a key and its public half": {text + file("openssl-public.pem"), expectPEM + ", found more than one"},
		"a public half and its key": {file("openssl-public.pem") + text, expectPEM + ", found more than one"},
		"a damaged key and another": {strings.Replace(text, body, "*", 1) + text, expectPEM + ", found more than one"},
		"an open key and another": {
			strings.TrimSuffix(text, "-----END PRIVATE KEY-----\n") + text, expectPEM + ", found more than one",
		},
		"a key and an open one":        {text + text[:60], expectPEM + ", found more than one"},
		"two keys, indented":           {text + "  " + text, expectPEM + ", found more than one"},
		"base64 of two keys":           {b64([]byte(text + text)), expectPEM + ", found more than one"},
		"encrypted PEM":                {file("encrypted.pem"), expectPEM + encrypted},
		"encrypted PEM of node":        {node.EncryptedPEM, expectPEM + encrypted},
		"encrypted PEM, old scheme":    {file("encrypted-pbes1.pem"), expectPEM + encrypted},
		"base64 of encrypted PEM":      {b64([]byte(file("encrypted.pem"))), expectPEM + encrypted},
		"base64 of encrypted DER":      {b64(der("encrypted.pem")), expectDER + encrypted},
		"encrypted DER, old scheme":    {b64(der("encrypted-pbes1.pem")), expectDER + encrypted},
		"encrypted under a wrong type": {pemText("PRIVATE KEY", der("encrypted.pem")), expectDER + encrypted},
		"legacy encryption": {
			strings.Replace(text, body, "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"+body, 1), expectPEM + encrypted,
		},
		"legacy encrypted RSA":         {file("rsa-pkcs1-encrypted.pem"), expectPEM + ", found an RSA private key"},
		"public PEM":                   {file("openssl-public.pem"), expectPEM + ", found a public key"},
		"public PEM of node":           {node.PublicPEM, expectPEM + ", found a public key"},
		"public under a wrong type":    {pemText("PRIVATE KEY", der("openssl-public.pem")), expectDER + ", found a public key"},
		"public DER":                   {b64(der("openssl-public.pem")), expectDER + ", found a public key"},
		"certificate":                  {file("certificate.pem"), expectPEM + ", found a certificate"},
		"certificate, wrong type":      {pemText("PRIVATE KEY", der("certificate.pem")), expectDER + ", found DER of another structure"},
		"RSA":                          {file("rsa.pem"), expectDER + ", found an RSA key"},
		"RSA, PKCS#1":                  {file("rsa-pkcs1.pem"), expectPEM + ", found an RSA private key"},
		"RSA, PKCS#1 under wrong type": {pemText("PRIVATE KEY", der("rsa-pkcs1.pem")), expectDER + ", found DER of another structure"},
		"EC":                           {file("ec.pem"), expectDER + ", found an elliptic curve (ECDSA) key"},
		"EC, SEC 1":                    {file("ec-sec1.pem"), expectPEM + ", found an elliptic curve (ECDSA) private key"},
		"DSA":                          {file("dsa.pem"), expectDER + ", found a DSA key"},
		"X25519":                       {file("x25519.pem"), expectDER + ", found an X25519 key, which cannot sign"},
		"X448":                         {file("x448.pem"), expectDER + ", found an X448 key, which cannot sign"},
		"Ed448":                        {file("ed448.pem"), expectDER + ", found an Ed448 key"},
		"another algorithm": {b64(asn1Element(0x30, version1, asn1Element(0x30, []byte{0x06, 0x03, 0x2a, 0x03, 0x04}), octets(testSeed))),
			expectDER + ", found a key of another algorithm"},
		"OpenSSH":                   {file("openssh.pem"), expectPEM + ", found " + openSSH},
		"another type":              {pemText("SOMETHING", pkcs8(testSeed)), expectPEM + ", found another type"},
		"a public type round a key": {pemText("PUBLIC KEY", pkcs8(testSeed)), expectPEM + ", found a public key"},
		"PEM of another pair":       {pemText("PRIVATE KEY", pkcs8v2(testSeed, other[32:])), expectPair + mismatch},

		"an open brace":       {"{", expectJWK + ", found JSON that is damaged or of another shape"},
		"an empty object":     {"{}", expectJWK + ", found a JWK of another kty or crv"},
		"JWK, cut off":        {strings.TrimSuffix(jwkText(okp, memberD), "}"), expectJWK + ", found JSON that is damaged or of another shape"},
		"JWK twice":           {jwkText(okp, memberD) + jwkText(okp, memberD), expectJWK + ", found JSON that is damaged or of another shape"},
		"JWK, numeric kid":    {jwkText(okp, memberD, `"kid":1`), expectID + ", found a kid that is not a string"},
		"JWK, empty kid":      {jwkText(okp, memberD, `"kid":""`), expectID + ", found an empty kid"},
		"JWK, kid of letters": {jwkText(okp, memberD, `"kid":"schlüssel"`), expectID + foreignKid},
		"JWK, kid of a line":  {jwkText(okp, memberD, `"kid":"a\u000ab"`), expectID + foreignKid},
		"JWK, kid in quotes":  {`"` + strings.ReplaceAll(jwkText(okp, memberD, "\"kid\":\"a\u00a0b\""), `"`, `\"`) + `"`, expectID + foreignKid},
		"JWK, list as crv":    {jwkText(`"kty":"OKP","crv":["Ed25519"]`, memberD), expectJWK + ", found JSON that is damaged or of another shape"},
		"JWK, numeric d":      {jwkText(okp, `"d":1`), expectJWK + ", found d or x that is not base64url"},
		"JWK, null d":         {jwkText(okp, `"d":null`), expectJWK + ", found d or x that is not base64url"},
		"JWK, object as d":    {jwkText(okp, `"d":{}`), expectJWK + ", found d or x that is not base64url"},
		"JWK, standard d":     {jwkText(okp, `"d":"`+b64(bytes.Repeat([]byte{0xff}, 32))+`"`), expectJWK + ", found d or x that is not base64url"},
		"JWK, spaced d":       {jwkText(okp, `"d":" `+b64url(testSeed)+`"`), expectJWK + ", found d or x that is not base64url"},
		"JWK, bad x":          {jwkText(okp, memberD, `"x":"*"`), expectJWK + ", found d or x that is not base64url"},
		"JWK, empty d":        {jwkText(okp, `"d":""`), expectSeed + ", found 0 bytes"},
		"JWK, short d":        {jwkText(okp, `"d":"`+b64url(testSeed[:31])+`"`), expectSeed + ", found 31 bytes"},
		"JWK, long d":         {jwkText(okp, `"d":"`+b64url(testKey)+`"`), expectSeed + ", found 64 bytes"},
		"JWK, x of another":   {jwkText(okp, memberD, otherX), expectPair + mismatch},
		"JWK, x cut off":      {jwkText(okp, memberD, `"x":"`+b64url(testPublic[:31])+`"`), expectHalf + ", found 31 bytes"},
		"JWK, empty x":        {jwkText(okp, memberD, `"x":""`), expectHalf + ", found 0 bytes"},
		"JWK, kid, wrong x":   {jwkText(okp, memberD, otherX, `"kid":"k1"`), expectPair + mismatch},
		"JWK, last d counts":  {jwkText(okp, memberD, memberX, `"d":"`+b64url(other[:32])+`"`), expectPair + mismatch},
		"JWK, public":         {jwkText(okp, memberX), expectJWK + ", found a public key"},
		"JWK, public of node": {string(node.PublicJWK), expectJWK + ", found a public key"},
		"JWK, use enc":        {jwkText(okp, memberD, `"use":"enc"`), expectJWK + ", found a JWK whose use is not sig"},
		"JWK, X25519":         {jwkText(`"kty":"OKP","crv":"X25519"`, memberD), expectJWK + ", found a JWK of another kty or crv"},
		"JWK, RSA":            {jwkText(`"kty":"RSA","n":"AQAB","e":"AQAB"`, memberD), expectJWK + ", found a JWK of another kty or crv"},
		"JWK, EC":             {jwkText(`"kty":"EC","crv":"P-256"`, memberD, memberX), expectJWK + ", found a JWK of another kty or crv"},
		"JWK, no kty":         {jwkText(`"crv":"Ed25519"`, memberD), expectJWK + ", found a JWK of another kty or crv"},
		"JWK, symmetric":      {`{"kty":"oct","k":"AAAA"}`, expectJWK + ", found a JWK of another kty or crv"},
		"empty key set":       {`{"keys":[]}`, expectSet + ", found none in it"},
		"key set, number":     {`{"keys":1}`, expectSet + ", found JSON that is damaged or of another shape"},
		"key set, public":     {`{"keys":[` + jwkText(okp, memberX) + `]}`, expectSet + ", found none in it"},
		"key set, two keys":   {`{"keys":[` + jwkText(okp, memberD) + "," + jwkText(okp, `"d":"AA"`) + `]}`, expectSet + ", found more than one"},
		"key set, numeric d":  {`{"keys":[` + jwkText(okp, `"d":1`) + `]}`, expectJWK + ", found d or x that is not base64url"},
		"list of numbers":     {`[1,2]`, expectText + ", found text that is none of them"},
		"SSH public key":      {"ssh-ed25519 " + b64(testSeed) + " me@here", expectText + ", found an SSH public key"},
		"two seeds":           {b64(testSeed) + "\n" + b64(testSeed), expectText + ", found text that is none of them"},
		"two hex seeds":       {hex.EncodeToString(testSeed) + " " + hex.EncodeToString(other[:32]), expectPair + mismatch},
		"key set, null":       {`{"keys":null}`, expectSet + ", found none in it"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			key, err := ParseText([]byte(c.text))
			wantUnusable(t, err, c.want)
			if key.PrivateKey != nil || key.ID != "" {
				t.Error("there is a key all the same")
			}
			wantNoEcho(t, err, c.text)
			found, err := ReadText([]byte(c.text))
			wantRead(t, found, err, c.want)
		})
	}
}

// wantRead: reading refuses what parsing refuses, but for halves that do not match, which it does
// not compute.
func wantRead(t *testing.T, found Material, err error, want string) {
	t.Helper()
	if want != expectPair+mismatch {
		wantUnusable(t, err, want)
		if found.Seed != nil || found.Public != nil || found.ID != "" {
			t.Error("there is material all the same")
		}
		return
	}
	if err != nil || len(found.Seed) != ed25519.SeedSize || len(found.Public) != ed25519.PublicKeySize {
		t.Errorf("not read: %v", err)
	}
	_, err = found.PrivateKey()
	wantUnusable(t, err, want)
}

func TestMaterial(t *testing.T) {
	raw := bytes.Clone(testKey)
	found, err := ReadBytes(raw)
	if err != nil {
		t.Fatal(err)
	}
	clear(raw)
	if !bytes.Equal(found.Seed, testSeed) || !bytes.Equal(found.Public, testPublic) {
		t.Error("the material is not a copy of what was read")
	}
	for name, text := range map[string]string{
		"hex": hex.EncodeToString(testKey), "PKCS#8": b64(pkcs8v2(testSeed, testPublic)), "JWK": jwkText(okp, memberD, memberX),
	} {
		if found, err := ReadText([]byte(text)); err != nil || !bytes.Equal(found.Public, testPublic) {
			t.Errorf("%s: the public half is %x (%v)", name, found.Public, err)
		}
	}
	for _, material := range []Material{{Seed: testSeed}, {testSeed, testPublic, "k1"}} {
		key, err := material.PrivateKey()
		if err != nil || !key.Equal(testKey) || key.ID != material.ID {
			t.Errorf("key %q: %v", key.ID, err)
		}
		key.Clear()
	}
	if !bytes.Equal(testSeed, []byte("an Ed25519 seed made for testing")) {
		t.Error("clearing the key cleared the material")
	}
}

// wantNoEcho looks for every run of eight characters of the material, but for the words of the
// armour and of JSON that errors use as well.
func wantNoEcho(t *testing.T, err error, material string) {
	t.Helper()
	message := err.Error()
	for _, known := range []string{expectText, expectDER, expectRaw, expectPEM, expectB64, expectJWK, encrypted} {
		message = strings.ReplaceAll(message, known, "")
	}
	for _, word := range []string{"PRIVATE KEY", "Ed25519"} {
		material = strings.ReplaceAll(material, word, "")
	}
	forms := []string{material, hex.EncodeToString([]byte(material)), b64([]byte(material))}
	if decoded, err := base64.StdEncoding.DecodeString(material); err == nil {
		forms = append(forms, string(decoded))
	}
	for _, form := range forms {
		for i := 0; i+8 <= len(form); i++ {
			if strings.Contains(message, form[i:i+8]) {
				t.Fatalf("%q repeats %q", message, form[i:i+8])
			}
		}
	}
}

func TestParseBytesRefuses(t *testing.T) {
	other := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	good := pkcs8(testSeed)
	withTail := func(tail ...[]byte) []byte {
		return asn1Element(0x30, slices.Concat(version2, algorithm, octets(testSeed)), slices.Concat(tail...))
	}
	const parts = expectDER + ", found DER with parts that do not belong there"
	const noPrivate = expectDER + ", found an Ed25519 key without a readable private half"
	cases := map[string]struct {
		raw  []byte
		want string
	}{
		"nothing":          {nil, expectRaw + ", found 0 bytes"},
		"one byte":         {[]byte{1}, expectRaw + ", found 1 bytes"},
		"31 bytes":         {testSeed[:31], expectRaw + ", found 31 bytes"},
		"33 bytes":         {testKey[:33], expectRaw + ", found 33 bytes"},
		"63 bytes":         {testKey[:63], expectRaw + ", found 63 bytes"},
		"65 bytes":         {append(bytes.Clone(testKey), 0), expectRaw + ", found 65 bytes"},
		"another pair":     {slices.Concat(testSeed, other[32:]), expectPair + mismatch},
		"two seeds":        {slices.Concat(testSeed, testSeed), expectPair + mismatch},
		"DER, cut off":     {good[:47], expectDER + ", found DER that is damaged or cut off"},
		"DER, first byte":  {good[:1], expectRaw + ", found 1 bytes"}, // a zero of ASCII,
		"DER, one more":    {append(bytes.Clone(good), 0), expectDER + ", found DER that is damaged or cut off"},
		"DER, twice":       {slices.Concat(good, good), expectDER + ", found DER that is damaged or cut off"},
		"DER, long length": {append([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, good[2:]...), expectDER + ", found DER that is damaged or cut off"},
		"DER, BER length":  {append([]byte{0x30, 0x81, 0x2e}, good[2:]...), expectDER + ", found DER that is damaged or cut off"},
		"DER, empty":       {[]byte{0x30, 0}, expectDER + ", found DER of another structure"},
		"DER, no version":  {asn1Element(0x30, asn1Element(0x04, testSeed)), expectDER + ", found DER of another structure"},
		"DER, two sequences": {
			asn1Element(0x30, algorithm, asn1Element(0x30, testSeed)), expectDER + ", found DER of another structure",
		},
		"DER, no algorithm":  {asn1Element(0x30, version1, octets(testSeed)), expectDER + ", found DER of another structure"},
		"DER, empty OID":     {asn1Element(0x30, version1, asn1Element(0x30), octets(testSeed)), expectDER + ", found DER of another structure"},
		"public key":         {asn1Element(0x30, algorithm, asn1Element(0x03, []byte{0}, testPublic)), expectDER + ", found a public key"},
		"no private half":    {asn1Element(0x30, version1, algorithm), noPrivate},
		"seed not wrapped":   {asn1Element(0x30, version1, algorithm, asn1Element(0x04, testSeed)), noPrivate},
		"seed and more":      {asn1Element(0x30, version1, algorithm, asn1Element(0x04, asn1Element(0x04, testSeed), []byte{0})), noPrivate},
		"short seed":         {pkcs8(testSeed[:31]), expectSeed + ", found 31 bytes"},
		"long seed":          {pkcs8(testKey[:33]), expectSeed + ", found 33 bytes"},
		"no seed":            {pkcs8(nil), expectSeed + ", found 0 bytes"},
		"v2, another pair":   {pkcs8v2(testSeed, other[32:]), expectPair + mismatch},
		"v2, short public":   {withTail(asn1Element(0x81, []byte{0}, testPublic[:31])), expectDER + ", found a public half of the wrong length"},
		"v2, empty public":   {withTail(asn1Element(0x81)), expectDER + ", found a public half of the wrong length"},
		"v2, unused bits":    {withTail(asn1Element(0x81, []byte{1}, testPublic)), expectDER + ", found a public half of the wrong length"},
		"v2, something else": {withTail([]byte{0x05, 0}), parts},
		"v2, public twice":   {withTail(asn1Element(0x81, []byte{0}, testPublic), asn1Element(0x81, []byte{0}, testPublic)), parts},
		"v2, wrong order":    {withTail(asn1Element(0x81, []byte{0}, testPublic), asn1Element(0xa0)), parts},
		"v2, cut off inside": {withTail([]byte{0x81, 0x21, 0}), parts},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			key, err := ParseBytes(c.raw)
			wantUnusable(t, err, c.want)
			if key.PrivateKey != nil || key.ID != "" {
				t.Error("there is a key all the same")
			}
			wantNoEcho(t, err, string(c.raw))
			found, err := ReadBytes(c.raw)
			wantRead(t, found, err, c.want)
		})
	}
}

// Every way to cut a good key short is refused, and none with a panic.
func TestEveryPrefixIsRefused(t *testing.T) {
	texts := []string{
		testPEM(), b64([]byte(testPEM())), b64(pkcs8v2(testSeed, testPublic)), jwkText(okp, memberD, memberX),
		hex.EncodeToString(pkcs8(testSeed)),
	}
	for _, text := range texts {
		whole := len(strings.TrimRight(text, "\n="))
		for n := range whole {
			if strings.HasPrefix(text, "LS0t") && n >= len(b64([]byte(testPEM()[:len(testPEM())-1])))-4 {
				continue // what is missing may be the line break at the end alone
			}
			if isHex(text[:n]) && n == 2*ed25519.SeedSize { // anything is a seed
				continue
			}
			if _, err := ParseText([]byte(text[:n])); err == nil {
				t.Errorf("%d characters of %s were taken", n, text)
			}
		}
	}
	for _, raw := range [][]byte{pkcs8(testSeed), pkcs8v2(testSeed, testPublic)} {
		for n := range raw {
			if n == ed25519.SeedSize { // anything is a seed
				continue
			}
			if _, err := ParseBytes(raw[:n]); err == nil {
				t.Errorf("%d bytes of %d were taken", n, len(raw))
			}
		}
	}
}

func isHex(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil
}

func TestUnpackingWorksInPlace(t *testing.T) {
	for name, c := range map[string]struct {
		unpack     func([]byte) ([]byte, bool)
		text, want string
	}{
		"escapes":  {unescape, `QU\nJD\r\nRA\u003d\/` + "\\\nx", "QU\nJD\r\nRA=/\nx"},
		"percent":  {percentDecode, "QU%0AJD+%3d", "QU\nJD+="},
		"form":     {percentDecode, "+PRIVATE+KEY%2b", " PRIVATE KEY+"},
		"blanks":   {func(b []byte) ([]byte, bool) { return tidy(b), true }, "A\u200bB\u00a0C\rD\ufeff\t", "ABC\nD "[:2] + " C\nD "},
		"JSON":     {func(b []byte) ([]byte, bool) { return tidyJSON(b), true }, "{\u00a0\"a\u00a0\\\"b\":\u200b1}", "{ \"a\u00a0\\\"b\":1}"},
		"wrapping": {joinWrapped, "AAAABBBBCCCCDDDD \nAAAA", "AAAABBBBCCCCDDDDAAAA"},
		"headers":  {func(b []byte) ([]byte, bool) { return withoutHeaders(b), true }, "\nA: b\n\nQUJD\n", "\n\nQUJD\n"},
	} {
		t.Run(name, func(t *testing.T) {
			text := []byte(c.text)
			held := text
			unpacked, ok := c.unpack(text)
			if !ok || string(unpacked) != c.want {
				t.Errorf("%q, want %q", unpacked, c.want)
			}
			if &unpacked[0] != &held[0] {
				t.Error("the text was moved")
			}
			if n := testing.AllocsPerRun(1, func() { c.unpack(bytes.Clone([]byte(c.text))) }); n > 2 {
				t.Errorf("%v allocations: something was copied", n-2)
			}
		})
	}
}
