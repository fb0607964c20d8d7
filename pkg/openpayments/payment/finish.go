package payment

import (
	"context"
	"errors"
	"strings"
	"time"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/signedhttp"
)

// Callback is what a wallet adds to the finish URI (RFC 9635 §4.2): the parameters hash and interact_ref.
type Callback struct {
	Hash        string
	InteractRef string
}

// Finish goes on with the payment that the person has come back from, and returns the outgoing payment: the wallet has
// accepted it, and it has not yet arrived. The interaction hash is the proof of which payment it is (RFC 9635 §4.2.3);
// without it nothing changes. For a day after HandOver, and for ever before it, it returns the same outgoing payment again.
//
// A server gives the token once. If ctx ends while it is being asked for it, the response is lost, and the approval with it: ctx
// should outlive the request of a person's browser (context.WithoutCancel), and have a deadline.
//
// Errors: *signedhttp.Error with CodeNotPending or gnap.CodeHash where no payment waits for this callback; with the
// server's GNAP code where the grant is over; with CodeQuoteChanged, CodeAlreadyPaid, CodeOutcomeUnknown or CodeFailed; and for
// every failure of a request. *NotWritten where the journal has failed with the token. *signedhttp.ArgumentError where another
// key began the payment. When ctx is cancelled, its cause. After those that do not say that the payment is over, Finish and
// Resume go on from where it was, and look before they pay.
func (c *Client) Finish(ctx context.Context, callback Callback) (*openpayments.OutgoingPayment, error) {
	found, reference, err := c.match(ctx, callback)
	if err != nil {
		return nil, err
	}
	var outgoing *openpayments.OutgoingPayment
	err = c.alone(ctx, found, func(r *Record) error {
		if r.Step == StepInteract {
			r.InteractRef = reference // written down with the next step
		}
		outgoing, err = c.proceed(ctx, r)
		return err
	})
	return outgoing, err
}

// Resume goes on with a payment that was interrupted, and returns what Finish returns. id is that of the payment.
//
// Errors are those of Start and Finish, and CodeInteractionRequired, as *InteractionRequired, where the person has not
// approved it.
func (c *Client) Resume(ctx context.Context, id string) (*openpayments.OutgoingPayment, error) {
	var outgoing *openpayments.OutgoingPayment
	err := c.withID(ctx, id, func(r *Record) (err error) {
		outgoing, err = c.proceed(ctx, r)
		return err
	})
	return outgoing, err
}

// match returns the payment whose hash a callback has, and the reference as it was hashed.
func (c *Client) match(ctx context.Context, callback Callback) (found *Record, reference string, err error) {
	mismatch := notPending()
	// A plus sign that was not percent-encoded reads as a space.
	for _, reference := range []string{callback.InteractRef, strings.ReplaceAll(callback.InteractRef, " ", "+")} {
		found, err := c.find(ctx, func(r *Record) bool {
			if r.Grant == nil {
				return false
			}
			hash := gnap.InteractionHash{
				ClientNonce: r.Grant.ClientNonce, ServerNonce: r.Grant.ServerNonce, InteractRef: reference,
				GrantEndpoint: r.Grant.Endpoint, Hash: callback.Hash,
			}
			err := hash.Verify()
			if err != nil && r.Step == StepInteract {
				mismatch = err
			}
			return err == nil
		})
		if found != nil || err != nil {
			return found, reference, err
		}
	}
	return nil, "", mayBeOfGrant(mismatch)
}

// proceed takes the steps from the approval to the outgoing payment that were not taken yet.
func (c *Client) proceed(ctx context.Context, r *Record) (*openpayments.OutgoingPayment, error) {
	ctx = signedhttp.WithSecrets(ctx, r.secrets)
	if r.Step == StepPreparing {
		if _, err := c.prepare(ctx, r); err != nil {
			return nil, err
		}
	}
	switch {
	case r.Failure != nil:
		return nil, r.Failure.error()
	case r.Outgoing != nil:
		return r.outgoing(), nil
	case r.Step == StepInteract && r.InteractRef == "":
		return nil, interactionRequired(r)
	}
	if r.Token == nil && r.grantName() == "" {
		if err := c.continueGrant(ctx, r); err != nil {
			return nil, err
		}
	}
	if err := c.keepGrant(ctx, r); err != nil {
		return nil, err
	}
	outgoing, err := c.pay(ctx, r)
	if r.Order.Grant != "" && r.Step == StepApproved && isRefusal(err) {
		_ = c.drop(ctx, r) // no request to pay is under way, and its incoming payment would be too old when it is paid again
	}
	return outgoing, err
}

// continueGrant exchanges the reference for a token (RFC 9635 §5.1). Only the server's word that the grant is over ends the
// payment.
func (c *Client) continueGrant(ctx context.Context, r *Record) error {
	mayBeLost := r.Step == StepContinuing
	if err := c.waitForServer(ctx, r.Grant); err != nil {
		return err
	}
	if err := c.moveTo(ctx, r, StepContinuing); err != nil {
		return err
	}
	grant, err := c.grants().Continue(ctx, c.at(r.Grant.URI), r.Grant.AccessToken, r.InteractRef)
	if isTooFast(err) { // the next call waits, whoever makes it
		r.Grant.waitAsTold(err)
	}
	switch {
	case err == nil && grant.AccessToken != nil:
		r.approve(grant)
		return c.keep(ctx, r, grant.Raw)
	case err == nil:
		if grant.Continue != nil {
			r.Grant.continueAt(grant.Continue)
		}
		if err := c.moveTo(ctx, r, StepInteract); err != nil {
			return err
		}
		return unexpected(grant.Raw, "The server has continued the grant and issued no token.")
	case isOver(err):
		return c.end(ctx, r, explainLost(err, mayBeLost))
	case (isRefusal(err) || isTooFast(err)) && !mayBeLost: // nothing was processed
		_ = c.moveTo(ctx, r, StepInteract)
	case isTooFast(err):
		_ = c.put(ctx, r)
	}
	return err
}

// waitForServer waits until the server allows the continuation.
func (c *Client) waitForServer(ctx context.Context, grant *Grant) error {
	wait := time.Duration(min(max(grant.Wait, 0), longestWait)) * time.Millisecond
	left := wait - max(since(grant.Began), 0) // the clock may have been set back
	if left <= 0 {
		return nil
	}
	err := signedhttp.Wait(ctx, left)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return tooFast(left)
	case err != nil:
		return context.Cause(ctx)
	}
	return nil
}

func (c *Client) moveTo(ctx context.Context, r *Record, step Step) error {
	r.Step = step
	return c.put(ctx, r)
}

// end ends a payment for which no money was sent, and returns why.
func (c *Client) end(ctx context.Context, r *Record, err *signedhttp.Error) error {
	r.Failure = &Failure{err.Code, err.Status, err.Description, err.Details}
	_ = c.moveTo(ctx, r, StepEnded) // else the next call is told the same
	return err
}
