package signedhttp

import (
	"net/http"
	"net/url"
	"strings"
)

// mostRedirects is how many redirects are followed: honest servers need one or two.
const mostRedirects = 5

// roundTrip returns the response to a request. If that is unsigned, it follows redirects, with the same headers and
// nothing of the page before, unless the transport has followed them.
func (c *Client) roundTrip(req *http.Request, op *Operation) (*http.Response, error) {
	for followed := 0; ; followed++ {
		res, err := c.Transport.RoundTrip(req)
		if err != nil {
			return nil, networkError(req.Context(), op, err)
		}
		isRedirect := res.StatusCode >= 300 && res.StatusCode < 400
		if !isRedirect && (!op.Unsigned || res.Request == nil || c.mayLead(req.URL, res.Request.URL)) {
			return res, nil
		}
		res.Body.Close()
		next := c.following(req, res.Header.Get("Location"))
		if !op.Unsigned || next == nil || followed == mostRedirects {
			return nil, redirected(op, res)
		}
		req = next
	}
}

// following returns the request that a redirect asks for, or nil if it is not followed.
func (c *Client) following(req *http.Request, location string) *http.Request {
	target, problem := parseTarget(resolve(spelled(req.URL), location), c.AllowHTTP)
	if problem != "" || location == "" || !c.mayLead(req.URL, target) {
		return nil
	}
	next := *req
	next.URL, next.Host = target, target.Host
	return &next
}

// resolve makes a reference absolute (RFC 3986 §5.2). Dots in paths are left to the server: net/url's own way would
// cost the browser 2 kB for what fetch has done there.
func resolve(base, reference string) string {
	scheme, rest, _ := strings.Cut(base, "://")
	host, _, _ := strings.Cut(rest, "/")
	beforeQuery, _, _ := strings.Cut(base, "?")
	switch {
	case strings.Contains(reference, "://") && !strings.HasPrefix(reference, "/"):
		return reference
	case strings.HasPrefix(reference, "//"):
		return scheme + ":" + reference
	case strings.HasPrefix(reference, "/"):
		return scheme + "://" + host + reference
	case strings.HasPrefix(reference, "?"):
		return beforeQuery + reference
	}
	return beforeQuery[:strings.LastIndexByte(beforeQuery, '/')+1] + reference
}

// mayLead tells whether a redirect may lead from one URL to another: to https, and from loopback to loopback. What
// everybody can publish must not lead a server to its own neighbours.
func (c *Client) mayLead(from, to *url.URL) bool {
	return to.Scheme == "https" || c.AllowHTTP || from.Scheme == "http" && isLoopback(to.Hostname())
}
