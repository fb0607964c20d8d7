//go:build js && wasm

package main

import (
	"context"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/jsbridge"
	"open-payments-wasm/pkg/openpayments"
)

// resource makes one of openpayments.Operations and returns the response as JSON text. Arguments: those of setUp. The
// body of the frame is JSON text or empty. JavaScript has made sure that first and last are integers.
func resource(ctx context.Context, args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	var head head
	body := r.Frame(&head)
	sender, ctx, err := setUp(ctx, r, head)
	if err != nil {
		return nil, err
	}
	client := openpayments.Client{Client: sender, AcceptAnyShape: head.AcceptAnyShape}
	document, err := client.Do(ctx, openpayments.Call{
		Operation: head.Operation, URL: head.URL, AccessToken: head.AccessToken, WalletAddress: head.WalletAddress,
		Pagination: openpayments.Pagination{First: head.First, Last: head.Last, Cursor: head.Cursor},
		Body:       body, NoStore: head.NoStore,
	})
	if err != nil {
		return nil, err
	}
	return string(document), nil
}
