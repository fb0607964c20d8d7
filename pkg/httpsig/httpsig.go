// Package httpsig signs and verifies requests in the profile of HTTP Message Signatures
// (RFC 9421) that GNAP (RFC 9635 §7.3.1) and Open Payments use, over
// github.com/yaronf/httpsign, with content digests of RFC 9530.
//
// The profile, in full:
//
//   - one signature, labelled sig1 (a verifier looks at others too, RFC 9421 §4.3, unless its policy says no);
//   - it covers "@method" and "@target-uri", "authorization" when that header is there, and
//     "content-digest", "content-length" and "content-type" when there is a body;
//   - its parameters are created, nonce, tag="gnap" and keyid, and never alg: the key decides;
//   - the key is Ed25519 and the digest sha-512.
package httpsig

import (
	"crypto"
	"net/http"
	"net/url"
	"strings"

	"github.com/yaronf/httpsign"
)

const (
	// Label is the one signature label of the profile.
	Label = "sig1"
	// Tag is the value of the tag parameter (RFC 9635 §7.3.1).
	Tag = "gnap"
)

// Key is an Ed25519 private key, wherever it is held, under the name its owner published it by.
type Key struct {
	// ID is the keyid parameter: the kid of the key in the client's key set. Printable ASCII.
	ID string
	// Signer signs whole messages with Ed25519 (it is called with crypto.Hash(0)). A Signer that
	// has to wait may also have the method WithContext(context.Context) crypto.Signer; it is
	// then used with the context of the request.
	Signer crypto.Signer
}

// coverage says on what the components depend that the profile requires.
type coverage struct{ authorization, body bool }

func coverageOf(header http.Header, hasBody bool) coverage {
	return coverage{header.Get("Authorization") != "", hasBody}
}

// components lists what the profile requires, in the order in which it is signed.
func (c coverage) components() []string {
	names := []string{"@method", "@target-uri"}
	if c.authorization {
		names = append(names, "authorization")
	}
	if c.body {
		names = append(names, "content-digest", "content-length", "content-type")
	}
	return names
}

// fields are the components as httpsign has them, which only reads them: to make them took an eighth
// of the allocations of a signature.
var fields = func() map[coverage]httpsign.Fields {
	all := make(map[coverage]httpsign.Fields)
	for _, c := range []coverage{{}, {authorization: true}, {body: true}, {true, true}} {
		all[c] = httpsign.Headers(c.components()...)
	}
	return all
}()

// TargetURI returns the @target-uri component of a request (RFC 9421 §2.2.2, RFC 9110 §7.1): on a
// server what the request line and the Host header say, on a client what its URL will become on the
// wire. A request line in absolute form (RFC 9112 §3.2.2), as proxies are sent and httptest.NewRequest
// makes of a whole URL, gives the same as one that has the path alone. A client URL with an Opaque part
// that starts with a slash stands for exactly that path and query.
func TargetURI(req *http.Request) string {
	host, path := req.URL.Host, req.RequestURI
	if path != "" {
		host = req.Host
	} else {
		path = req.URL.RequestURI()
	}
	return scheme(req) + "://" + host + originForm(path)
}

// originForm returns the path and query of a request target in absolute form, and every other as it is.
// An asterisk stands for no path (RFC 9110 §7.1).
func originForm(target string) string {
	if target == "*" {
		return ""
	}
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok || strings.ContainsAny(scheme, "/?#") {
		return target
	}
	i := strings.IndexAny(rest, "/?")
	switch {
	case i < 0:
		return "/"
	case rest[i] == '?': // an empty path is a slash (RFC 9110 §4.2.3)
		return "/" + rest[i:]
	}
	return rest[i:]
}

func scheme(req *http.Request) string {
	switch {
	case req.URL.Scheme != "":
		return req.URL.Scheme
	case req.TLS != nil:
		return "https"
	default:
		return "http"
	}
}

// signable is the request as httpsign should see it: its URL renders as the target URI, byte for
// byte, where net/url would re-encode some of what browsers leave alone.
func signable(req *http.Request, target string) *http.Request {
	schemeLen := len(scheme(req))
	return &http.Request{
		Method: req.Method,
		URL:    &url.URL{Scheme: target[:schemeLen], Opaque: target[schemeLen+1:]},
		Host:   req.Host,
		Header: req.Header,
	}
}
