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
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// NoWait as Config.Wait lets clients continue at once.
const NoWait time.Duration = -1

const (
	defaultWait   = 5 * time.Second
	defaultMaxAge = time.Minute
)

// Config adjusts a Server. The zero Config is a strict server with the wallet alice.
type Config struct {
	// BaseURL is where clients reach the server, when that is not what the Host header and TLS
	// of a request say: "https://sandbox.example". It may end in a path, but not in a slash.
	BaseURL string
	// Wallets are the names of the wallets that exist. Empty: alice.
	Wallets []string
	// Wait is how long clients have to wait before they continue, and between two polls. Zero:
	// 5 seconds. NoWait: not at all, and responses have no wait member. Responses round it up to
	// whole seconds.
	Wait time.Duration
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
	// OnRequest is called for every request whose signature was checked, before it is answered,
	// from many goroutines at once.
	OnRequest func(Exchange)
}

// Exchange is a request as the server saw it, and what it thinks of its signature.
type Exchange struct {
	Method    string
	TargetURI string
	Header    http.Header
	Body      []byte
	// Err says why the signature was refused. Nil: it was accepted.
	Err error
}

// Server is a wallet and an authorization server. It is safe for concurrent use, keeps its state
// in memory and forgets grants after an hour.
type Server struct {
	config Config
	base   *url.URL // nil: what each request says
	mux    *http.ServeMux

	mu      sync.Mutex // guards what follows, and every grant in it
	grants  store
	clients map[string]jwk.Set
	nonces  nonces
}

// New returns a server. It panics when Config.BaseURL is not an http or https URL.
func New(config Config) *Server {
	s := &Server{
		config:  withDefaults(config),
		mux:     http.NewServeMux(),
		grants:  newStore(),
		clients: map[string]jwk.Set{},
		nonces:  nonces{seen: map[nonceID]time.Time{}},
	}
	if config.BaseURL != "" {
		s.base = mustParseBase(config.BaseURL)
	}
	s.mux.Handle("GET /{wallet}", handler(s.getWallet))
	s.mux.Handle("GET /clients/{name}", handler(s.getClient))
	s.mux.Handle("GET /clients/{name}/jwks.json", handler(s.getClientKeys))
	s.mux.Handle("PUT /clients/{name}/jwks.json", handler(s.putClientKeys))
	s.mux.Handle("POST /auth", handler(s.requestGrant))
	s.mux.Handle("POST /auth/{$}", handler(s.requestGrant))
	s.mux.Handle("POST /auth/continue/{id}", handler(s.continueGrant))
	s.mux.Handle("DELETE /auth/continue/{id}", handler(s.cancelGrant))
	s.mux.Handle("POST /auth/token/{id}", handler(s.rotateToken))
	s.mux.Handle("DELETE /auth/token/{id}", handler(s.revokeToken))
	s.mux.HandleFunc("GET /interact/{id}/{nonce}", s.showInteraction)
	s.mux.HandleFunc("POST /interact/{id}/{nonce}", s.decideInteraction)
	return s
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
	if config.FetchKeys == nil {
		config.FetchKeys = fetchLoopbackKeys
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
	if !strings.HasPrefix(r.URL.Path, "/interact/") {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			answerPreflight(w, r)
			return
		}
	}
	s.mux.ServeHTTP(w, s.seenByClient(r))
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

// handler makes a handler of a function. What it returns is written as JSON with status 200; nil
// is status 204; a *failure is written as it says.
type handler func(r *http.Request) (any, error)

func (f handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	result, err := f(r)
	if err != nil {
		writeError(w, err)
		return
	}
	if result == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	writeJSON(w, http.StatusOK, result)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // fails when the client went away: nobody is left to tell
}

func writeError(w http.ResponseWriter, err error) {
	var f *failure
	switch {
	case !errors.As(err, &f):
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
	case f.plain:
		http.Error(w, f.Description, f.status)
	default:
		writeJSON(w, f.status, map[string]*failure{"error": f})
	}
}
