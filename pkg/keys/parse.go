package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/subtle"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cryptobyteasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	anyText   = "PKCS#8 PEM, a JWK, or base64 or hex of a key"
	anyBase64 = "base64 of PEM, of a JWK or of a key"
	anyDER    = "PKCS#8 DER of an Ed25519 private key"
	anyRaw    = "a 32-byte seed, a 64-byte seed and public key, PKCS#8 DER, or the bytes of a text file"
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

// maxLayers is how many packings are taken off one after the other: more than people have, and few
// enough for any stack.
const maxLayers = 12

// errNone is the error for what has no form at all, as text.
var errNone = unusable(anyText, "text that is none of them")

// ReadText reads a private key from text: PKCS#8 PEM (RFC 8410), a JWK (RFC 8037 §2), a key set with
// one private key (RFC 7517 §5), or base64 or hex of what ReadBytes takes. What files, environment
// variables, forms and addresses make of such text is taken off first: see README.md for the list, and
// testdata/packings.json for an example of each. ReadText may rearrange text, and the caller should
// overwrite it afterwards. Errors wrap ErrMaterial.
func ReadText(text []byte) (Material, error) { return readText(text, maxLayers) }

// ReadBytes reads a private key from binary material: PKCS#8 DER (RFC 8410), a 32-byte seed or a
// 64-byte seed followed by its public key (RFC 8032), or the bytes of a file with text that ReadText
// takes, in UTF-8 or UTF-16. The material is a copy: the caller should overwrite raw. Errors wrap
// ErrMaterial.
func ReadBytes(raw []byte) (Material, error) { return readWhole(raw, maxLayers) }

// readWhole is readBytes with an error that says how much there was.
func readWhole(raw []byte, layers int) (Material, error) {
	m, err := readBytes(raw, layers)
	if err == errNone {
		return Material{}, unusable(anyRaw, fmt.Sprintf("%d bytes", len(raw)))
	}
	return m, err
}

// readBytes returns errNone for what has no form at all.
func readBytes(raw []byte, layers int) (Material, error) {
	switch {
	case len(raw) == 0:
		return Material{}, errNone
	case raw[0] == 0x30 && bytes.Contains(raw, oidDER): // of whatever length: a part of a key is no seed
		return readPKCS8(raw)
	case len(raw) == ed25519.SeedSize && !beginsText(raw):
		return material(raw, nil)
	}
	if text := textOf(raw); text != nil {
		defer clear(text)
		m, err := readText(text, layers)
		if err != errNone || len(raw) != ed25519.PrivateKeySize {
			return m, err
		}
	}
	switch {
	case len(raw) == ed25519.PrivateKeySize:
		return material(raw[:ed25519.SeedSize], raw[ed25519.SeedSize:])
	case raw[0] == 0x30: // an ASN.1 SEQUENCE
		return readPKCS8(raw)
	}
	return Material{}, errNone
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

var (
	oidDER      = pkcs8Prefix[7:12]
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
		return encryptedKey
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
