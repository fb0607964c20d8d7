package sandbox_test

import (
	"crypto/ed25519"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/sandbox"
)

// A client that has a key asks for access to incoming payments, for which nobody is asked.
func Example() {
	wallet := sandbox.New(sandbox.Config{Wait: sandbox.NoWait})
	server := httptest.NewServer(wallet)
	defer server.Close()

	public, private, _ := ed25519.GenerateKey(nil)
	key, _ := jwk.FromRaw(public)
	_ = key.Set(jwk.KeyIDKey, "key-1")
	keys := jwk.NewSet()
	_ = keys.AddKey(key)
	path, _ := wallet.AddClient("shop", keys)

	body := `{"access_token":{"access":[{"type":"incoming-payment","actions":["create"]}]},"client":"` + server.URL + path + `"}`
	req, _ := http.NewRequest("POST", server.URL+"/auth/", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	_ = httpsig.Sign(req, []byte(body), httpsig.Key{ID: "key-1", Signer: private})

	res, err := server.Client().Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	fmt.Println(res.Status)
	// Output: 200 OK
}
