package gnap

import (
	"context"
	"errors"
	"math"
	"time"

	"open-payments-wasm/pkg/signedhttp"
)

// Poll asks at intervals whether a pending grant is issued yet, until it is (RFC 9635 §5.2). It is
// for grants that were requested without interact.finish.
//
// It waits before every request as long as the server said in the response before, five seconds
// where it did not and one at least, and follows the continuation token and URI of every
// response. On too_fast it slows down for good; a failure that is Retryable it tries again, up to
// three times in a row, ever more slowly. Progress, if it is not nil, is called with the
// continuation that follows every response.
//
// Errors are as for Do: a denial is a *signedhttp.Error. As long as the grant is pending it does not
// end before ctx does, so give ctx a deadline. When that comes before the next request may be made,
// it ends at once, and Wait says when to poll on: with the failure that it would have tried again, with
// too_fast where the server wants a longer wait than the whole poll was given, and else with CodeTimeout.
func (c *Client) Poll(ctx context.Context, pending Continuation, progress func(Continuation)) (*Grant, error) {
	strict := &Client{Client: c.Client} // it needs what it follows
	slower, failures, wasPending := time.Duration(0), 0, false
	var last *signedhttp.Error // of the request before
	patience := patienceOf(ctx)
	for {
		if err := pause(ctx, waitOf(pending)+slower, patience, last); err != nil {
			return nil, err
		}
		grant, err := strict.pollOnce(ctx, pending)
		last = nil
		switch {
		case err == nil && (grant.AccessToken != nil || grant.Subject != nil):
			return grant, nil
		case err == nil:
			pending, failures, wasPending = *grant.Continue, 0, true
			if progress != nil {
				progress(pending)
			}
		case !errors.As(err, &last):
			return nil, err
		case last.Code == signedhttp.CodeTimeout && wasPending:
			last.Description = notApproved
			return nil, last
		case last.Code == codeTooFast:
			slower += defaultWait
		case last.Retryable && last.Code != signedhttp.CodeTimeout && failures < 3:
			failures++
			slower += defaultWait
		default:
			return nil, err
		}
	}
}

const notApproved = "The grant was still pending when the server last answered, and the time for this call is up."

// patienceOf returns how long a poll may take.
func patienceOf(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return math.MaxInt64
	}
	return time.Until(deadline)
}

// pause waits before a request, unless ctx ends before: then it returns what ends the poll, which was given
// so much patience. last is the failure that the request would make good, or nil where the grant is pending.
func pause(ctx context.Context, wait, patience time.Duration, last *signedhttp.Error) error {
	if last != nil {
		wait = max(wait, last.Wait)
	}
	err := signedhttp.Wait(ctx, wait)
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, context.DeadlineExceeded):
		return signedhttp.Ended(ctx, OpContinue)
	case last != nil:
		return last.BeyondDeadline(wait)
	}
	ending := OpContinue.Fail(signedhttp.CodeTimeout, notApproved)
	if wait >= patience {
		ending = OpContinue.Fail(codeTooFast, "The grant is still pending.")
	}
	ending.Retryable = true
	return ending.BeyondDeadline(wait)
}

// pollOnce does not wait out too_fast itself: Poll does, and remembers.
func (c *Client) pollOnce(ctx context.Context, pending Continuation) (*Grant, error) {
	return c.send(ctx, Call{OpContinue, pending.URI, pending.AccessToken.Value, nil}, true)
}

func waitOf(pending Continuation) time.Duration {
	if pending.Wait == nil || !(*pending.Wait >= 0) { // NaN too
		return defaultWait
	}
	return signedhttp.Seconds(*pending.Wait)
}
