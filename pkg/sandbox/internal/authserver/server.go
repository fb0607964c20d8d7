// Package authserver is the authorization server of the sandbox: grants, their tokens, the page on which a person
// decides, and the key sets of clients. It speaks GNAP (RFC 9635) as Open Payments profiles it.
package authserver

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// Config adjusts a Server. There are no defaults in it, except where it says so.
type Config struct {
	// BaseURL returns the URL below which the client of a request reaches this server, without a slash at its end.
	BaseURL func(*http.Request) string
	// Wait is how long clients have to wait before they continue, and between two polls. Zero: not at all.
	Wait time.Duration
	// AccessLifetime is how long access tokens are good for.
	AccessLifetime time.Duration
	// GrantLifetime is how long a grant is known, from its request on.
	GrantLifetime time.Duration
	// MaxAge is how old, and how far in the future, a signature may be.
	MaxAge time.Duration
	// AcceptUnboundSignatures accepts signatures without nonce and tag="gnap".
	AcceptUnboundSignatures bool
	// OnlySig1 refuses requests with another label than sig1 or with a second signature.
	OnlySig1 bool
	// RotateContinuation changes the continuation token and URI with every response to a continuation.
	RotateContinuation bool
	// HashEncoding is how the interaction hash is written.
	HashEncoding HashEncoding
	// HashOtherSlash hashes the grant endpoint with the other spelling of its end, with or without a slash.
	HashOtherSlash bool
	// IsWallet says whether the resource server has a wallet of this name. Nil: it has none.
	IsWallet func(name string) bool
	// FetchKeys returns the key set of a client that this server does not host. Nil: fetch it, from loopback hosts only.
	FetchKeys func(ctx context.Context, walletAddress string) (jwk.Set, error)
	// OnRequest is called for every request whose signature was checked, before its response. Nil: nothing is called.
	OnRequest func(Exchange)
}

// Exchange is a request as the server saw it, and what it thinks of its signature.
type Exchange struct {
	// Method is the method of the request.
	Method string
	// TargetURI is the URL that the client requested, as it must have been signed.
	TargetURI string
	// Header has the fields of the request.
	Header http.Header
	// Body is the body of the request. Nil: it had none.
	Body []byte
	// Err says why the signature was refused. Nil: it was accepted.
	Err error
}

// Server is an authorization server. It is safe for concurrent use, keeps its state in memory and forgets grants after
// an hour.
type Server struct {
	config Config
	// fetchesFromLoopback says that there is no Config.FetchKeys.
	fetchesFromLoopback bool

	mu      sync.Mutex // guards what follows, and every grant in it
	grants  store
	clients registry
	nonces  nonces
}

// New returns a server.
func New(config Config) *Server {
	fetchesFromLoopback := config.FetchKeys == nil
	if fetchesFromLoopback {
		config.FetchKeys = fetchLoopbackKeys
	}
	return &Server{
		config:              config,
		fetchesFromLoopback: fetchesFromLoopback,

		grants:  newStore(),
		clients: registry{byName: map[string]*hosted{}},
		nonces:  nonces{seen: map[nonceID]time.Time{}},
	}
}

// Register adds the server's routes: /auth, /interact and /clients, and what is below each.
func (s *Server) Register(mux *http.ServeMux) {
	mux.Handle("POST /auth", respond.Handler(s.requestGrant))
	mux.Handle("POST /auth/{$}", respond.Handler(s.requestGrant))
	mux.Handle("POST /auth/continue/{id}", respond.Handler(s.continueGrant))
	mux.Handle("DELETE /auth/continue/{id}", respond.Handler(s.cancelGrant))
	mux.Handle("POST /auth/token/{id}", respond.Handler(s.rotateToken))
	mux.Handle("DELETE /auth/token/{id}", respond.Handler(s.revokeToken))
	mux.HandleFunc("GET /interact/{id}/{nonce}", s.showInteraction)
	mux.HandleFunc("POST /interact/{id}/{nonce}", s.decideInteraction)
	mux.Handle("GET /clients/{name}", respond.Handler(s.getClient))
	mux.Handle("GET /clients/{name}/jwks.json", respond.Handler(s.getClientKeys))
	mux.Handle("PUT /clients/{name}/jwks.json", respond.Handler(s.putClientKeys))
	mux.Handle("PUT /{wallet}/jwks.json", respond.Handler(s.putWalletKeys))
}

// Held is how much a Server has in memory.
type Held struct {
	// Grants, Interactions and Tokens are how many of each can be found.
	Grants, Interactions, Tokens int
	// GrantBytes is what the grants take.
	GrantBytes int
	// Nonces is how many nonces of signatures are remembered.
	Nonces int
	// Clients is how many key sets are hosted, and ClientBytes what they take.
	Clients, ClientBytes int
}

// Held returns how much the server has in memory.
func (s *Server) Held() Held {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Held{
		Grants:       len(s.grants.continuations),
		Interactions: len(s.grants.interactions),
		Tokens:       len(s.grants.tokens),
		GrantBytes:   s.grants.bytes,
		Nonces:       len(s.nonces.seen),
		Clients:      len(s.clients.byName),
		ClientBytes:  s.clients.bytes,
	}
}
