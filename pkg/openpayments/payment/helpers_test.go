package payment_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/sandbox"
)

type strikeFunc = func(context.Context, event) (*http.Response, error)

func publicKey() ed25519.PublicKey {
	public, _, _ := ed25519.GenerateKey(nil)
	return public
}

func response(status int, body string) *http.Response {
	return fake.Response{Status: status, Body: body}.HTTP()
}

// failOnce lets the first payment fail after it has sent an amount, or nothing.
func failOnce(sent string) sandbox.Faults {
	var count atomic.Int32
	amount, _ := strconv.ParseUint(sent, 10, 64)
	return sandbox.Faults{Payment: func(sandbox.PaymentInfo) sandbox.PaymentFault {
		return sandbox.PaymentFault{Fail: count.Add(1) == 1, Sent: amount}
	}}
}

// hashOf returns the hash that a wallet sends back (RFC 9635 §4.2.3).
func hashOf(h gnap.InteractionHash) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{h.ClientNonce, h.ServerNonce, h.InteractRef, h.GrantEndpoint}, "\n")))
	return base64.StdEncoding.EncodeToString(sum[:])
}
