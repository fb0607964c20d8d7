// Package openpayments is a client of Open Payments 1.3: wallet addresses, incoming payments, quotes, outgoing payments,
// and amounts. It is pure Go and knows no browser: package signedhttp sends its requests.
//
// Client.Do makes each of the Operations and returns JSON; the other methods of a Client are calls of one operation
// each, with types.
package openpayments

import (
	"context"
	"encoding/json"
	"net/http"

	"open-payments-wasm/pkg/signedhttp"
)

// Call is one call. What its operation does not take is not looked at.
type Call struct {
	Operation string // the name of one of the Operations
	// URL is absolute and https, or http on loopback: a wallet address, or a payment pointer for one ("$wallet.example/alice"),
	// where the Operation is of an Address; the resource server of a wallet address for what creates and lists; or else the
	// id of a resource. It may end in a slash and may have a query. A fragment is dropped.
	URL         string
	AccessToken string
	// WalletAddress is whose payments are listed, spelled as the id of the wallet address; or a payment pointer.
	WalletAddress string
	Pagination
	// Body is a JSON object as JSON.stringify and signedhttp.Marshal write it.
	Body []byte
	// NoStore asks for what is true now, for a decision about money: no cache on the way may answer.
	NoStore bool
}

// Pagination says which part of a list is asked for: the First of it, or those after Cursor, or the Last before Cursor.
// First and Last are numbers of items, from 1 to 100 and not both; 0 leaves the number to the server.
type Pagination struct {
	First, Last int
	Cursor      string
}

// Client makes calls. It may be used by many goroutines at once.
type Client struct {
	signedhttp.Client
	// AcceptAnyShape takes any JSON but null for a success, without a look at what is in it.
	AcceptAnyShape bool
}

// Do makes a call and returns the response of the server, checked, as it came: with members that nobody knows. What
// is checked is what @interledger/open-payments checks: the OpenAPI documents 1.3.0, but that unknown members pass, and
// what follows from the operation. Beside that, the id of a document must be the URL that it was asked for by, but for
// case, a slash at the end and a query.
//
// Amounts in a Body are checked before anything is sent.
//
// Errors: *signedhttp.ArgumentError if nothing was sent because of an argument; *signedhttp.Error for every failure after
// that; when ctx is cancelled, its cause. What creates is not Retryable where it may have been done. If its response is
// not what it must be, Code is signedhttp.CodeShape and Details are {"id":"…"}, where that is a URL.
func (c *Client) Do(ctx context.Context, call Call) (json.RawMessage, error) {
	op := named(call.Operation)
	if op == nil {
		return nil, &signedhttp.ArgumentError{Argument: "operation", Problem: "must be the name of an operation"}
	}
	if err := op.checkArguments(call); err != nil {
		return nil, err
	}
	request := signedhttp.Request{
		Operation: &op.http, URL: op.target(call), NoStore: call.NoStore, Repeatable: op.Method == http.MethodGet,
		Reader: reader{op, FromPaymentPointer(call.URL), c.AllowHTTP, c.AcceptAnyShape},
	}
	if op.Token {
		request.AccessToken = call.AccessToken
	}
	if op.Body {
		request.Body = call.Body
	}
	result, err := c.Client.Do(ctx, request)
	text, _ := result.(json.RawMessage)
	return text, err
}

// reader reads the responses to an operation at an address.
type reader struct {
	op                        *Operation
	address                   string
	allowHTTP, acceptAnyShape bool
}

func (r reader) Read(_ *signedhttp.Operation, text []byte, value any) (any, []string) {
	if !r.acceptAnyShape {
		return json.RawMessage(text), r.problems(value)
	}
	if value == nil { // nothing can be asked of null
		return nil, []string{"the response is null"}
	}
	return json.RawMessage(text), nil
}
