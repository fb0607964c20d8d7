//go:build js && wasm

package jsbridge

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hack-pad/safejs"
)

func TestAwaitFulfilled(t *testing.T) {
	for _, expression := range []string{
		"Promise.resolve('a')",
		"new Promise((resolve) => setTimeout(resolve, 5, 'a'))",
		"({ then(fulfilled) { fulfilled('a') } })",
		"({ then(fulfilled) { setTimeout(() => { fulfilled('a'); fulfilled('b') }) } })",
		"'a'",
	} {
		releasesFunctions(t, func() {
			value, err := Await(context.Background(), evaluate(t, expression))
			if err != nil || text(t, value) != "a" {
				t.Errorf("%s: %v, %v", expression, value, err)
			}
		})
	}
}

func TestAwaitReturnsWhatIsNoPromise(t *testing.T) {
	for _, expression := range []string{
		"undefined", "null", "0", "5", "true", "'text'", "Symbol('s')", "10n", "{}", "[]", "new Uint8Array(3)", "() => {}", "Object.create(null)", "({ then: 5 })",
	} {
		given := evaluate(t, "globalThis.given = "+expression)
		value, err := Await(context.Background(), given)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		same := call(t, evaluate(t, "Object"), "is", value, evaluate(t, "given"))
		if !same.Equal(trueValue) {
			t.Errorf("%s became %s", expression, text(t, value))
		}
	}
}

func TestAwaitRejected(t *testing.T) {
	for _, reason := range []string{
		"undefined", "null", "'text'", "Symbol('s')", "5", "10n", "Number.NaN", "false", "new TypeError('t')", "{}", "Object.create(null)", "() => {}",
	} {
		releasesFunctions(t, func() {
			_, err := Await(context.Background(), evaluate(t, "Promise.reject(globalThis.given = "+reason+")"))
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

func TestAwaitThrowingThen(t *testing.T) {
	for _, expression := range []string{
		"({ then() { throw new RangeError('own') } })",
		"({ get then() { throw new RangeError('own') } })",
	} {
		releasesFunctions(t, func() {
			_, err := Await(context.Background(), evaluate(t, expression))
			if thrown, ok := Thrown(err); !ok || text(t, member(t, thrown, "name")) != "RangeError" {
				t.Errorf("%s: %v", expression, err)
			}
		})
	}
}

func TestAwaitEndsWithContext(t *testing.T) {
	cause := errors.New("cause")
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(5*time.Millisecond, func() { cancel(cause) })
	if _, err := Await(ctx, evaluate(t, "new Promise(() => {})")); err != cause {
		t.Errorf("err = %v", err)
	}
}

func TestAwaitReleasesWhatSettlesLate(t *testing.T) {
	releasesFunctions(t, func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = Await(ctx, evaluate(t, "new Promise((resolve) => { globalThis.late = resolve })"))
		evaluate(t, "late()")
		time.Sleep(5 * time.Millisecond)
	})
}

// asPromise calls a function that Async made, as the ES module does, and awaits the answer.
func asPromise(t *testing.T, fn safejs.Func, args ...any) (safejs.Value, error) {
	t.Helper()
	caller := evaluate(t, "(fn, ...args) => new Promise((resolve, reject) => { globalThis.returned = fn(...args, resolve, reject) })")
	promise, err := caller.Invoke(append([]any{fn}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return Await(context.Background(), promise)
}

func async(t *testing.T, fn func(args []safejs.Value) (any, error)) safejs.Func {
	t.Helper()
	bound, err := Async(fn, func(err error) any { return err.Error() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bound.Release)
	return bound
}

func TestAsyncAnswers(t *testing.T) {
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
	wait := async(t, func(args []safejs.Value) (any, error) { return Await(context.Background(), args[0]) })
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

func TestAsyncCalledWithoutPromise(t *testing.T) {
	bound := async(t, func([]safejs.Value) (any, error) {
		t.Error("it ran")
		return nil, nil
	})
	for _, args := range [][]any{nil, {1}} {
		if _, err := bound.Value().Invoke(args...); err != nil {
			t.Error(err)
		}
	}
	time.Sleep(5 * time.Millisecond)
}
