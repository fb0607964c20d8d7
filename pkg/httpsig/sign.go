package httpsig

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/yaronf/httpsign"
)

// ErrKey says that a key cannot sign: its ID, its type or its signature is not what Ed25519 needs.
var ErrKey = errors.New("httpsig: unusable key")

// Sign adds the headers of the profile to a request that is ready to be sent: Content-Digest and
// Content-Length when body is not empty, Signature-Input and Signature always. Body must be the
// bytes that will be sent, and the request must have its Content-Type and Authorization headers
// already. A key that cannot sign gives an error that wraps ErrKey; the context of the request
// ends the wait for a slow key.
func Sign(req *http.Request, body []byte, key Key) error {
	var sum [sha512.Size]byte
	if len(body) > 0 {
		sum = sha512.Sum512(body)
	}
	return SignDigest(req, sum, int64(len(body)), key)
}

// SignDigest is Sign where the body is not at hand: sum is its SHA-512 digest, and length how many bytes it
// has, 0 for no body.
func SignDigest(req *http.Request, sum [sha512.Size]byte, length int64, key Key) error {
	if err := checkKey(key); err != nil {
		return err
	}
	hasBody := length > 0
	if hasBody {
		req.Header.Set("Content-Digest", contentDigest(sum))
		req.Header.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	config := httpsign.NewSignConfig().SignAlg(false).SetNonce(newNonce()).SetTag(Tag).SetKeyID(key.ID)
	covered := fields[coverageOf(req.Header, hasBody)]
	signer, err := httpsign.NewJWSSigner(jwa.EdDSA, checkedSigner{bind(req.Context(), key.Signer)}, config, covered)
	if err != nil {
		return err
	}
	input, signature, err := httpsign.SignRequest(Label, *signer, signable(req, TargetURI(req)))
	if err != nil {
		return err
	}
	req.Header.Set("Signature-Input", input)
	req.Header.Set("Signature", signature)
	return nil
}

func checkKey(key Key) error {
	if key.ID == "" {
		return fmt.Errorf("%w: the key id is empty", ErrKey)
	}
	for _, c := range []byte(key.ID) {
		if c < 0x20 || c > 0x7e {
			return fmt.Errorf("%w: the key id must be printable ASCII", ErrKey)
		}
	}
	if key.Signer == nil {
		return fmt.Errorf("%w: there is no signer", ErrKey)
	}
	switch public := key.Signer.Public().(type) {
	case nil, ed25519.PublicKey: // a key held elsewhere may not know its public half
		return nil
	default:
		return fmt.Errorf("%w: expected an Ed25519 key, found %T", ErrKey, public)
	}
}

// contentDigest returns a Content-Digest (RFC 9530 §2) of a SHA-512 digest. That of httpsign reads a stream and builds
// a dictionary, which takes ten times the allocations of this one entry.
func contentDigest(sum [sha512.Size]byte) string {
	return "sha-512=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// newNonce returns 128 random bits: unique for every signature ever made (RFC 9421 §2.3).
func newNonce() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(random[:])
}

func bind(ctx context.Context, signer crypto.Signer) crypto.Signer {
	if s, ok := signer.(interface {
		WithContext(context.Context) crypto.Signer
	}); ok {
		return s.WithContext(ctx)
	}
	return signer
}

// checkedSigner refuses a signature that cannot be Ed25519: a key held elsewhere may return
// anything.
type checkedSigner struct{ crypto.Signer }

func (s checkedSigner) Sign(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := s.Signer.Sign(random, message, opts)
	if err != nil {
		return nil, err
	}
	if len(signature) != ed25519.SignatureSize {
		return nil, fmt.Errorf("%w: expected a signature of %d bytes, got %d", ErrKey, ed25519.SignatureSize, len(signature))
	}
	return signature, nil
}
