// Package gnap is a client of the Grant Negotiation and Authorization Protocol (RFC 9635) as Open
// Payments uses it: request, continue, poll and cancel grants, rotate and revoke tokens, verify
// interaction hashes. It is pure Go and knows no browser: package signedhttp sends its requests.
package gnap

import (
	"context"

	"open-payments-wasm/pkg/signedhttp"
)

// Call is one signed call. URL is absolute and https, or http on loopback; a fragment is dropped.
// AccessToken may be empty for OpRequest only. Body is JSON text as signedhttp.Marshal writes it, or nil.
type Call struct {
	Operation   *signedhttp.Operation // one of this package
	URL         string
	AccessToken string
	Body        []byte
}

// Client makes signed calls. It may be used by many goroutines at once.
type Client struct {
	signedhttp.Client
	// AcceptAnyShape takes any JSON but null for a success, as Raw, without a look at what is in it.
	// Poll does not mind it.
	AcceptAnyShape bool
}

// Request asks for a grant (RFC 9635 §2) at the grant endpoint url. Errors are as for Do.
func (c *Client) Request(ctx context.Context, url string, request GrantRequest) (*Grant, error) {
	body, err := signedhttp.Marshal(request)
	if err != nil {
		return nil, &signedhttp.ArgumentError{Argument: "body", Problem: "must be encodable as JSON"}
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
	body, err := signedhttp.Marshal(struct {
		InteractRef string `json:"interact_ref"`
	}{interactRef})
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

// Do makes a call and returns the response of the server, checked; nil for OpCancel and OpRevoke.
//
// It sends one request. Only when the server says too_fast to a continuation, which means that nothing was
// processed, it waits as long as the server asks, a second at least, and tries again. If ctx would
// end before, it returns that failure at once. Equal calls share a request where SingleFlight is there,
// except that every OpRequest is for a grant of its own.
//
// Errors: *signedhttp.ArgumentError if nothing was sent because of an argument; *signedhttp.Error for every
// failure after that; when ctx is cancelled, its cause.
func (c *Client) Do(ctx context.Context, call Call) (*Grant, error) {
	return c.send(ctx, call, call.Operation == OpRequest)
}

func (c *Client) send(ctx context.Context, call Call, once bool) (*Grant, error) {
	request := signedhttp.Request{
		Operation: call.Operation, URL: call.URL, AccessToken: call.AccessToken, Body: call.Body, Once: once,
		Repeatable: call.Operation == OpContinue && len(call.Body) == 0, // a poll
	}
	if call.Operation != OpCancel && call.Operation != OpRevoke {
		request.Reader = reader{c, isHTTPS(call.URL)}
	}
	result, err := c.Client.Do(ctx, request)
	grant, _ := result.(*Grant)
	return grant, err
}

// reader reads the responses to the calls of a Client, of which isSecure went to https.
type reader struct {
	*Client
	isSecure bool
}

func (r reader) Read(op *signedhttp.Operation, text []byte, value any) (any, []string) {
	if !r.AcceptAnyShape {
		return r.readGrant(op, text, value)
	}
	if value == nil { // nothing can be asked of null
		return nil, []string{"the response is null"}
	}
	return &Grant{Raw: text}, nil
}
