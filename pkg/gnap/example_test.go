package gnap_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/signedhttp"
)

var key = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // use ed25519.GenerateKey

// After the person has approved, their wallet sent them back with a reference.
func ExampleClient_Continue() {
	wallet := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, err := httpsig.Verify(r, body, key.Public().(ed25519.PublicKey), httpsig.Policy{Strict: true})
		fmt.Println("verified:", err == nil, r.Method, string(body))
		fmt.Fprint(w, `{"access_token":{"value":"76F290E650E6CFC3437D","expires_in":600,"access":[]}}`)
	}))
	defer wallet.Close()

	client := &gnap.Client{Client: signedhttp.Client{
		Transport: http.DefaultTransport,
		Key:       httpsig.Key{ID: "my-key", Signer: key},
	}}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	grant, err := client.Continue(ctx, wallet.URL+"/continue/1", "5D9A9CF4BC7F46DDA114", "36558ac2")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(grant.AccessToken.Value)
	// Output:
	// verified: true POST {"interact_ref":"36558ac2"}
	// 76F290E650E6CFC3437D
}

// Codes tell what happened.
func ExampleClient_Continue_denied() {
	wallet := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"error":{"code":"user_denied","description":"The person said no."}}`)
	}))
	defer wallet.Close()

	client := &gnap.Client{Client: signedhttp.Client{Transport: http.DefaultTransport, Key: httpsig.Key{ID: "my-key", Signer: key}}}
	_, err := client.Continue(context.Background(), wallet.URL, "5D9A9CF4BC7F46DDA114", "36558ac2")
	var failure *signedhttp.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Code, failure.Status, failure.Retryable)
	}
	fmt.Println(err)
	// Output:
	// user_denied 403 false
	// gnap: continue: user_denied: The person said no.
}

// The example of RFC 9635 §4.2.3.
func ExampleInteractionHash_Verify() {
	redirect := gnap.InteractionHash{
		ClientNonce:   "VJLO6A4CATR0KRO",
		ServerNonce:   "MBDOFXG4Y5CVJCX821LH",
		InteractRef:   "4IFWWIKYB2PQ6U56NL1",
		GrantEndpoint: "https://server.example.com/tx",
		Hash:          "x-gguKWTj8rQf7d7i3w3UhzvuJ5bpOlKyAlVpLxBffY",
	}
	fmt.Println(redirect.Verify() == nil)

	redirect.InteractRef = "of somebody else"
	var failure *signedhttp.Error
	if errors.As(redirect.Verify(), &failure) {
		fmt.Println(failure.Code)
	}
	// Output:
	// true
	// hash_mismatch
}
