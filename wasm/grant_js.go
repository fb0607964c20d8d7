//go:build js && wasm

package main

import (
	"context"
	"strconv"
	"time"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/jsbridge"
)

// flights serves all calls of this instance.
var flights gnap.Flights

// send makes one signed call and returns the answer as JSON text, or undefined where there is
// none. Arguments: the lines of setUp and operation, validateResponses, body (JSON text or empty) and
// accessToken, then the other arguments of setUp.
func send(args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	lines := r.Lines(8)
	client, ctx, stop, err := setUp(r, lines)
	if err != nil {
		return nil, err
	}
	defer stop()
	client.AcceptAnyShape = lines[5] == "false"
	grant, err := client.Do(ctx, gnap.Call{
		URL: lines[0], Operation: gnap.Operation(lines[4]), Body: []byte(lines[6]), AccessToken: lines[7],
	})
	if err != nil || grant == nil {
		return safejs.Undefined(), err
	}
	return string(grant.Raw), nil
}

// poll polls until the grant is issued and returns it as JSON text. Arguments: the lines of setUp and
// wait (in seconds, below zero where it is not known) and accessToken, then the other arguments of
// setUp, progress (a function that takes uri, access token and wait of each continuation, or undefined).
func poll(args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	lines := r.Lines(6)
	client, ctx, stop, err := setUp(r, lines)
	if err != nil {
		return nil, err
	}
	defer stop()
	progress := r.Value()
	wait, err := strconv.ParseFloat(lines[4], 64)
	if err != nil {
		return nil, err
	}
	pending := gnap.Continuation{URI: lines[0], Wait: &wait}
	pending.AccessToken.Value = lines[5]
	grant, err := client.Poll(ctx, pending, func(next gnap.Continuation) { report(progress, next) })
	if err != nil {
		return nil, err
	}
	return string(grant.Raw), nil
}

// report calls the function that the ES module made of the caller's own. It throws nothing.
func report(progress safejs.Value, next gnap.Continuation) {
	if progress.Type() != safejs.TypeFunction {
		return
	}
	var wait any
	if next.Wait != nil {
		wait = *next.Wait
	}
	_, _ = progress.Invoke(next.URI, next.AccessToken.Value, wait)
}

// setUp reads what all calls have: the lines url, keyId, timeoutMs and allowHttp, and the arguments
// key (a CryptoKey, a function that signs, or the id of a key that is held here) and an object with
// signal and fetch, or undefined.
func setUp(r *jsbridge.ArgumentReader, lines []string) (client *gnap.Client, ctx context.Context, stop func(), err error) {
	key, given := r.Value(), r.Value()
	if r.Err != nil {
		return nil, nil, nil, r.Err
	}
	ms, err := strconv.Atoi(lines[2])
	if err != nil {
		return nil, nil, nil, err
	}
	signal, fetch := safejs.Undefined(), safejs.Undefined()
	if !given.IsUndefined() {
		signal, fetch, err = both(given, "signal", "fetch")
		if err != nil {
			return nil, nil, nil, err
		}
	}
	signingKey, err := signer(key)
	if err != nil {
		return nil, nil, nil, err
	}
	ctx, stop, err = jsbridge.Context(signal, time.Duration(ms)*time.Millisecond)
	client = &gnap.Client{
		Transport: jsbridge.Fetch{Func: fetch, Limit: gnap.MaxResponse},
		Key:       httpsig.Key{ID: lines[1], Signer: signingKey},
		AllowHTTP: lines[3] == "true",
		Flights:   &flights,
	}
	return client, ctx, stop, err
}

// both gets two properties of an object that the ES module made.
func both(object safejs.Value, one, other string) (first, second safejs.Value, err error) {
	if first, err = object.Get(one); err == nil {
		second, err = object.Get(other)
	}
	return first, second, err
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
