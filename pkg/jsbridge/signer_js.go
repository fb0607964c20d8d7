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
func CryptoKey(key safejs.Value) crypto.Signer {
	return signer{context.Background(), func(data safejs.Value) (safejs.Value, error) {
		crypto, err := global.Get("crypto")
		if err != nil {
			return safejs.Value{}, caught(err)
		}
		subtle, err := crypto.Get("subtle")
		if err != nil {
			return safejs.Value{}, caught(err)
		}
		return subtle.Call("sign", "Ed25519", key, data)
	}}
}

// SignFunc returns a signer over a JavaScript function that takes a Uint8Array and returns the
// signature as a Uint8Array, or a promise of one.
func SignFunc(sign safejs.Value) crypto.Signer {
	return signer{context.Background(), func(data safejs.Value) (safejs.Value, error) {
		return sign.Invoke(data)
	}}
}

// signer waits for JavaScript to sign, as long as its context lets it.
type signer struct {
	ctx  context.Context
	sign func(data safejs.Value) (safejs.Value, error)
}

// WithContext returns the signer with another context.
func (s signer) WithContext(ctx context.Context) crypto.Signer { return signer{ctx, s.sign} }

// Public returns no key: JavaScript keeps the public half, if it has it at all.
func (s signer) Public() crypto.PublicKey { return ed25519.PublicKey(nil) }

// Sign signs message. What JavaScript throws comes back as an *Error.
func (s signer) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	data, err := FromBytes(message)
	if err != nil {
		return nil, err
	}
	promise, err := s.sign(data)
	if err != nil {
		return nil, caught(err)
	}
	signature, err := Await(s.ctx, promise)
	if err != nil {
		return nil, err
	}
	return ToBytes(signature)
}
