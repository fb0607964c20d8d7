package payment

import (
	"context"
	"errors"
	"slices"
	"time"

	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/signedhttp"
)

const mostAttempts = 3 // in one call: a token and a quote may have to be replaced

// pay creates the outgoing payment from the quote.
//
// A server takes a quote once. Where a request to pay may have been sent, there is a look first: only if that succeeds and
// finds nothing is the request made again, with the same quote. Another quote takes its place only when no request of the
// old one can be processed any more.
func (c *Client) pay(ctx context.Context, r *Record) (*openpayments.OutgoingPayment, error) {
	for attempt := 0; ; attempt++ {
		mayBeUnderWay := r.Step == StepPaying
		if outgoing, err := c.beforePaying(ctx, r, mayBeUnderWay); outgoing != nil || err != nil {
			return outgoing, err
		}
		token, err := c.accessToken(ctx, r)
		if err != nil {
			return nil, err
		}
		outgoing, err := c.create(ctx, r, token)
		if err == nil {
			return c.accept(ctx, r, outgoing)
		}
		again, outgoing, failure := c.afterFailure(ctx, r, token, mayBeUnderWay, err)
		switch {
		case outgoing != nil || failure != nil:
			return outgoing, failure
		case !again || attempt == mostAttempts:
			return nil, err
		}
	}
}

// beforePaying looks where a request to pay may have been sent, and else makes sure that the quote can be paid.
func (c *Client) beforePaying(ctx context.Context, r *Record, mayBeUnderWay bool) (*openpayments.OutgoingPayment, error) {
	if mayBeUnderWay {
		return c.lookAndAccept(ctx, r)
	}
	if r.isQuoteExpired() {
		return nil, c.replaceQuote(ctx, r)
	}
	if r.To == nil {
		return c.lookForOthers(ctx, r)
	}
	return nil, nil
}

func (c *Client) lookAndAccept(ctx context.Context, r *Record) (*openpayments.OutgoingPayment, error) {
	outgoing, err := c.look(ctx, r)
	if err != nil {
		return nil, outcomeUnknown(err)
	}
	if outgoing == nil {
		return nil, nil
	}
	return c.accept(ctx, r, outgoing)
}

// create sends the request to pay. Before it leaves, the journal says that it may have been sent.
func (c *Client) create(ctx context.Context, r *Record, token string) (*openpayments.OutgoingPayment, error) {
	quote := r.quote()
	if len(r.Tried) == 0 {
		r.TriedSince = max(quote.CreatedAt.UnixMilli(), 0)
	}
	if !slices.Contains(r.Tried, quote.ID) {
		r.Tried = append(r.Tried, quote.ID)
	}
	if err := c.moveTo(ctx, r, StepPaying); err != nil {
		return nil, unsent{err}
	}
	args := openpayments.NewOutgoingPayment{WalletAddress: r.From.ID, QuoteID: quote.ID}
	if len(r.Order.Metadata) > 0 {
		args.Metadata = r.Order.Metadata
	}
	return c.resources().CreateOutgoingPayment(ctx, r.From.ResourceServer, token, args)
}

// unsent is a failure before anything was sent.
type unsent struct{ error }

func (e unsent) Unwrap() error { return e.error }

// afterFailure says what becomes of a payment after a request to pay that failed: it is made again, it was made after all, or
// the failure is returned. Only a look tells what was done: a browser may have sent the request twice by itself.
func (c *Client) afterFailure(
	ctx context.Context, r *Record, token string, mayBeUnderWay bool, err error,
) (again bool, _ *openpayments.OutgoingPayment, _ error) {
	var early unsent
	var failure *signedhttp.Error
	switch {
	case errors.As(err, &early):
		return false, nil, early.error
	case !errors.As(err, &failure):
		return false, nil, err // the caller has given up, and the record says that it may have been sent
	case failure.Code == signedhttp.CodeKey: // nothing was sent
		r.stepBack(mayBeUnderWay)
		_ = c.put(ctx, r)
		return false, nil, failure
	case isTokenOver(failure):
		r.stepBack(mayBeUnderWay)
		err := c.rotate(ctx, r, token)
		if err != nil {
			_ = c.put(ctx, r) // else the next call would look, with a token that is over
		}
		return true, nil, err
	}
	outgoing, lookErr := c.look(ctx, r)
	switch {
	case outgoing != nil:
		outgoing, err = c.accept(ctx, r, outgoing)
		return false, outgoing, err
	case lookErr != nil || !isRefusal(failure):
		return false, nil, outcomeUnknown(failure)
	case failure.Code != openpayments.CodeInvalidQuote && !(failure.Status == 404 && r.isQuoteExpired()): // servers forget old quotes
		r.stepBack(mayBeUnderWay)
		_ = c.put(ctx, r)
		return false, nil, c.explainLimit(ctx, r, failure)
	case mayBeUnderWay && !r.isQuoteExpired(): // an earlier request may still be on its way
		return false, nil, outcomeUnknown(failure)
	}
	_ = c.moveTo(ctx, r, StepApproved) // else the next call looks before
	return true, nil, c.replaceQuote(ctx, r)
}

// stepBack takes back that a request to pay may have been sent: the server has refused it, and there was none before.
func (r *Record) stepBack(mayBeUnderWay bool) {
	if !mayBeUnderWay {
		r.Step, r.Tried = StepApproved, r.Tried[:len(r.Tried)-1]
	}
}

// accept writes down the outgoing payment. That the journal failed does not take it from the caller.
func (c *Client) accept(ctx context.Context, r *Record, outgoing *openpayments.OutgoingPayment) (*openpayments.OutgoingPayment, error) {
	r.Outgoing = outgoing.Raw
	if outgoing.Failed {
		return nil, c.end(ctx, r, failed(outgoing, nil))
	}
	_ = c.moveTo(ctx, r, StepAccepted)
	return outgoing, nil
}

const (
	pageSize  = 100 // as large as servers give
	mostPages = 100
)

// look looks for the payment of a record in the wallet's list, the newest first. Nil without an error means that there is
// none.
func (c *Client) look(ctx context.Context, r *Record) (*openpayments.OutgoingPayment, error) {
	ctx = signedhttp.WithSecrets(ctx, r.secrets)
	// No payment is older than its quote. Servers may write times without fractions of seconds.
	isOlder := func(o *openpayments.OutgoingPayment) bool {
		return r.TriedSince > 0 && isBefore(o.CreatedAt, time.UnixMilli(r.TriedSince).Add(-time.Minute))
	}
	is := func(o *openpayments.OutgoingPayment) bool {
		if o.QuoteID != "" {
			return slices.Contains(r.Tried, o.QuoteID)
		}
		return o.Receiver == r.Receiver && !isOlder(o)
	}
	return c.search(ctx, r, is, isOlder)
}

// search goes through the wallet's list of outgoing payments until `is` or `isEnd` is true of one.
func (c *Client) search(ctx context.Context, r *Record, is, isEnd func(*openpayments.OutgoingPayment) bool) (*openpayments.OutgoingPayment, error) {
	cursor := ""
	for range mostPages {
		page, err := c.page(ctx, r, cursor)
		if err != nil {
			return nil, err
		}
		for i := range page.Result {
			switch outgoing := &page.Result[i]; {
			case is(outgoing):
				return outgoing, nil
			case isEnd(outgoing):
				return nil, nil
			}
		}
		switch next := page.Pagination; {
		case !next.HasNextPage:
			return nil, nil
		case next.EndCursor == "" || next.EndCursor == cursor:
			return nil, unexpected(page.Raw, "The server says that there is a further page of payments, and names no further cursor.")
		}
		cursor = page.Pagination.EndCursor
	}
	return nil, unexpected(nil, "The wallet has made too many payments to find out whether this one is among them.")
}

// page reads a page of the wallet's list as it is now.
func (c *Client) page(ctx context.Context, r *Record, cursor string) (*openpayments.Page[openpayments.OutgoingPayment], error) {
	var page *openpayments.Page[openpayments.OutgoingPayment]
	err := c.withToken(ctx, r, func(token string) error {
		text, err := c.resources().Do(ctx, openpayments.Call{
			Operation: "outgoingPayment.list", URL: r.From.ResourceServer, AccessToken: token, WalletAddress: r.From.ID, NoStore: true,
			Pagination: openpayments.Pagination{First: pageSize, Cursor: cursor},
		})
		if err == nil {
			page = openpayments.Read[openpayments.Page[openpayments.OutgoingPayment]](text)
		}
		return err
	})
	return page, err
}

// lookForOthers refuses to pay an incoming payment that somebody else has made if it is paid, or being paid, from here
// already: across devices it is the key. It returns the payment from the very quote, if there is one.
func (c *Client) lookForOthers(ctx context.Context, r *Record) (*openpayments.OutgoingPayment, error) {
	is := func(o *openpayments.OutgoingPayment) bool { return o.Receiver == r.Receiver && !o.Failed }
	other, err := c.search(ctx, r, is, func(*openpayments.OutgoingPayment) bool { return false })
	switch {
	case err != nil || other == nil:
		return nil, err
	case other.QuoteID == r.quote().ID:
		return c.accept(ctx, r, other)
	}
	return nil, c.end(ctx, r, alreadyPaid(other))
}

// withToken runs a task with the access token, and once more with another where the server says that it is over.
func (c *Client) withToken(ctx context.Context, r *Record, task func(token string) error) error {
	token, err := c.accessToken(ctx, r)
	if err != nil {
		return err
	}
	if err := task(token); !isTokenOver(err) {
		return err
	}
	if err := c.rotate(ctx, r, token); err != nil {
		return err
	}
	if token, err = c.accessToken(ctx, r); err != nil {
		return err
	}
	return task(token)
}

func isTokenOver(err error) bool {
	var failure *signedhttp.Error
	return errors.As(err, &failure) && failure.Code == openpayments.CodeInactiveToken
}

// rotate exchanges an access token that is over for another (RFC 9635 §6.1).
func (c *Client) rotate(ctx context.Context, r *Record, used string) error {
	if name := r.grantName(); name != "" {
		_, err := c.Grants.Renew(ctx, name, used)
		return err
	}
	if r.Token.Manage == "" {
		return notRotated(operation.Fail(openpayments.CodeInactiveToken, "The server has named no address to rotate the token at."), r.Step)
	}
	rotated, err := c.grants().Rotate(ctx, c.at(r.Token.Manage), r.Token.ManageToken)
	if err != nil {
		return notRotated(err, r.Step)
	}
	r.Token = tokenOf(rotated.AccessToken)
	return c.keep(ctx, r, rotated.Raw)
}

// replaceQuote asks for another quote in place of one that cannot be paid any more. It must cost no more and deliver no less.
func (c *Client) replaceQuote(ctx context.Context, r *Record) error {
	old := r.quote()
	quote, err := c.createAnotherQuote(ctx, r)
	if err != nil {
		return err
	}
	isLimited := r.Order.Grant != "" && r.isFor(quote) // by its grant, and no person has seen the old one
	if !isLimited && !isNoWorse(old, quote) {
		return quoteChanged(old, quote)
	}
	r.Quote, r.QuotedAt = quote.Raw, now()
	return c.put(ctx, r)
}

// createAnotherQuote asks for a quote, with another token where the one for quotes is over.
func (c *Client) createAnotherQuote(ctx context.Context, r *Record) (*openpayments.Quote, error) {
	if r.QuoteToken != nil {
		if quote, err := c.createQuote(ctx, r); !isTokenOver(err) {
			return quote, err
		}
	}
	token, err := c.token(ctx, r.From.AuthServer, quoteAccess)
	if err != nil {
		return nil, err
	}
	r.QuoteToken = token
	return c.createQuote(ctx, r)
}

func isNoWorse(old, quote *openpayments.Quote) bool {
	return compare(quote.DebitAmount, old.DebitAmount) <= 0 && compare(old.ReceiveAmount, quote.ReceiveAmount) <= 0 && quote.Receiver == old.Receiver
}

// compare compares amounts of one asset; of two assets, or of what is no amount, nothing is less or equal.
func compare(a, b openpayments.Amount) int {
	x, errA := a.Units()
	y, errB := b.Units()
	if a.AssetCode != b.AssetCode || a.AssetScale != b.AssetScale || errA != nil || errB != nil || x > y {
		return 1
	}
	if x < y {
		return -1
	}
	return 0
}

// isQuoteExpired tells whether the quote can be paid no more. The clock here may be wrong: it counts how long the quote has
// been here, not what time it is.
func (r *Record) isQuoteExpired() bool {
	quote := r.quote()
	switch {
	case quote.ExpiresAt.IsZero():
		return false
	case quote.CreatedAt.IsZero():
		return isBefore(quote.ExpiresAt, time.Now())
	}
	return since(r.QuotedAt) > quote.ExpiresAt.Sub(quote.CreatedAt)
}

// isBefore compares times that are known.
func isBefore(a, b time.Time) bool { return !a.IsZero() && !b.IsZero() && a.Before(b) }
