//go:build js && wasm

package jsbridge_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/jsbridge"
)

// A transport whose requests are sent by a function of the page; without Func it is fetch itself.
func ExampleFetch() {
	function, _ := safejs.Global().Get("Function")
	fetch, _ := function.New("url", "options", "return Promise.resolve(new Response(options.method + ' ' + url))")

	transport := jsbridge.Fetch{Func: fetch, Limit: 1 << 20}
	target, _ := url.Parse("https://server.example/hello")
	res, err := transport.RoundTrip(&http.Request{Method: http.MethodGet, URL: target})
	if err != nil {
		fmt.Println(err)
		return
	}
	body, _ := io.ReadAll(res.Body)
	fmt.Println(res.StatusCode, string(body))
	// Output: 200 GET https://server.example/hello
}

// A signer whose key is held by JavaScript: a function, or with CryptoKey one of WebCrypto's keys.
func ExampleSignFunc() {
	function, _ := safejs.Global().Get("Function")
	sign, _ := function.New("data", "return new Uint8Array(64).fill(data.length)")

	signature, err := jsbridge.SignFunc(sign).Sign(nil, []byte("message"), nil)
	fmt.Println(len(signature), signature[0], err)
	// Output: 64 7 <nil>
}
