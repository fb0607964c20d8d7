package httpsig_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"net/http"
	"time"

	"open-payments-wasm/pkg/httpsig"
)

// A server looks up the key under the id that the request names, and verifies.
func Example() {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // use ed25519.GenerateKey
	published := map[string]ed25519.PublicKey{"my-key": private.Public().(ed25519.PublicKey)}

	body := []byte(`{"interact_ref":"36558ac2"}`)
	req, _ := http.NewRequest(http.MethodPost, "https://auth.example/continue/1", bytes.NewReader(body))
	req.Header.Set("Authorization", "GNAP 5D9A9CF4BC7F46DDA114")
	req.Header.Set("Content-Type", "application/json")
	if err := httpsig.Sign(req, body, httpsig.Key{ID: "my-key", Signer: private}); err != nil {
		fmt.Println(err)
		return
	}

	params, err := httpsig.ReadParams(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	policy := httpsig.Policy{Strict: true, MaxAge: time.Minute}
	_, err = httpsig.Verify(req, body, published[params.KeyID], policy)
	fmt.Println(params.KeyID, "verified:", err == nil)

	_, err = httpsig.Verify(req, []byte(`{"interact_ref":"forged00"}`), published[params.KeyID], policy)
	fmt.Println("another body:", err != nil)
	// Output:
	// my-key verified: true
	// another body: true
}
