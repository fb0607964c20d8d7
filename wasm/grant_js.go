//go:build js && wasm

package main

import (
	"time"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/jsbridge"
)

// flights serves all calls of this instance.
var flights gnap.Flights

// send makes one signed call and returns the answer as JSON text, or undefined where there is
// none. Arguments: operation, url, accessToken, body (JSON text or undefined), keyId, key (a
// CryptoKey, a function that signs, or the id of a key that is held here), timeoutMs, signal, fetch, allowHttp.
func send(args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	call := gnap.Call{
		Operation:   gnap.Operation(r.String()),
		URL:         r.String(),
		AccessToken: r.String(),
		Body:        []byte(r.String()),
	}
	keyID, key := r.String(), r.Value()
	timeout := time.Duration(r.Float() * float64(time.Millisecond))
	signal, fetch, allowHTTP := r.Value(), r.Value(), r.Bool()
	if r.Err != nil {
		return nil, r.Err
	}
	signingKey, err := signer(key)
	if err != nil {
		return nil, &gnap.Error{Operation: call.Operation, Code: gnap.CodeKey, Description: "The key could not sign the request, and nothing was sent.", Err: err}
	}
	ctx, stop, err := jsbridge.Context(signal, timeout)
	if err != nil {
		return nil, err
	}
	defer stop()
	client := gnap.Client{
		Transport: jsbridge.Fetch{Func: fetch},
		Key:       httpsig.Key{ID: keyID, Signer: signingKey},
		AllowHTTP: allowHTTP,
		Flights:   &flights,
	}
	grant, err := client.Do(ctx, call)
	if err != nil || grant == nil {
		return safejs.Undefined(), err
	}
	return string(grant.Raw), nil
}

// verifyHash checks an interaction hash. Arguments: clientNonce, serverNonce, interactRef,
// grantEndpoint, hashMethod, hash.
func verifyHash(args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	hash := gnap.InteractionHash{
		ClientNonce: r.String(), ServerNonce: r.String(), InteractRef: r.String(),
		GrantEndpoint: r.String(), Method: r.String(), Hash: r.String(),
	}
	if r.Err != nil {
		return nil, r.Err
	}
	return safejs.Undefined(), hash.Verify()
}
