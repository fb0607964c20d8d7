//go:build js && wasm

// Command wasm is the module that the ES module in sdk loads. It binds pkg/gnap, pkg/openpayments
// and pkg/keys to JavaScript over pkg/jsbridge and contains no protocol of its own.
//
// Its global object is a scope that sdk/runtime.js makes for every instance. With three of its functions the module
// talks to it: main calls ready with the functions below, settle is called with the result of each of their calls,
// and newError makes what a call is rejected with.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/jsbridge"
)

func main() {
	err := warmUp()
	if err == nil {
		err = announce()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "open-payments-wasm could not start:", err)
		os.Exit(1)
	}
	select {} // the event loop takes over
}

func announce() error {
	bindings := map[string]any{"cancel": jsbridge.Cancel}
	for name, fn := range exports {
		bound, err := jsbridge.Async(fn, reason)
		if err != nil {
			return err
		}
		bindings[name] = bound
	}
	_, err := safejs.Global().Call("ready", bindings)
	return err
}

// exports are the functions that sdk/runtime.js calls, each with an id of the call and the arguments in its comment.
// cancel takes the id and ends the call.
var exports = map[string]func(context.Context, []safejs.Value) (any, error){
	"send":        send,
	"poll":        poll,
	"resource":    resource,
	"signRequest": signRequest,
	"payment":     pay,
	"verifyHash":  verifyHash,
	"parseKey":    parseKey,
	"generateKey": generateKey,
	"exportKey":   exportKey,
}
