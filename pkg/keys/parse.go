package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/subtle"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cryptobyteasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	anyText = "PKCS#8 PEM, base64 of PEM, a JWK or hex"
	anyDER  = "PKCS#8 DER of an Ed25519 private key"
	anyRaw  = "a 32-byte seed, a 64-byte seed and public key, or PKCS#8 DER"
)

// Material is a private key as it was found, before anything is computed with it: computing would
// leave copies in memory that nobody can overwrite.
type Material struct {
	// Seed is the private key (RFC 8032 §5.1.5), 32 bytes.
	Seed []byte
	// Public is the public half that came with it, 32 bytes, or nil. It is not verified.
	Public []byte
	// ID is the kid of the JWK that the key was read from, or empty.
	ID string
}

// Clear overwrites the seed.
func (m Material) Clear() { clear(m.Seed) }

// PrivateKey makes a key of the material, and refuses a public half that is not that of the seed.
func (m Material) PrivateKey() (PrivateKey, error) {
	key := PrivateKey{ed25519.NewKeyFromSeed(m.Seed), m.ID}
	if m.Public != nil && subtle.ConstantTimeCompare(m.Public, key.PrivateKey[ed25519.SeedSize:]) == 0 {
		key.Clear()
		return PrivateKey{}, unusable("the two halves of one key", "a public key that is not that of the private key")
	}
	return key, nil
}

// pkcs8Prefix is everything before the seed in the PKCS#8 DER of an Ed25519 key (RFC 8410 §7).
var pkcs8Prefix = []byte{0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20}

// PKCS8 returns the PKCS#8 DER of the key, 48 bytes, as WebCrypto imports it. The caller should
// overwrite it after use.
func (m Material) PKCS8() []byte {
	return append(append(make([]byte, 0, len(pkcs8Prefix)+len(m.Seed)), pkcs8Prefix...), m.Seed...)
}

// ParseText reads a private key from text, as ReadText does, and checks that its halves match.
func ParseText(text []byte) (PrivateKey, error) { return parse(ReadText(text)) }

// ParseBytes reads a private key from binary material, as ReadBytes does, and checks that its
// halves match.
func ParseBytes(raw []byte) (PrivateKey, error) { return parse(ReadBytes(raw)) }

func parse(m Material, err error) (PrivateKey, error) {
	if err != nil {
		return PrivateKey{}, err
	}
	defer m.Clear()
	return m.PrivateKey()
}

// ReadText reads a private key from text: PKCS#8 PEM (RFC 8410), base64 of PEM or of DER, a JWK
// (RFC 8037 §2), or hex of what ReadBytes takes. White space around it does not matter. It may
// rearrange text and the caller should overwrite it afterwards. Errors wrap ErrMaterial.
func ReadText(text []byte) (Material, error) {
	text = bytes.TrimSpace(text)
	switch {
	case len(text) == 0:
		return Material{}, unusable(anyText, "nothing")
	case bytes.HasPrefix(text, []byte("-----BEGIN ")):
		return readPEM(text)
	case text[0] == '{':
		return readJWK(text)
	}
	if decoded, ok := decodeHex(text); ok {
		defer clear(decoded)
		return ReadBytes(decoded)
	}
	return readBase64(text)
}

// ReadBytes reads a private key from binary material: PKCS#8 DER (RFC 8410), a 32-byte seed or a
// 64-byte seed followed by its public key (RFC 8032). The material is a copy: the caller should
// overwrite raw. Errors wrap ErrMaterial.
func ReadBytes(raw []byte) (Material, error) {
	switch {
	case len(raw) == ed25519.SeedSize:
		return material(raw, nil)
	case len(raw) == ed25519.PrivateKeySize:
		return material(raw[:ed25519.SeedSize], raw[ed25519.SeedSize:])
	case len(raw) > 0 && raw[0] == 0x30: // an ASN.1 SEQUENCE
		return readPKCS8(raw)
	default:
		return Material{}, unusable(anyRaw, fmt.Sprintf("%d bytes", len(raw)))
	}
}

func material(seed, public []byte) (Material, error) {
	if len(seed) != ed25519.SeedSize {
		return Material{}, unusable("an Ed25519 seed of 32 bytes", fmt.Sprintf("%d bytes", len(seed)))
	}
	if public != nil && len(public) != ed25519.PublicKeySize {
		return Material{}, unusable("an Ed25519 public key of 32 bytes", fmt.Sprintf("%d bytes", len(public)))
	}
	return Material{Seed: bytes.Clone(seed), Public: bytes.Clone(public)}, nil
}

func decodeHex(text []byte) ([]byte, bool) {
	decoded := make([]byte, hex.DecodedLen(len(text)))
	if _, err := hex.Decode(decoded, text); err != nil {
		clear(decoded)
		return nil, false
	}
	return decoded, true
}

func readBase64(text []byte) (Material, error) {
	encoding := base64.StdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.URLEncoding
	}
	if !bytes.ContainsRune(text, '=') {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	decoded := make([]byte, encoding.DecodedLen(len(text)))
	defer clear(decoded)
	n, err := encoding.Decode(decoded, text)
	if err != nil {
		return Material{}, unusable(anyText, "text that is none of them")
	}
	decoded = decoded[:n]
	switch inner := bytes.TrimSpace(decoded); {
	case bytes.HasPrefix(inner, []byte("-----BEGIN ")):
		return readPEM(inner)
	case n > 0 && decoded[0] == 0x30: // DER, which may end in what looks like white space
		return readPKCS8(decoded)
	default:
		return Material{}, unusable("base64 of PEM", "base64 of something else")
	}
}

var pemTypes = map[string]string{
	"ENCRYPTED PRIVATE KEY": "an encrypted private key; decrypt it first, for example with openssl pkey",
	"PUBLIC KEY":            "a public key",
	"CERTIFICATE":           "a certificate",
	"RSA PRIVATE KEY":       "an RSA private key",
	"EC PRIVATE KEY":        "an elliptic curve (ECDSA) private key",
	"OPENSSH PRIVATE KEY":   "an OpenSSH private key; convert it to PKCS#8 first",
}

func readPEM(text []byte) (Material, error) {
	const expected = `one PEM block of type "PRIVATE KEY"`
	if bytes.Count(text, []byte("-----BEGIN ")) > 1 {
		return Material{}, unusable(expected, "more than one")
	}
	block, _ := pem.Decode(joinLines(text))
	if block == nil {
		return Material{}, unusable(expected, "PEM that is damaged or cut off")
	}
	defer clear(block.Bytes)
	if found, known := pemTypes[block.Type]; known {
		return Material{}, unusable(expected, found)
	}
	if block.Type != "PRIVATE KEY" {
		return Material{}, unusable(expected, "another type")
	}
	if strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
		return Material{}, unusable(expected, pemTypes["ENCRYPTED PRIVATE KEY"])
	}
	return readPKCS8(block.Bytes)
}

// joinLines removes, in place, the spaces and tabs that make encoding/pem copy the key before it
// decodes it. Lines with a dash or a colon (the armour and the headers) lose only their indent.
func joinLines(text []byte) []byte {
	out := text[:0]
	for line := range bytes.Lines(text) {
		if bytes.ContainsAny(line, "-:") {
			out = append(out, bytes.TrimLeft(line, " \t")...)
			continue
		}
		for _, c := range line {
			if c != ' ' && c != '\t' {
				out = append(out, c)
			}
		}
	}
	clear(text[len(out):])
	return out
}

var (
	oidEd25519  = asn1.ObjectIdentifier{1, 3, 101, 112}
	foreignOIDs = map[string]string{
		"1.2.840.113549.1.1.1": "an RSA key",
		"1.2.840.10045.2.1":    "an elliptic curve (ECDSA) key",
		"1.2.840.10040.4.1":    "a DSA key",
		"1.3.101.110":          "an X25519 key, which cannot sign",
		"1.3.101.111":          "an X448 key, which cannot sign",
		"1.3.101.113":          "an Ed448 key",
	}
)

// readPKCS8 reads PrivateKeyInfo and OneAsymmetricKey (RFC 5958 §2, RFC 8410 §7) without copying
// the key, which encoding/asn1 and crypto/x509 would.
func readPKCS8(der []byte) (Material, error) {
	var (
		input                       = cryptobyte.String(der)
		sequence, algorithm, octets cryptobyte.String
		version                     int64
		oid                         asn1.ObjectIdentifier
	)
	if !input.ReadASN1(&sequence, cryptobyteasn1.SEQUENCE) || !input.Empty() {
		return Material{}, unusable(anyDER, "DER that is damaged or cut off")
	}
	if sequence.PeekASN1Tag(cryptobyteasn1.SEQUENCE) {
		return Material{}, unusable(anyDER, notPrivate(sequence))
	}
	if !sequence.ReadASN1Integer(&version) ||
		!sequence.ReadASN1(&algorithm, cryptobyteasn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid) {
		return Material{}, unusable(anyDER, "DER of another structure")
	}
	if !oid.Equal(oidEd25519) {
		return Material{}, unusable(anyDER, foreign(oid))
	}
	var seed cryptobyte.String
	if !sequence.ReadASN1(&octets, cryptobyteasn1.OCTET_STRING) || !octets.ReadASN1(&seed, cryptobyteasn1.OCTET_STRING) || !octets.Empty() {
		return Material{}, unusable(anyDER, "an Ed25519 key without a readable private half")
	}
	public, err := readPublicHalf(sequence)
	if err != nil {
		return Material{}, err
	}
	return material(seed, public)
}

// notPrivate names what starts with two sequences: a SubjectPublicKeyInfo (RFC 5280 §4.1) or an
// EncryptedPrivateKeyInfo (RFC 5958 §3).
func notPrivate(sequence cryptobyte.String) string {
	var algorithm cryptobyte.String
	var oid asn1.ObjectIdentifier
	switch {
	case !sequence.ReadASN1(&algorithm, cryptobyteasn1.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&oid):
		return "DER of another structure"
	case sequence.PeekASN1Tag(cryptobyteasn1.OCTET_STRING):
		return pemTypes["ENCRYPTED PRIVATE KEY"]
	case sequence.PeekASN1Tag(cryptobyteasn1.BIT_STRING):
		return "a public key"
	}
	return "DER of another structure"
}

func foreign(oid asn1.ObjectIdentifier) string {
	if name, known := foreignOIDs[oid.String()]; known {
		return name
	}
	return "a key of another algorithm"
}

// readPublicHalf skips the attributes and returns the public key of OneAsymmetricKey, or nil.
func readPublicHalf(rest cryptobyte.String) ([]byte, error) {
	attributes := cryptobyteasn1.Tag(0).ContextSpecific().Constructed()
	publicKey := cryptobyteasn1.Tag(1).ContextSpecific()
	var bits cryptobyte.String
	var present bool
	if !rest.SkipOptionalASN1(attributes) || !rest.ReadOptionalASN1(&bits, &present, publicKey) || !rest.Empty() {
		return nil, unusable(anyDER, "DER with parts that do not belong there")
	}
	if !present {
		return nil, nil
	}
	if len(bits) != 1+ed25519.PublicKeySize || bits[0] != 0 {
		return nil, unusable(anyDER, "a public half of the wrong length")
	}
	return bits[1:], nil
}

// bytesMember is a base64url JWK member, decoded straight from the JSON text: a string in between
// could not be overwritten.
type bytesMember []byte

var errMember = errors.New("not base64url")

func (m *bytesMember) UnmarshalJSON(text []byte) error {
	if len(text) < 2 || text[0] != '"' {
		return errMember
	}
	text = bytes.TrimRight(text[1:len(text)-1], "=")
	decoded := make([]byte, base64.RawURLEncoding.DecodedLen(len(text)))
	if _, err := base64.RawURLEncoding.Decode(decoded, text); err != nil {
		clear(decoded)
		return errMember
	}
	clear(*m)
	*m = decoded
	return nil
}

// present tells that a member is there without keeping it.
type present bool

func (p *present) UnmarshalJSON([]byte) error {
	*p = true
	return nil
}

func readJWK(text []byte) (Material, error) {
	const expected = `a JWK with kty "OKP", crv "Ed25519" and the private member d`
	var raw struct {
		Kty, Crv, Kid, Use string
		D, X               bytesMember
		Keys               present
	}
	defer func() { clear(raw.D) }()
	err := json.Unmarshal(text, &raw)
	switch {
	case errors.Is(err, errMember):
		return Material{}, unusable(expected, "d or x that is not base64url")
	case err != nil:
		return Material{}, unusable(expected, "JSON that is damaged or of another shape")
	case bool(raw.Keys):
		return Material{}, unusable(expected, "a key set; pass one key of it")
	case raw.Kty != "OKP" || raw.Crv != "Ed25519":
		return Material{}, unusable(expected, "a JWK of another kty or crv")
	case raw.Use != "" && raw.Use != "sig":
		return Material{}, unusable(expected, "a JWK whose use is not sig")
	case raw.D == nil:
		return Material{}, unusable(expected, "a public key")
	}
	m, err := material(raw.D, raw.X)
	if err != nil {
		return Material{}, err
	}
	m.ID = raw.Kid
	return m, nil
}
