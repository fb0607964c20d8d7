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

func newContext(t *testing.T, signal safejs.Value, timeout time.Duration) (context.Context, func()) {
	t.Helper()
	ctx, stop, err := Context(signal, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return ctx, stop
}

func assertReason(t *testing.T, ctx context.Context, reason safejs.Value) {
	t.Helper()
	waitFor(t, ctx)
	thrown, ok := Thrown(context.Cause(ctx))
	if !ok || !call(t, evaluate(t, "Object"), "is", thrown, reason).Equal(trueValue) {
		t.Errorf("cause = %v", context.Cause(ctx))
	}
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Errorf("err = %v", ctx.Err())
	}
}

func TestContextOfAbortedSignal(t *testing.T) {
	for _, reason := range []string{"undefined", "null", "'text'", "0", "Number.NaN", "Symbol('s')", "new Error('own')", "{}"} {
		releasesFunctions(t, func() {
			signal := evaluate(t, "AbortSignal.abort("+reason+")")
			ctx, stop := newContext(t, signal, time.Minute)
			defer stop()
			assertReason(t, ctx, member(t, signal, "reason"))
		})
	}
}

func TestContextAbortedLater(t *testing.T) {
	releasesFunctions(t, func() {
		controller := evaluate(t, "new AbortController()")
		ctx, stop := newContext(t, member(t, controller, "signal"), time.Minute)
		defer stop()
		if ctx.Err() != nil {
			t.Fatal("it ended before the abort")
		}
		reason := evaluate(t, "new Error('own')")
		call(t, controller, "abort", reason)
		assertReason(t, ctx, reason)
	})
}

// The listener must go with stop: a signal may live as long as the page.
func TestContextStopRemovesListener(t *testing.T) {
	releasesFunctions(t, func() {
		signal := evaluate(t, `(() => {
			const { signal } = new AbortController();
			signal.listeners = 0;
			for (const [name, change] of [["addEventListener", 1], ["removeEventListener", -1]]) {
				signal[name] = function (...args) { this.listeners += change; return EventTarget.prototype[name].apply(this, args); };
			}
			return signal;
		})()`)
		ctx, stop := newContext(t, signal, 0)
		if n := text(t, member(t, signal, "listeners")); n != "1" {
			t.Errorf("%s listeners", n)
		}
		stop()
		waitFor(t, ctx)
		if n := text(t, member(t, signal, "listeners")); n != "0" {
			t.Errorf("%s listeners after stop", n)
		}
	})
}

func TestContextTimesOut(t *testing.T) {
	for _, expression := range []string{"undefined", "null", "new AbortController().signal"} {
		ctx, stop := newContext(t, evaluate(t, expression), time.Millisecond)
		waitFor(t, ctx)
		stop()
		if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("%s: err = %v", expression, ctx.Err())
		}
		if _, ok := Thrown(context.Cause(ctx)); ok {
			t.Errorf("%s: the cause is a JavaScript value", expression)
		}
	}
}

func TestContextWithoutTimeout(t *testing.T) {
	ctx, stop := newContext(t, safejs.Undefined(), 0)
	if _, limited := ctx.Deadline(); limited || ctx.Err() != nil {
		t.Error("it has a deadline")
	}
	stop()
	waitFor(t, ctx)
}

func TestContextOfWhatIsNoSignal(t *testing.T) {
	for _, expression := range []string{"{}", "[]", "({ addEventListener() { throw new Error('own') } })", "Object.create(null)"} {
		releasesFunctions(t, func() {
			if _, stop, err := Context(evaluate(t, expression), time.Minute); err == nil {
				stop()
				t.Errorf("%s was accepted", expression)
			}
		})
	}
}
