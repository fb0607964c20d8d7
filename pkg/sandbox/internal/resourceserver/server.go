package resourceserver

import (
	"encoding/json"
	"math/big"
	"net/http"
	"sync"
	"time"

	"open-payments-wasm/pkg/sandbox/internal/ledger"
)

const (
	defaultPath          = "/op"
	defaultQuoteLifetime = 5 * time.Minute
	defaultLiquidity     = 1_000_000_000_000_000
	defaultMaxBytes      = 64 << 20
	defaultKeep          = 24 * time.Hour
	maxExpiry            = 30 * 24 * time.Hour // of incoming payments
)

// Config is what a Server needs.
type Config struct {
	// Wallets are the wallets that exist.
	Wallets []Wallet
	// BaseURL returns where the client of a request reaches the server, without a trailing slash. Required.
	BaseURL func(*http.Request) string
	// Path is where the resource server is below the base URL. "": /op.
	Path string
	// AuthServer is where the grant endpoint is below the base URL, as wallet addresses shall say it: "/auth/".
	AuthServer string
	// Keys returns the key set that a wallet signs with, as JSON; nil where it has none. Nil: no wallet has one.
	Keys func(wallet string) json.RawMessage
	// Authorizer is the authorization server. Required.
	Authorizer Authorizer
	// Prices say by asset code what one unit of an asset (a dollar, not a cent) is worth, all in the same measure. They
	// are the rates: receivers in an asset without a price can be paid from wallets in the same asset alone, for all
	// others they are "invalid receiver".
	Prices map[string]*big.Rat
	// Fee is what the sender of a payment pays besides.
	Fee Fee
	// QuoteLifetime is for how long quotes can be used. Zero: 5 minutes.
	QuoteLifetime time.Duration
	// PaymentDelay is how long outgoing payments are under way before they are delivered. Zero: they are delivered at
	// once, after the response. A payment whose quote expires before that fails.
	PaymentDelay time.Duration
	// Liquidity is what the server has of each asset of its wallets for exchanging, in smallest units. Zero: 10^15.
	Liquidity uint64
	// Faults are what shall go wrong.
	Faults Faults
	// MaxBytes bounds what clients can make the server hold, counted with its own overhead. Zero: 64 MiB. Beyond it
	// creating fails with status 503.
	MaxBytes int
	// Keep is for how long resources are kept after they expired or ended. Zero: a day.
	Keep time.Duration
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
}

// Fee is what the sender of a payment pays besides what is sent.
type Fee struct {
	// Fixed is in the smallest unit of the sender's asset.
	Fixed uint64
	// BasisPoints are ten-thousandths of the amount, rounded down.
	BasisPoints uint64
}

// Server is a resource server. It is safe for concurrent use and keeps its state in memory.
type Server struct {
	config Config
	ledger *ledger.Ledger
	// liquidity and fees are accounts by asset.
	liquidity, fees map[ledger.Asset]ledger.AccountID
	wallets         map[string]*wallet

	delivering sync.Mutex // is held while payments that are due are delivered; taken before mu

	mu           sync.Mutex // guards what follows, and every resource in it
	peers        []peer
	peerAccounts map[peerAsset]ledger.AccountID
	incoming     collection[*incomingPayment]
	quotes       collection[*quote]
	outgoing     collection[*outgoingPayment]
	underWay     map[*outgoingPayment]struct{}
	spending     map[string]*spending
	sequence     uint64
	bytes        int
	swept        time.Time
}

// New returns a server. It panics when a wallet's name is not 1 to 64 lower-case letters, digits, dots, underscores and
// hyphens, or is there twice, when balances of an asset do not fit into 64 bits together, and when a required member of
// config is missing.
func New(config Config) *Server {
	if config.BaseURL == nil || config.Authorizer == nil {
		panic("resourceserver: Config.BaseURL and Config.Authorizer are required")
	}
	s := &Server{
		config:       withDefaults(config),
		ledger:       ledger.New(),
		liquidity:    map[ledger.Asset]ledger.AccountID{},
		fees:         map[ledger.Asset]ledger.AccountID{},
		wallets:      map[string]*wallet{},
		peerAccounts: map[peerAsset]ledger.AccountID{},
		incoming:     newCollection[*incomingPayment](),
		quotes:       newCollection[*quote](),
		outgoing:     newCollection[*outgoingPayment](),
		underWay:     map[*outgoingPayment]struct{}{},
		spending:     map[string]*spending{},
	}
	for _, w := range config.Wallets {
		s.openWallet(w)
	}
	return s
}

func withDefaults(config Config) Config {
	if config.Path == "" {
		config.Path = defaultPath
	}
	if config.QuoteLifetime == 0 {
		config.QuoteLifetime = defaultQuoteLifetime
	}
	if config.Liquidity == 0 {
		config.Liquidity = defaultLiquidity
	}
	if config.MaxBytes == 0 {
		config.MaxBytes = defaultMaxBytes
	}
	if config.Keep == 0 {
		config.Keep = defaultKeep
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return config
}

// Register adds the server's routes to a mux. Wallet addresses are GET /{path...}, the least specific of all routes. A mux
// redirects paths with a double slash before a handler sees them; the reference server has 404 for them.
func (s *Server) Register(mux *http.ServeMux) {
	path := s.config.Path
	mux.Handle("GET /{path...}", s.handle(s.getWallet))
	mux.Handle("POST "+path+"/incoming-payments", s.handle(s.createIncomingPayment))
	mux.Handle("GET "+path+"/incoming-payments", s.handle(s.listIncomingPayments))
	mux.Handle("GET "+path+"/incoming-payments/{id}", s.handle(s.getIncomingPayment))
	mux.Handle("POST "+path+"/incoming-payments/{id}/complete", s.handle(s.completeIncomingPayment))
	mux.Handle("POST "+path+"/quotes", s.handle(s.createQuote))
	mux.Handle("GET "+path+"/quotes/{id}", s.handle(s.getQuote))
	mux.Handle("POST "+path+"/outgoing-payments", s.handle(s.createOutgoingPayment))
	mux.Handle("GET "+path+"/outgoing-payments", s.handle(s.listOutgoingPayments))
	mux.Handle("GET "+path+"/outgoing-payments/{id}", s.handle(s.getOutgoingPayment))
	mux.Handle("GET "+path+"/outgoing-payment-grant", s.handle(s.getSpentAmounts))
}

// now returns the time, in whole milliseconds, as resources say it.
func (s *Server) now() time.Time { return s.config.Now().UTC().Truncate(time.Millisecond) }

func (s *Server) resourceServer(r *http.Request) string { return s.config.BaseURL(r) + s.config.Path }

func (s *Server) authServer(r *http.Request) string { return s.config.BaseURL(r) + s.config.AuthServer }

// timestamp writes a time as JSON of JavaScript does.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
