package gnap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"open-payments-wasm/pkg/httpsig"
)

// Codes of failures that no server names. Servers send those of RFC 9635 §3.6, such as
// "too_fast" or "user_denied".
const (
	CodeNetwork    = "network_error"       // no answer: unreachable, connection lost, or CORS
	CodeUnreadable = "response_unreadable" // an answer that could not be read to its end
	CodeTimeout    = "timeout"             // no answer in time
	CodeRedirect   = "redirected"          // answered by a redirect, which was not followed
	CodeNotJSON    = "not_json"            // a success that is not JSON
	CodeShape      = "invalid_response"    // JSON that lacks what it must have
	CodeTooLarge   = "response_too_large"  // more than MaxResponse bytes
	CodeHTTP       = "http_error"          // a failure without a GNAP code
	CodeKey        = "invalid_key"         // the key could not sign
	CodeHash       = "hash_mismatch"       // the interaction hash is not what it must be
	codeTooFast    = "too_fast"
	maxServerText  = 300
)

// Error is a call that failed. Its text never holds a token, key, nonce or signature.
type Error struct {
	Operation   Operation
	Code        string          // the server's GNAP code, or one of the constants
	Status      int             // HTTP status, 0 where there was no answer
	Description string          // what happened, in words: the server's where it sent some
	Details     json.RawMessage // the details member of the server's error
	Problems    []string        // for CodeShape: each member that is missing or wrong
	Body        []byte          // the answer as it came, which may hold secrets: not part of the text
	Retryable   bool            // the same call may succeed when it is made again
	Err         error           // the cause, if there is one

	wait time.Duration // for too_fast: how long the server wants the client to wait
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

// unreadable is what a call returns whose answer began, and could not be read to its end: what came of it is its
// Body. The server may have done what it was asked for, so the same call is not Retryable.
func unreadable(ctx context.Context, op Operation, res *http.Response, body []byte, err error) error {
	if ctx.Err() != nil {
		return contextError(ctx, op)
	}
	return &Error{
		Operation: op, Code: CodeUnreadable, Status: res.StatusCode, Body: body, Err: err,
		Description: "The server has answered, and its answer could not be read to its end. It may have processed the request all the same.",
	}
}

// serverError reads an answer that is not success, in each of the forms that servers use:
// {"error":{"code","description"}}, {"error":"code"} (RFC 9635 §3.6), or anything at all.
func serverError(op Operation, res *http.Response, body []byte, secrets []string) *Error {
	e := &Error{Operation: op, Status: res.StatusCode, Code: CodeHTTP, Body: body}
	var message struct {
		Error       json.RawMessage
		Description string
		Continue    struct{ Wait *float64 }
	}
	var object struct {
		Code, Description string
		Details           json.RawMessage
	}
	isJSON := json.Unmarshal(body, &message) == nil
	if json.Unmarshal(message.Error, &object.Code) != nil {
		_ = json.Unmarshal(message.Error, &object) // whatever cannot be read stays empty
	}
	if object.Code != "" && !repeats(object.Code, secrets) {
		e.Code = object.Code
	}
	// A secret of digits may stand there as a number, which no word can replace: then nothing is kept.
	if details := []byte(redact(string(object.Details), secrets)); json.Valid(details) {
		e.Details = details
	}
	e.Description = firstOf(object.Description, message.Description, plainText(res, body, isJSON, secrets), http.StatusText(res.StatusCode))
	e.Description = redact(e.Description, secrets)
	e.Retryable = e.Code == codeTooFast || e.Status == http.StatusTooManyRequests || e.Status >= http.StatusInternalServerError
	e.wait = retryAfter(res, message.Continue.Wait)
	return e
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return "no description"
}

func plainText(res *http.Response, body []byte, isJSON bool, secrets []string) string {
	if isJSON || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") || !utf8.Valid(body) {
		return ""
	}
	text := redact(strings.TrimSpace(string(body)), secrets) // before a cut could leave half a secret
	if len(text) > maxServerText {
		text = strings.ToValidUTF8(text[:maxServerText], "") + "…"
	}
	return text
}

// secrets are what a server was sent and must not be in the text of an error: longest first, lest
// a short one is found in a long one and leaves the rest of it.
func secrets(call Call, req *http.Request) []string {
	params, _ := httpsig.ReadParams(req)
	_, signature, _ := strings.Cut(req.Header.Get("Signature"), ":")
	var message struct {
		InteractRef string `json:"interact_ref"`
	}
	_ = json.Unmarshal(call.Body, &message) // most calls have none
	all := []string{call.AccessToken, message.InteractRef, params.Nonce, strings.TrimSuffix(signature, ":")}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// repeats tells a code that is no code but a secret. A secret of a few letters is part of many a
// word and is none.
func repeats(code string, secrets []string) bool {
	return slices.ContainsFunc(secrets, func(secret string) bool {
		return len(secret) >= 8 && strings.Contains(code, secret)
	})
}

// redact keeps a server that repeats what it was sent from putting a secret into a message.
func redact(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return text
}

// defaultWait is what RFC 9635 §3.1 asks for where the server does not say how long to wait. Zero
// says nothing either: it would have the client ask without a pause.
const defaultWait = 5 * time.Second

func retryAfter(res *http.Response, wait *float64) time.Duration {
	if wait != nil && *wait > 0 {
		return seconds(*wait)
	}
	if header, err := strconv.ParseFloat(res.Header.Get("Retry-After"), 64); err == nil && header > 0 {
		return seconds(header)
	}
	return defaultWait
}

func seconds(s float64) time.Duration {
	const longest = 24 * 60 * 60 // beyond any patience, and safe from overflow
	return time.Duration(min(s, longest) * float64(time.Second))
}
