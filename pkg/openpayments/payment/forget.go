package payment

import (
	"context"
	"time"

	"open-payments-wasm/pkg/openpayments"
)

const giveBackTime = 30 * time.Second

// HandOver writes down that the caller of Finish or Resume has the outgoing payment: its record may leave after a day.
func (c *Client) HandOver(ctx context.Context, id string) error {
	return c.withID(ctx, id, func(r *Record) error {
		if r.HandedOver > 0 || r.Outgoing == nil && r.Failure == nil {
			return nil
		}
		r.HandedOver = now()
		return c.put(ctx, r)
	})
}

// Forget removes a payment from the journal and gives back what was granted for it, for which it does not wait; an
// incoming payment that was made for it is completed. A grant that Client.Grants keeps stays there. Where a request to pay may
// have been sent it looks first, and returns the outgoing payment that there is, or nil. id is that of the payment, or of the
// outgoing payment. What another key began is removed too, and not given back, unless there is a look to take: that needs the key.
//
// Errors: *signedhttp.Error with CodeOutcomeUnknown where the look has failed: then the payment is kept, unless what the journal
// has of it is damaged, so that nobody can look; with CodeNotPending where there is none; and those of the Journal.
func (c *Client) Forget(ctx context.Context, id string) (outgoing *openpayments.OutgoingPayment, err error) {
	if stored, err := c.Journal.Get(ctx, id); err == nil && stored != nil {
		switch isOurs := stored.KeyID == c.HTTP.Key.ID; {
		case !stored.IsWhole():
			return nil, c.forgetDamaged(ctx, stored)
		case !isOurs && (len(stored.Tried) == 0 || stored.Outgoing != nil): // there is nothing to look for
			return stored.outgoing(), c.remove(ctx, stored)
		}
	}
	err = c.withID(ctx, id, func(r *Record) error {
		outgoing = r.outgoing()
		if outgoing == nil && len(r.Tried) > 0 && (r.Token != nil || r.grantName() != "") {
			if outgoing, err = c.look(ctx, r); err != nil {
				return outcomeUnknown(err)
			}
		}
		if outgoing != nil && !outgoing.Failed && r.Step != StepArrived {
			r.Outgoing, r.Step = outgoing.Raw, StepAccepted // under way: its receiver stays open
		}
		return c.drop(ctx, r)
	})
	return outgoing, err
}

// forgetDamaged removes what cannot be read as a whole, and says so where it may have been paid.
func (c *Client) forgetDamaged(ctx context.Context, r *Record) error {
	err := c.remove(ctx, r)
	if err == nil && len(r.Tried) > 0 {
		return operation.Fail(CodeOutcomeUnknown, "What the journal had of this payment was damaged, so that nobody can look: it may have been paid. "+
			"The person's wallet shows it. It is forgotten now.")
	}
	return err
}

// remove removes a record as it was seen, and gives nothing back: that needs the key that began the payment.
func (c *Client) remove(ctx context.Context, seen *Record) error {
	named := Order{Key: seen.Key, Grant: seen.Order.Grant} // the order of what is damaged may lack its key
	return c.Journal.Alone(ctx, named.lock(), func() error {
		if c.isOvertaken(ctx, seen) {
			return overtaken(nil)
		}
		return c.Journal.Remove(ctx, seen.ID)
	})
}

// drop removes a record, and gives back what was granted.
func (c *Client) drop(ctx context.Context, r *Record) error {
	if err := c.Journal.Remove(ctx, r.ID); err != nil {
		return err
	}
	r.Turn = 0 // it is not there: see isOvertaken
	c.giveBack(r)
	return nil
}

func (r *Record) isDropped() bool { return r.Turn == 0 }

// giveBack revokes what was granted for a payment, and completes the incoming payment that was made for it, while nobody
// waits. What fails ends by itself: tokens within minutes, the incoming payment within a day.
func (c *Client) giveBack(r *Record) {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), giveBackTime)
		defer cancel()
		_ = protect(func() error {
			c.giveBackReceiver(ctx, r)
			if r.QuoteToken != nil && (r.ReceiverToken == nil || r.QuoteToken.Value != r.ReceiverToken.Value) {
				c.revoke(ctx, r.QuoteToken)
			}
			switch {
			case r.Token != nil:
				c.revoke(ctx, r.Token)
			case r.Grant != nil && (r.Step == StepInteract || r.Step == StepContinuing):
				_ = c.grants().Cancel(ctx, c.at(r.Grant.URI), r.Grant.AccessToken)
			}
			return nil
		})
	}()
}

func (c *Client) giveBackReceiver(ctx context.Context, r *Record) {
	if r.ReceiverToken == nil {
		return
	}
	isUnderWay := r.Outgoing != nil && r.Step == StepAccepted
	isComplete := r.Step == StepArrived && r.Order.ReceiveAmount != nil // its server has completed what was paid in full
	if r.Receiver != "" && r.To != nil && !isUnderWay && !isComplete {
		_, _ = c.resources().CompleteIncomingPayment(ctx, c.at(r.Receiver), r.ReceiverToken.Value)
	}
	c.revoke(ctx, r.ReceiverToken)
}

func (c *Client) revoke(ctx context.Context, token *Token) {
	if token.Manage != "" {
		_ = c.grants().Revoke(ctx, c.at(token.Manage), token.ManageToken)
	}
}
