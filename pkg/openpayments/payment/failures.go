package payment

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/signedhttp"
)

// Codes of failures of payments. Servers send those of their protocols, and package openpayments has some.
const (
	CodeKeyInUse            = "key_in_use"           // another payment was begun under the key of the order
	CodeNotPending          = "no_pending_payment"   // no payment waits for this callback, or there is none with this id
	CodeInteractionRequired = "interaction_required" // the person has not approved the payment: see InteractionRequired
	CodeQuoteChanged        = "quote_changed"        // the quote has expired, and another costs more or delivers less; Details are {"before","now"}
	CodeAlreadyPaid         = "already_paid"         // the incoming payment is paid from this wallet already; Details are {"id"}
	CodeOutcomeUnknown      = "outcome_unknown"      // a request to pay may have been processed, and nobody could find out
	CodeFailed              = "payment_failed"       // the wallet has given the payment up; Details are {"sentAmount","receivedAmount"}
	CodeIntervalUsedUp      = "interval_used_up"     // the grant allows no more now; Details are {"opensAt"}, nil where none is known
	CodePending             = "payment_pending"      // it has not arrived yet, and nothing has changed for a while
)

const (
	codeTooFast = "too_fast"        // of the server
	codeNoGrant = "grant_not_found" // of a store that keeps grants
)

// operation names failures that no request has.
var operation = &signedhttp.Operation{Protocol: "open-payments", Name: "payment", Creates: true}

// InteractionRequired is the error of a payment that the person has to approve first, at Payment.Redirect.
type InteractionRequired struct {
	Failure *signedhttp.Error
	Payment *Payment
}

func (e *InteractionRequired) Error() string { return e.Failure.Error() }

func (e *InteractionRequired) Unwrap() error { return e.Failure }

func interactionRequired(r *Record) error {
	failure := operation.Fail(CodeInteractionRequired, "The person has not approved the payment yet, or has not come back from the wallet.")
	failure.Advice = "Send them to the wallet again."
	return &InteractionRequired{failure, r.payment()}
}

func keyInUse(begun *Record) error {
	return operation.Fail(CodeKeyInUse, fmt.Sprintf(
		"Another payment was begun under this key, with the id %s: to another receiver, or of another amount. Forget that one first, or take another key.",
		begun.ID))
}

func grantInUse() error {
	return operation.Fail(CodeKeyInUse,
		"A grant that may pay again is kept under this key already. Pay with it, or revoke it first, or take another key.")
}

func notFound() error {
	return operation.Fail(CodeNotPending, "No payment with this id is kept here: it has ended and was handed over, or it was begun in another store.")
}

func notPending() error {
	return operation.Fail(CodeNotPending,
		"No payment that was started here waits for this callback: it was started in another browser or store, it is too old, "+
			"or nobody asked for it. Nothing was sent.")
}

// mayBeOfGrant says where a callback belongs that is of no payment.
func mayBeOfGrant(err error) error {
	var failure *signedhttp.Error
	if errors.As(err, &failure) {
		failure.Advice = "The callback of a grant that was started by itself goes to client.grant.finish."
	}
	return err
}

func tooFast(left time.Duration) error {
	failure := operation.Fail(codeTooFast, fmt.Sprintf(
		"The server wants another %d s before the grant is continued, which is longer than this call may take. Nothing was sent: call again then.",
		int64(math.Ceil(left.Seconds()))))
	failure.Retryable = true
	return failure
}

// unexpected is for a response from which nothing can follow.
func unexpected(body []byte, description string) *signedhttp.Error {
	failure := operation.Fail(signedhttp.CodeShape, description)
	failure.Body = body
	return failure
}

func quoteChanged(before, now *openpayments.Quote) error {
	failure := operation.Fail(CodeQuoteChanged,
		"The quote has expired, and a new one costs more or delivers less: nothing was paid. "+
			"Forget this payment and start another, so that the person approves what it costs now.")
	failure.Details = members("before", before.Raw, "now", now.Raw)
	return failure
}

func alreadyPaid(other *openpayments.OutgoingPayment) *signedhttp.Error {
	failure := operation.Fail(CodeAlreadyPaid,
		"This incoming payment is paid, or being paid, from this wallet already: in another browser, or on another device. Nothing was paid again.")
	failure.Details = members("id", other.ID)
	return failure
}

// outcomeUnknown is for a request to pay of which nobody knows what became.
func outcomeUnknown(cause error) error {
	failure := operation.Fail(CodeOutcomeUnknown,
		"A request to pay was sent, and it could not be found out whether the wallet has processed it. "+
			"Resume the payment, which looks before it pays: it is paid once, or not at all.")
	failure.Retryable, failure.Err = true, cause
	var known *signedhttp.Error
	if errors.As(cause, &known) {
		failure.Status, failure.Body, failure.Wait = known.Status, known.Body, known.Wait
		failure.Advice = strings.TrimSpace("The last failure was " + known.Code + ": " + known.Description + " " + known.Advice)
	}
	return failure
}

// damaged is for a record that cannot be read as a whole, of a payment that may have been made.
func damaged(r *Record) error {
	return operation.Fail(CodeOutcomeUnknown, fmt.Sprintf(
		"A payment was begun under this key, with the id %s, and what the journal has of it is damaged or of another version: it may have been paid. "+
			"The person's wallet shows it. To pay all the same, take another key, or forget this payment first.", r.ID))
}

// overtaken is for a payment with which somebody else has gone on although it was locked. Cause is what happened to us, or nil.
func overtaken(cause error) error {
	failure := operation.Fail(CodeOutcomeUnknown,
		"Another program has gone on with this payment meanwhile, and may have paid. Resume the payment, which returns what became of it.")
	failure.Retryable, failure.Err = true, cause
	return failure
}

// failed is for a payment that the wallet has given up. received is nil where nobody knows it.
func failed(outgoing *openpayments.OutgoingPayment, received *openpayments.Amount) *signedhttp.Error {
	description := "The wallet has given the payment up: there may not be enough money, or the receiver may take no more. It has sent " +
		inWords(&outgoing.SentAmount)
	failure := operation.Fail(CodeFailed, description+".")
	failure.Details = members("sentAmount", outgoing.SentAmount)
	if received != nil {
		failure.Description = description + ", and the receiver has " + inWords(received) + "."
		failure.Details = members("sentAmount", outgoing.SentAmount, "receivedAmount", *received)
	}
	return failure
}

func inWords(amount *openpayments.Amount) string {
	decimal, err := openpayments.FormatAmount(amount.Value, amount.AssetScale)
	if err != nil {
		return "an unknown amount"
	}
	return decimal + " " + amount.AssetCode
}

// explainLost adds to the server's word that a grant is over what may be the reason.
func explainLost(err error, mayBeLost bool) *signedhttp.Error {
	var failure *signedhttp.Error
	errors.As(err, &failure)
	if mayBeLost {
		failure.Advice = "An earlier attempt to continue this grant was sent and its response was lost, so this need not be the person's refusal: " +
			"the server may have issued the token then. Nothing was paid. Start another payment."
	}
	return failure
}

// notRotated is for a token that is over and gets no successor.
func notRotated(err error, step Step) error {
	var failure *signedhttp.Error
	if !errors.As(err, &failure) {
		return err
	}
	failure.Advice = "The token to pay with is over, and the server has not rotated it. Nothing was paid: forget this payment and start another."
	if step == StepPaying {
		failure.Advice = "The token to pay with is over, and the server has not rotated it, so nobody can look whether the payment was made. " +
			"The person's wallet shows it."
	}
	return failure
}

// NotWritten is a failure of the journal after a server gave what it gives once: Response has it, and tokens with it. A
// Journal that keeps what it could not write lets the next call go on.
type NotWritten struct {
	Err      error
	Response []byte
}

func (e *NotWritten) Error() string {
	return "payment: the server has answered, and its response could not be written into the journal: " + e.Err.Error()
}

func (e *NotWritten) Unwrap() error { return e.Err }

// error makes the failure again that has ended a payment.
func (f *Failure) error() error {
	failure := operation.Fail(f.Code, f.Description)
	failure.Status, failure.Details = f.Status, f.Details
	return failure
}

// isOver tells whether the server's GNAP code says that a grant is over.
func isOver(err error) bool {
	var failure *signedhttp.Error
	codes := []string{"invalid_continuation", "request_denied", "user_denied"}
	return errors.As(err, &failure) && failure.Status != 0 && slices.Contains(codes, failure.Code)
}

// isRefusal tells whether a server's own code says that it has not processed a request, and will not.
func isRefusal(err error) bool {
	var failure *signedhttp.Error
	ours := []string{
		signedhttp.CodeHTTP, signedhttp.CodeNetwork, signedhttp.CodeTimeout, signedhttp.CodeUnreadable, signedhttp.CodeTooLarge,
		CodeOutcomeUnknown, codeTooFast,
	}
	return errors.As(err, &failure) && failure.Status >= 400 && failure.Status < 500 && !failure.Retryable && !slices.Contains(ours, failure.Code)
}

// isTooFast tells whether a server says that it has not processed a request yet (RFC 9635 §3.6).
func isTooFast(err error) bool {
	var failure *signedhttp.Error
	return errors.As(err, &failure) && failure.Code == codeTooFast
}

func isArgument(err error) bool {
	var argument *signedhttp.ArgumentError
	return errors.As(err, &argument)
}

// members is a JSON object of names and values.
func members(pairs ...any) json.RawMessage {
	object := []byte("{")
	for i := 0; i < len(pairs); i += 2 {
		name, _ := signedhttp.Marshal(pairs[i])
		value, _ := signedhttp.Marshal(pairs[i+1])
		if i > 0 {
			object = append(object, ',')
		}
		object = append(append(append(object, name...), ':'), value...)
	}
	return append(object, '}')
}
