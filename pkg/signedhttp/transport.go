package signedhttp

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha512"
	"io"
	"net/http"

	"open-payments-wasm/pkg/httpsig"
)

// opFetch is a request of which nothing is known but that it is signed.
var opFetch = &Operation{Protocol: "signedhttp", Name: "fetch", TokenOptional: true}

// Unsent is a request that somebody else sends, by what is signed of it.
type Unsent struct {
	Method      string
	URL         string // absolute and https, or http on loopback; a fragment is dropped
	AccessToken string // empty for none
	ContentType string // needed where there is a body
	// SHA512 is the digest of the body, and Length how many bytes it has, 0 for no body.
	SHA512 [sha512.Size]byte
	Length int64
}

// Sign returns the header fields that make a request a signed one: Authorization where there is a token, Content-Type,
// Content-Digest and Content-Length where there is a body, Signature-Input and Signature.
//
// Errors: *ArgumentError for the URL or the token; *Error with CodeKey; when ctx ends, what Do returns then.
func (c *Client) Sign(ctx context.Context, unsent Unsent) (http.Header, error) {
	target, err := c.check(Request{Operation: opFetch, URL: unsent.URL, AccessToken: unsent.AccessToken})
	if err != nil {
		return nil, err
	}
	req := (&http.Request{Method: unsent.Method, URL: target, Host: target.Host, Header: http.Header{}}).WithContext(ctx)
	if unsent.AccessToken != "" {
		req.Header.Set("Authorization", "GNAP "+unsent.AccessToken)
	}
	if unsent.ContentType != "" {
		req.Header.Set("Content-Type", unsent.ContentType)
	}
	err = httpsig.SignDigest(req, unsent.SHA512, unsent.Length, c.Key)
	return req.Header, signingError(ctx, opFetch, err)
}

// Transport is an http.RoundTripper that signs what it sends, for servers and paths of which this module knows
// nothing: the response is handed out as it comes, neither bounded nor read.
//
// The signature covers the method, the URL, the Authorization header where the request has one ("GNAP " and an access
// token), and the body by its digest, length and type. A body is read to its end before anything is sent, whatever its
// length, and GetBody of what is sent gives it again; without a Content-Type it is sent as application/octet-stream.
// The request itself is not changed.
//
// A redirect is not followed: the signature is for one address. An http.Client that would follow one gets an *Error
// with CodeRedirect; one whose CheckRedirect returns http.ErrUseLastResponse gets the redirect.
type Transport struct {
	// Base sends the requests. Nil: http.DefaultTransport.
	Base http.RoundTripper
	// Key signs them.
	Key httpsig.Key
	// AllowHTTP permits plain http to any host, for development. Loopback needs no permission.
	AllowHTTP bool
}

// RoundTrip signs a request and sends it.
//
// Errors, beside those of Base: *ArgumentError that names what of the request is wrong: URL, Host, or a header of the
// signature that is there already; *Error with CodeKey where the key cannot sign, and with CodeRedirect for a request that
// a redirect asked for; what reading the body returned. Nothing was sent then.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	if err := t.check(req); err != nil {
		return nil, err
	}
	signed := withBody(req, body)
	err = httpsig.Sign(signed, body, t.Key)
	if err := signingError(req.Context(), opFetch, err); err != nil {
		return nil, err
	}
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	return base.RoundTrip(signed)
}

// readBody reads the body of a request and closes it.
func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	return io.ReadAll(req.Body)
}

// signatureHeaders are those that only a signer may write.
var signatureHeaders = []string{"Signature", "Signature-Input", "Content-Digest"}

func (t *Transport) check(req *http.Request) error {
	if req.Response != nil { // of the redirect that asked for this request
		return redirected(opFetch, req.Response)
	}
	if problem := t.problem(req); problem != "" {
		return &ArgumentError{"URL", problem}
	}
	if req.Host != "" && req.Host != req.URL.Host {
		return &ArgumentError{"Host", "must be that of the URL, which is what is signed"}
	}
	for _, name := range signatureHeaders {
		if req.Header.Get(name) != "" {
			return &ArgumentError{name, "must not be there: it is made of the request"}
		}
	}
	return nil
}

func (t *Transport) problem(req *http.Request) string {
	switch {
	case req.URL == nil:
		return "must be there"
	case req.URL.User != nil:
		return "must not carry a user name or password"
	}
	return CheckURL(httpsig.TargetURI(req), t.AllowHTTP)
}

// withBody returns a copy of a request, with a body that can be sent again.
func withBody(req *http.Request, body []byte) *http.Request {
	signed := req.Clone(req.Context())
	signed.Method = cmp.Or(signed.Method, http.MethodGet)
	if signed.Header == nil {
		signed.Header = http.Header{}
	}
	signed.ContentLength, signed.TransferEncoding = int64(len(body)), nil
	signed.GetBody = func() (io.ReadCloser, error) {
		if len(body) == 0 {
			return http.NoBody, nil
		}
		return io.NopCloser(bytes.NewReader(body)), nil
	}
	signed.Body, _ = signed.GetBody()
	if len(body) > 0 && signed.Header.Get("Content-Type") == "" {
		signed.Header.Set("Content-Type", "application/octet-stream")
	}
	return signed
}
