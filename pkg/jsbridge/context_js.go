//go:build js && wasm

package jsbridge

import (
	"context"
	"time"

	"github.com/hack-pad/safejs"
)

// callContext is the context of a call that JavaScript made. It ends when JavaScript calls Cancel with its
// number: whatever a call must not outlast, a deadline or an AbortSignal, is watched there.
type callContext struct {
	context.Context
	number int
}

type callNumber struct{}

func (c callContext) Value(key any) any {
	if key == (callNumber{}) {
		return c.number
	}
	return c.Context.Value(key)
}

// numberOf returns the number of the call that ctx is of, or 0.
func numberOf(ctx context.Context) int {
	number, _ := ctx.Value(callNumber{}).(int)
	return number
}

// calls holds what ends each call that runs, by number. mu guards it.
var calls = map[int]context.CancelFunc{}

func newCall(number int) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	mu.Lock()
	defer mu.Unlock()
	calls[number] = cancel
	return callContext{ctx, number}, func() { cancelCall(number) }
}

func cancelCall(number int) {
	mu.Lock()
	cancel, runs := calls[number]
	delete(calls, number)
	mu.Unlock()
	if runs {
		cancel()
	}
}

// Cancel is a function for JavaScript that ends the context of the call with the number that it is given.
var Cancel = must(safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
	if len(args) == 0 {
		return nil
	}
	if number, err := args[0].Int(); err == nil {
		cancelCall(number)
	}
	return nil
}))

// WithDeadline returns a copy of ctx that says it has a deadline, and does not end then. It is for a call
// whose deadline JavaScript keeps: Go only decides by it what is worth waiting for.
func WithDeadline(ctx context.Context, deadline time.Time) context.Context {
	return deadlineContext{ctx, deadline}
}

type deadlineContext struct {
	context.Context
	deadline time.Time
}

func (c deadlineContext) Deadline() (time.Time, bool) { return c.deadline, true }

var trueValue = must(safejs.ValueOf(true))

// must is for values that this package makes of constants and well-known globals.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
