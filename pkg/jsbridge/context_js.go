//go:build js && wasm

package jsbridge

import (
	"context"
	"time"

	"github.com/hack-pad/safejs"
)

// callContext is the context of a call that JavaScript made. It ends when JavaScript calls Cancel with the id
// of the call: JavaScript watches what a call must not outlast, its deadline and its AbortSignal.
type callContext struct {
	context.Context
	id int
}

type callID struct{}

func (c callContext) Value(key any) any {
	if key == (callID{}) {
		return c.id
	}
	return c.Context.Value(key)
}

// idOf returns the id of the call that ctx belongs to, or 0.
func idOf(ctx context.Context) int {
	id, _ := ctx.Value(callID{}).(int)
	return id
}

// calls holds the function that ends the context of each call that runs, by the id of the call. mu guards it.
var calls = map[int]context.CancelFunc{}

func newCall(id int) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	mu.Lock()
	defer mu.Unlock()
	calls[id] = cancel
	return callContext{ctx, id}, func() { cancelCall(id) }
}

func cancelCall(id int) {
	mu.Lock()
	cancel, runs := calls[id]
	delete(calls, id)
	mu.Unlock()
	if runs {
		cancel()
	}
}

// Cancel is a function for JavaScript that takes the id of a call and ends the context of that call.
var Cancel = must(safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
	if len(args) == 0 {
		return nil
	}
	if id, err := args[0].Int(); err == nil {
		cancelCall(id)
	}
	return nil
}))

// WithDeadline returns a copy of ctx that tells a deadline and does not end then. JavaScript keeps the deadlines
// of calls: Go only decides by them what is worth waiting for.
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
