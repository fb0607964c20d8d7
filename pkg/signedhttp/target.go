package signedhttp

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"open-payments-wasm/pkg/httpsig"
)

// CheckURL returns what is wrong with an absolute URL that requests are to go to, or "". It takes https, and
// http on loopback or, with allowHTTP, to any host.
func CheckURL(raw string, allowHTTP bool) (problem string) {
	_, problem = parseTarget(raw, allowHTTP)
	return problem
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
	switch {
	case strings.Contains(authority, "@"):
		return nil, "must not carry a user name or password"
	case strings.Contains(authority, "%"): // an address with a zone, which no browser takes: net/url would keep it in a table of its own
		return nil, "must be a valid URL"
	}
	u, err := url.Parse(scheme + "://" + strings.ToLower(authority))
	switch {
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

// spelled is a target as it is signed and sent: equal targets are spelled alike.
func spelled(target *url.URL) string { return httpsig.TargetURI(&http.Request{URL: target}) }
