package gnap

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"open-payments-wasm/pkg/signedhttp"
)

// The calls of RFC 9635 that Open Payments uses.
var (
	OpRequest = &signedhttp.Operation{ // §2
		Protocol: protocol, Name: "request", Method: http.MethodPost, Standard: standard,
		TokenOptional: true, Secrets: secrets, Explain: explain,
	}
	OpContinue = &signedhttp.Operation{ // §5.1 with a reference, §5.2 without: a poll
		Protocol: protocol, Name: "continue", Method: http.MethodPost, Standard: standard,
		RetryCode: codeTooFast, Secrets: secrets, Explain: explain,
	}
	OpCancel = &signedhttp.Operation{ // §5.4
		Protocol: protocol, Name: "cancel", Method: http.MethodDelete, Standard: standard, Explain: explain,
	}
	OpRotate = &signedhttp.Operation{ // §6.1
		Protocol: protocol, Name: "rotate", Method: http.MethodPost, Standard: standard, Explain: explainToken,
	}
	OpRevoke = &signedhttp.Operation{ // §6.2
		Protocol: protocol, Name: "revoke", Method: http.MethodDelete, Standard: standard, Explain: explainToken,
	}

	// OpVerify is no call: it is the check of an interaction hash, §4.2.3.
	OpVerify = &signedhttp.Operation{Protocol: protocol, Name: "verify"}
)

// Operations are the calls by their names.
var Operations = map[string]*signedhttp.Operation{
	"request": OpRequest, "continue": OpContinue, "cancel": OpCancel, "rotate": OpRotate, "revoke": OpRevoke,
}

const (
	protocol = "gnap"
	standard = "RFC 9635"
)

// CodeHash is the code of a failed check: the interaction hash is not what it must be. Servers send the codes of
// RFC 9635 §3.6, such as "too_fast" or "user_denied".
const CodeHash = "hash_mismatch"

const (
	codeTooFast       = "too_fast"
	codeInvalidClient = "invalid_client"
)

// defaultWait is what RFC 9635 §3.1 asks for where the server does not say how long to wait.
const defaultWait = 5 * time.Second

// codeAlone is the description of a failure of which the server says no more than its code.
const codeAlone = "The server has sent this code alone. RFC 9635 §3.6 says what it means."

func explain(failure *signedhttp.Error, members map[string]json.RawMessage) {
	explainWith(failure, members, "")
}

func explainToken(failure *signedhttp.Error, members map[string]json.RawMessage) {
	explainWith(failure, members, ", and that the URL is the newest of this token")
}

func explainWith(failure *signedhttp.Error, members map[string]json.RawMessage, moreAdvice string) {
	wait, _ := signedhttp.Decode(signedhttp.Members(members["continue"])["wait"])
	if wait, ok := wait.(float64); ok && wait > 0 {
		failure.Wait = signedhttp.Seconds(wait)
	}
	if failure.Code != signedhttp.CodeHTTP && failure.Description == http.StatusText(failure.Status) {
		failure.Description = codeAlone
	}
	switch failure.Code {
	case codeTooFast:
		failure.Retryable, failure.Wait = true, cmp.Or(failure.Wait, defaultWait)
	case codeInvalidClient:
		if !isAboutKeys(failure.Description) {
			return
		}
		failure.Advice = "Check with checkPublished that the client's wallet address publishes this key" + moreAdvice + "."
	}
}

// isAboutKeys tells the words of the reference server for a key that it did not find, or that did not verify.
func isAboutKeys(description string) bool {
	return strings.Contains(description, "could not determine client") || strings.Contains(description, "invalid signature")
}

// secrets are the reference and the nonce of a body.
func secrets(body []byte) []string {
	members := signedhttp.Members(body)
	finish := signedhttp.Members(signedhttp.Members(members["interact"])["finish"])
	return []string{signedhttp.Text(members["interact_ref"]), signedhttp.Text(finish["nonce"])}
}
