package openpayments

import (
	"encoding/json"
	"strconv"
	"strings"

	"open-payments-wasm/pkg/signedhttp"
)

// Codes of failures that servers tell apart by their words alone: the code that they send is the status. These are
// given where status and words are those of the reference server, and no other code was sent.
const (
	CodeInactiveToken     = "inactive_token"     // the access token is unknown, expired, revoked or was rotated
	CodeInsufficientGrant = "insufficient_grant" // the grant does not give this access
	CodeLimitExceeded     = "limit_exceeded"     // over the limits of the grant, or another receiver than the grant's
	CodeInvalidQuote      = "invalid_quote"      // the quote has expired, was used, or its receiver takes no more
	CodeInvalidReceiver   = "invalid_receiver"   // the receiver is completed, expired or unknown
	CodeInvalidAmount     = "invalid_amount"     // 0, too much, or of another asset
	CodeInvalidExpiresAt  = "invalid_expires_at" // in the past, or too far away
	CodeWrongState        = "wrong_state"        // the incoming payment is completed or expired already
	CodeNotFound          = "not_found"          // there is nothing with this id
)

// explanations are a line each: status and words of the server, our code, and what to do; tabs, which no words have,
// stand between.
const explanations = `
403 Inactive Token	inactive_token	The access token is unknown, expired, revoked or was rotated: rotate it, or ask for a new grant.
403 Insufficient Grant	insufficient_grant	The grant does not give this access: compare type, actions and identifier, letter by letter.
403 unauthorized	limit_exceeded	The payment is over what is left of the grant's limits, or for another receiver than the grant's.
400 invalid quote	invalid_quote	The quote has expired or was used, or its receiver takes no more: ask for a new quote.
400 invalid receiver	invalid_receiver	The incoming payment is completed, expired or unknown: ask the receiver for another.
400 invalid amount	invalid_amount	The amount is 0, too large, or of another asset than the wallet address.
400 invalid expiresAt	invalid_expires_at	The time must be to come, and no later than the server permits.
409 wrong state	wrong_state	The incoming payment is completed or expired already.
401 Unauthorized	not_found	The server has nothing with this id. Payments that expired unpaid are deleted.
`

func explain(failure *signedhttp.Error, members map[string]json.RawMessage) {
	details := signedhttp.Members(signedhttp.Members(members["error"])["details"])
	switch {
	case failure.Code != strconv.Itoa(failure.Status):
		return
	case failure.Description == "unauthorized" && failure.Operation.Name != "outgoingPayment.create":
		return
	case failure.Status == 401 && signedhttp.Text(details["id"]) == "": // a signature may have failed: only an id that is unknown is repeated
		return
	}
	_, rest, found := strings.Cut(explanations, "\n"+failure.Code+" "+failure.Description+"\t")
	if found {
		line, _, _ := strings.Cut(rest, "\n")
		failure.Code, failure.Advice, _ = strings.Cut(line, "\t")
	}
}
