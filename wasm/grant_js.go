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
	"open-payments-wasm/pkg/signedhttp"
)

// send makes one signed call and returns the answer as JSON text, or undefined where there is
// none. Arguments: the lines of setUp and operation, validateResponses, body (JSON text or empty) and
// accessToken, then the other arguments of setUp.
func send(ctx context.Context, args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	lines := r.Lines(8)
	client, ctx, err := setUp(ctx, r, lines)
	if err != nil {
		return nil, err
	}
	client.AcceptAnyShape = lines[5] == "false"
	grant, err := client.Do(ctx, gnap.Call{
		URL: lines[0], Operation: gnap.Operations[lines[4]], Body: []byte(lines[6]), AccessToken: lines[7],
	})
	if err != nil || grant == nil {
		return safejs.Undefined(), err
	}
	return string(grant.Raw), nil
}

// poll polls until the grant is issued and returns it as JSON text. Arguments: the lines of setUp and
// wait (in seconds, below zero where it is not known) and accessToken, then the other arguments of
// setUp, progress (a function that takes uri, access token and wait of each continuation, or undefined).
func poll(ctx context.Context, args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	lines := r.Lines(6)
	client, ctx, err := setUp(ctx, r, lines)
	if err != nil {
		return nil, err
	}
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

// setUp reads what all calls have: the lines url, keyId, the milliseconds that are left and allowHttp, and the
// arguments key (a CryptoKey, a function that signs, or the id of a key that is held here) and fetch, a function
// or undefined. JavaScript keeps the deadline, and lets equal calls share a request.
func setUp(ctx context.Context, r *jsbridge.ArgumentReader, lines []string) (*gnap.Client, context.Context, error) {
	key, fetch := r.Value(), r.Value()
	if r.Err != nil {
		return nil, nil, r.Err
	}
	ms, err := strconv.Atoi(lines[2])
	if err != nil {
		return nil, nil, err
	}
	signingKey, err := signer(key)
	if err != nil {
		return nil, nil, err
	}
	client := &gnap.Client{Client: signedhttp.Client{
		Transport: jsbridge.Fetch{Func: fetch, Limit: signedhttp.MaxResponse},
		Key:       httpsig.Key{ID: lines[1], Signer: signingKey},
		AllowHTTP: lines[3] == "true",
	}}
	return client, jsbridge.WithDeadline(ctx, time.Now().Add(time.Duration(ms)*time.Millisecond)), nil
}

// verifyHash checks an interaction hash. Arguments: clientNonce, serverNonce, interactRef,
// grantEndpoint, hashMethod, hash.
func verifyHash(_ context.Context, args []safejs.Value) (any, error) {
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
