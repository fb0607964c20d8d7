// Package sandbox is a wallet and an authorization server in one http.Handler, for tests and
// demonstrations of Open Payments clients:
//
//	server := httptest.NewServer(sandbox.New(sandbox.Config{}))
//
// It speaks GNAP (RFC 9635) as Open Payments profiles it, with the responses of the reference
// server, Rafiki. Where the RFCs are strict it is strict too: every request must be signed in the
// profile of package httpsig, freshly, over its body, with a nonce that was never seen before.
// There is no money in it, and whoever opens an interaction page may approve it.
//
// Below its base URL it serves:
//
//	GET    /{wallet}                   the wallet address document
//	POST   /auth/                      the grant endpoint, also without the slash
//	POST   /auth/continue/{id}         continue or poll; DELETE cancels
//	POST   /auth/token/{id}            rotate; DELETE revokes
//	GET    /interact/{id}/{nonce}      the page on which a person approves or declines
//	PUT    /clients/{name}/jwks.json   hosts the public keys of a client that cannot, such as a page
//	GET    /clients/{name}             the wallet address of that client, and /jwks.json below it
package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"open-payments-wasm/pkg/sandbox/internal/authserver"
	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// NoWait as Config.Wait lets clients continue at once.
const NoWait time.Duration = -1

const (
	defaultWait        = 5 * time.Second
	defaultMaxAge      = time.Minute
	defaultBodyTimeout = 10 * time.Second
	defaultLifetime    = 10 * time.Minute // of access tokens
)

// Config adjusts a Server. The zero Config is a strict server with the wallet alice.
type Config struct {
	// BaseURL is where clients reach the server, when that is not what the Host header and TLS
	// of a request say: "https://sandbox.example". It may end in a path, but not in a slash.
	BaseURL string
	// Hosts are the hosts, without ports, under which the server may be called beside loopback ones and that of
	// BaseURL. Every other Host header is refused: it may be a page's own name that was made to lead here (DNS
	// rebinding), and that page could approve what it asked for.
	Hosts []string
	// Wallets are the names of the wallets that exist. Empty: alice.
	Wallets []string
	// Wait is how long clients have to wait before they continue, and between two polls. Zero:
	// 5 seconds. NoWait: not at all, and responses have no wait member. Responses round it up to
	// whole seconds.
	Wait time.Duration
	// AccessLifetime is how long access tokens are good for. Zero: 10 minutes. A token that expired can still be
	// rotated.
	AccessLifetime time.Duration
	// MaxAge is how old, and how far in the future, a signature may be. Zero: one minute.
	MaxAge time.Duration
	// AcceptUnboundSignatures accepts signatures that lack nonce and tag="gnap", which RFC 9635
	// §7.3.1 asks for and the official Node client leaves out. Such requests can be replayed.
	// What must be covered, the digest and created are checked as ever.
	AcceptUnboundSignatures bool
	// OnlySig1 refuses requests with another label than sig1 or with a second signature, as the reference
	// server does. Without it, one signature of the client is looked for among those that are there
	// (RFC 9635 §7.3.1, RFC 9421 §4.3).
	OnlySig1 bool
	// RotateContinuation changes the continuation token and URI with every response to a
	// continuation (RFC 9635 §5).
	RotateContinuation bool
	// HashEncoding is how the interaction hash is written.
	HashEncoding HashEncoding
	// HashOtherSlash hashes the grant endpoint with a trailing slash where the client called it
	// without one, and the other way round, as servers behind a rewriting proxy do.
	HashOtherSlash bool
	// FetchKeys returns the key set of a client wallet address that this server does not host.
	// Nil: GET {walletAddress}/jwks.json, from loopback hosts only.
	FetchKeys func(ctx context.Context, walletAddress string) (jwk.Set, error)
	// BodyTimeout is how long the body of a request may take to come. Zero: 10 seconds. Set the timeouts of the
	// http.Server too: a handler sees nothing of what is before the body.
	BodyTimeout time.Duration
	// OnRequest is called for every request whose signature was checked, before it is answered,
	// from many goroutines at once.
	OnRequest func(Exchange)
}

// Exchange is a request as the server saw it, and what it thinks of its signature.
type Exchange = authserver.Exchange

// HashEncoding is how the interaction hash is written in the finish redirect.
type HashEncoding = authserver.HashEncoding

const (
	// HashBase64 is standard base64 with padding, as the reference server writes it.
	HashBase64 = authserver.HashBase64
	// HashBase64URL is base64url without padding, as RFC 9635 §4.2.3 asks.
	HashBase64URL = authserver.HashBase64URL
)

// Server is a wallet and an authorization server. It is safe for concurrent use, keeps its state
// in memory and forgets grants after an hour.
type Server struct {
	config Config
	base   *url.URL // nil: what each request says
	mux    *http.ServeMux
	auth   *authserver.Server
}

// New returns a server. It panics when Config.BaseURL is not an http or https URL.
func New(config Config) *Server {
	s := &Server{config: withDefaults(config), mux: http.NewServeMux()}
	if config.BaseURL != "" {
		s.base = mustParseBase(config.BaseURL)
	}
	s.auth = authserver.New(authserver.Config{
		BaseURL:                 s.baseURL,
		Wait:                    s.config.Wait,
		AccessLifetime:          s.config.AccessLifetime,
		MaxAge:                  s.config.MaxAge,
		AcceptUnboundSignatures: s.config.AcceptUnboundSignatures,
		OnlySig1:                s.config.OnlySig1,
		RotateContinuation:      s.config.RotateContinuation,
		HashEncoding:            s.config.HashEncoding,
		HashOtherSlash:          s.config.HashOtherSlash,
		FetchKeys:               s.config.FetchKeys,
		OnRequest:               s.config.OnRequest,
	})
	s.mux.Handle("GET /{wallet}", respond.Handler(s.getWallet))
	s.auth.Register(s.mux)
	return s
}

// AddClient hosts the public keys of a client, in place of those it had before, and returns the
// path of the client's wallet address below the base URL. It refuses names that are not made of
// 1 to 64 letters, digits, dots, underscores and hyphens, sets of more than 16 keys, and keys that
// are not Ed25519 public keys with a kid.
func (s *Server) AddClient(name string, keys jwk.Set) (path string, err error) {
	if path, err = s.auth.AddClient(name, keys); err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	return path, nil
}

func withDefaults(config Config) Config {
	if len(config.Wallets) == 0 {
		config.Wallets = []string{"alice"}
	}
	if config.Wait == 0 {
		config.Wait = defaultWait
	}
	config.Wait = max(config.Wait, 0)
	if config.MaxAge == 0 {
		config.MaxAge = defaultMaxAge
	}
	if config.AccessLifetime == 0 {
		config.AccessLifetime = defaultLifetime
	}
	if config.BodyTimeout == 0 {
		config.BodyTimeout = defaultBodyTimeout
	}
	return config
}

func mustParseBase(raw string) *url.URL {
	base, err := url.Parse(raw)
	if err != nil {
		panic("sandbox: Config.BaseURL: " + err.Error())
	}
	if (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" || strings.HasSuffix(raw, "/") {
		panic("sandbox: Config.BaseURL must be an http or https URL without a trailing slash")
	}
	return base
}

// ServeHTTP answers one request. Interaction pages are for people: everything else may be read by
// scripts of every origin.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !s.isOurs(r.Host) {
		http.Error(w, "this host is not served here", http.StatusMisdirectedRequest)
		return
	}
	if !strings.HasPrefix(r.URL.Path, "/interact/") {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			answerPreflight(w, r)
			return
		}
	}
	respond.BoundBody(w, r, s.config.BodyTimeout)
	s.mux.ServeHTTP(w, s.seenByClient(r))
}

// isOurs says whether the server may be called under a host, which may have a port.
func (s *Server) isOurs(hostport string) bool {
	host := strings.ToLower((&url.URL{Host: hostport}).Hostname())
	return authserver.IsLoopback(host) || slices.Contains(s.config.Hosts, host) || (s.base != nil && strings.EqualFold(s.base.Hostname(), host))
}

func answerPreflight(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
	// A star would not do: it leaves out Authorization.
	header.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
	header.Set("Access-Control-Max-Age", "600")
	header.Set("Vary", "Access-Control-Request-Headers")
	w.WriteHeader(http.StatusNoContent)
}

// seenByClient returns the request with the scheme and host under which the client sent it: a
// proxy may have changed both on the way, and the client signed its own.
func (s *Server) seenByClient(r *http.Request) *http.Request {
	if s.base == nil {
		return r
	}
	seen := r.Clone(r.Context())
	seen.URL.Scheme, seen.Host = s.base.Scheme, s.base.Host
	return seen
}

func (s *Server) baseURL(r *http.Request) string {
	switch {
	case s.base != nil:
		return s.config.BaseURL
	case r.TLS != nil:
		return "https://" + r.Host
	default:
		return "http://" + r.Host
	}
}

func (s *Server) hasWallet(name string) bool {
	return slices.Contains(s.config.Wallets, name)
}
