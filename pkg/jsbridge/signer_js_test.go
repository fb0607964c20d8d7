//go:build js && wasm

package jsbridge

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"
)

const generateKey = `crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"])`

func TestCryptoKeySigns(t *testing.T) {
	releasesFunctions(t, func() {
		pair, err := await(t, evaluate(t, generateKey))
		if err != nil {
			t.Fatal(err)
		}
		export := evaluate(t, "({ publicKey }) => crypto.subtle.exportKey('raw', publicKey).then((raw) => new Uint8Array(raw))")
		exported, err := await(t, must(export.Invoke(pair)))
		if err != nil {
			t.Fatal(err)
		}
		public, err := ToBytes(exported)
		if err != nil {
			t.Fatal(err)
		}
		for _, message := range []string{"", "message", string(make([]byte, 70000))} {
			signature, err := CryptoKey(member(t, pair, "privateKey")).Sign(nil, []byte(message), crypto.Hash(0))
			if err != nil || !ed25519.Verify(public, []byte(message), signature) {
				t.Errorf("%d bytes: %v", len(message), err)
			}
		}
	})
}

func TestCryptoKeyThatCannotSign(t *testing.T) {
	pair, err := await(t, evaluate(t, generateKey))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CryptoKey(member(t, pair, "publicKey")).Sign(nil, nil, crypto.Hash(0)); err == nil {
		t.Error("a public key signed")
	}
	for _, expression := range []string{"undefined", "null", "5", "{}"} {
		_, err := CryptoKey(evaluate(t, expression)).Sign(nil, nil, crypto.Hash(0))
		if thrown, ok := Thrown(err); !ok || text(t, member(t, thrown, "name")) != "TypeError" {
			t.Errorf("%s: %v", expression, err)
		}
	}
}

func TestSignFunc(t *testing.T) {
	for _, expression := range []string{
		"(data) => Promise.resolve(data)",
		"async (data) => data.buffer",
		"(data) => new Promise((resolve) => setTimeout(resolve, 5, data))",
		"(data) => data", // a promise is not needed
		"(data) => data.buffer",
	} {
		releasesFunctions(t, func() {
			signature, err := SignFunc(evaluate(t, expression)).Sign(nil, []byte("message"), crypto.Hash(0))
			if err != nil || string(signature) != "message" {
				t.Errorf("%s: %q, %v", expression, signature, err)
			}
		})
	}
}

func TestSignFuncThatFails(t *testing.T) {
	for _, expression := range []string{
		"() => { throw globalThis.own = new Error('own') }",
		"() => Promise.reject(globalThis.own = new Error('own'))",
		"() => Promise.reject(globalThis.own = undefined)",
		"() => { throw globalThis.own = null }",
	} {
		releasesFunctions(t, func() {
			_, err := SignFunc(evaluate(t, expression)).Sign(nil, nil, crypto.Hash(0))
			thrown, ok := Thrown(err)
			if !ok || !thrown.Equal(evaluate(t, "own")) {
				t.Errorf("%s: %v", expression, err)
			}
		})
	}
}

func TestSignFuncEndsWithContext(t *testing.T) {
	cause := errors.New("cause")
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(5*time.Millisecond, func() { cancel(cause) })
	slow := SignFunc(evaluate(t, "() => new Promise(() => {})")).(interface {
		WithContext(context.Context) crypto.Signer
	})
	if _, err := slow.WithContext(ctx).Sign(nil, nil, crypto.Hash(0)); err != cause {
		t.Errorf("err = %v", err)
	}
}
