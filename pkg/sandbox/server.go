// Package sandbox is a whole wallet in one http.Handler, for tests and demonstrations of Open Payments clients:
//
//	server := httptest.NewServer(sandbox.New(sandbox.Config{}))
//
// It has an authorization server, which speaks GNAP (RFC 9635) as Open Payments profiles it, a resource server, and a
// ledger in memory with wallets that have money: alice (USD), bob (EUR) and shop (USD), unless Config says otherwise.
// Its responses are those of the reference server, Rafiki. Where the RFCs are strict it is strict too: every request
// must be signed in the profile of package httpsig, freshly, over its body, with a nonce that was never seen before.
// The money is not real, and whoever opens an interaction page may approve it.
//
// Below its base URL it serves:
//
//	GET    /{wallet}                              the wallet address document, and /jwks.json below it
//	PUT    /{wallet}/jwks.json                    gives the wallet public keys, with which its owner is a client too
//	POST   /auth/                                 the grant endpoint, also without the slash
//	POST   /auth/continue/{id}                    continue or poll; DELETE cancels
//	POST   /auth/token/{id}                       rotate; DELETE revokes
//	GET    /interact/{id}/{nonce}                 the page on which a person approves or declines
//	POST   /op/incoming-payments                  create; GET lists
//	GET    /op/incoming-payments/{id}             the payment, or its public part to who has no token
//	POST   /op/incoming-payments/{id}/complete    complete
//	POST   /op/quotes                             create
//	GET    /op/quotes/{id}                        the quote
//	POST   /op/outgoing-payments                  create; GET lists
//	GET    /op/outgoing-payments/{id}             the payment
//	GET    /op/outgoing-payment-grant             what was spent of the grant
//	PUT    /clients/{name}/jwks.json              hosts the public keys of a client that cannot, such as a page
//	GET    /clients/{name}                        the wallet address of that client, and /jwks.json below it
//	PUT    /faults                                what shall go wrong from now on; only with Config.FaultSecret
//
// The first PUT of a client's or a wallet's name responds with a secret, which further ones need as "Authorization: Bearer …", unless
// they put the same keys again. Names whose keys sign nothing are forgotten when there are too many.
package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"open-payments-wasm/pkg/sandbox/internal/authserver"
	"open-payments-wasm/pkg/sandbox/internal/resourceserver"
	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// resourcesPath is where the resource server is, and authPath the grant endpoint.
const (
	resourcesPath = "/op"
	authPath      = "/auth/"
)

// Server is a wallet. It is safe for concurrent use, keeps its state in memory and forgets grants after an hour.
type Server struct {
	config    Config
	base      *url.URL // nil: what each request says
	mux       *http.ServeMux
	auth      *authserver.Server
	resources *resourceserver.Server
	faults    faultList
}

// New returns a server. It panics when Config.BaseURL is not an http or https URL, when two wallets have the same name,
// when one cannot be a wallet's, and when the balances of an asset together do not fit into 64 bits.
func New(config Config) *Server {
	s := &Server{config: withDefaults(config), mux: http.NewServeMux()}
	if config.BaseURL != "" {
		s.base = mustParseBase(config.BaseURL)
	}
	s.auth = authserver.New(s.authConfig())
	s.resources = resourceserver.New(s.resourceConfig())
	s.auth.Register(s.mux)
	s.resources.Register(s.mux)
	if config.FaultSecret != "" {
		s.mux.Handle("PUT /faults", respond.Handler(s.putFaults))
	}
	return s
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

// AddClient hosts the public keys of a client, in place of those it had before, and returns the
// path of the client's wallet address below the base URL. It refuses names that are not made of
// 1 to 64 letters, digits, dots, underscores and hyphens, the names "." and "..", sets of more than
// 16 keys or 16 kB, and keys that are not Ed25519 public keys with a kid. Nobody else can replace
// the keys.
func (s *Server) AddClient(name string, keys jwk.Set) (path string, err error) {
	if path, err = s.auth.AddClient(name, keys); err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	return path, nil
}

// AddPeer lets the wallets of this server pay into incoming payments of another one in this process, whose base URL is
// baseURL, without a slash at its end. No message goes between the two: each keeps its own ledger, with an account for
// the other. The other way round needs a call of its own.
func (s *Server) AddPeer(baseURL string, peer *Server) {
	s.resources.AddPeer(baseURL+resourcesPath, peer.resources)
}

// Balance returns what a wallet has, in the smallest unit of its asset, and how much of that is not held for payments
// under way. Both are 0 for a name that no wallet has.
func (s *Server) Balance(wallet string) (funds, available uint64) { return s.resources.Balance(wallet) }

// Wallets returns the wallets of this server.
func (s *Server) Wallets() []Wallet { return slices.Clone(s.config.Wallets) }

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
			s.answerPreflight(w, r)
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

func (s *Server) answerPreflight(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
	// A star would not do: it leaves out Authorization.
	header.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
	if s.config.PreflightMaxAge > 0 {
		header.Set("Access-Control-Max-Age", strconv.Itoa(int(s.config.PreflightMaxAge/time.Second)))
	}
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
