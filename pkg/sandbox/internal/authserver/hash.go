package authserver

import (
	"crypto"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512"
	"encoding/base64"
	"strings"
)

// HashEncoding is how the interaction hash is written in the finish redirect.
type HashEncoding int

const (
	// HashBase64 is standard base64 with padding, as the reference server writes it.
	HashBase64 HashEncoding = iota
	// HashBase64URL is base64url without padding, as RFC 9635 §4.2.3 asks.
	HashBase64URL
)

// hashMethods are the values of hash_method that are known, and what they stand for.
var hashMethods = map[string]crypto.Hash{"": crypto.SHA256, "sha-256": crypto.SHA256, "sha-512": crypto.SHA512}

// interactionHash returns the interaction hash of RFC 9635 §4.2.3. Method is one of hashMethods.
func interactionHash(encoding HashEncoding, method, clientNonce, serverNonce, interactRef, grantEndpoint string) string {
	digest := hashMethods[method].New()
	digest.Write([]byte(strings.Join([]string{clientNonce, serverNonce, interactRef, grantEndpoint}, "\n")))
	if encoding == HashBase64URL {
		return base64.RawURLEncoding.EncodeToString(digest.Sum(nil))
	}
	return base64.StdEncoding.EncodeToString(digest.Sum(nil))
}

// otherSlash returns a URL with a trailing slash if it has none, and without it if it has one.
func otherSlash(endpoint string) string {
	if trimmed, ok := strings.CutSuffix(endpoint, "/"); ok {
		return trimmed
	}
	return endpoint + "/"
}
