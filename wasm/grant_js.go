//go:build js && wasm

package main

import (
	"context"
	"time"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/jsbridge"
)

// flights serves all calls of this instance.
var flights gnap.Flights

// send makes one signed call and returns the answer as JSON text, or undefined where there is
// none. Arguments: the lines operation, url, keyId, body (JSON text or empty) and accessToken, those
// of setUp, validateResponses.
func send(args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	lines := r.Lines(5)
	call := gnap.Call{Operation: gnap.Operation(lines[0]), URL: lines[1], Body: []byte(lines[3]), AccessToken: lines[4]}
	client, ctx, stop, err := setUp(r, lines[2])
	if err != nil {
		return nil, err
	}
	defer stop()
	client.AcceptAnyShape = !r.Bool()
	if r.Err != nil {
		return nil, r.Err
	}
	grant, err := client.Do(ctx, call)
	if err != nil || grant == nil {
		return safejs.Undefined(), err
	}
	return string(grant.Raw), nil
}

// poll polls until the grant is issued and returns it as JSON text. Arguments: the lines url, keyId
// and accessToken, wait (in seconds, below zero where it is not known), those of setUp, progress (a
// function that takes the continuation as JSON text, or undefined).
func poll(args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	lines := r.Lines(3)
	pending := gnap.Continuation{URI: lines[0]}
	pending.AccessToken.Value = lines[2]
	wait := r.Float()
	pending.Wait = &wait
	client, ctx, stop, err := setUp(r, lines[1])
	if err != nil {
		return nil, err
	}
	defer stop()
	progress := r.Value()
	grant, err := client.Poll(ctx, pending, func(next gnap.Continuation) { report(progress, next) })
	if err != nil {
		return nil, err
	}
	return string(grant.Raw), nil
}

// report calls the caller's own function. What that throws is not the poll's concern.
func report(progress safejs.Value, next gnap.Continuation) {
	if progress.Type() != safejs.TypeFunction {
		return
	}
	if text, err := gnap.Marshal(map[string]any{"continue": next}); err == nil {
		_, _ = progress.Invoke(string(text))
	}
}

// setUp reads the arguments that all calls have: key (a CryptoKey, a function that signs, or the id
// of a key that is held here), timeoutMs, signal, fetch, allowHttp.
func setUp(r *jsbridge.ArgumentReader, keyID string) (client *gnap.Client, ctx context.Context, stop func(), err error) {
	key := r.Value()
	timeout := time.Duration(r.Float() * float64(time.Millisecond))
	signal, fetch, allowHTTP := r.Value(), r.Value(), r.Bool()
	if r.Err != nil {
		return nil, nil, nil, r.Err
	}
	signingKey, err := signer(key)
	if err != nil {
		return nil, nil, nil, err
	}
	ctx, stop, err = jsbridge.Context(signal, timeout)
	client = &gnap.Client{
		Transport: jsbridge.Fetch{Func: fetch, Limit: gnap.MaxResponse},
		Key:       httpsig.Key{ID: keyID, Signer: signingKey},
		AllowHTTP: allowHTTP,
		Flights:   &flights,
	}
	return client, ctx, stop, err
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
