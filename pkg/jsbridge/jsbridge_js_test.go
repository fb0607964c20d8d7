//go:build js && wasm

package jsbridge

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hack-pad/safejs"
)

// TestMain defines the functions of host.js as the ES module does.
func TestMain(m *testing.M) {
	source := string(must(os.ReadFile("host.js")))
	must(global.Call("eval", "{"+strings.ReplaceAll(source, "export ", "")+"\nObject.assign(globalThis, createHost().functions); }"))
	os.Exit(m.Run())
}

// evaluate returns the value of a JavaScript expression.
func evaluate(t *testing.T, expression string) safejs.Value {
	t.Helper()
	function, err := must(global.Get("Function")).New("return (" + expression + ")")
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	value, err := function.Invoke()
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// await waits for a promise, with a host function made for it.
func await(t *testing.T, promise safejs.Value) (safejs.Value, error) {
	t.Helper()
	host := evaluate(t, "(promise, done) => { Promise.resolve(promise).then((value) => done(true, value), (error) => done(false, error)) }")
	values, err := callHost(context.Background(), host, promise)
	if err != nil {
		return safejs.Value{}, err
	}
	return values[0], nil
}

// text returns String(value).
func text(t *testing.T, value safejs.Value) string {
	t.Helper()
	converted, err := must(global.Get("String")).Invoke(value)
	if err != nil {
		t.Fatal(err)
	}
	return must(converted.String())
}

// becomesTrue waits until an expression is true. The time is only there so that a test fails where
// it would hang.
func becomesTrue(t *testing.T, expression string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !evaluate(t, expression).Equal(trueValue); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s never became true", expression)
		}
	}
}

func member(t *testing.T, object safejs.Value, name string) safejs.Value {
	t.Helper()
	value, err := object.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func call(t *testing.T, object safejs.Value, name string, args ...any) safejs.Value {
	t.Helper()
	value, err := object.Call(name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// releasesFunctions fails the test unless every function that fn makes callable from JavaScript is
// released when fn is done, and every host call has settled or was cancelled. It catches the
// functions where wasm_exec.js makes them, and calls each: Go complains on the console about those
// that are released.
func releasesFunctions(t *testing.T, fn func()) {
	t.Helper()
	made := evaluate(t, `(() => {
		const original = Go.prototype._makeFuncWrapper;
		const functions = [];
		Go.prototype._makeFuncWrapper = function (id) {
			const made = original.call(this, id);
			functions.push(made);
			return made;
		};
		const callAll = () => {
			const { error } = console;
			let released = 0;
			console.error = (text) => { released += text === "call to released function"; };
			for (const made of functions) made();
			console.error = error;
			return released;
		};
		return {
			functions,
			stop() { Go.prototype._makeFuncWrapper = original; },
			alive: () => functions.length - callAll(),
		};
	})()`)
	before := len(hostCalls)
	fn()
	call(t, made, "stop")
	if open := len(hostCalls) - before; open > 0 {
		t.Errorf("%d host calls have not settled", open)
	}
	if alive := text(t, call(t, made, "alive")); alive != "0" {
		t.Errorf("%s of %s functions were not released", alive, text(t, member(t, member(t, made, "functions"), "length")))
	}
}

func TestReleasesFunctionsSeesALeak(t *testing.T) {
	inner := &testing.T{}
	var leak safejs.Func
	releasesFunctions(inner, func() {
		leak = must(safejs.FuncOf(func(safejs.Value, []safejs.Value) any { return nil }))
	})
	leak.Release()
	if !inner.Failed() {
		t.Error("a function that is not released was not noticed")
	}
	inner = &testing.T{}
	releasesFunctions(inner, func() { newHostCall() })
	endHostCall(lastHostCall)
	if !inner.Failed() {
		t.Error("a host call that has not settled was not noticed")
	}
}
