package httpsig_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
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

// A server that finds the key of whoever signed, among the signatures of a request that came through a
// proxy, which may have signed it as well.
func ExampleVerifyAny() {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // use ed25519.GenerateKey
	published := map[string]ed25519.PublicKey{"my-key": private.Public().(ed25519.PublicKey)}

	req, _ := http.NewRequest(http.MethodPost, "https://auth.example/continue/1", nil)
	req.Header.Set("Authorization", "GNAP 5D9A9CF4BC7F46DDA114")
	if err := httpsig.Sign(req, nil, httpsig.Key{ID: "my-key", Signer: private}); err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Add("Signature-Input", `proxy=("@method");keyid="edge"`)
	req.Header.Add("Signature", "proxy=:AAAA:")

	keyOf := func(params httpsig.Params) (ed25519.PublicKey, error) {
		if key, ok := published[params.KeyID]; ok {
			return key, nil
		}
		return nil, errors.New("no such key")
	}
	params, err := httpsig.VerifyAny(req, nil, httpsig.Policy{Strict: true, MaxAge: time.Minute}, keyOf)
	fmt.Println(params.Label, params.KeyID, err)

	_, err = httpsig.VerifyAny(req, nil, httpsig.Policy{OnlyLabel: true}, keyOf)
	fmt.Println(err)
	// Output:
	// sig1 my-key <nil>
	// httpsig: expected one signature labelled "sig1", found ["sig1" "proxy"]
}
