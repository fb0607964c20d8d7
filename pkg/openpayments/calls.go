package openpayments

import (
	"context"
	"encoding/json"
	"iter"

	"open-payments-wasm/pkg/signedhttp"
)

// The calls below are Do with types. Their errors are those of Do. Where the parameter is called
//
//   - walletAddress, it is the URL of a wallet address, or a payment pointer ("$wallet.example/alice");
//   - resourceServer, it is that of a WalletAddress;
//   - id, it is the ID of a document.

// WalletAddress reads the public document of a wallet address. It needs no Key.
func (c *Client) WalletAddress(ctx context.Context, walletAddress string) (*WalletAddress, error) {
	return do[WalletAddress](ctx, c, Call{Operation: "walletAddress.get", URL: walletAddress})
}

// WalletAddressKeys reads the keys that a wallet address signs with. It needs no Key.
func (c *Client) WalletAddressKeys(ctx context.Context, walletAddress string) (*JWKS, error) {
	return do[JWKS](ctx, c, Call{Operation: "walletAddress.getKeys", URL: walletAddress})
}

// DIDDocument reads the DID document of a wallet address, an object. It needs no Key.
func (c *Client) DIDDocument(ctx context.Context, walletAddress string) (json.RawMessage, error) {
	return c.Do(ctx, Call{Operation: "walletAddress.getDIDDocument", URL: walletAddress})
}

// IncomingPayment reads an incoming payment.
func (c *Client) IncomingPayment(ctx context.Context, id, accessToken string) (*IncomingPayment, error) {
	return do[IncomingPayment](ctx, c, Call{Operation: "incomingPayment.get", URL: id, AccessToken: accessToken})
}

// PublicIncomingPayment reads what everybody may know of an incoming payment. It needs no Key.
func (c *Client) PublicIncomingPayment(ctx context.Context, id string) (*PublicIncomingPayment, error) {
	return do[PublicIncomingPayment](ctx, c, Call{Operation: "incomingPayment.getPublic", URL: id})
}

// CreateIncomingPayment makes what the wallet address in args can be paid by.
func (c *Client) CreateIncomingPayment(
	ctx context.Context, resourceServer, accessToken string, args NewIncomingPayment,
) (*IncomingPayment, error) {
	args.WalletAddress = FromPaymentPointer(args.WalletAddress)
	return create[IncomingPayment](ctx, c, Call{Operation: "incomingPayment.create", URL: resourceServer, AccessToken: accessToken}, args)
}

// CompleteIncomingPayment says that nothing more is expected.
func (c *Client) CompleteIncomingPayment(ctx context.Context, id, accessToken string) (*IncomingPayment, error) {
	return do[IncomingPayment](ctx, c, Call{Operation: "incomingPayment.complete", URL: id, AccessToken: accessToken})
}

// IncomingPayments reads a page of the list of incoming payments.
func (c *Client) IncomingPayments(ctx context.Context, list List) (*Page[IncomingPayment], error) {
	return page[IncomingPayment](ctx, c, "incomingPayment.list", list)
}

// AllIncomingPayments reads the list of incoming payments from Cursor on, or the whole list, page by page: the next page
// is asked for when it is wanted. First is the size of a page, and Last is not for it. After an error it ends.
func (c *Client) AllIncomingPayments(ctx context.Context, list List) iter.Seq2[*IncomingPayment, error] {
	return all[IncomingPayment](ctx, c, "incomingPayment.list", list)
}

// Quote reads a quote.
func (c *Client) Quote(ctx context.Context, id, accessToken string) (*Quote, error) {
	return do[Quote](ctx, c, Call{Operation: "quote.get", URL: id, AccessToken: accessToken})
}

// CreateQuote asks what a payment would cost.
func (c *Client) CreateQuote(ctx context.Context, resourceServer, accessToken string, args NewQuote) (*Quote, error) {
	args.WalletAddress = FromPaymentPointer(args.WalletAddress)
	if args.Method == "" {
		args.Method = "ilp"
	}
	return create[Quote](ctx, c, Call{Operation: "quote.create", URL: resourceServer, AccessToken: accessToken}, args)
}

// OutgoingPayment reads an outgoing payment.
func (c *Client) OutgoingPayment(ctx context.Context, id, accessToken string) (*OutgoingPayment, error) {
	return do[OutgoingPayment](ctx, c, Call{Operation: "outgoingPayment.get", URL: id, AccessToken: accessToken})
}

// CreateOutgoingPayment pays. Whoever calls it again after an error that does not rule out that it was done may pay twice:
// look at OutgoingPayments before.
func (c *Client) CreateOutgoingPayment(
	ctx context.Context, resourceServer, accessToken string, args NewOutgoingPayment,
) (*OutgoingPayment, error) {
	args.WalletAddress = FromPaymentPointer(args.WalletAddress)
	return create[OutgoingPayment](ctx, c, Call{Operation: "outgoingPayment.create", URL: resourceServer, AccessToken: accessToken}, args)
}

// OutgoingPayments reads a page of the list of outgoing payments.
func (c *Client) OutgoingPayments(ctx context.Context, list List) (*Page[OutgoingPayment], error) {
	return page[OutgoingPayment](ctx, c, "outgoingPayment.list", list)
}

// AllOutgoingPayments is for outgoing payments what AllIncomingPayments is for incoming ones.
func (c *Client) AllOutgoingPayments(ctx context.Context, list List) iter.Seq2[*OutgoingPayment, error] {
	return all[OutgoingPayment](ctx, c, "outgoingPayment.list", list)
}

// GrantSpentAmounts reads what was spent of the grant that a token is of.
func (c *Client) GrantSpentAmounts(ctx context.Context, resourceServer, accessToken string) (*SpentAmounts, error) {
	return do[SpentAmounts](ctx, c, Call{Operation: "outgoingPayment.getGrantSpentAmounts", URL: resourceServer, AccessToken: accessToken})
}

// List says whose payments are listed, and which of them. WalletAddress is the id of a wallet address, or a payment pointer.
type List struct {
	ResourceServer, AccessToken, WalletAddress string
	Pagination
}

func do[T any](ctx context.Context, c *Client, call Call) (*T, error) {
	text, err := c.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	return Read[T](text), nil
}

func create[T any](ctx context.Context, c *Client, call Call, args any) (*T, error) {
	body, err := signedhttp.Marshal(args)
	if err != nil {
		return nil, &signedhttp.ArgumentError{Argument: "args", Problem: "must be encodable as JSON"}
	}
	call.Body = body
	return do[T](ctx, c, call)
}

func page[T any](ctx context.Context, c *Client, operation string, list List) (*Page[T], error) {
	return do[Page[T]](ctx, c, Call{
		Operation: operation, URL: list.ResourceServer, AccessToken: list.AccessToken, WalletAddress: list.WalletAddress, Pagination: list.Pagination,
	})
}

func all[T any](ctx context.Context, c *Client, operation string, list List) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if list.Last != 0 {
			yield(nil, &signedhttp.ArgumentError{Argument: "last", Problem: "is not for a whole list"})
			return
		}
		for list := list; ; { // whoever ranges again begins again
			got, err := page[T](ctx, c, operation, list)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range got.Result {
				if !yield(&got.Result[i], nil) {
					return
				}
			}
			next := got.Pagination
			if !next.HasNextPage {
				return
			}
			if next.EndCursor == "" || next.EndCursor == list.Cursor {
				yield(nil, stuck(operation, got.Raw))
				return
			}
			list.Cursor = next.EndCursor
		}
	}
}

// stuck is the failure of a list that goes on and does not say where.
func stuck(operation string, text []byte) error {
	failure := named(operation).http.Fail(signedhttp.CodeShape, "The server says that there is a further page, and names no further cursor.")
	failure.Problems, failure.Body = []string{"pagination.endCursor is that of the page before"}, text
	return failure
}
