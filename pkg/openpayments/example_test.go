package openpayments_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/signedhttp"
)

// responding is an http.RoundTripper in place of http.DefaultTransport: a server with these documents, by their paths.
type responding map[string]string

func (r responding) RoundTrip(req *http.Request) (*http.Response, error) {
	path, _, _ := strings.Cut(req.URL.Opaque, "?")
	return fake.Response{Status: http.StatusOK, Body: r[path]}.HTTP(), nil
}

var (
	key   = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // use ed25519.GenerateKey
	alice = responding{"/alice": `{"id":"https://wallet.example/alice","publicName":"Alice","assetCode":"USD","assetScale":2,` +
		`"authServer":"https://auth.example","resourceServer":"https://wallet.example/op"}`}
	payments = responding{"/outgoing-payments": `{"pagination":{"hasNextPage":false,"hasPreviousPage":false},"result":[{` +
		`"id":"https://rs.example/outgoing-payments/1","walletAddress":"https://wallet.example/alice",` +
		`"receiver":"https://shop.example/incoming-payments/7",` +
		`"receiveAmount":{"value":"1150","assetCode":"EUR","assetScale":2},"debitAmount":{"value":"1250","assetCode":"USD","assetScale":2},` +
		`"sentAmount":{"value":"1250","assetCode":"USD","assetScale":2},"createdAt":"2026-11-28T12:00:00Z"}]}`}
)

// Public documents need no key.
func ExampleClient_WalletAddress() {
	client := &openpayments.Client{Client: signedhttp.Client{Transport: alice}}
	wallet, err := client.WalletAddress(context.Background(), "$wallet.example/alice")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(wallet.PublicName, wallet.AssetCode, wallet.ResourceServer)
	// Output: Alice USD https://wallet.example/op
}

// Every payment, page by page.
func ExampleClient_AllOutgoingPayments() {
	client := &openpayments.Client{Client: signedhttp.Client{Transport: payments, Key: httpsig.Key{ID: "my-key", Signer: key}}}
	list := openpayments.List{ResourceServer: "https://rs.example", AccessToken: "OS9M2PMHKUR64TB8", WalletAddress: "https://wallet.example/alice"}
	for payment, err := range client.AllOutgoingPayments(context.Background(), list) {
		if err != nil {
			fmt.Println(err)
			return
		}
		debited, err := openpayments.FormatAmount(payment.DebitAmount.Value, payment.DebitAmount.AssetScale)
		fmt.Println(debited, payment.DebitAmount.AssetCode, payment.CreatedAt.Year(), err)
	}
	// Output: 12.50 USD 2026 <nil>
}

// A server refuses a payment. Codes tell why, and whether anybody may try again.
func ExampleClient_CreateOutgoingPayment() {
	refused := fake.Response{Status: http.StatusBadRequest, Body: `{"error":{"code":"400","description":"invalid quote"}}`}
	client := &openpayments.Client{Client: signedhttp.Client{Transport: fake.Fixed{Response: refused}, Key: httpsig.Key{ID: "my-key", Signer: key}}}
	_, err := client.CreateOutgoingPayment(context.Background(), "https://rs.example", "OS9M2PMHKUR64TB8", openpayments.NewOutgoingPayment{
		WalletAddress: "https://wallet.example/alice", QuoteID: "https://rs.example/quotes/1",
	})
	var failure *signedhttp.Error
	if !errors.As(err, &failure) {
		fmt.Println(err)
		return
	}
	fmt.Println(failure.Code, failure.Retryable)
	fmt.Println(failure.Description)
	fmt.Println(failure.Advice)
	// Output:
	// invalid_quote false
	// invalid quote
	// The quote has expired or was used, or its receiver takes no more: ask for a new quote.
}

// Money is never a float.
func ExampleParseAmount() {
	for _, decimal := range []string{"12.5", "12.505", "1,250.00"} {
		value, err := openpayments.ParseAmount(decimal, 2)
		fmt.Printf("%q %v\n", value, err)
	}
	// Output:
	// "1250" <nil>
	// "" openpayments: more decimals than the scale of the asset: "12.505" has 3, and the scale is 2
	// "" openpayments: not a decimal number like 12.50: "1,250.00"
}
