package payment

import (
	"context"
	"crypto/rand"
	"errors"
	"math"
	"time"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/signedhttp"
)

const receiverLifetime = 24 * time.Hour // of an incoming payment that is made for an order

// Start begins a payment and returns what it will cost and where the person approves it. What is under the key of the order
// already is returned as it stands: a payment that waits for the person, or its outcome.
//
// It reads the wallet addresses, gets the grants that need nobody, makes an incoming payment where Order.To is a wallet
// address, and a quote, and asks for a grant whose limits are the receiver and the debit amount of that quote.
//
// Errors: *signedhttp.ArgumentError for an argument, amounts that are of another asset than the wallet included;
// *signedhttp.Error with CodeKeyInUse where another payment was begun under the key, with the code of what has ended
// the one that was, and for every failure of a request; and those of the Journal. After any of them Start may be called
// again, and goes on from where it was.
func (c *Client) Start(ctx context.Context, order Order) (*Payment, error) {
	switch {
	case order.Grant != "":
		return nil, &signedhttp.ArgumentError{Argument: "grant", Problem: "is for Again"}
	case order.Interval != "" && c.Grants == nil:
		return nil, noGrants()
	}
	order.From, order.To = openpayments.FromPaymentPointer(order.From), openpayments.FromPaymentPointer(order.To)
	if err := order.check(c.HTTP.AllowHTTP); err != nil {
		return nil, err
	}
	if err := c.clear(ctx, &order); err != nil {
		return nil, err
	}
	var payment *Payment
	err := c.Journal.Alone(ctx, order.lock(), func() error {
		record, err := c.begin(ctx, order)
		if err != nil {
			return err
		}
		payment, err = c.prepare(ctx, record)
		return err
	})
	return payment, err
}

// clear removes what is too old, of other orders: each while nobody works on it.
func (c *Client) clear(ctx context.Context, order *Order) error {
	records, err := c.Journal.List(ctx)
	if err != nil {
		return err
	}
	for _, old := range records {
		if old.Order.isNamed(order) || !old.IsWhole() || !old.isOld() {
			continue
		}
		err := c.Journal.Alone(ctx, old.Order.lock(), func() error {
			if c.isOvertaken(ctx, old) {
				return nil
			}
			return c.drop(ctx, old)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// begin returns the record under the key of an order, a new one where there is none.
func (c *Client) begin(ctx context.Context, order Order) (*Record, error) {
	records, err := c.Journal.List(ctx)
	if err != nil {
		return nil, err
	}
	var begun *Record
	for _, record := range records {
		switch isWhole := record.IsWhole(); {
		case record.Key != order.Key || record.Order.Grant != order.Grant:
		case !isWhole && len(record.Tried) > 0:
			return nil, damaged(record)
		case isWhole && !record.isStale() && (record.Step != StepPreparing || record.Order.isSame(&order)):
			begun = record
		default:
			if err := c.drop(ctx, record); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case begun == nil:
		if err := c.checkUnused(ctx, &order); err != nil {
			return nil, err
		}
		begun = &Record{ID: rand.Text(), Key: order.Key, KeyID: c.HTTP.Key.ID, Began: now(), Step: StepPreparing, Order: order}
		return begun, c.put(ctx, begun)
	case begun.KeyID != c.HTTP.Key.ID:
		return nil, &signedhttp.ArgumentError{Argument: "key", Problem: "must be the one that began the payment, with the key id " + begun.KeyID}
	case !begun.Order.isSame(&order):
		return nil, keyInUse(begun)
	}
	return begun, nil
}

// checkUnused refuses an order for a grant where one is kept under its key.
func (c *Client) checkUnused(ctx context.Context, order *Order) error {
	if order.Interval == "" {
		return nil
	}
	kept, err := c.Grants.Get(ctx, order.Key)
	if kept != nil {
		return grantInUse()
	}
	return err
}

// prepare takes the steps up to the wallet that were not taken yet.
func (c *Client) prepare(ctx context.Context, r *Record) (*Payment, error) {
	ctx = signedhttp.WithSecrets(ctx, r.secrets)
	if r.Failure != nil {
		return nil, r.Failure.error()
	}
	if r.Step != StepPreparing {
		return r.payment(), nil
	}
	err := c.takeSteps(ctx, r)
	if isTokenOver(err) { // it was got long ago
		r.QuoteToken, r.ReceiverToken = nil, nil
		err = c.takeSteps(ctx, r)
	}
	if err != nil {
		return nil, c.notPrepared(ctx, r, err)
	}
	return r.payment(), nil
}

func (c *Client) takeSteps(ctx context.Context, r *Record) error {
	for _, step := range []func(context.Context, *Record) error{c.readWallets, c.getTokens, c.makeReceiver, c.makeQuote, c.getApproval} {
		if err := step(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// notPrepared forgets a payment that cannot begin as it was ordered.
func (c *Client) notPrepared(ctx context.Context, r *Record, err error) error {
	if isArgument(err) || isRefusal(err) {
		_ = c.drop(ctx, r) // else it is old one day
	}
	return err
}

// readWallets reads both wallet addresses, or one and the incoming payment, at once.
func (c *Client) readWallets(ctx context.Context, r *Record) error {
	if r.From != nil {
		return nil
	}
	var from, to *openpayments.WalletAddress
	readFrom := func(ctx context.Context) (err error) { from, err = c.readWallet(ctx, r.Order.From); return }
	readTo := func(ctx context.Context) (err error) { to, err = c.readWallet(ctx, r.Order.To); return }
	if r.Order.paysIncoming() {
		readTo = func(ctx context.Context) (err error) { r.ReceivedBefore, err = c.received(ctx, r.Order.To); return }
	}
	if err := together(ctx, readFrom, readTo); err != nil {
		return err
	}
	if err := checkAsset("debitAmount", r.Order.DebitAmount, from); err != nil {
		return err
	}
	r.From = c.wallet(from)
	if to == nil {
		r.Receiver = r.Order.To
		return nil
	}
	r.To = c.wallet(to)
	return checkAsset("receiveAmount", r.Order.ReceiveAmount, to)
}

func (c *Client) readWallet(ctx context.Context, address string) (*openpayments.WalletAddress, error) {
	return c.resources().WalletAddress(ctx, c.at(address))
}

func (c *Client) wallet(document *openpayments.WalletAddress) *Wallet {
	return &Wallet{document.ID, c.at(document.AuthServer), c.at(document.ResourceServer)}
}

func checkAsset(name string, amount *openpayments.Amount, wallet *openpayments.WalletAddress) error {
	switch {
	case amount == nil:
		return nil
	case amount.AssetCode != wallet.AssetCode:
		return &signedhttp.ArgumentError{Argument: name + ".assetCode", Problem: "must be " + wallet.AssetCode + ", the asset of " + wallet.ID}
	case amount.AssetScale != wallet.AssetScale:
		return &signedhttp.ArgumentError{Argument: name + ".assetScale", Problem: "must be that of " + wallet.ID}
	}
	return nil
}

var (
	quoteAccess    = gnap.Access{Type: "quote", Actions: []string{"create"}}
	receiverAccess = gnap.Access{Type: "incoming-payment", Actions: []string{"create", "read", "complete"}}
)

// getTokens asks for the grants that need nobody: one where one server can give both.
func (c *Client) getTokens(ctx context.Context, r *Record) error {
	if r.QuoteToken != nil {
		return nil
	}
	var err error
	switch {
	case r.To == nil:
		r.QuoteToken, err = c.token(ctx, r.From.AuthServer, quoteAccess)
	case r.To.AuthServer == r.From.AuthServer:
		r.QuoteToken, err = c.token(ctx, r.From.AuthServer, receiverAccess, quoteAccess)
		r.ReceiverToken = r.QuoteToken
	default:
		var quote, receiver *Token // the record is read meanwhile, for its secrets
		err = together(ctx,
			func(ctx context.Context) (err error) {
				quote, err = c.token(ctx, r.From.AuthServer, quoteAccess)
				return
			},
			func(ctx context.Context) (err error) {
				receiver, err = c.token(ctx, r.To.AuthServer, receiverAccess)
				return
			},
		)
		r.QuoteToken, r.ReceiverToken = quote, receiver
	}
	if err != nil {
		return err
	}
	return c.put(ctx, r)
}

// token gets an access token that nobody has to approve.
func (c *Client) token(ctx context.Context, server string, access ...gnap.Access) (*Token, error) {
	grant, err := c.grants().Request(ctx, server, gnap.GrantRequest{
		AccessToken: &gnap.AccessTokenRequest{Access: access}, Client: c.WalletAddress,
	})
	if err != nil {
		return nil, err
	}
	if grant.AccessToken == nil {
		return nil, unexpected(grant.Raw, "The server wants a person to approve what no money depends on: an incoming payment or a quote.")
	}
	return tokenOf(grant.AccessToken), nil
}

// makeReceiver makes the incoming payment that a wallet address is paid by.
func (c *Client) makeReceiver(ctx context.Context, r *Record) error {
	if r.Receiver != "" {
		return nil
	}
	expires := time.Now().Add(receiverLifetime).UTC().Truncate(time.Second)
	args := openpayments.NewIncomingPayment{WalletAddress: r.To.ID, IncomingAmount: r.Order.ReceiveAmount, ExpiresAt: &expires}
	if len(r.Order.Metadata) > 0 {
		args.Metadata = r.Order.Metadata
	}
	incoming, err := c.resources().CreateIncomingPayment(ctx, r.To.ResourceServer, r.ReceiverToken.Value, args)
	if err != nil {
		return err
	}
	if !isAsOrdered(r.Order.ReceiveAmount, incoming.IncomingAmount) {
		return unexpected(incoming.Raw, "The incoming payment asks for another amount than was ordered. Nothing was paid.")
	}
	r.Receiver, r.ReceivedBefore = incoming.ID, incoming.ReceivedAmount.Value
	return c.put(ctx, r)
}

func (c *Client) makeQuote(ctx context.Context, r *Record) error {
	if r.Quote != nil {
		return nil
	}
	quote, err := c.createQuote(ctx, r)
	if err != nil {
		return err
	}
	if !r.isFor(quote) {
		return unexpected(quote.Raw, "The quote is for another wallet, receiver or amount than was ordered. Nothing was paid.")
	}
	r.Quote, r.QuotedAt = quote.Raw, now()
	return c.put(ctx, r)
}

func (c *Client) createQuote(ctx context.Context, r *Record) (*openpayments.Quote, error) {
	args := openpayments.NewQuote{WalletAddress: r.From.ID, Receiver: r.Receiver, DebitAmount: r.Order.DebitAmount}
	if r.To == nil { // the incoming payment that is made for an order asks for the amount itself
		args.ReceiveAmount = r.Order.ReceiveAmount
	}
	return c.resources().CreateQuote(ctx, r.From.ResourceServer, r.QuoteToken.Value, args)
}

// getApproval asks the person, unless a kept grant pays.
func (c *Client) getApproval(ctx context.Context, r *Record) error {
	if r.Order.Grant != "" {
		return c.moveTo(ctx, r, StepApproved)
	}
	return c.askPerson(ctx, r)
}

// isFor tells whether a quote is for this payment. The person approves what it says, and may not compare it with the order.
func (r *Record) isFor(quote *openpayments.Quote) bool {
	return quote.Receiver == r.Receiver && quote.WalletAddress == r.From.ID &&
		isAsOrdered(r.Order.DebitAmount, &quote.DebitAmount) && isAsOrdered(r.Order.ReceiveAmount, &quote.ReceiveAmount)
}

// isAsOrdered tells whether an amount is the one that was ordered, if one was.
func isAsOrdered(ordered, amount *openpayments.Amount) bool {
	return ordered == nil || isSameAmount(ordered, amount)
}

// askPerson asks for the grant that the person approves at the wallet.
func (c *Client) askPerson(ctx context.Context, r *Record) error {
	nonce := rand.Text()
	grant, err := c.grants().Request(ctx, r.From.AuthServer, gnap.GrantRequest{
		AccessToken: &gnap.AccessTokenRequest{Access: []gnap.Access{r.access()}},
		Client:      c.WalletAddress,
		Interact: &gnap.InteractRequest{
			Start:  []string{"redirect"},
			Finish: &gnap.FinishRequest{Method: "redirect", URI: r.Order.FinishURI, Nonce: nonce},
		},
	})
	switch {
	case err != nil:
		return err
	case grant.AccessToken != nil: // nobody needs to approve it
		r.approve(grant)
	case grant.Interact == nil || grant.Interact.Finish == "" || grant.Continue == nil:
		return unexpected(grant.Raw, "The server's response lacks what a continuation needs (RFC 9635 §3.1, §3.3.5). "+
			"Nobody should be sent to the wallet.")
	default:
		r.Grant = &Grant{
			Endpoint: r.From.AuthServer, ClientNonce: nonce, ServerNonce: grant.Interact.Finish, Redirect: grant.Interact.Redirect, Began: now(),
		}
		r.Grant.continueAt(grant.Continue)
		r.Step = StepInteract
	}
	return c.put(ctx, r)
}

// approve takes the token of a grant.
func (r *Record) approve(grant *gnap.Grant) {
	r.Token, r.Step = tokenOf(grant.AccessToken), StepApproved
	if r.Order.Interval != "" && isRenewable(grant.Raw) { // else it makes the first payment alone
		r.Granted = grant.Raw
	}
}

// access is what the person approves: to pay this and no more, or in each interval so much, and to look afterwards what
// became of it.
func (r *Record) access() gnap.Access {
	granted := limits{Receiver: r.Receiver, DebitAmount: &r.quote().DebitAmount}
	if o := r.Order; o.Interval != "" {
		granted = limits{DebitAmount: o.DebitAmount, ReceiveAmount: o.ReceiveAmount, Interval: o.Interval}
	}
	return gnap.Access{Type: outgoingType, Actions: outgoingActions, Identifier: r.From.ID, Limits: granted}
}

const outgoingType = "outgoing-payment"

var outgoingActions = []string{"create", "read", "list"}

type limits struct {
	Receiver      string               `json:"receiver,omitempty"`
	DebitAmount   *openpayments.Amount `json:"debitAmount,omitempty"`
	ReceiveAmount *openpayments.Amount `json:"receiveAmount,omitempty"`
	Interval      string               `json:"interval,omitempty"`
}

func (g *Grant) continueAt(next *gnap.Continuation) {
	g.URI, g.AccessToken, g.Wait = next.URI, next.AccessToken.Value, 0
	if next.Wait != nil {
		g.Wait = int64(min(math.Ceil(*next.Wait*1000), longestWait))
	}
	g.Began = now()
}

// waitAsTold has the next continuation wait as long as the failure of the last one says.
func (g *Grant) waitAsTold(err error) {
	var failure *signedhttp.Error
	if errors.As(err, &failure) {
		g.Wait, g.Began = failure.Wait.Milliseconds(), now()
	}
}
