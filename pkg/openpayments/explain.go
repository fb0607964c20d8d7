package openpayments

import (
	"encoding/json"
	"strconv"

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

type explanation struct {
	status             int
	words, operation   string // of a server; of one operation, or of any
	code, whatToDoNext string
}

var explanations = []explanation{
	{403, "Inactive Token", "", CodeInactiveToken,
		"The access token is unknown, expired, revoked or was rotated: rotate it, or ask for a new grant."},
	{403, "Insufficient Grant", "", CodeInsufficientGrant,
		"The grant does not give this access: compare type, actions and identifier; wallet addresses must be spelled letter by letter as their id."},
	{403, "unauthorized", "outgoingPayment.create", CodeLimitExceeded,
		"The payment is over what is left of the grant's limits, or for another receiver than the grant's: ask for a new grant."},
	{400, "invalid quote", "", CodeInvalidQuote,
		"The quote has expired or was used, or its receiver takes no more: ask for a new quote."},
	{400, "invalid receiver", "", CodeInvalidReceiver,
		"The incoming payment is completed, expired or unknown: ask the receiver for a new one."},
	{400, "invalid amount", "", CodeInvalidAmount,
		"The amount is 0, too large, or of another asset than the wallet address."},
	{400, "invalid expiresAt", "", CodeInvalidExpiresAt,
		"The time must be to come, and no later than the server permits."},
	{409, "wrong state", "", CodeWrongState,
		"The incoming payment is completed or expired already."},
}

const whereIsIt = "The server has nothing with this id: check the URL. Payments that expired unpaid are deleted."

func explain(failure *signedhttp.Error, members map[string]json.RawMessage) {
	if failure.Code != strconv.Itoa(failure.Status) {
		return
	}
	for _, e := range explanations {
		isOf := e.operation == "" || e.operation == failure.Operation.Name
		if isOf && e.status == failure.Status && e.words == failure.Description {
			failure.Code, failure.Advice = e.code, e.whatToDoNext
		}
	}
	// A signature that fails is 401 too, with other words. Only of an id that is unknown the server repeats it.
	details := signedhttp.Members(signedhttp.Members(members["error"])["details"])
	if failure.Status == 401 && failure.Description == "Unauthorized" && signedhttp.Text(details["id"]) != "" {
		failure.Code, failure.Advice = CodeNotFound, whereIsIt
	}
}
