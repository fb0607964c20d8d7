//go:build js && wasm

package main

import (
	"context"
	"crypto"
	"net/http"
	"time"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/jsbridge"
	"open-payments-wasm/pkg/signedhttp"
)

// head is the head of the frame that transmit and poll of sdk/call.js send, and of those for resource and signRequest.
type head struct {
	URL         string `json:"url"`
	KeyID       string `json:"keyId"`
	AccessToken string `json:"accessToken"` // empty where there is none
	Left        int    `json:"left"`        // milliseconds until the deadline of the call
	AllowHTTP   bool   `json:"allowHTTP"`

	Operation      string   `json:"operation"`      // of send and resource
	AcceptAnyShape bool     `json:"acceptAnyShape"` // of send and resource
	Wait           *float64 `json:"wait"`           // of poll: seconds, or nil where the server did not say

	WalletAddress string `json:"walletAddress"` // these are of resource
	First         int    `json:"first"`
	Last          int    `json:"last"`
	Cursor        string `json:"cursor"`
	NoStore       bool   `json:"noStore"`

	Client      string `json:"client"` // these are of payment, whose operations are in payment_js.go
	ID          string `json:"id"`
	Hash        string `json:"hash"`
	InteractRef string `json:"interactRef"`
	Patience    int    `json:"patience"` // milliseconds
}

// send makes one signed call and returns the response as JSON text, or undefined where there is
// none. Arguments: those of setUp. The body of the frame is JSON text or empty.
func send(ctx context.Context, args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	var head head
	body := r.Frame(&head)
	sender, ctx, err := setUp(ctx, r, head)
	if err != nil {
		return nil, err
	}
	return do(ctx, sender, head, body)
}

// do makes the call that a frame of send describes, and returns what send returns.
func do(ctx context.Context, sender signedhttp.Client, head head, body []byte) (any, error) {
	client := gnap.Client{Client: sender, AcceptAnyShape: head.AcceptAnyShape}
	grant, err := client.Do(ctx, gnap.Call{
		Operation: gnap.Operations[head.Operation], URL: head.URL, AccessToken: head.AccessToken, Body: body,
	})
	if err != nil || grant == nil {
		return safejs.Undefined(), err
	}
	return string(grant.Raw), nil
}

// poll polls until the grant is issued and returns it as JSON text. Arguments: those of setUp, and progress, a
// function that takes URI, access token and wait of each continuation, or undefined.
func poll(ctx context.Context, args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	var head head
	r.Frame(&head)
	sender, ctx, err := setUp(ctx, r, head)
	if err != nil {
		return nil, err
	}
	client := gnap.Client{Client: sender}
	progress := r.Value()
	pending := gnap.Continuation{URI: head.URL, Wait: head.Wait}
	pending.AccessToken.Value = head.AccessToken
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

// setUp makes the client and the context of a call. Arguments: a frame with a head, which the caller has read,
// key (a CryptoKey, a function that signs, the id of a key that is held here, or undefined where nothing is signed) and
// fetch, a function or undefined. JavaScript keeps the deadline, and lets equal calls share a request.
func setUp(ctx context.Context, r *jsbridge.ArgumentReader, head head) (client signedhttp.Client, _ context.Context, err error) {
	key, fetch := r.Value(), r.Value()
	if r.Err != nil {
		return client, nil, r.Err
	}
	signingKey, err := signer(key)
	if err != nil {
		return client, nil, err
	}
	client, ctx = newClient(ctx, head, signingKey, jsbridge.Fetch{Func: fetch, Limit: signedhttp.MaxResponse})
	return client, ctx, nil
}

func newClient(ctx context.Context, head head, signer crypto.Signer, transport http.RoundTripper) (signedhttp.Client, context.Context) {
	client := signedhttp.Client{
		Transport: transport,
		Key:       httpsig.Key{ID: head.KeyID, Signer: signer},
		AllowHTTP: head.AllowHTTP,
	}
	return client, jsbridge.WithDeadline(ctx, time.Now().Add(time.Duration(head.Left)*time.Millisecond))
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
