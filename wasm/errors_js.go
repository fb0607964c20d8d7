//go:build js && wasm

package main

import (
	"errors"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/jsbridge"
	"open-payments-wasm/pkg/keys"
	"open-payments-wasm/pkg/openpayments/payment"
	"open-payments-wasm/pkg/signedhttp"
)

// reason makes what a promise is rejected with: a TypeError for an argument, or an OpenPaymentsClientError
// whose cause is what JavaScript threw, if it did.
func reason(err error) any {
	var argument *signedhttp.ArgumentError
	var failure *signedhttp.Error
	var journal journalError
	var interaction *payment.InteractionRequired
	if failure, isFailure := err.(*signedhttp.Error); isFailure { // whatever it wraps, a store that failed included
		return newError(fields(failure))
	}
	switch {
	case errors.As(err, &argument):
		return newError(map[string]any{"argument": argument.Argument, "problem": argument.Problem})
	case errors.Is(err, keys.ErrMaterial):
		return newError(map[string]any{"argument": "privateKey", "problem": "cannot be used: " + keys.Explain(err)})
	case errors.As(err, &journal):
		return journalReason(err, journal)
	case errors.As(err, &interaction):
		return newError(withPayment(fields(interaction.Failure), interaction.Payment))
	case errors.As(err, &failure):
		return newError(fields(failure))
	}
	if errors.Is(err, httpsig.ErrKey) {
		return newError(map[string]any{"code": signedhttp.CodeKey, "description": err.Error()})
	}
	unexpected := map[string]any{"code": "internal_error", "description": err.Error(), "retryable": false}
	if thrown, ok := jsbridge.Thrown(err); ok {
		unexpected["cause"] = thrown
	}
	return newError(unexpected)
}

// journalReason is what a journal has thrown, with what a server has answered and could not be written down.
func journalReason(err error, journal journalError) any {
	thrown, ok := jsbridge.Thrown(journal)
	var unwritten *payment.NotWritten
	if !errors.As(err, &unwritten) || !ok {
		if ok {
			return thrown
		}
		return newError(map[string]any{"code": "internal_error", "description": err.Error(), "retryable": false})
	}
	description := "The server has answered, and its response could not be stored: this page has it, and goes on from there."
	return newError(map[string]any{
		"code": "storage_error", "description": description, "cause": thrown, "retryable": true, "responseText": string(unwritten.Response),
	})
}

func withPayment(fields map[string]any, p *payment.Payment) map[string]any {
	if text, err := signedhttp.Marshal(viewOf(p)); err == nil {
		fields["payment"] = string(text)
	}
	return fields
}

func fields(e *signedhttp.Error) map[string]any {
	problems := make([]any, len(e.Problems))
	for i, problem := range e.Problems {
		problems[i] = problem
	}
	result := map[string]any{
		"operation": e.Operation.Name, "code": e.Code, "description": e.Description, "advice": e.Advice,
		"status": e.Status, "details": string(e.Details), "validationErrors": problems,
		"retryable": e.Retryable,
	}
	if e.Body != nil { // else there was no response
		result["responseText"] = string(e.Body)
	}
	if e.Wait > 0 {
		result["wait"] = e.Wait.Seconds()
	}
	if thrown, ok := jsbridge.Thrown(e.Err); ok {
		result["cause"] = thrown
	} else if e.Code == signedhttp.CodeKey {
		result["description"] = e.Description + " " + e.Err.Error()
	}
	return result
}

func newError(fields map[string]any) any {
	object, err := jsbridge.NewObject(fields)
	if err != nil {
		return err.Error()
	}
	value, err := safejs.Global().Call("newError", object)
	if err != nil {
		return err.Error()
	}
	return value
}
