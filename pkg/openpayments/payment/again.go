package payment

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/signedhttp"
)

// Grants keeps grants that pay more than once, each under a name. Their tokens are over after a while, and whoever renews one
// renews it for all who use it. It must be safe for concurrent use.
type Grants interface {
	// Keep keeps a grant: the server's response as it came (RFC 9635 §3). One that is kept under the name already, or was, stays
	// as it is: its token may be newer. Another takes its place.
	Keep(ctx context.Context, name string, grant json.RawMessage) error
	// Get returns the grant of a name with the newest token, nil where there is none, or it was revoked.
	Get(ctx context.Context, name string) (json.RawMessage, error)
	// Renew returns the grant with another token than used, which is over: its successor (RFC 9635 §6.1), which others may have
	// got already.
	Renew(ctx context.Context, name, used string) (json.RawMessage, error)
}

// Another says what a kept grant pays besides.
type Another struct {
	// Grant is the name of the grant in Client.Grants: the key of an order with an interval, or what the grant was kept under.
	Grant string `json:"grant"`
	// Key names the payment: of one grant there is one payment of a key.
	Key string `json:"key"`
	// To is who gets it: a wallet address or the id of an incoming payment, like Order.To.
	To string `json:"to"`
	// Amount is of the kind that the grant is limited by: what leaves the wallet, or what arrives. Nil where the incoming payment
	// asks for an amount.
	Amount *openpayments.Amount `json:"amount,omitempty"`
	// Metadata is like Order.Metadata.
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// Again pays with a grant that is kept, without the person, and returns the outgoing payment: the wallet has accepted it, and
// it has not yet arrived. What is under the key already is not paid again, but returned: an interrupted payment goes on, as
// with Resume, and one that was handed over is known for 400 days.
//
// Errors: *signedhttp.ArgumentError for an argument; *signedhttp.Error with CodeIntervalUsedUp where the grant allows no more
// now, with openpayments.CodeLimitExceeded where it never allows so much, with CodeKeyInUse where the key is that of
// another payment, and those of Finish; those of Grants and of the Journal. After a refusal nothing is kept, and the
// same key may be used.
func (c *Client) Again(ctx context.Context, another Another) (*openpayments.OutgoingPayment, error) {
	order, token, err := c.orderOf(ctx, another)
	if err != nil {
		return nil, err
	}
	ctx = signedhttp.WithSecrets(ctx, func() []string { return []string{token} })
	if err := c.clear(ctx, order); err != nil {
		return nil, err
	}
	var outgoing *openpayments.OutgoingPayment
	err = c.Journal.Alone(ctx, order.lock(), func() error {
		record, err := c.begin(ctx, *order)
		if err != nil {
			return err
		}
		isInterrupted := record.Step != StepPreparing
		outgoing, err = c.proceed(ctx, record)
		if isInterrupted && record.isDropped() { // what was made for it was too old
			if record, err = c.begin(ctx, *order); err != nil {
				return err
			}
			outgoing, err = c.proceed(ctx, record)
		}
		if err != nil && c.isOvertaken(ctx, record) {
			return overtaken(err)
		}
		return err
	})
	return outgoing, ofAmount(err)
}

// orderOf makes an order of what a kept grant is to pay, and returns its token.
func (c *Client) orderOf(ctx context.Context, another Another) (_ *Order, token string, _ error) {
	switch {
	case c.Grants == nil:
		return nil, "", noGrants()
	case another.Grant == "":
		return nil, "", &signedhttp.ArgumentError{Argument: "grant", Problem: "must be the name of a grant that is kept"}
	}
	kept, err := c.kept(ctx, another.Grant)
	if isNoGrant(err) {
		return c.orderWithoutGrant(ctx, another, err)
	}
	if err != nil {
		return nil, "", err
	}
	access := kept.access()
	if access == nil {
		problem := "must be one that may create, read and list the outgoing payments of a wallet address"
		return nil, "", &signedhttp.ArgumentError{Argument: "grant", Problem: problem}
	}
	order := &Order{
		Grant: another.Grant, Key: another.Key, From: access.Identifier, To: openpayments.FromPaymentPointer(another.To), Metadata: another.Metadata,
	}
	limit := access.Limits.DebitAmount
	if access.Limits.ReceiveAmount != nil {
		limit, order.ReceiveAmount = access.Limits.ReceiveAmount, another.Amount
	} else {
		order.DebitAmount = another.Amount
	}
	if problem := addressProblem(order.From, c.HTTP.AllowHTTP); problem != "" {
		return nil, "", &signedhttp.ArgumentError{Argument: "grant", Problem: "must be for a wallet address, which " + problem}
	}
	if err := order.check(c.HTTP.AllowHTTP); err != nil {
		return nil, "", ofAmount(err)
	}
	if limit != nil && another.Amount != nil && isSameAsset(limit, another.Amount) && compare(*another.Amount, *limit) > 0 {
		return nil, "", &signedhttp.ArgumentError{Argument: "amount", Problem: "must be no more than the limit of the grant, " + inWords(limit)}
	}
	return order, kept.AccessToken.Value, nil
}

// orderWithoutGrant makes the order of a payment that was begun, and maybe made, before its grant was revoked: its key tells of it. Where
// there is none the error is gone, and another where nobody can look.
func (c *Client) orderWithoutGrant(ctx context.Context, another Another, gone error) (_ *Order, token string, _ error) {
	begun, err := c.find(ctx, func(r *Record) bool {
		return r.Order.Grant == another.Grant && r.Key == another.Key && r.Step != StepPreparing
	})
	if err != nil {
		return nil, "", err
	}
	if begun == nil {
		return nil, "", gone
	}
	order := &begun.Order
	order.To, order.Metadata = openpayments.FromPaymentPointer(another.To), another.Metadata
	if order.ReceiveAmount != nil {
		order.ReceiveAmount = another.Amount
	} else {
		order.DebitAmount = another.Amount
	}
	return order, "", ofAmount(order.check(c.HTTP.AllowHTTP))
}

func isSameAsset(a, b *openpayments.Amount) bool {
	return a.AssetCode == b.AssetCode && a.AssetScale == b.AssetScale
}

// ofAmount names the argument that an order has as one of two.
func ofAmount(err error) error {
	argument, isArgument := err.(*signedhttp.ArgumentError)
	if !isArgument {
		return err
	}
	for _, name := range []string{"debitAmount", "receiveAmount"} {
		if rest, isAmount := strings.CutPrefix(argument.Argument, name); isAmount {
			return &signedhttp.ArgumentError{Argument: "amount" + rest, Problem: argument.Problem}
		}
	}
	return err
}

// keptGrant is what of a grant is needed to pay with it.
type keptGrant struct {
	AccessToken struct {
		Value  string       `json:"value"`
		Access []keptAccess `json:"access"`
	} `json:"access_token"`
}

type keptAccess struct {
	Type       string   `json:"type"`
	Actions    []string `json:"actions"`
	Identifier string   `json:"identifier"`
	Limits     limits   `json:"limits"`
}

// access returns the right to pay, and to look afterwards, nil where there is none.
func (g *keptGrant) access() *keptAccess {
	for i, access := range g.AccessToken.Access {
		may := func(action string) bool {
			return slices.Contains(access.Actions, action) || action != "create" && slices.Contains(access.Actions, action+"-all")
		}
		if access.Type == outgoingType && access.Identifier != "" && !slices.ContainsFunc(outgoingActions, func(a string) bool { return !may(a) }) {
			return &g.AccessToken.Access[i]
		}
	}
	return nil
}

// kept returns the grant of a name.
func (c *Client) kept(ctx context.Context, name string) (*keptGrant, error) {
	text, err := c.Grants.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	var grant keptGrant
	if text == nil || !signedhttp.Unmarshal(text, &grant) && grant.AccessToken.Value == "" {
		return nil, noGrant()
	}
	return &grant, nil
}

// isRenewable tells whether a grant can be kept: its token is rotated at an address, as servers of Open Payments say it.
func isRenewable(text json.RawMessage) bool {
	var grant struct {
		AccessToken struct {
			Manage string `json:"manage"`
		} `json:"access_token"`
	}
	return signedhttp.Unmarshal(text, &grant) && grant.AccessToken.Manage != ""
}

// grantName is the name of the kept grant that pays, or "".
func (r *Record) grantName() string {
	switch {
	case r.Order.Grant != "":
		return r.Order.Grant
	case r.IsKept:
		return r.Key
	}
	return ""
}

// keepGrant hands the grant that a person has approved for more than one payment to Client.Grants.
func (c *Client) keepGrant(ctx context.Context, r *Record) error {
	if r.Granted == nil {
		return nil
	}
	if err := c.Grants.Keep(ctx, r.Key, r.Granted); err != nil {
		return err
	}
	r.Token, r.Granted, r.IsKept = nil, nil, true
	return c.put(ctx, r)
}

// accessToken returns the token to pay and to look with, "" where it was given back.
func (c *Client) accessToken(ctx context.Context, r *Record) (string, error) {
	name := r.grantName()
	switch {
	case name == "" && r.Token == nil:
		return "", nil
	case name == "":
		return r.Token.Value, nil
	}
	grant, err := c.kept(ctx, name)
	if err != nil {
		return "", err
	}
	if !slices.Contains(r.keptTokens, grant.AccessToken.Value) {
		r.keptTokens = append(r.keptTokens, grant.AccessToken.Value)
	}
	return grant.AccessToken.Value, nil
}

// explainLimit adds to the server's word that a payment is over a limit when it is not over it any more.
func (c *Client) explainLimit(ctx context.Context, r *Record, failure *signedhttp.Error) error {
	if failure.Code != openpayments.CodeLimitExceeded || r.grantName() == "" {
		return failure
	}
	grant, err := c.kept(ctx, r.grantName())
	if err != nil || grant.access() == nil {
		return failure
	}
	within, quote := grant.access().Limits, r.quote()
	isOver := within.DebitAmount != nil && compare(quote.DebitAmount, *within.DebitAmount) > 0 ||
		within.ReceiveAmount != nil && compare(quote.ReceiveAmount, *within.ReceiveAmount) > 0
	if within.Interval == "" || isOver || within.Receiver != "" && within.Receiver != r.Receiver {
		return failure
	}
	return usedUp(failure, within.Interval, quote.CreatedAt)
}

const year10000 = 253_402_300_800 // in seconds since 1970

// usedUp is for a payment that the grant allows at another time. The clock of the server counts.
func usedUp(failure *signedhttp.Error, interval string, now time.Time) error {
	if now.IsZero() {
		now = time.Now()
	}
	explained := *failure
	explained.Code = CodeIntervalUsedUp
	explained.Advice = "The grant allows no more, and has no further interval that is known: ask the person for another grant."
	if opens, found := opensAt(interval, now); found && opens.Unix() < year10000 { // later years have no text (RFC 3339)
		text, _ := signedhttp.Marshal(opens.Add(time.Second - 1).Truncate(time.Second)) // it is not open before
		explained.Details = append(append(json.RawMessage(`{"opensAt":`), text...), '}')
		explained.Advice = "The grant allows no more at this time. Its next interval begins at " + signedhttp.Text(text) +
			": pay again then, with the same key."
	}
	return &explained
}

func noGrants() error {
	return &signedhttp.ArgumentError{Argument: "grants", Problem: "must be given to the client, to keep what pays more than once"}
}

func isNoGrant(err error) bool {
	failure, isFailure := err.(*signedhttp.Error)
	return isFailure && failure.Code == codeNoGrant
}

func noGrant() error {
	failure := operation.Fail(codeNoGrant, "No grant is kept under this name: it was revoked, or never kept. Nothing was sent.")
	failure.Advice = "Ask the person for another grant."
	return failure
}
