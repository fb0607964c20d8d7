package openpayments

import (
	"net/http"

	"open-payments-wasm/pkg/signedhttp"
)

//go:generate go run ./internal/genjs ../../wasm/sdk/operations.js
//go:generate node ../../web/test/shapes.mjs shapes.go

// Operation is a kind of call. Its Name is that of @interledger/open-payments.
type Operation struct {
	Name   string
	Method string // of HTTP
	// Path is appended to the path of the URL that the caller gives.
	Path string
	// Address says that this URL is a wallet address, and may be a payment pointer.
	Address bool
	// Token says that the call needs an access token and is signed. Others anybody may make.
	Token bool
	// Body says that the call takes a body and makes what is in it.
	Body bool
	// Pages says that the call takes a wallet address and a Pagination, and returns a page.
	Pages bool

	id       string                                                 // the operationId in the OpenAPI documents 1.3.0, and in shapes
	identify bool                                                   // the response has the id that was asked for
	check    func(c *checker, path string, document map[string]any) // what the documents do not say: of each item of a page
	http     signedhttp.Operation
}

const (
	get  = http.MethodGet
	post = http.MethodPost
)

// Operations are all there are. What JavaScript must know of them is made of this table.
var Operations = []*Operation{
	{Name: "walletAddress.get", Method: get, Address: true, id: "get-wallet-address", identify: true},
	{Name: "walletAddress.getKeys", Method: get, Path: "/jwks.json", Address: true, id: "get-wallet-address-keys"},
	{Name: "walletAddress.getDIDDocument", Method: get, Path: "/did.json", Address: true, id: "get-wallet-address-did-document"},

	{Name: "incomingPayment.get", Method: get, Token: true, id: "get-incoming-payment", identify: true, check: checkIncoming},
	{Name: "incomingPayment.getPublic", Method: get, id: "get-incoming-payment"},
	{
		Name: "incomingPayment.create", Method: post, Path: "/incoming-payments", Token: true, Body: true,
		id: "create-incoming-payment", check: checkCreated,
	},
	{
		Name: "incomingPayment.complete", Method: post, Path: "/complete", Token: true,
		id: "complete-incoming-payment", identify: true, check: checkCompleted,
	},
	{
		Name: "incomingPayment.list", Method: get, Path: "/incoming-payments", Token: true, Pages: true,
		id: "list-incoming-payments", check: checkIncoming,
	},

	{Name: "quote.get", Method: get, Token: true, id: "get-quote", identify: true},
	{Name: "quote.create", Method: post, Path: "/quotes", Token: true, Body: true, id: "create-quote"},

	{Name: "outgoingPayment.get", Method: get, Token: true, id: "get-outgoing-payment", identify: true, check: checkOutgoing},
	{
		Name: "outgoingPayment.create", Method: post, Path: "/outgoing-payments", Token: true, Body: true,
		id: "create-outgoing-payment", check: checkOutgoing,
	},
	{
		Name: "outgoingPayment.list", Method: get, Path: "/outgoing-payments", Token: true, Pages: true,
		id: "list-outgoing-payments", check: checkOutgoing,
	},
	{
		Name: "outgoingPayment.getGrantSpentAmounts", Method: get, Path: "/outgoing-payment-grant", Token: true,
		id: "get-outgoing-payment-grant",
	},
}

func init() {
	for _, op := range Operations {
		op.http = signedhttp.Operation{
			Protocol: "open-payments", Name: op.Name, Method: op.Method, Standard: "Open Payments 1.3",
			Unsigned: !op.Token, Creates: op.Body, Explain: explain,
		}
	}
}

// named returns the operation of a name, or nil.
func named(name string) *Operation {
	for _, op := range Operations {
		if op.Name == name {
			return op
		}
	}
	return nil
}
