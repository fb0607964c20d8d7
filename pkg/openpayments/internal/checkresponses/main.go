// Command checkresponses says what package openpayments thinks of responses, for a test that asks the Node client the same.
// It reads lines of JSON, {"operation","url","status","body"} with the body as text, and writes a line for each: an array
// of problems, or null where there is none.
package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"strings"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/signedhttp"
)

type response struct {
	Operation, URL, Body string
	Status               int
}

// RoundTrip responds.
func (r response) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: r.Status, Body: io.NopCloser(strings.NewReader(r.Body))}, nil
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var next response
		err := in.Decode(&next)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = out.Encode(problems(next))
		}
		if err != nil {
			log.Fatal(err)
		}
	}
}

func problems(r response) []string {
	key := httpsig.Key{ID: "key", Signer: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	client := openpayments.Client{Client: signedhttp.Client{Transport: r, Key: key}}
	_, err := client.Do(context.Background(), openpayments.Call{
		Operation: r.Operation, URL: r.URL, AccessToken: "token", WalletAddress: "https://wallet.example", Body: []byte("{}"),
	})
	var failure *signedhttp.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failure) && failure.Code == signedhttp.CodeShape:
		return failure.Problems
	}
	return []string{err.Error()}
}
