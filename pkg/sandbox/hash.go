package sandbox

import (
	"crypto/sha256"
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

// interactionHash returns the SHA-256 interaction hash of RFC 9635 §4.2.3.
func interactionHash(encoding HashEncoding, clientNonce, serverNonce, interactRef, grantEndpoint string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{clientNonce, serverNonce, interactRef, grantEndpoint}, "\n")))
	if encoding == HashBase64URL {
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return base64.StdEncoding.EncodeToString(sum[:])
}

// otherSlash returns a URL with a trailing slash if it has none, and without it if it has one.
func otherSlash(endpoint string) string {
	if trimmed, ok := strings.CutSuffix(endpoint, "/"); ok {
		return trimmed
	}
	return endpoint + "/"
}
