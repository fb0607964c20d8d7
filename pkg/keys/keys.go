// Package keys reads Ed25519 private keys in the forms that people have in hand and writes the
// public JWK and key set that a client publishes at {wallet address}/jwks.json (RFC 7517,
// RFC 8037), with github.com/lestrrat-go/jwx.
//
// Reading leaves no copy of the private key behind: intermediate buffers are overwritten, which is
// why PKCS#8 and the private members of a JWK are read here and not by parsers that copy.
package keys

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
)

// ErrMaterial is wrapped by every error about key material. The text says what was expected and
// what was found, and never repeats the material.
var ErrMaterial = errors.New("keys: unusable key material")

func unusable(expected, found string) error {
	return fmt.Errorf("%w: expected %s, found %s", ErrMaterial, expected, found)
}

// PrivateKey is an Ed25519 private key and the id that came with it.
type PrivateKey struct {
	ed25519.PrivateKey
	// ID is the kid of the JWK that the key was read from, or empty.
	ID string
}

// Clear overwrites the private key.
func (k PrivateKey) Clear() { clear(k.PrivateKey) }

// PKCS8 returns the PKCS#8 DER of the key, 48 bytes. The caller should overwrite it after use.
func (k PrivateKey) PKCS8() []byte { return Material{Seed: k.PrivateKey[:ed25519.SeedSize]}.PKCS8() }

// Thumbprint returns the RFC 7638 thumbprint of a public key, SHA-256 in base64url without
// padding: the key id to use where there is no other.
func Thumbprint(public ed25519.PublicKey) (string, error) {
	key, err := jwk.FromRaw(public)
	if err != nil {
		return "", err
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// PublicJWK returns the public JWK of a key as Open Payments wants it published: kty, crv, x, alg,
// use and kid (RFC 8037 §2).
func PublicJWK(public ed25519.PublicKey, id string) (jwk.Key, error) {
	if len(public) != ed25519.PublicKeySize {
		return nil, unusable("a public key of 32 bytes", fmt.Sprintf("%d bytes", len(public)))
	}
	if id == "" {
		return nil, unusable("a key id", "none")
	}
	key, err := jwk.FromRaw(public)
	if err != nil {
		return nil, err
	}
	members := map[string]any{jwk.KeyIDKey: id, jwk.AlgorithmKey: jwa.EdDSA, jwk.KeyUsageKey: jwk.ForSignature}
	for name, value := range members {
		if err := key.Set(name, value); err != nil {
			return nil, err
		}
	}
	return key, nil
}

// JWKS returns the key set that {wallet address}/jwks.json must serve (RFC 7517 §5). It refuses
// keys that are not public and two keys under one id.
func JWKS(publicKeys ...jwk.Key) (jwk.Set, error) {
	set := jwk.NewSet()
	for _, key := range publicKeys {
		if found := notPublic(key); found != "" {
			return nil, unusable("public Ed25519 keys", found)
		}
		if _, taken := set.LookupKeyID(key.KeyID()); taken {
			return nil, unusable("a different key id for every key", "the same id twice")
		}
		if err := set.AddKey(key); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// notPublic says what a key is that must not be published, or "". A private key of jwx has every
// method of a public one.
func notPublic(key jwk.Key) string {
	public, ok := key.(jwk.OKPPublicKey)
	_, private := key.(jwk.OKPPrivateKey)
	switch {
	case private:
		return "a private key"
	case !ok:
		return fmt.Sprintf("%T", key)
	case public.Crv() != jwa.Ed25519:
		return "a key of another curve"
	}
	return ""
}

// Explain returns the text of an error of this package without the name of the package.
func Explain(err error) string {
	return strings.TrimPrefix(err.Error(), ErrMaterial.Error()+": ")
}
