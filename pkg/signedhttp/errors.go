package signedhttp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"open-payments-wasm/pkg/httpsig"
)

// Codes of failures that no server names. Servers send those of their protocols.
const (
	CodeNetwork    = "network_error"       // no response: unreachable, connection lost, CORS, or a page's policy
	CodeTimeout    = "timeout"             // no response in time
	CodeRedirect   = "redirected"          // the response is a redirect, which was not followed, or led to no https
	CodeUnreadable = "response_unreadable" // the response began and could not be read to its end
	CodeNotJSON    = "not_json"            // a success that is not JSON
	CodeShape      = "invalid_response"    // JSON that lacks what it must have, or is nested beyond MaxNesting
	CodeTooLarge   = "response_too_large"  // more than MaxResponse bytes
	CodeHTTP       = "http_error"          // a failure without a code of the server
	CodeKey        = "invalid_key"         // the key could not sign
)

// Error is a request that failed. Its text, Details and Problems never hold a token, nonce or signature of
// eight characters or more, and what of them is a server's is short and on one line.
type Error struct {
	Operation   *Operation
	Code        string          // the server's code, or one of the constants
	Status      int             // HTTP status, 0 where there was no response
	Description string          // what happened, in words: the server's where it sent some
	Advice      string          // what there is to say beside it, and to do; empty where there is nothing
	Details     json.RawMessage // the details member of the server's error, nil where it is longer than 8 KiB; see Operation.Creates too
	Problems    []string        // for CodeShape: each member that is missing or wrong
	Body        []byte          // what came of the response, which may hold secrets; nil where none came
	Retryable   bool            // the same request may succeed when it is made again
	Wait        time.Duration   // how long to wait before that; 0 where the server did not say
	Err         error           // the cause, if there is one
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s: %s", e.Operation, e.Code, e.Description)
	if e.Advice != "" {
		text = ended(text) + " " + e.Advice
	}
	return text
}

// ended makes sure that a sentence of a server has an end.
func ended(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "!") {
		return text
	}
	return text + "."
}

func (e *Error) Unwrap() error { return e.Err }

// BeyondDeadline says of a failure why nobody waits to make the request again, and returns it.
func (e *Error) BeyondDeadline(wait time.Duration) *Error {
	e.Wait = wait
	e.Advice = fmt.Sprintf("The next request may be made in %d s, and this call ends before that.", int64(math.Ceil(wait.Seconds())))
	return e
}

// wrongShape makes e the failure of a success that is not what it must be.
func (e *Error) wrongShape(problems []string) *Error {
	e.Code, e.Problems = CodeShape, bounded(problems)
	e.Description = "The server's response is not what " + e.Operation.Standard + " asks for: " + strings.Join(e.Problems, "; ") + "."
	return e
}

// made returns the id of a response as details, if it is the URL of something.
func made(text []byte, secrets []string) json.RawMessage {
	const longest = 2048
	id := Members(text)["id"]
	if len(id) > longest || CheckURL(Text(id), true) != "" {
		return nil
	}
	return detailsIn(json.RawMessage(`{"id":`+string(id)+"}"), secrets)
}

func bounded(problems []string) []string {
	const most = 20
	if len(problems) <= most {
		return problems
	}
	return append(problems[:most:most], fmt.Sprintf("and %d more problems", len(problems)-most))
}

// ArgumentError says that a request was not made because an argument cannot be used.
type ArgumentError struct {
	Argument string // its name: url, accessToken, interactRef, body
	Problem  string // what it must be
}

func (e *ArgumentError) Error() string { return fmt.Sprintf("%q %s", e.Argument, e.Problem) }

// Ended is what an operation returns whose context has ended: CodeTimeout for a deadline, and for
// a cancellation the cause, unchanged.
func Ended(ctx context.Context, op *Operation) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	failure := op.Fail(CodeTimeout, "The server did not answer in time. It may have processed the request all the same.")
	failure.Retryable, failure.Err = !op.Creates, context.Cause(ctx)
	return failure
}

func networkError(ctx context.Context, op *Operation, err error) error {
	if ctx.Err() != nil {
		return Ended(ctx, op)
	}
	failure := op.Fail(CodeNetwork,
		"No response from the server: it could not be reached, the connection was lost, its responses carry no CORS headers for this page, "+
			"or the page's Content-Security-Policy does not name it in connect-src.")
	failure.Retryable, failure.Err = !op.Creates, err
	return failure
}

func redirected(op *Operation, res *http.Response) *Error {
	failure := op.Fail(CodeRedirect,
		"The server answered with a redirect, which was not followed. Check the URL, and that it is spelled as the server gave it.")
	if op.Unsigned {
		failure.Description = "The server answered with redirects that do not lead to an https: URL. Check the URL."
	}
	failure.Status = res.StatusCode
	return failure
}

// unreadable is the failure of a request whose response began, and could not be read to its end: what came of it
// is its Body. The server may have done what it was asked for.
func unreadable(ctx context.Context, request Request, res *http.Response, body []byte, err error) error {
	failure := &Error{
		Operation: request.Operation, Code: CodeUnreadable, Status: res.StatusCode, Body: body, Err: err, Retryable: request.Repeatable,
		Description: "The server has answered, and its response could not be read to its end. It may have processed the request all the same.",
	}
	if ctx.Err() == nil {
		return failure
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	failure.Code, failure.Retryable, failure.Err = CodeTimeout, !request.Operation.Creates, context.Cause(ctx)
	failure.Description = "The server has answered, and its response did not come to its end in time."
	return failure
}

// serverError reads a response that is not success, in each of the forms that servers use:
// {"error":{"code","description"}}, {"error":"code"} (RFC 9635 §3.6), or anything at all.
func serverError(op *Operation, res *http.Response, body []byte, secrets []string) *Error {
	said := readFailure(body)
	e := &Error{Operation: op, Status: res.StatusCode, Body: body, Wait: retryAfter(res), Retryable: mayRetry(op, res.StatusCode)}
	e.Code = cmp.Or(codeIn(said.code, secrets), CodeHTTP)
	e.Details = detailsIn(said.details, secrets)
	text := cmp.Or(said.description, plainText(res, body, said.isJSON))
	e.Description = cmp.Or(strings.TrimSpace(words(text, secrets)), http.StatusText(res.StatusCode), "no description")
	if op.Explain != nil {
		op.Explain(e, said.members)
	}
	return e
}

// mayRetry: that the server was not ready, or lost patience, says nothing of the request. After a fault of the server
// nobody knows whether it was processed.
func mayRetry(op *Operation, status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusMisdirectedRequest, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= http.StatusInternalServerError && !op.Creates
}

// failureMessage is what a server says of a failure. What cannot be read stays empty.
type failureMessage struct {
	isJSON            bool
	members           map[string]json.RawMessage
	code, description string
	details           json.RawMessage
}

func readFailure(body []byte) failureMessage {
	text := jsonText(body)
	if !json.Valid(text) || nesting(text) > MaxNesting {
		return failureMessage{}
	}
	outer := Members(text)
	inner := Members(outer["error"])
	return failureMessage{
		isJSON: true, members: outer, details: inner["details"],
		code:        cmp.Or(Text(outer["error"]), Text(inner["code"])),
		description: cmp.Or(Text(inner["description"]), Text(outer["description"])),
	}
}

func plainText(res *http.Response, body []byte, isJSON bool) string {
	if isJSON || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") || !utf8.Valid(body) {
		return ""
	}
	return string(body)
}

// secrets are what a server was sent and must not be in the text of an error.
func secrets(request Request, req *http.Request) []string {
	params, _ := httpsig.ReadParams(req)
	_, signature, _ := strings.Cut(req.Header.Get("Signature"), ":")
	all := []string{request.AccessToken, params.Nonce, strings.TrimRight(signature, "=:")}
	if inBody := request.Operation.Secrets; inBody != nil {
		all = append(all, inBody(request.Body)...)
	}
	if others, known := req.Context().Value(secretsKey{}).(func() []string); known {
		all = append(all, others()...)
	}
	return formsOf(all...)
}

type secretsKey struct{}

// WithSecrets returns a context whose requests keep the texts that secrets returns out of their errors, beside their own token,
// nonce and signature: what other requests for the same purpose were sent or answered with. It is called when a request fails.
// Those of a context around it count too.
func WithSecrets(ctx context.Context, secrets func() []string) context.Context {
	if others, known := ctx.Value(secretsKey{}).(func() []string); known {
		own := secrets
		secrets = func() []string { return append(own(), others()...) }
	}
	return context.WithValue(ctx, secretsKey{}, secrets)
}
