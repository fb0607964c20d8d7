package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
)

const (
	anyJWK = `a JWK with kty "OKP", crv "Ed25519" and the private member d`
	anySet = "a key set with one private Ed25519 key"

	damagedJSON = "JSON that is damaged or of another shape"
)

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

// span is a JSON value where it stands in the text that was read, not a copy of it.
type span []byte

func (s *span) UnmarshalJSON(text []byte) error {
	*s = text
	return nil
}

func (s span) isNull() bool { return s == nil || string(s) == "null" }

// members are those of a JWK that matter here.
type members struct {
	Kty, Crv, Use string
	Kid           span
	D, X          bytesMember
}

// readObject reads a JWK, or a key set or a list of JWKs with one private Ed25519 key. Keys beside it that
// are public or of other kinds are ignored (RFC 7517 §5).
func readObject(text []byte) (Material, error) {
	if text[0] == '[' {
		return readSet(text)
	}
	var shape struct{ Kty, Keys span }
	if err := json.Unmarshal(text, &shape); err != nil {
		return Material{}, unusable(anyJWK, damagedJSON)
	}
	if shape.Kty == nil && shape.Keys != nil {
		return readSet(shape.Keys)
	}
	return readJWK(text)
}

func readSet(list []byte) (Material, error) {
	var keys []span
	if err := json.Unmarshal(list, &keys); err != nil {
		return Material{}, unusable(anySet, damagedJSON)
	}
	var found span
	for _, key := range keys {
		var jwk struct{ Kty, Crv, D span }
		_ = json.Unmarshal(key, &jwk) // what is no object has no members, and is no key of ours
		if string(jwk.Kty) != `"OKP"` || string(jwk.Crv) != `"Ed25519"` || jwk.D.isNull() {
			continue
		}
		if found != nil {
			return Material{}, unusable(anySet, "more than one")
		}
		found = key
	}
	if found == nil {
		return Material{}, unusable(anySet, "none in it")
	}
	return readJWK(found)
}

func readJWK(text []byte) (Material, error) {
	var jwk members
	defer func() { clear(jwk.D) }()
	err := json.Unmarshal(text, &jwk)
	switch {
	case errors.Is(err, errMember):
		return Material{}, unusable(anyJWK, "d or x that is not base64url")
	case err != nil:
		return Material{}, unusable(anyJWK, damagedJSON)
	case jwk.Kty != "OKP" || jwk.Crv != "Ed25519":
		return Material{}, unusable(anyJWK, "a JWK of another kty or crv")
	case jwk.Use != "" && jwk.Use != "sig":
		return Material{}, unusable(anyJWK, "a JWK whose use is not sig")
	case jwk.D == nil:
		return Material{}, unusable(anyJWK, "a public key")
	}
	id, err := readID(jwk.Kid)
	if err != nil {
		return Material{}, err
	}
	m, err := material(jwk.D, jwk.X)
	if err != nil {
		return Material{}, err
	}
	m.ID = id
	return m, nil
}

// readID refuses a kid that could be published and never be sent: keyid is an sf-string (RFC 9421 §2.3,
// RFC 8941 §3.3.3).
func readID(kid span) (string, error) {
	const expected = "a kid of printable ASCII"
	if kid.isNull() {
		return "", nil
	}
	if kid[0] != '"' {
		return "", unusable(expected, "a kid that is not a string")
	}
	var id string
	if err := json.Unmarshal(kid, &id); err != nil || id == "" {
		return "", unusable(expected, "an empty kid")
	}
	if bytes.ContainsFunc([]byte(id), func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", unusable(expected, "a kid with other characters, which cannot sign: change it before you publish it")
	}
	return id, nil
}
