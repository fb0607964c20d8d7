//go:build js && wasm

package jsbridge

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"io"

	"github.com/hack-pad/safejs"
)

// CryptoKey returns a signer over a WebCrypto private key for Ed25519. The key stays where it is:
// not a byte of it enters the memory of this module.
func CryptoKey(key safejs.Value) crypto.Signer { return signer{context.Background(), key} }

// SignFunc returns a signer over a JavaScript function that takes a Uint8Array and returns the
// signature as a Uint8Array, or a promise of one.
func SignFunc(sign safejs.Value) crypto.Signer { return signer{context.Background(), sign} }

// signer waits for JavaScript to sign, as long as its context lets it.
type signer struct {
	ctx context.Context
	key safejs.Value // what sign of host.js takes
}

// WithContext returns the signer with another context.
func (s signer) WithContext(ctx context.Context) crypto.Signer { return signer{ctx, s.key} }

// Public returns no key: JavaScript keeps the public half, if it has it at all.
func (s signer) Public() crypto.PublicKey { return ed25519.PublicKey(nil) }

// Sign signs message. What JavaScript throws comes back as an *Error.
func (s signer) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	data, err := FromBytes(message)
	if err != nil {
		return nil, err
	}
	values, err := callHost(s.ctx, hostFunction("sign"), s.key, data)
	if err != nil {
		return nil, err
	}
	return ToBytes(values[0])
}
