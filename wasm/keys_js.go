//go:build js && wasm

package main

import (
	"context"
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
	id := idOf(key)
	held[id] = key
	public, err := jsbridge.FromBytes(key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	return jsbridge.NewObject(map[string]any{"id": id, "keyId": key.ID, "publicKey": public})
}

// idOf returns the id of a key that is held already, or a new one. Ids cannot be guessed: who has
// one can sign.
func idOf(key keys.PrivateKey) string {
	for id, other := range held {
		if other.Equal(key.PrivateKey) {
			return id
		}
	}
	return rand.Text()
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
		return heldKey(id)
	default:
		return jsbridge.CryptoKey(key), nil
	}
}

func heldKey(id string) (keys.PrivateKey, error) {
	if key, ok := held[id]; ok {
		return key, nil
	}
	return keys.PrivateKey{}, fmt.Errorf("%w: it was held by an instance of the module that has ended; make or import it again", httpsig.ErrKey)
}

// exportKey returns the PKCS#8 DER of a key that this instance holds. Arguments: its id.
func exportKey(_ context.Context, args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	key, err := heldKey(r.String())
	if err != nil {
		return nil, err
	}
	pkcs8 := key.PKCS8()
	defer clear(pkcs8)
	return jsbridge.FromBytes(pkcs8)
}

// generateKey makes a key that this instance holds and returns { id, keyId, publicKey }.
func generateKey(context.Context, []safejs.Value) (any, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return hold(keys.PrivateKey{PrivateKey: private})
}

// parseKey reads a private key. For WebCrypto it returns { keyId, pkcs8, publicKey? }: nothing is
// computed with the key, and every copy that Go made is overwritten. Else this instance holds the
// key, as with generateKey. Arguments: material (a Uint8Array), isText, forWebCrypto.
func parseKey(_ context.Context, args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	material, isText, forWebCrypto := r.Bytes(), r.Bool(), r.Bool()
	defer clear(material)
	if r.Err != nil {
		return nil, r.Err
	}
	read := keys.ReadBytes
	if isText {
		read = keys.ReadText
	}
	found, err := read(material)
	if err != nil {
		return nil, err
	}
	defer found.Clear()
	if forWebCrypto {
		return export(found)
	}
	key, err := found.PrivateKey()
	if err != nil {
		return nil, err
	}
	return hold(key)
}

func export(m keys.Material) (any, error) {
	pkcs8 := m.PKCS8()
	defer clear(pkcs8)
	private, err := jsbridge.FromBytes(pkcs8)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{"keyId": m.ID, "pkcs8": private}
	if m.Public != nil {
		if fields["publicKey"], err = jsbridge.FromBytes(m.Public); err != nil {
			return nil, err
		}
	}
	return jsbridge.NewObject(fields)
}
