package payment

import (
	"context"
	"strconv"
	"time"

	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/signedhttp"
)

// Progress is how far a payment has come: the outgoing payment as the wallet shows it, and what the incoming payment has
// received in all. ReceivedAmount is nil where its server does not say it.
type Progress struct {
	Outgoing       *openpayments.OutgoingPayment
	ReceivedAmount *openpayments.Amount
}

const (
	shortestPause = 500 * time.Millisecond // between two looks
	longestPause  = 5 * time.Second
	renewTime     = 30 * time.Second // for another token, though nobody watches any more, and for the journal in the end
)

// Watch waits until a payment has arrived: until the incoming payment has received what the quote said, or is completed.
// What the wallet has sent proves nothing. id is that of the outgoing payment, or of the payment. It calls onProgress, unless
// nil, with what it sees first and with each change, and gives up after patience without one. In the end it gives back
// what was granted for the payment, for which it does not wait.
//
// Errors: *signedhttp.Error with CodePending when it has given up, with CodeFailed where the wallet has, with
// CodeNotPending where no payment of this id is kept; those of the Journal; when ctx ends, its cause. A look that fails is
// made again.
func (c *Client) Watch(ctx context.Context, id string, patience time.Duration, onProgress func(Progress)) (*Progress, error) {
	var record *Record
	err := c.withID(ctx, id, func(r *Record) error {
		record = r
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case record.Failure != nil:
		return nil, record.Failure.error()
	case record.Outgoing == nil && len(record.Tried) > 0:
		return nil, outcomeUnknown(nil)
	case record.Outgoing == nil:
		return nil, interactionRequired(record)
	case record.Step == StepArrived:
		received, _ := c.receivedBy(ctx, record)
		return &Progress{record.outgoing(), received}, nil
	}
	w := watcher{client: c, record: record, last: Progress{Outgoing: record.outgoing()}, changed: time.Now(), patience: patience}
	for pause := shortestPause; ; pause = min(pause*2, longestPause) {
		progress, isOver, err := w.look(ctx)
		if progress != nil && onProgress != nil {
			onProgress(*progress)
		}
		switch {
		case isOver:
			return &w.last, err
		case time.Since(w.changed) > w.patience:
			return nil, stillPending(w.last)
		case progress != nil:
			pause = shortestPause
		}
		if err := signedhttp.Wait(ctx, min(pause, w.patience)); err != nil {
			return nil, ended(ctx, w.last)
		}
	}
}

// ended is why nobody watches any more.
func ended(ctx context.Context, last Progress) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return stillPending(last) // the deadline comes before the next look
}

// watcher watches one payment.
type watcher struct {
	client   *Client
	record   *Record
	last     Progress
	changed  time.Time
	patience time.Duration
	hasSeen  bool
}

// look returns what has changed since the last look, nil where nothing has, and whether the payment is over.
func (w *watcher) look(ctx context.Context) (changed *Progress, isOver bool, err error) {
	ctx = signedhttp.WithSecrets(ctx, w.record.secrets)
	var received *openpayments.Amount
	var isCompleted bool
	var outgoing *openpayments.OutgoingPayment
	record := w.record // looking at the outgoing payment may change it
	// A server, or a store of grants, may be silent.
	looking, cancel := context.WithTimeout(ctx, max(w.patience, shortestPause))
	defer cancel()
	token, _ := w.client.accessToken(looking, record)
	err = together(looking,
		func(ctx context.Context) error { received, isCompleted = w.client.receivedBy(ctx, record); return nil },
		func(ctx context.Context) error { outgoing = w.outgoing(ctx, token); return nil },
	)
	if err != nil {
		return nil, true, err // a panic
	}
	if received == nil && outgoing == nil {
		return nil, false, nil
	}
	now := Progress{outgoing, received}
	if outgoing == nil {
		now.Outgoing = w.last.Outgoing
	}
	if received == nil {
		now.ReceivedAmount = w.last.ReceivedAmount
	}
	if !w.hasSeen || !isSameAmount(now.ReceivedAmount, w.last.ReceivedAmount) || now.Outgoing.SentAmount != w.last.Outgoing.SentAmount {
		changed, w.changed, w.hasSeen = &now, time.Now(), true
	}
	w.last = now
	switch {
	case isCompleted || w.hasArrived(received):
		return changed, true, w.client.settle(ctx, w.record, StepArrived, now, nil)
	case now.Outgoing.Failed:
		failure := failed(now.Outgoing, now.ReceivedAmount)
		return changed, true, w.client.settle(ctx, w.record, StepEnded, now, failure)
	}
	return changed, false, nil
}

// receivedBy reads what the incoming payment has received, nil where that cannot be read, and whether it is completed.
func (c *Client) receivedBy(ctx context.Context, r *Record) (received *openpayments.Amount, isCompleted bool) {
	if r.ReceiverToken != nil {
		incoming, err := c.resources().IncomingPayment(ctx, c.at(r.Receiver), r.ReceiverToken.Value)
		if err == nil {
			return &incoming.ReceivedAmount, incoming.Completed
		}
	}
	public, err := c.resources().PublicIncomingPayment(ctx, c.at(r.Receiver))
	if err != nil {
		return nil, false
	}
	return public.ReceivedAmount, false
}

func (w *watcher) outgoing(ctx context.Context, token string) (outgoing *openpayments.OutgoingPayment) {
	c, r := w.client, w.record
	if token == "" {
		return nil
	}
	outgoing, err := c.resources().OutgoingPayment(ctx, c.at(r.outgoing().ID), token)
	if isTokenOver(err) {
		w.renew(ctx, token)
	}
	return outgoing
}

// renew takes the token that another caller has written down meanwhile, or else rotates it. A rotation that was begun goes on when ctx
// ends: the server gives a token once.
func (w *watcher) renew(ctx context.Context, used string) {
	if w.record.grantName() != "" {
		_ = w.client.rotate(ctx, w.record, used)
		return
	}
	seen, renewed := w.record, make(chan *Record, 1)
	go func() {
		record := seen
		_ = protect(func() error {
			return w.client.alone(ctx, seen, func(r *Record) error {
				record = r
				if r.Token == nil || r.Token.Value != used {
					return nil
				}
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewTime)
				defer cancel()
				return w.client.rotate(ctx, r, used)
			})
		})
		renewed <- record
	}()
	select {
	case w.record = <-renewed:
	case <-ctx.Done():
	}
}

// hasArrived tells whether the receiver has what the quote said, beside what it had before.
func (w *watcher) hasArrived(received *openpayments.Amount) bool {
	if received == nil {
		return false
	}
	before, _ := strconv.ParseUint(w.record.ReceivedBefore, 10, 64)
	now, errNow := received.Units()
	due, errDue := w.record.quote().ReceiveAmount.Units()
	return errNow == nil && errDue == nil && now >= before && now-before >= due
}

// received reads what an incoming payment has received, in units of its asset.
func (c *Client) received(ctx context.Context, id string) (string, error) {
	public, err := c.resources().PublicIncomingPayment(ctx, c.at(id))
	if err != nil || public.ReceivedAmount == nil {
		return "", err
	}
	return public.ReceivedAmount.Value, nil
}

// settle writes down how a payment has ended, and gives back what was granted for it. It returns the failure, if there is one.
func (c *Client) settle(ctx context.Context, seen *Record, step Step, progress Progress, failure *signedhttp.Error) error {
	ctx, cancel := context.WithTimeout(ctx, renewTime)
	defer cancel()
	_ = c.alone(ctx, seen, func(r *Record) error {
		granted := *r
		granted.Step = step
		r.Outgoing, r.Token, r.ReceiverToken, r.QuoteToken = progress.Outgoing.Raw, nil, nil, nil
		r.HandedOver = now()
		if failure != nil {
			r.Failure = &Failure{failure.Code, failure.Status, failure.Description, failure.Details}
		}
		if err := c.moveTo(ctx, r, step); err != nil {
			return err
		}
		c.giveBack(&granted)
		return nil
	})
	if failure != nil {
		return failure
	}
	return nil
}

func stillPending(last Progress) error {
	failure := operation.Fail(CodePending,
		"The payment has not arrived yet, and nothing has changed for a while. It is under way, and has not failed: watch it again later.")
	failure.Retryable = true
	failure.Details = members("sentAmount", last.Outgoing.SentAmount)
	return failure
}
