//go:build js && wasm

package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"

	"open-payments-wasm/pkg/jsbridge"
	"open-payments-wasm/pkg/keys"
)

// warmUp makes a call the way that send makes it, with a signer and a transport of Go's own. What Go sets up at a first
// use is then in the snapshot that the build takes (wasm/postlink/internal/snapshot), and no caller waits for it. Every struct
// that JSON is decoded into must be decoded here, or in an init: the functions that find out the members of a struct are
// deferred (wasm/npm/keep.txt).
func warmUp() error {
	const frame = `{"url":"https://server.example/continue","keyId":"key","accessToken":"token","left":1000,"operation":"continue"}
{"interact_ref":"reference"}`
	var head head
	body, err := jsbridge.ReadFrame([]byte(frame), &head)
	if err != nil {
		return err
	}
	client, ctx := newClient(context.Background(), head, example{}, example{})
	if _, err := do(ctx, client, head, body); err != nil {
		return err
	}
	// The key set decodes, and the key in it, which has no bytes, is refused.
	_, err = keys.ReadText([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","d":""}]}`))
	if !errors.Is(err, keys.ErrMaterial) {
		return fmt.Errorf("a key of no bytes: %w", err)
	}
	return nil
}

// example signs with zeros and responds with a grant.
type example struct{}

func (example) Public() crypto.PublicKey { return make(ed25519.PublicKey, ed25519.PublicKeySize) }

func (example) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return make([]byte, ed25519.SignatureSize), nil
}

func (example) RoundTrip(*http.Request) (*http.Response, error) {
	const body = `{"access_token":{"value":"token","manage":"https://server.example/token","access":[]},` +
		`"continue":{"access_token":{"value":"token"},"uri":"https://server.example/continue","wait":1}}`
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(bytes.NewReader([]byte(body))),
	}, nil
}
