// Package signedhttp sends a signed request of Open Payments and reads its response: it checks the target, signs
// in the profile of package httpsig, follows no redirect, bounds what it reads, keeps secrets out of the texts of
// errors, waits where the server asks for it, and lets equal requests share one. Public documents it reads without a
// signature, and there it follows redirects. What a protocol says of its messages it is told by an Operation and a
// Reader. For servers of which it knows nothing there is Transport, which signs and no more. It is pure Go and knows no
// browser: what sends is an http.RoundTripper, what signs a crypto.Signer.
package signedhttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"open-payments-wasm/pkg/httpsig"
)

// MaxResponse is how much of a response is read, in bytes.
const MaxResponse = 1 << 20

// Operation is a kind of request: what all requests of that kind have in common.
type Operation struct {
	Protocol string // who makes them: "gnap". It begins the text of an Error
	Name     string // what they do: "continue"
	Method   string // of HTTP
	Standard string // what says how a success must look: "RFC 9635"

	// TokenOptional permits requests without an access token.
	TokenOptional bool
	// Unsigned reads what everybody may read: a request has neither token nor signature, needs no key, and follows
	// redirects to https.
	Unsigned bool
	// Creates says that each request makes something new, of which the member id of a success is the URL. No two
	// share one, a failure after which it may have been made is not Retryable, and where the success is not what it
	// must be, the Details of the Error are {"id":"…"}.
	Creates bool
	// RetryCode is the code by which the server says that it has not processed a request: Do waits as long as the
	// server asks and sends it again. Empty: there is none.
	RetryCode string
	// Secrets returns what of a body must not be in the text of an error, beside what every request has: token,
	// nonce and signature. Nil: nothing.
	Secrets func(body []byte) []string
	// Explain adds to a failure that the server answered with what the protocol says of it. Members are those of the
	// response; none where it is not a JSON object. Nil: nothing is added.
	Explain func(failure *Error, members map[string]json.RawMessage)
}

// String returns the protocol and the name: "gnap: continue".
func (op *Operation) String() string { return op.Protocol + ": " + op.Name }

// Fail returns a failure of this operation.
func (op *Operation) Fail(code, description string) *Error {
	return &Error{Operation: op, Code: code, Description: description}
}

// Request is one request. URL is absolute and https, or http on loopback; a fragment is dropped.
// Body is JSON text as JSON.stringify writes it, or empty.
type Request struct {
	Operation   *Operation
	URL         string
	AccessToken string
	Body        []byte
	// Reader reads the body of a success. Nil: it may be anything, and the result is nil.
	Reader Reader
	// Once sends the request by itself and one time only: it is not shared, and RetryCode does not count.
	Once bool
	// Repeatable says that the request may be made again although the server may have processed it.
	Repeatable bool
	// NoStore asks for what is true now: no cache on the way may answer.
	NoStore bool
}

// Reader says what a success must look like. It must be comparable: requests with different readers are not equal.
type Reader interface {
	// Read makes a result of JSON text, which is given decoded too, as Decode does. Problems name what is missing or
	// wrong, and repeat nothing of it; then the result does not count. What is shared gives the same result to all who share it.
	Read(op *Operation, text []byte, value any) (result any, problems []string)
}

// Client sends requests. It may be used by many goroutines at once.
type Client struct {
	// Transport sends the requests. It must not follow redirects of those that are signed. Where it has followed those
	// of another, the Request of the response has the URL that it came from.
	Transport http.RoundTripper
	// Key signs them. Those that are Unsigned need none.
	Key httpsig.Key
	// AllowHTTP permits plain http to any host, for development.
	AllowHTTP bool
	// SingleFlight lets equal requests of this Client that are made at once share one. Nil: none do.
	SingleFlight *SingleFlight
}

// Do sends a request and returns what its Reader made of the response.
//
// It sends one request. Only when the server says with the RetryCode that nothing was processed, it waits as long
// as the server asks, and tries again. If ctx would end before, it returns that failure at once.
//
// Errors: *ArgumentError if nothing was sent because of an argument; *Error for every failure
// after that; when ctx is cancelled, its cause.
func (c *Client) Do(ctx context.Context, request Request) (any, error) {
	target, err := c.check(request)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, Ended(ctx, request.Operation)
	}
	if request.Once || request.Operation.Creates {
		return c.sendOnce(ctx, request, target)
	}
	if c.SingleFlight == nil {
		return c.send(ctx, request, target)
	}
	key := flightKey{c, request.Operation, spelled(target), request.AccessToken, string(request.Body), request.Reader}
	return c.SingleFlight.do(ctx, key, func(ctx context.Context) (any, error) {
		return c.send(ctx, request, target)
	})
}

func (c *Client) check(request Request) (*url.URL, error) {
	target, problem := parseTarget(request.URL, c.AllowHTTP)
	switch token := request.AccessToken; {
	case problem != "":
		return nil, &ArgumentError{"url", problem}
	case request.Operation.Unsigned:
	case token == "" && !request.Operation.TokenOptional:
		return nil, &ArgumentError{"accessToken", "must not be empty"}
	case !CanBeSent(token):
		return nil, &ArgumentError{"accessToken", TokenProblem}
	}
	return target, nil
}

// TokenProblem says what a token must be that CanBeSent refuses.
const TokenProblem = "must be visible ASCII without spaces or line breaks"

// CanBeSent tells whether a token fits into a header.
func CanBeSent(token string) bool {
	return !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (c *Client) send(ctx context.Context, request Request, target *url.URL) (any, error) {
	for {
		result, err := c.sendOnce(ctx, request, target)
		var failure *Error
		if !errors.As(err, &failure) || failure.Code != request.Operation.RetryCode {
			return result, err
		}
		switch err := Wait(ctx, failure.Wait); {
		case errors.Is(err, context.DeadlineExceeded): // waiting would only turn a clear response into a timeout
			return nil, failure.BeyondDeadline(failure.Wait)
		case err != nil:
			return nil, Ended(ctx, request.Operation)
		}
	}
}

func (c *Client) sendOnce(ctx context.Context, request Request, target *url.URL) (any, error) {
	req := newRequest(ctx, request, target)
	if !request.Operation.Unsigned {
		if err := c.sign(req, request); err != nil {
			return nil, err
		}
	}
	res, err := c.roundTrip(req, request.Operation)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxResponse+1))
	if err != nil {
		return nil, unreadable(ctx, request, res, body, err)
	}
	return read(request, req, res, body)
}

func newRequest(ctx context.Context, request Request, target *url.URL) *http.Request {
	req := (&http.Request{
		Method: request.Operation.Method,
		URL:    target,
		Host:   target.Host,
		Header: http.Header{"Accept": {"application/json"}},
	}).WithContext(ctx)
	if request.NoStore {
		req.Header.Set("Cache-Control", "no-store")
	}
	return req
}

// sign adds token, body and signature to a request.
func (c *Client) sign(req *http.Request, request Request) error {
	if request.AccessToken != "" {
		req.Header.Set("Authorization", "GNAP "+request.AccessToken)
	}
	if len(request.Body) > 0 {
		req.Header.Set("Content-Type", "application/json")
		req.Body = io.NopCloser(bytes.NewReader(request.Body))
		req.ContentLength = int64(len(request.Body))
	}
	return signingError(req.Context(), request.Operation, httpsig.Sign(req, request.Body, c.Key))
}

// signingError is the failure of a request that could not be signed, nil where err is.
func signingError(ctx context.Context, op *Operation, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return Ended(ctx, op)
	}
	failure := op.Fail(CodeKey, "The key could not sign the request, and nothing was sent.")
	failure.Err = err
	return failure
}

func read(request Request, req *http.Request, res *http.Response, body []byte) (any, error) {
	failure := &Error{Operation: request.Operation, Status: res.StatusCode, Body: body}
	switch {
	case len(body) > MaxResponse:
		failure.Code, failure.Description = CodeTooLarge, "The response is larger than 1 MiB, and was not read further. Check the URL."
		failure.Body = body[:MaxResponse]
		return nil, failure
	case res.StatusCode < 200 || res.StatusCode > 299:
		return nil, serverError(request.Operation, res, body, secrets(request, req))
	case request.Reader == nil:
		return nil, nil
	}
	text := jsonText(body)
	value, err := Decode(text)
	var result any
	var problems []string
	switch {
	case errors.Is(err, errNesting):
		problems = []string{"the response is " + err.Error()}
	case err != nil:
		failure.Code, failure.Description = CodeNotJSON, "The server answered with success, but not with JSON. Check the URL."
		return nil, failure
	default:
		result, problems = request.Reader.Read(request.Operation, text, value)
	}
	if len(problems) == 0 {
		return result, nil
	}
	if request.Operation.Creates {
		failure.Details = made(text, secrets(request, req))
	}
	return nil, failure.wrongShape(problems)
}
