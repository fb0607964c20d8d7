package gnap

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"strings"

	"open-payments-wasm/pkg/signedhttp"
)

// InteractionHash is what a finish redirect is checked against (RFC 9635 §4.2.3): the nonces and
// the endpoint that the client knows, the reference and hash that came back.
type InteractionHash struct {
	ClientNonce   string // interact.finish.nonce of the grant request
	ServerNonce   string // interact.finish of the response
	InteractRef   string // interact_ref of the redirect
	GrantEndpoint string // the URL that the grant was requested from
	Method        string // hash_method of the grant request: "sha-256", "sha-512" or "" for sha-256
	Hash          string // hash of the redirect
}

// Verify returns a *signedhttp.Error with OpVerify and CodeHash unless Hash is right. It takes base64url without padding,
// as RFC 9635 has it, and base64 with padding, as the reference server sends it; and the endpoint
// with and without a slash at its end. The comparison takes constant time.
func (h InteractionHash) Verify() error {
	newHash, known := map[string]func() hash.Hash{"": sha256.New, "sha-256": sha256.New, "sha-512": sha512.New}[h.Method]
	if !known {
		return &signedhttp.ArgumentError{Argument: "hashMethod", Problem: `must be "sha-256" or "sha-512"`}
	}
	if h.isRight(newHash) {
		return nil
	}
	failure := OpVerify.Fail(CodeHash,
		"The interaction hash is not the one that this grant must have: the redirect was not made by the server for this request. Nothing was sent.")
	if h.Method == "sha-512" && h.isRight(sha256.New) {
		failure.Description = "The server ignored hash_method and hashed with sha-256, so its redirect is not verified. Nothing was sent. " +
			"Leave hash_method out of the grant request at this server."
	}
	return failure
}

func (h InteractionHash) isRight(newHash func() hash.Hash) bool {
	got := decodeHash(h.Hash)
	endpoint := strings.TrimSuffix(h.GrantEndpoint, "/")
	right := subtle.ConstantTimeCompare(got, h.sum(newHash, endpoint)) | subtle.ConstantTimeCompare(got, h.sum(newHash, endpoint+"/"))
	complete := h.ClientNonce != "" && h.ServerNonce != "" && h.InteractRef != "" && h.GrantEndpoint != ""
	return right == 1 && complete
}

func (h InteractionHash) sum(newHash func() hash.Hash, endpoint string) []byte {
	digest := newHash()
	digest.Write([]byte(h.ClientNonce + "\n" + h.ServerNonce + "\n" + h.InteractRef + "\n" + endpoint))
	return digest.Sum(nil)
}

// decodeHash reads both alphabets of base64, padded or not. What is neither is nil, which equals
// no hash. But for these there is one text of each hash: by it callers know whether a callback was used before. So bits
// that say nothing must be zero, and there are no line breaks, which encoding/base64 would skip.
func decodeHash(text string) []byte {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	decoded, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil
	}
	return decoded
}
