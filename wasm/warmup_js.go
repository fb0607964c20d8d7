//go:build js && wasm

package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"io"
	"net/http"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/jsbridge"
	"open-payments-wasm/pkg/keys"
	"open-payments-wasm/pkg/signedhttp"
)

// warmUp makes a call that nobody sends. What is set up when something is used for the first time is
// then in the snapshot that the build takes (wasm/pack/snapshot.go), and no caller waits for it. Every struct that
// JSON is read into must be among it, or in an init: what finds out its members is deferred (wasm/pack/keep.txt).
func warmUp() error {
	if _, err := jsbridge.ReadFrame([]byte("{}\n"), &head{}); err != nil {
		return err
	}
	// A key of no bytes is refused when its types are known.
	_, _ = keys.ReadText([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","d":""}]}`))
	client := gnap.Client{Client: signedhttp.Client{
		Transport: example{},
		Key:       httpsig.Key{ID: "key", Signer: example{}},
	}}
	_, err := client.Continue(context.Background(), "https://server.example/continue", "token", "reference")
	return err
}

// example signs with zeros and responds with a grant.
type example struct{}

func (example) Public() crypto.PublicKey { return make(ed25519.PublicKey, ed25519.PublicKeySize) }

func (example) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return make([]byte, ed25519.SignatureSize), nil
}

func (example) RoundTrip(*http.Request) (*http.Response, error) {
	const body = `{"access_token":{"value":"token","manage":"https://server.example/token","access":[]},"continue":{"access_token":{"value":"token"},"uri":"https://server.example/continue","wait":1}}`
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(bytes.NewReader([]byte(body))),
	}, nil
}
