//go:build js && wasm

package jsbridge

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hack-pad/safejs"
)

// settling makes a host function that settles as an expression of done says.
func settling(t *testing.T, expression string) safejs.Value {
	t.Helper()
	return evaluate(t, "(done) => { "+expression+" }")
}

func TestCallHostFulfils(t *testing.T) {
	for _, expression := range []string{
		"done(true, 'a', 5)",
		"Promise.resolve().then(() => done(true, 'a', 5))",
		"setTimeout(done, 5, true, 'a', 5)",
	} {
		releasesFunctions(t, func() {
			values, err := callHost(context.Background(), settling(t, expression))
			if err != nil || len(values) != 2 || text(t, values[0])+text(t, values[1]) != "a5" {
				t.Errorf("%s: %v, %v", expression, values, err)
			}
		})
	}
}

func TestCallHostPassesArguments(t *testing.T) {
	values, err := callHost(context.Background(), evaluate(t, "(a, b, done) => done(true, a + b)"), "a", 5)
	if err != nil || text(t, values[0]) != "a5" {
		t.Errorf("%v, %v", values, err)
	}
}

// Results find their host calls by id, in whatever order they come, and none is kept.
func TestCallHostManyAtOnce(t *testing.T) {
	host := evaluate(t, `((kept) => (text, done) => {
		kept.unshift(() => done(true, text)); // the last settles first
		if (kept.length === 3) setTimeout(() => kept.forEach((settle) => settle()), 5);
	})([])`)
	type pair struct{ given, got string }
	pairs := make(chan pair)
	for _, given := range []string{"a", "b", "c"} {
		go func() {
			values, err := callHost(context.Background(), host, given)
			if err != nil {
				t.Error(err)
				values = []safejs.Value{safejs.Null()}
			}
			pairs <- pair{given, text(t, values[0])}
		}()
	}
	for range 3 {
		if p := <-pairs; p.given != p.got {
			t.Errorf("%s settled with %s", p.given, p.got)
		}
	}
	if len(hostCalls) > 0 {
		t.Errorf("%d host calls are kept", len(hostCalls))
	}
}

// A host call that was cancelled leaves nothing behind, and is not settled later.
func TestCallHostForgetsWhatItCancelled(t *testing.T) {
	late := evaluate(t, "(done) => { globalThis.late = done; return () => {} }")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
	defer cancel()
	if _, err := callHost(ctx, late); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if len(hostCalls) > 0 {
		t.Errorf("%d host calls are kept", len(hostCalls))
	}
	call(t, evaluate(t, "globalThis"), "late", true)
}

func TestCallHostRejected(t *testing.T) {
	for _, reason := range []string{
		"undefined", "null", "'text'", "Symbol('s')", "5", "10n", "Number.NaN", "false", "new TypeError('t')", "{}", "Object.create(null)", "() => {}",
	} {
		releasesFunctions(t, func() {
			_, err := callHost(context.Background(), settling(t, "done(false, globalThis.given = "+reason+")"))
			thrown, ok := Thrown(err)
			if !ok {
				t.Fatalf("%s: %v", reason, err)
			}
			if !call(t, evaluate(t, "Object"), "is", thrown, evaluate(t, "given")).Equal(trueValue) {
				t.Errorf("%s became %s", reason, text(t, thrown))
			}
			if err.Error() == "" {
				t.Errorf("%s has no text", reason)
			}
		})
	}
}

func TestCallHostThatThrows(t *testing.T) {
	releasesFunctions(t, func() {
		_, err := callHost(context.Background(), settling(t, "throw new RangeError('own')"))
		if thrown, ok := Thrown(err); !ok || text(t, member(t, thrown, "name")) != "RangeError" {
			t.Error(err)
		}
	})
}

// A host call that never settles by itself does when it is cancelled: nothing is left behind.
func TestCallHostEndsWithContext(t *testing.T) {
	const request = "encodeFrame({ method: 'GET', url: 'https://server.example/', headers: {} })"
	for name, function := range map[string]safejs.Value{
		"sign":     evaluate(t, "(done) => sign(() => new Promise(() => {}), new Uint8Array(), done)"),
		"fetch":    evaluate(t, "(done) => exchange(0, () => new Promise(() => {}), "+request+", 1, done)"),
		"the body": evaluate(t, "(done) => exchange(0, async () => new Response(new ReadableStream()), "+request+", 1, done)"),
	} {
		releasesFunctions(t, func() {
			cause := errors.New("cause")
			ctx, cancel := context.WithCancelCause(context.Background())
			time.AfterFunc(5*time.Millisecond, func() { cancel(cause) })
			if _, err := callHost(ctx, function); err != cause {
				t.Errorf("%s: %v", name, err)
			}
			time.Sleep(5 * time.Millisecond)
		})
	}
}

// asPromise calls a function that Async made, as the ES module does, and awaits the result.
func asPromise(t *testing.T, fn safejs.Func, args ...any) (safejs.Value, error) {
	t.Helper()
	caller := evaluate(t, `(fn, ...args) => new Promise((resolve, reject) => {
		globalThis.settle ??= (...result) => globalThis.settleCall(...result); // Go keeps the first
		globalThis.settleCall = (id, isValue, value) => (id === 7 && isValue ? resolve : reject)(value);
		globalThis.returned = fn(7, ...args);
	})`)
	promise, err := caller.Invoke(append([]any{fn}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return await(t, promise)
}

func async(t *testing.T, fn func(args []safejs.Value) (any, error)) safejs.Func {
	t.Helper()
	return asyncWithContext(t, func(_ context.Context, args []safejs.Value) (any, error) { return fn(args) })
}

func asyncWithContext(t *testing.T, fn func(context.Context, []safejs.Value) (any, error)) safejs.Func {
	t.Helper()
	bound, err := Async(fn, func(err error) any { return err.Error() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bound.Release)
	return bound
}

func TestAsyncFulfils(t *testing.T) {
	join := async(t, func(args []safejs.Value) (any, error) {
		return text(t, args[0]) + text(t, args[1]), nil
	})
	value, err := asPromise(t, join, "a", 5)
	if err != nil || text(t, value) != "a5" {
		t.Errorf("%v, %v", value, err)
	}
	if returned := evaluate(t, "returned"); !returned.IsNull() && !returned.IsUndefined() {
		t.Error("it returned something besides the promise")
	}
}

func TestAsyncMayWaitForJavaScript(t *testing.T) {
	wait := async(t, func(args []safejs.Value) (any, error) { return await(t, args[0]) })
	value, err := asPromise(t, wait, evaluate(t, "new Promise((resolve) => setTimeout(resolve, 5, 'later'))"))
	if err != nil || text(t, value) != "later" {
		t.Errorf("%v, %v", value, err)
	}
}

func TestAsyncRejectsWithReason(t *testing.T) {
	var none []int
	for name, c := range map[string]struct {
		fn   func([]safejs.Value) (any, error)
		want string
	}{
		"error":         {func([]safejs.Value) (any, error) { return nil, errors.New("an error") }, "an error"},
		"panic":         {func([]safejs.Value) (any, error) { panic("a secret") }, "panic in Go: string"},
		"runtime panic": {func([]safejs.Value) (any, error) { return none[0], nil }, "panic in Go: runtime error: index out of range [0] with length 0"},
		"nil map":       {func([]safejs.Value) (any, error) { panic(errors.New("a secret")) }, "panic in Go: *errors.errorString"},
	} {
		_, err := asPromise(t, async(t, c.fn))
		thrown, ok := Thrown(err)
		if !ok || text(t, thrown) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAsyncCalledWithoutID(t *testing.T) {
	bound := async(t, func([]safejs.Value) (any, error) {
		t.Error("it ran")
		return nil, nil
	})
	for _, args := range [][]any{nil, {"seven"}, {evaluate(t, "10n")}} {
		if _, err := bound.Value().Invoke(args...); err != nil {
			t.Error(err)
		}
	}
	time.Sleep(5 * time.Millisecond)
}
