//go:build js && wasm

package main

import (
	"crypto/ed25519"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/jsbridge"
	"open-payments-wasm/pkg/keys"
)

// parseKey reads a private key and returns { keyId, publicKey, pkcs8 }. Every copy that Go made is
// overwritten before it returns. Arguments: material (a Uint8Array), isText.
func parseKey(args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	material, isText := r.Bytes(), r.Bool()
	if r.Err != nil {
		return nil, r.Err
	}
	defer clear(material)
	parse := keys.ParseBytes
	if isText {
		parse = keys.ParseText
	}
	key, err := parse(material)
	if err != nil {
		return nil, err
	}
	defer key.Clear()
	pkcs8 := key.PKCS8()
	defer clear(pkcs8)
	forWebCrypto, err := jsbridge.FromBytes(pkcs8)
	if err != nil {
		return nil, err
	}
	public, err := jsbridge.FromBytes(key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	return jsbridge.NewObject(map[string]any{"keyId": key.ID, "publicKey": public, "pkcs8": forWebCrypto})
}
