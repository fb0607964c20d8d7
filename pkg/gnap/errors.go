package gnap

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"open-payments-wasm/pkg/httpsig"
)

// Codes of failures that no server names. Servers send those of RFC 9635 §3.6, such as
// "too_fast" or "user_denied".
const (
	CodeNetwork    = "network_error"       // no response: unreachable, connection lost, CORS, or a page's policy
	CodeTimeout    = "timeout"             // no response in time
	CodeRedirect   = "redirected"          // answered by a redirect, which was not followed
	CodeUnreadable = "response_unreadable" // the response began and could not be read to its end
	CodeNotJSON    = "not_json"            // a success that is not JSON
	CodeShape      = "invalid_response"    // JSON that lacks what it must have, or is nested beyond MaxNesting
	CodeTooLarge   = "response_too_large"  // more than MaxResponse bytes
	CodeHTTP       = "http_error"          // a failure without a GNAP code
	CodeKey        = "invalid_key"         // the key could not sign
	CodeHash       = "hash_mismatch"       // the interaction hash is not what it must be

	codeTooFast       = "too_fast"
	codeInvalidClient = "invalid_client"
)

// Error is a call that failed. Its text, Details and Problems never hold a token, nonce or signature of
// eight characters or more, and what of them is a server's is short and on one line.
type Error struct {
	Operation   Operation
	Code        string          // the server's GNAP code, or one of the constants
	Status      int             // HTTP status, 0 where there was no response
	Description string          // what happened, in words: the server's first where it sent some
	Details     json.RawMessage // the details member of the server's error, nil where it is longer than 8 KiB
	Problems    []string        // for CodeShape: each member that is missing or wrong
	Body        []byte          // what came of the response, which may hold secrets; nil where none came
	Retryable   bool            // the same call may succeed when it is made again
	Wait        time.Duration   // how long to wait before that; 0 where the server did not say
	Err         error           // the cause, if there is one
}

func (e *Error) Error() string {
	return fmt.Sprintf("gnap: %s: %s: %s", e.Operation, e.Code, e.Description)
}

func (e *Error) Unwrap() error { return e.Err }

// ArgumentError says that a call was not made because an argument cannot be used.
type ArgumentError struct {
	Argument string // its name: url, accessToken, interactRef, body
	Problem  string // what it must be
}

func (e *ArgumentError) Error() string { return fmt.Sprintf("%q %s", e.Argument, e.Problem) }

// contextError is what a call returns when its context ended: CodeTimeout for a deadline, and for
// a cancellation the cause, unchanged.
func contextError(ctx context.Context, op Operation) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	return &Error{
		Operation: op, Code: CodeTimeout, Retryable: true, Err: context.Cause(ctx),
		Description: "The server did not answer in time. It may have processed the request all the same.",
	}
}

// serverError reads a response that is not success, in each of the forms that servers use:
// {"error":{"code","description"}}, {"error":"code"} (RFC 9635 §3.6), or anything at all.
func serverError(op Operation, res *http.Response, body []byte, secrets []string) *Error {
	said := readFailure(body)
	e := &Error{Operation: op, Status: res.StatusCode, Body: body, Wait: waitIn(res, said.wait), Retryable: mayRetry(res.StatusCode)}
	e.Code = cmp.Or(codeIn(said.code, secrets), CodeHTTP)
	e.Details = detailsIn(said.details, secrets)
	text := cmp.Or(said.description, plainText(res, body, said.isJSON))
	e.Description = cmp.Or(strings.TrimSpace(words(text, secrets)), http.StatusText(res.StatusCode), "no description")
	switch e.Code {
	case codeTooFast:
		e.Retryable, e.Wait = true, cmp.Or(e.Wait, defaultWait)
	case codeInvalidClient:
		e.add(adviceOnKeys(op))
	}
	return e
}

// mayRetry: that the server was not ready, or lost patience, says nothing of the call.
func mayRetry(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError
}

func adviceOnKeys(op Operation) string {
	const published = "Check with checkPublished that the client's wallet address publishes this key"
	if op == OpRotate || op == OpRevoke {
		return published + ", and that the URL is the newest of this token."
	}
	return published + "."
}

// add ends the sentence of a server and puts one of ours behind it.
func (e *Error) add(sentence string) {
	if !strings.HasSuffix(e.Description, ".") && !strings.HasSuffix(e.Description, "!") {
		e.Description += "."
	}
	e.Description += " " + sentence
}

// beyondDeadline says of a call why it does not wait.
func (e *Error) beyondDeadline(wait time.Duration) *Error {
	e.Wait = wait
	e.add(fmt.Sprintf("The next request may be made in %d s, and this call ends before that.", int64(math.Ceil(wait.Seconds()))))
	return e
}

// failureMessage is what a server says of a failure. What cannot be read stays empty.
type failureMessage struct {
	isJSON            bool
	code, description string
	details           json.RawMessage
	wait              any
}

func readFailure(body []byte) failureMessage {
	text := jsonText(body)
	if !json.Valid(text) || nesting(text) > MaxNesting {
		return failureMessage{}
	}
	outer := membersOf(text)
	inner := membersOf(outer["error"])
	wait, _ := decode(membersOf(outer["continue"])["wait"])
	return failureMessage{
		isJSON: true, details: inner["details"], wait: wait,
		code:        cmp.Or(textOf(outer["error"]), textOf(inner["code"])),
		description: cmp.Or(textOf(inner["description"]), textOf(outer["description"])),
	}
}

// membersOf are the members of a JSON object: none of what is no object. Of two the last counts.
func membersOf(text json.RawMessage) (members map[string]json.RawMessage) {
	_ = json.Unmarshal(text, &members)
	return members
}

func textOf(literal json.RawMessage) (text string) {
	_ = json.Unmarshal(literal, &text)
	return text
}

func plainText(res *http.Response, body []byte, isJSON bool) string {
	if isJSON || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") || !utf8.Valid(body) {
		return ""
	}
	return string(body)
}

// secrets are what a server was sent and must not be in the text of an error.
func secrets(call Call, req *http.Request) []string {
	params, _ := httpsig.ReadParams(req)
	_, signature, _ := strings.Cut(req.Header.Get("Signature"), ":")
	body := membersOf(call.Body)
	finish := membersOf(membersOf(body["interact"])["finish"])
	return formsOf(
		call.AccessToken, textOf(body["interact_ref"]), textOf(finish["nonce"]),
		params.Nonce, strings.TrimRight(signature, "=:"),
	)
}

// defaultWait is what RFC 9635 §3.1 asks for where the server does not say how long to wait.
const defaultWait = 5 * time.Second

// waitIn is how long a failure says to wait: 0 where it does not say, or says zero or less, which
// would have the client ask without a pause.
func waitIn(res *http.Response, wait any) time.Duration {
	if wait, ok := wait.(float64); ok && wait > 0 {
		return seconds(wait)
	}
	if header, _ := strconv.ParseFloat(res.Header.Get("Retry-After"), 64); header > 0 {
		return seconds(header)
	}
	return 0
}

// seconds is a wait that a server named: a second at least, so that no server is asked without a
// pause, and a day at most, which is beyond any patience and safe from overflow.
func seconds(s float64) time.Duration {
	const longest = 24 * 60 * 60
	return time.Duration(min(max(s, 1), longest) * float64(time.Second))
}
