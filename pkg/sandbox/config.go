package sandbox

import (
	"context"
	"math/big"
	"slices"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"open-payments-wasm/pkg/sandbox/internal/authserver"
	"open-payments-wasm/pkg/sandbox/internal/resourceserver"
)

// NoWait as Config.Wait lets clients continue at once.
const NoWait time.Duration = -1

// NoMaxAge as Config.PreflightMaxAge leaves Access-Control-Max-Age out, as the reference server does.
const NoMaxAge time.Duration = -1

const (
	defaultWait            = 5 * time.Second
	defaultMaxAge          = time.Minute
	defaultBodyTimeout     = 10 * time.Second
	defaultPreflightMaxAge = 10 * time.Minute
	defaultLifetime        = 10 * time.Minute // of access tokens
	defaultGrantLifetime   = time.Hour
)

// Config adjusts a Server. The zero Config is a strict server with the wallets of DefaultWallets.
type Config struct {
	// BaseURL is where clients reach the server, when that is not what the Host header and TLS
	// of a request say: "https://sandbox.example". It may end in a path, but not in a slash.
	BaseURL string
	// Hosts are the hosts, in lower case and without ports, under which the server may be called beside loopback ones
	// and that of BaseURL. Every other Host header is refused: it may be a page's own name that was made to lead here
	// (DNS rebinding), and that page could approve what it asked for.
	Hosts []string
	// BodyTimeout is how long the body of a request may take to come. Zero: 10 seconds. Set the timeouts of the
	// http.Server too: a handler sees nothing of what is before the body.
	BodyTimeout time.Duration
	// PreflightMaxAge is for how long browsers may keep the response to a preflight, in whole seconds. Zero: 10
	// minutes. NoMaxAge: the response does not say it, and browsers choose.
	PreflightMaxAge time.Duration

	// Wallets are the wallets that exist. Empty: DefaultWallets.
	Wallets []Wallet
	// Prices say, by asset code, what one unit of an asset (a dollar, not a cent) is worth, all in the same measure:
	// the rates follow from them. Empty: DefaultPrices. An asset without a price is exchanged with no other.
	Prices map[string]*big.Rat
	// Fee is what the sender of a payment pays besides. It is part of debitAmount, and not of sentAmount.
	Fee Fee
	// QuoteLifetime is for how long a quote can be paid. Zero: 5 minutes.
	QuoteLifetime time.Duration
	// PaymentDelay is how long outgoing payments are under way. Zero: they arrive at once, after the response.
	PaymentDelay time.Duration
	// Faults are what shall go wrong, for tests of clients.
	Faults Faults
	// FaultSecret, unless empty, lets whoever sends it as "Authorization: Bearer …" put faults at /faults: see FaultPlan.
	FaultSecret string

	// Wait is how long clients have to wait before they continue, and between two polls. Zero:
	// 5 seconds. NoWait: not at all, and responses have no wait member. Responses round it up to
	// whole seconds.
	Wait time.Duration
	// AccessLifetime is how long access tokens are good for. Zero: 10 minutes. A token that expired can still be
	// rotated.
	AccessLifetime time.Duration
	// GrantLifetime is how long a grant is known, with its tokens and what was spent of it. Zero: an hour.
	GrantLifetime time.Duration
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
type Exchange = authserver.Exchange

// HashEncoding is how the interaction hash is written in the finish redirect.
type HashEncoding = authserver.HashEncoding

const (
	// HashBase64 is standard base64 with padding, as the reference server writes it.
	HashBase64 = authserver.HashBase64
	// HashBase64URL is base64url without padding, as RFC 9635 §4.2.3 asks.
	HashBase64URL = authserver.HashBase64URL
)

// Wallet is a wallet and what it has at the start. Its name is its address below the base URL: 1 to 64 lower-case
// letters, digits, dots, underscores and hyphens, and none of auth, clients, faults, interact and op.
type Wallet = resourceserver.Wallet

// Fee is what the sender of a payment pays besides what is sent.
type Fee = resourceserver.Fee

// DefaultWallets returns the wallets of the zero Config: alice and shop have dollars, bob has euros.
func DefaultWallets() []Wallet {
	return []Wallet{
		{Name: "alice", PublicName: "Alice", AssetCode: "USD", AssetScale: 2, Balance: 1_000_000},
		{Name: "bob", PublicName: "Bob", AssetCode: "EUR", AssetScale: 2, Balance: 1_000_000},
		{Name: "shop", PublicName: "Shop", AssetCode: "USD", AssetScale: 2, Balance: 100_000},
	}
}

// DefaultPrices returns the prices of the zero Config: a euro is worth 1.25 dollars.
func DefaultPrices() map[string]*big.Rat {
	return map[string]*big.Rat{"USD": big.NewRat(1, 1), "EUR": big.NewRat(5, 4)}
}

func withDefaults(config Config) Config {
	if len(config.Wallets) == 0 {
		config.Wallets = DefaultWallets()
	}
	if len(config.Prices) == 0 {
		config.Prices = DefaultPrices()
	}
	config.Wait = max(orDefault(config.Wait, defaultWait), 0)
	config.GrantLifetime = orDefault(config.GrantLifetime, defaultGrantLifetime)
	config.MaxAge = orDefault(config.MaxAge, defaultMaxAge)
	config.AccessLifetime = orDefault(config.AccessLifetime, defaultLifetime)
	config.BodyTimeout = orDefault(config.BodyTimeout, defaultBodyTimeout)
	config.PreflightMaxAge = orDefault(config.PreflightMaxAge, defaultPreflightMaxAge)
	return config
}

func orDefault(value, byDefault time.Duration) time.Duration {
	if value == 0 {
		return byDefault
	}
	return value
}

func (s *Server) authConfig() authserver.Config {
	return authserver.Config{
		BaseURL:                 s.baseURL,
		Wait:                    s.config.Wait,
		AccessLifetime:          s.config.AccessLifetime,
		GrantLifetime:           s.config.GrantLifetime,
		MaxAge:                  s.config.MaxAge,
		AcceptUnboundSignatures: s.config.AcceptUnboundSignatures,
		OnlySig1:                s.config.OnlySig1,
		RotateContinuation:      s.config.RotateContinuation,
		HashEncoding:            s.config.HashEncoding,
		HashOtherSlash:          s.config.HashOtherSlash,
		FetchKeys:               s.config.FetchKeys,
		IsWallet:                s.isWallet,
		OnRequest:               s.config.OnRequest,
	}
}

func (s *Server) isWallet(name string) bool {
	return slices.ContainsFunc(s.config.Wallets, func(w Wallet) bool { return w.Name == name })
}

// reserved are the names of wallets that would hide what else is there.
var reserved = []string{"auth", "clients", "faults", "interact", "op", ".", ".."}

func (s *Server) resourceConfig() resourceserver.Config {
	for _, wallet := range s.config.Wallets {
		if slices.Contains(reserved, wallet.Name) {
			panic("sandbox: a wallet cannot be named " + wallet.Name)
		}
	}
	return resourceserver.Config{
		Wallets:       s.config.Wallets,
		BaseURL:       s.baseURL,
		Path:          resourcesPath,
		AuthServer:    authPath,
		Authorizer:    s.auth,
		Keys:          s.auth.WalletKeys,
		Prices:        s.config.Prices,
		Fee:           s.config.Fee,
		QuoteLifetime: s.config.QuoteLifetime,
		PaymentDelay:  s.config.PaymentDelay,
		Faults:        s.withPlan(s.config.Faults),
		Now:           s.faults.now,
	}
}
