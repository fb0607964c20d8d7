package resourceserver

import (
	"math/big"
	"net/http"
	"strings"
	"time"

	"open-payments-wasm/pkg/sandbox/internal/ledger"
)

// Peer is a resource server in the same process whose incoming payments another one pays. Every Server is one. Each
// keeps its own ledger, with an account for the other.
type Peer interface {
	// Receiver returns what a payer has to know of an incoming payment, false when there is none with this id.
	Receiver(id string) (Receiver, bool)
	// Receive pays an amount into an incoming payment, on account of the peer that pays, and returns how much of it was
	// taken: nothing when the payment is not active, and no more than it has room for.
	Receive(from Peer, id string, amount uint64) (taken uint64)
}

// Receiver is what a payer has to know of an incoming payment.
type Receiver struct {
	Asset ledger.Asset
	// Active says that it is neither completed nor expired.
	Active bool
	// HasAmount says that it expects an amount, of which Remaining is still to come.
	HasAmount bool
	Remaining uint64
	ExpiresAt time.Time
}

type peer struct {
	prefix string // of its incoming payments
	server Peer
}

// peerAsset finds the account for a peer in an asset. Below zero it is what the peer owes.
type peerAsset struct {
	server Peer
	asset  ledger.Asset
}

// AddPeer makes the incoming payments of another server payable. resourceServer is its URL as its wallet addresses say it,
// with or without a trailing slash. The other one needs nothing to be added in order to be paid.
func (s *Server) AddPeer(resourceServer string, server Peer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers = append(s.peers, peer{strings.TrimSuffix(resourceServer, "/") + incomingPaymentsPath, server})
}

// destination is where an outgoing payment goes.
type destination struct {
	url    string
	id     string
	server Peer
	asset  ledger.Asset
	rate   *big.Rat // smallest units of asset for one of the sender's
}

// resolve returns the receiver at a URL. The error is invalid receiver, or that of a malformed id of this server's.
func (s *Server) resolve(r *http.Request, url string, from ledger.Asset) (destination, Receiver, error) {
	d := destination{url: url}
	d.server, d.id = s.serverOf(r, url)
	if d.server == nil {
		return d, Receiver{}, invalidReceiver()
	}
	if d.server == Peer(s) && !wellFormedID.MatchString(d.id) {
		return d, Receiver{}, errUnexpected
	}
	receiver, known := d.server.Receiver(d.id)
	if !known || !receiver.Active {
		return d, Receiver{}, invalidReceiver()
	}
	d.asset, d.rate = receiver.Asset, s.config.rate(from, receiver.Asset)
	if d.rate == nil {
		return d, Receiver{}, invalidReceiver()
	}
	return d, receiver, nil
}

// serverOf returns the server of an incoming payment, and the payment's id there. Nil: no server that is known.
func (s *Server) serverOf(r *http.Request, url string) (Peer, string) {
	if id, ours := strings.CutPrefix(url, s.resourceServer(r)+incomingPaymentsPath); ours {
		return s, id
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.peers {
		if id, theirs := strings.CutPrefix(url, p.prefix); theirs {
			return p.server, id
		}
	}
	return nil, ""
}

// Receiver returns what a payer has to know of an incoming payment.
func (s *Server) Receiver(id string) (Receiver, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	p, known := s.incoming.get(id, now)
	if !known {
		return Receiver{}, false
	}
	return Receiver{
		Asset:     p.wallet.asset,
		Active:    p.active(now),
		HasAmount: p.hasAmount,
		Remaining: p.amount - min(p.amount, p.received),
		ExpiresAt: p.expiresAt,
	}, true
}

// Receive pays an amount into an incoming payment, on account of a peer.
func (s *Server) Receive(from Peer, id string, amount uint64) (taken uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	p, known := s.incoming.get(id, now)
	if !known {
		return 0
	}
	taken = p.room(now, amount)
	entry := ledger.Entry{From: s.peerAccount(from, p.wallet.asset), To: p.wallet.account, Amount: taken}
	if err := s.ledger.Transfer(entry); err != nil { // also when nothing is taken
		return 0
	}
	p.receive(taken)
	return taken
}

// peerAccount returns the account for a peer in an asset. Server.mu must be held.
func (s *Server) peerAccount(of Peer, asset ledger.Asset) ledger.AccountID {
	key := peerAsset{of, asset}
	id, known := s.peerAccounts[key]
	if !known {
		id = s.ledger.OpenCredit(asset)
		s.peerAccounts[key] = id
	}
	return id
}
