package signedhttp_test

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/signedhttp"
)

// An http.Client whose requests are signed, and a server that verifies them.
func ExampleTransport() {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // use ed25519.GenerateKey
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		policy := httpsig.Policy{Strict: true, MaxAge: time.Minute}
		params, err := httpsig.Verify(r, body, private.Public().(ed25519.PublicKey), policy)
		fmt.Fprintf(w, "%q of %s, error %v", body, params.KeyID, err)
	}))
	defer server.Close()

	client := http.Client{Transport: &signedhttp.Transport{Key: httpsig.Key{ID: "my-key", Signer: private}}}
	req, _ := http.NewRequest(http.MethodPost, server.URL+"/notes", strings.NewReader("a note"))
	req.Header.Set("Authorization", "GNAP 5D9A9CF4BC7F46DDA114")
	req.Header.Set("Content-Type", "text/plain")
	res, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	fmt.Println(string(text))
	// Output:
	// "a note" of my-key, error <nil>
}
