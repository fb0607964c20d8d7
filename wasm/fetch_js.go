//go:build js && wasm

package main

import (
	"context"
	"crypto/sha512"
	"strconv"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/jsbridge"
	"open-payments-wasm/pkg/signedhttp"
)

// signRequest returns the headers that make a request a signed one, by name: JavaScript sends it. Arguments: those of
// setUp, and as text the method, the content type and the content length. The body of the frame is the SHA-512 digest
// of the content, or, where the length is left out, the content itself.
func signRequest(ctx context.Context, args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	var head head
	content := r.Frame(&head)
	client, ctx, err := setUp(ctx, r, head)
	if err != nil {
		return nil, err
	}
	unsent := signedhttp.Unsent{Method: r.String(), URL: head.URL, AccessToken: head.AccessToken, ContentType: r.String()}
	if unsent.Length, err = strconv.ParseInt(r.String(), 10, 64); err == nil {
		copy(unsent.SHA512[:], content)
	} else {
		unsent.SHA512, unsent.Length = sha512.Sum512(content), int64(len(content))
	}
	header, err := client.Sign(ctx, unsent)
	if err != nil {
		return nil, err
	}
	fields := make(map[string]any, len(header))
	for name := range header {
		fields[name] = header.Get(name)
	}
	return jsbridge.NewObject(fields)
}
