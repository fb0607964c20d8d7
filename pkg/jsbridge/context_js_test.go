//go:build js && wasm

package jsbridge

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hack-pad/safejs"
)

// waitFor fails the test when ctx does not end: the time is only there so that it does not hang.
func waitFor(t *testing.T, ctx context.Context) {
	t.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the context did not end")
	}
}

func TestCancelEndsTheCallWithTheID(t *testing.T) {
	one, endOne := newCall(101)
	other, endOther := newCall(102)
	defer endOther()
	for _, args := range [][]any{nil, {"text"}, {evaluate(t, "10n")}, {100}, {101}, {101}} {
		if _, err := Cancel.Value().Invoke(args...); err != nil {
			t.Error(err)
		}
	}
	waitFor(t, one)
	if !errors.Is(one.Err(), context.Canceled) || other.Err() != nil {
		t.Errorf("%v, %v", one.Err(), other.Err())
	}
	endOne()
}

func TestAsyncEndsItsContext(t *testing.T) {
	var ended context.Context
	wait := asyncWithContext(t, func(ctx context.Context, _ []safejs.Value) (any, error) {
		ended = ctx
		if id := idOf(ctx); id != 7 {
			t.Errorf("the id is %d", id)
		}
		evaluate(t, "setTimeout").Invoke(Cancel.Value(), 5, 7)
		<-ctx.Done()
		return "ended", nil
	})
	if value, err := asPromise(t, wait); err != nil || text(t, value) != "ended" {
		t.Errorf("%v, %v", value, err)
	}
	immediate := asyncWithContext(t, func(ctx context.Context, _ []safejs.Value) (any, error) {
		ended = ctx
		return "ended", nil
	})
	if _, err := asPromise(t, immediate); err != nil {
		t.Error(err)
	}
	waitFor(t, ended)
	if len(calls) > 0 {
		t.Errorf("%d calls are kept", len(calls))
	}
}

// A deadline is JavaScript's to keep: Go knows it, and holds no timer for it.
func TestWithDeadlineDoesNotEnd(t *testing.T) {
	parent, end := newCall(103)
	past := time.Now().Add(-time.Minute)
	ctx := WithDeadline(parent, past)
	if deadline, limited := ctx.Deadline(); !limited || !deadline.Equal(past) || ctx.Err() != nil || idOf(ctx) != 103 {
		t.Errorf("%v, %v, %v, %d", deadline, limited, ctx.Err(), idOf(ctx))
	}
	child, cancel := context.WithCancel(ctx)
	defer cancel()
	if child.Err() != nil {
		t.Error("it ended at its deadline")
	}
	end()
	waitFor(t, child)
}

func TestIDOfAnotherContext(t *testing.T) {
	if id := idOf(context.Background()); id != 0 {
		t.Errorf("%d", id)
	}
}
