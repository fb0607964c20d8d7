package signedhttp

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Wait waits for d. It returns context.DeadlineExceeded at once when the deadline of ctx comes before that, and
// the error of ctx when that ends.
func Wait(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if deadline, limited := ctx.Deadline(); limited && time.Until(deadline) <= d {
		return context.DeadlineExceeded
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Seconds is a wait that a server named: a second at least, so that no server is asked without a
// pause, and a day at most, which is beyond any patience and safe from overflow.
func Seconds(s float64) time.Duration {
	const longest = 24 * 60 * 60
	return time.Duration(min(max(s, 1), longest) * float64(time.Second))
}

// retryAfter is how long a response says to wait: 0 where it does not say, or says zero or less, which
// would have the client ask without a pause.
func retryAfter(res *http.Response) time.Duration {
	header := res.Header.Get("Retry-After")
	if strings.Trim(header, "0123456789.eE+-") != "" {
		return 0 // a date, or what only a program calls a number, such as 0x10
	}
	if seconds, _ := strconv.ParseFloat(header, 64); seconds > 0 {
		return Seconds(seconds)
	}
	return 0
}
