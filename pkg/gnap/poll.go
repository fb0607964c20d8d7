package gnap

import (
	"context"
	"errors"
	"time"
)

// Poll asks at intervals whether a pending grant is issued yet, until it is (RFC 9635 §5.2). It is
// for grants that were requested without interact.finish.
//
// It waits before every request as long as the server said in the answer before, five seconds
// where it did not and one where it said zero, and follows the continuation token and URI of every
// answer. On too_fast it slows down for good; a failure that is Retryable it tries again, up to
// three times in a row, ever more slowly. Progress, if it is not nil, is called with the
// continuation that follows every answer.
//
// Errors are as for Do: a denial is the server's *Error. It does not end before ctx does as long
// as the grant is pending, so give ctx a deadline.
func (c *Client) Poll(ctx context.Context, pending Continuation, progress func(Continuation)) (*Grant, error) {
	slower, failures := time.Duration(0), 0
	for {
		if err := sleep(ctx, waitOf(pending)+slower); err != nil {
			return nil, contextError(ctx, OpContinue)
		}
		grant, err := c.pollOnce(ctx, pending)
		var failure *Error
		switch {
		case err == nil && (grant.AccessToken != nil || grant.Subject != nil):
			return grant, nil
		case err == nil:
			pending, failures = *grant.Continue, 0
			if progress != nil {
				progress(pending)
			}
		case errors.As(err, &failure) && failure.Code == codeTooFast:
			slower += defaultWait
		case errors.As(err, &failure) && failure.Retryable && failure.Code != CodeTimeout && failures < 3:
			failures++
			slower += defaultWait
		default:
			return nil, err
		}
	}
}

// pollOnce does not wait out too_fast itself: Poll does, and remembers.
func (c *Client) pollOnce(ctx context.Context, pending Continuation) (*Grant, error) {
	call := Call{OpContinue, pending.URI, pending.AccessToken.Value, nil}
	target, err := c.check(call)
	if err != nil {
		return nil, err
	}
	return c.sendOnce(ctx, call, target)
}

func waitOf(pending Continuation) time.Duration {
	switch {
	case pending.Wait == nil || *pending.Wait < 0:
		return defaultWait
	case *pending.Wait == 0:
		return time.Second // no server is asked without a pause
	default:
		return seconds(*pending.Wait)
	}
}
