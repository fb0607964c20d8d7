//go:build js && wasm

package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/jsbridge"
	"open-payments-wasm/pkg/keys"
)

// held are the keys that this instance signs with itself, where WebCrypto has no Ed25519. They
// are gone when the instance ends.
var held = map[string]keys.PrivateKey{}

func hold(key keys.PrivateKey) (any, error) {
	id := rand.Text()
	held[id] = key
	public, err := jsbridge.FromBytes(key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	return jsbridge.NewObject(map[string]any{"id": id, "keyId": key.ID, "publicKey": public})
}

// signer makes a signer of what JavaScript passed as a key: a CryptoKey, a function that signs,
// or the id of a key that this instance holds.
func signer(key safejs.Value) (crypto.Signer, error) {
	switch key.Type() {
	case safejs.TypeFunction:
		return jsbridge.SignFunc(key), nil
	case safejs.TypeString:
		id, err := key.String()
		if err != nil {
			return nil, err
		}
		if k, ok := held[id]; ok {
			return k, nil
		}
		return nil, fmt.Errorf("%w: it was held by an instance of the module that has ended; make or import it again", httpsig.ErrKey)
	default:
		return jsbridge.CryptoKey(key), nil
	}
}

// generateKey makes a key that this instance holds and returns { id, keyId, publicKey }.
func generateKey([]safejs.Value) (any, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return hold(keys.PrivateKey{PrivateKey: private})
}

// parseKey reads a private key. For WebCrypto it returns { keyId, publicKey, pkcs8 }, and every
// copy that Go made is overwritten before it does; else this instance holds the key, as with
// generateKey. Arguments: material (a Uint8Array), isText, forWebCrypto.
func parseKey(args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	material, isText, forWebCrypto := r.Bytes(), r.Bool(), r.Bool()
	defer clear(material)
	if r.Err != nil {
		return nil, r.Err
	}
	parse := keys.ParseBytes
	if isText {
		parse = keys.ParseText
	}
	key, err := parse(material)
	if err != nil {
		return nil, err
	}
	if !forWebCrypto {
		return hold(key)
	}
	defer key.Clear()
	return export(key)
}

func export(key keys.PrivateKey) (any, error) {
	pkcs8 := key.PKCS8()
	defer clear(pkcs8)
	private, err := jsbridge.FromBytes(pkcs8)
	if err != nil {
		return nil, err
	}
	public, err := jsbridge.FromBytes(key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	return jsbridge.NewObject(map[string]any{"keyId": key.ID, "publicKey": public, "pkcs8": private})
}
