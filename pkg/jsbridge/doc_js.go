//go:build js && wasm

// Package jsbridge is the boundary between Go and JavaScript, over github.com/hack-pad/safejs:
// promises, calls that JavaScript can end, fetch as an http.RoundTripper, a CryptoKey as a crypto.Signer,
// and errors that keep what JavaScript threw. It knows nothing of GNAP. The JavaScript half of it is host.js,
// whose functions are among the globals of the program.
//
// JavaScript calls Go (Async) and Go calls JavaScript (callHost). Both kinds of calls have ids, both settle once,
// with values or with what was thrown, and both can be cancelled.
//
// No function is made for one call: those that JavaScript calls last as long as the program. Nothing here panics
// on a value that JavaScript chose, and no call into JavaScript is trusted to return.
package jsbridge
