package keys_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"

	"open-payments-wasm/pkg/keys"
)

func ExampleParseText() {
	// The key of RFC 8037, appendix A.1.
	material := []byte(`{
		"kty": "OKP", "crv": "Ed25519", "kid": "example",
		"d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
		"x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	}`)
	key, err := keys.ParseText(material)
	clear(material)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer key.Clear()
	fmt.Println(key.ID, len(ed25519.Sign(key.PrivateKey, []byte("message"))))
	// Output: example 64
}

func ExampleParseText_error() {
	_, err := keys.ParseText([]byte("-----BEGIN PUBLIC KEY-----\n" +
		"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n" +
		"-----END PUBLIC KEY-----\n"))
	fmt.Println(errors.Is(err, keys.ErrMaterial))
	fmt.Println(keys.Explain(err))
	// Output:
	// true
	// expected one PEM block of type "PRIVATE KEY", found a public key
}

// What a client serves at {wallet address}/jwks.json.
func ExampleJWKS() {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // use ed25519.GenerateKey
	public := private.Public().(ed25519.PublicKey)
	id, err := keys.Thumbprint(public)
	if err != nil {
		fmt.Println(err)
		return
	}
	published, err := keys.PublicJWK(public, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := keys.JWKS(published)
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := json.MarshalIndent(set, "", "  ")
	fmt.Println(string(text))
	// Output:
	// {
	//   "keys": [
	//     {
	//       "alg": "EdDSA",
	//       "crv": "Ed25519",
	//       "kid": "9ZP03Nu8GrXPAUkbKNxHOKBzxPX83SShgFkRNK-f2lw",
	//       "kty": "OKP",
	//       "use": "sig",
	//       "x": "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"
	//     }
	//   ]
	// }
}
