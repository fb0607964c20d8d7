// Package gnap is a client of the Grant Negotiation and Authorization Protocol (RFC 9635) as Open
// Payments uses it: request, continue, poll and cancel grants, rotate and revoke tokens, verify
// interaction hashes. It is pure Go and knows no browser: what sends is an http.RoundTripper, what
// signs a crypto.Signer.
package gnap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"open-payments-wasm/pkg/httpsig"
)

// MaxResponse is how much of an answer is read, in bytes.
const MaxResponse = 1 << 20

// Operation is one kind of call; its text is used in errors.
type Operation string

// The calls of RFC 9635 that Open Payments uses.
const (
	OpRequest  Operation = "request"  // §2
	OpContinue Operation = "continue" // §5.1 with a reference, §5.2 without: a poll
	OpCancel   Operation = "cancel"   // §5.4
	OpRotate   Operation = "rotate"   // §6.1
	OpRevoke   Operation = "revoke"   // §6.2

	OpVerify Operation = "verify" // no call: the check of an interaction hash, §4.2.3
)

func (op Operation) method() string {
	if op == OpCancel || op == OpRevoke {
		return http.MethodDelete
	}
	return http.MethodPost
}

// Call is one signed call. URL is absolute and https, or http on loopback; a fragment is dropped.
// AccessToken is empty for OpRequest only. Body is JSON text as Marshal writes it, or nil.
type Call struct {
	Operation   Operation
	URL         string
	AccessToken string
	Body        []byte
}

// Client makes signed calls. It may be used by many goroutines at once.
type Client struct {
	// Transport sends the requests. It must not follow redirects.
	Transport http.RoundTripper
	// Key signs them.
	Key httpsig.Key
	// AllowHTTP permits plain http to any host, for development.
	AllowHTTP bool
	// AcceptAnyShape takes any JSON but null for a success, as Raw, without a look at what is in it.
	// Poll does not mind it.
	AcceptAnyShape bool
	// Flights lets equal calls of this Client that are made at once share one request. Nil: none do.
	Flights *Flights
}

// Request asks for a grant (RFC 9635 §2) at the grant endpoint url. Errors are as for Do.
func (c *Client) Request(ctx context.Context, url string, request GrantRequest) (*Grant, error) {
	body, err := Marshal(request)
	if err != nil {
		return nil, &ArgumentError{"body", "must be encodable as JSON"}
	}
	return c.Do(ctx, Call{OpRequest, url, "", body})
}

// Continue continues a grant with the reference from the finish redirect (RFC 9635 §5.1), or polls
// it once when interactRef is empty (§5.2). Errors are as for Do.
func (c *Client) Continue(ctx context.Context, uri, accessToken, interactRef string) (*Grant, error) {
	call := Call{OpContinue, uri, accessToken, nil}
	if interactRef == "" {
		return c.Do(ctx, call)
	}
	body, err := Marshal(map[string]string{"interact_ref": interactRef})
	if err != nil {
		return nil, err
	}
	call.Body = body
	return c.Do(ctx, call)
}

// Cancel gives a grant up (RFC 9635 §5.4). Errors are as for Do.
func (c *Client) Cancel(ctx context.Context, uri, accessToken string) error {
	_, err := c.Do(ctx, Call{OpCancel, uri, accessToken, nil})
	return err
}

// Rotate exchanges an access token at its manage URL (RFC 9635 §6.1): both are a token's Management.
// The response has a new value and may have a new Management, which replaces the old one. Errors are
// as for Do.
func (c *Client) Rotate(ctx context.Context, manage, accessToken string) (*Grant, error) {
	return c.Do(ctx, Call{OpRotate, manage, accessToken, nil})
}

// Revoke ends an access token at its manage URL (RFC 9635 §6.2). Errors are as for Do.
func (c *Client) Revoke(ctx context.Context, manage, accessToken string) error {
	_, err := c.Do(ctx, Call{OpRevoke, manage, accessToken, nil})
	return err
}

// Do makes a call and returns what the server answered, checked; nil for OpCancel and OpRevoke.
//
// It sends one request. Only when the server says too_fast, which means that nothing was
// processed, it waits as long as the server asks, a second at least, and tries again. If ctx would
// end before, it returns that failure at once.
//
// Errors: *ArgumentError if nothing was sent because of an argument; *Error for every failure
// after that; when ctx is cancelled, its cause.
func (c *Client) Do(ctx context.Context, call Call) (*Grant, error) {
	target, err := c.check(call)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, contextError(ctx, call.Operation)
	}
	if c.Flights == nil || call.Operation == OpRequest { // every request is for a grant of its own
		return c.send(ctx, call, target)
	}
	call.URL = target.Scheme + "://" + target.Host + target.RequestURI() // one spelling of what is equal
	id := flightID{c, call.Operation, call.URL, call.AccessToken, string(call.Body)}
	return c.Flights.do(ctx, id, func(ctx context.Context) (*Grant, error) {
		return c.send(ctx, call, target)
	})
}

func (c *Client) check(call Call) (*url.URL, error) {
	target, problem := parseTarget(call.URL, c.AllowHTTP)
	if problem != "" {
		return nil, &ArgumentError{"url", problem}
	}
	if call.Operation == OpRequest && call.AccessToken == "" {
		return target, nil
	}
	if call.AccessToken == "" {
		return nil, &ArgumentError{"accessToken", "must not be empty"}
	}
	if !canBeSent(call.AccessToken) {
		return nil, &ArgumentError{"accessToken", tokenProblem}
	}
	return target, nil
}

const tokenProblem = "must be visible ASCII without spaces or line breaks"

// canBeSent tells whether a token fits into a header.
func canBeSent(token string) bool {
	return !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (c *Client) send(ctx context.Context, call Call, target *url.URL) (*Grant, error) {
	for {
		grant, err := c.sendOnce(ctx, call, target)
		var failure *Error
		if !errors.As(err, &failure) || failure.Code != codeTooFast || call.Operation != OpContinue {
			return grant, err
		}
		if endsWithin(ctx, failure.Wait) { // waiting would only turn a clear response into a timeout
			return nil, failure.beyondDeadline(failure.Wait)
		}
		if err := sleep(ctx, failure.Wait); err != nil {
			return nil, contextError(ctx, call.Operation)
		}
	}
}

func endsWithin(ctx context.Context, wait time.Duration) bool {
	deadline, limited := ctx.Deadline()
	return limited && time.Until(deadline) <= wait
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (c *Client) sendOnce(ctx context.Context, call Call, target *url.URL) (*Grant, error) {
	req, err := c.signed(ctx, call, target)
	if err != nil {
		return nil, err
	}
	res, err := c.Transport.RoundTrip(req)
	if err != nil {
		return nil, networkError(ctx, call.Operation, err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		return nil, &Error{
			Operation: call.Operation, Code: CodeRedirect, Status: res.StatusCode,
			Description: "The server answered with a redirect, which was not followed. Check the URL, and that it is spelled as the server gave it.",
		}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxResponse+1))
	if err != nil {
		return nil, unreadable(ctx, call, res, body, err)
	}
	return c.read(call, req, res, body)
}

func (c *Client) signed(ctx context.Context, call Call, target *url.URL) (*http.Request, error) {
	req := (&http.Request{
		Method: call.Operation.method(),
		URL:    target,
		Host:   target.Host,
		Header: http.Header{"Accept": {"application/json"}},
	}).WithContext(ctx)
	if call.AccessToken != "" {
		req.Header.Set("Authorization", "GNAP "+call.AccessToken)
	}
	if len(call.Body) > 0 {
		req.Header.Set("Content-Type", "application/json")
		req.Body = io.NopCloser(bytes.NewReader(call.Body))
		req.ContentLength = int64(len(call.Body))
	}
	err := httpsig.Sign(req, call.Body, c.Key)
	if err == nil {
		return req, nil
	}
	if ctx.Err() != nil {
		return nil, contextError(ctx, call.Operation)
	}
	return nil, &Error{
		Operation: call.Operation, Code: CodeKey, Err: err,
		Description: "The key could not sign the request, and nothing was sent.",
	}
}

func networkError(ctx context.Context, op Operation, err error) error {
	if ctx.Err() != nil {
		return contextError(ctx, op)
	}
	return &Error{
		Operation: op, Code: CodeNetwork, Retryable: true, Err: err,
		Description: "No response from the server: it could not be reached, the connection was lost, its responses carry no CORS headers for this page, " +
			"or the page's Content-Security-Policy does not name it in connect-src.",
	}
}

// unreadable is what a call returns whose response began, and could not be read to its end: what came of it is
// its Body. The server may have done what it was asked for, so only a poll is Retryable.
func unreadable(ctx context.Context, call Call, res *http.Response, body []byte, err error) error {
	failure := &Error{
		Operation: call.Operation, Code: CodeUnreadable, Status: res.StatusCode, Body: body, Err: err,
		Retryable:   call.Operation == OpContinue && len(call.Body) == 0,
		Description: "The server has answered, and its response could not be read to its end. It may have processed the request all the same.",
	}
	if ctx.Err() == nil {
		return failure
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	failure.Code, failure.Retryable, failure.Err = CodeTimeout, true, context.Cause(ctx)
	failure.Description = "The server has answered, and its response did not come to its end in time."
	return failure
}

func (c *Client) read(call Call, req *http.Request, res *http.Response, body []byte) (*Grant, error) {
	failure := &Error{Operation: call.Operation, Status: res.StatusCode, Body: body}
	switch {
	case len(body) > MaxResponse:
		failure.Code, failure.Description = CodeTooLarge, "The answer is larger than 1 MiB."
		failure.Body = body[:MaxResponse]
		return nil, failure
	case res.StatusCode < 200 || res.StatusCode > 299:
		return nil, serverError(call.Operation, res, body, secrets(call, req))
	case call.Operation == OpCancel || call.Operation == OpRevoke:
		return nil, nil
	}
	grant, problems, err := c.parse(jsonText(body), call.Operation)
	switch {
	case errors.Is(err, errNesting):
		problems = []string{"the response is " + err.Error()}
	case err != nil:
		failure.Code, failure.Description = CodeNotJSON, "The server answered with success, but not with JSON."
		return nil, failure
	}
	if len(problems) > 0 {
		failure.Code, failure.Problems = CodeShape, problems
		failure.Description = "The server's answer is not what RFC 9635 asks for: " + strings.Join(problems, "; ") + "."
		return nil, failure
	}
	return grant, nil
}

func (c *Client) parse(text []byte, op Operation) (*Grant, []string, error) {
	if !c.AcceptAnyShape {
		return parseGrant(text, op, c.AllowHTTP)
	}
	response, err := decode(text)
	if err == nil && response == nil { // nothing can be asked of null
		return nil, []string{"the response is null"}, nil
	}
	return &Grant{Raw: text}, nil, err
}

// parseTarget splits an absolute URL so that its path and query stay byte for byte what they are:
// they are signed and sent as given. It returns what is wrong with the URL, or "".
func parseTarget(raw string, allowHTTP bool) (target *url.URL, problem string) {
	scheme, rest, ok := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "https" && scheme != "http" {
		return nil, "must be an absolute https: URL, or http: on loopback"
	}
	rest, _, _ = strings.Cut(rest, "#")
	authority, path := rest, "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	if path[0] == '?' {
		path = "/" + path
	}
	u, err := url.Parse(scheme + "://" + strings.ToLower(authority))
	switch {
	case strings.Contains(authority, "@"):
		return nil, "must not carry a user name or password"
	case err != nil || u.Hostname() == "" || strings.ContainsFunc(rest+u.Host, notInURL):
		return nil, "must be a valid URL"
	case scheme == "http" && !allowHTTP && !isLoopback(u.Hostname()):
		return nil, "must be an https: URL, or http: on loopback"
	case !setPath(u, path):
		return nil, "must be a valid URL"
	}
	return u, ""
}

// setPath makes path the request URI of u, byte for byte. An Opaque that starts with two slashes
// would be read as a host, so such a path must be one that net/url leaves as it is.
func setPath(u *url.URL, path string) bool {
	if !strings.HasPrefix(path, "//") {
		u.Opaque = path
		return true
	}
	whole, err := url.Parse(u.Scheme + "://" + u.Host + path)
	if err != nil || whole.RequestURI() != path {
		return false
	}
	*u = *whole
	return true
}

func notInURL(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
