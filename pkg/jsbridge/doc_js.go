//go:build js && wasm

// Package jsbridge is the boundary between Go and JavaScript, over github.com/hack-pad/safejs:
// promises, calls that JavaScript can end, fetch as an http.RoundTripper, a CryptoKey as a crypto.Signer,
// and errors that keep what JavaScript threw. It knows nothing of GNAP. What it needs of JavaScript
// beyond the platform are the functions of createHost of wasm/sdk/host.js, among the globals of the
// program.
//
// Every function that is made for one call of JavaScript is released when that is over; the one that
// takes all answers lasts. Nothing here panics on a value that JavaScript chose, and no call into
// JavaScript is trusted to return.
package jsbridge
