package resourceserver

import (
	"cmp"
	"slices"
	"time"

	"open-payments-wasm/pkg/sandbox/internal/ledger"
)

// deliverIn delivers what is due after a delay, in the background.
func (s *Server) deliverIn(delay time.Duration) { time.AfterFunc(delay, s.deliverDue) }

// deliverDue delivers every outgoing payment that is due. Requests for resources call it too, so that what they say does
// not depend on how busy the process is.
func (s *Server) deliverDue() {
	s.delivering.Lock()
	defer s.delivering.Unlock()
	for _, p := range s.due() {
		s.deliver(p)
	}
}

// due returns the payments that are due, in the order in which they became so.
func (s *Server) due() []*outgoingPayment {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var due []*outgoingPayment
	for p := range s.underWay {
		if !now.Before(p.dueAt) {
			due = append(due, p)
		}
	}
	slices.SortFunc(due, func(a, b *outgoingPayment) int {
		return cmp.Or(a.dueAt.Compare(b.dueAt), cmp.Compare(a.sequence, b.sequence))
	})
	return due
}

// deliver tries to deliver a payment. Server.delivering must be held, and Server.mu not.
func (s *Server) deliver(p *outgoingPayment) {
	q := p.quote
	if p.hold == 0 || q.expired(s.now()) {
		s.giveUp(p)
		return
	}
	if !p.asked {
		p.asked = true
		p.fault = s.config.Faults.ofPayment(p.info())
	}
	receive := q.receive
	if p.fault.Fail {
		receive, _ = ledger.Convert(min(p.fault.Sent, q.debit-q.fee), q.to.rate) // 0 when it cannot be converted
	}
	if q.to.server == Peer(s) {
		s.deliverHere(p, receive)
		return
	}
	taken := uint64(0)
	if receive > 0 {
		taken = q.to.server.Receive(s, q.to.id, receive)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(p, taken, s.peerAccount(q.to.server, p.wallet.asset))
}

// deliverHere delivers a payment to a wallet of this server.
func (s *Server) deliverHere(p *outgoingPayment, receive uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	to, known := s.incoming.get(p.quote.to.id, now)
	taken := uint64(0)
	if known {
		taken = to.room(now, receive)
	}
	var arrival []ledger.Entry
	if taken > 0 {
		arrival = append(arrival, ledger.Entry{From: s.liquidity[p.quote.to.asset], To: to.wallet.account, Amount: taken})
	}
	if s.settle(p, taken, s.liquidity[p.wallet.asset], arrival...) {
		to.receive(taken)
	}
}

// settle debits the wallet of a payment of which an amount was taken, to an account, together with other entries, and
// says whether money moved. A payment of which nothing was taken waits until its quote expires. Server.mu must be held.
func (s *Server) settle(p *outgoingPayment, taken uint64, to ledger.AccountID, arrival ...ledger.Entry) bool {
	q := p.quote
	whole := taken == q.receive && !p.fault.Fail
	if taken == 0 && !p.fault.Fail {
		p.dueAt = q.expiresAt
		s.deliverIn(q.expiresAt.Sub(s.now()))
		return false
	}
	var entries []ledger.Entry
	sent := uint64(0)
	switch {
	case whole:
		sent = q.debit - q.fee
		if q.fee > 0 {
			entries = append(entries, ledger.Entry{From: p.wallet.account, To: s.fees[p.wallet.asset], Amount: q.fee})
		}
	case taken > 0:
		sent, _ = ledger.Cost(taken, q.to.rate) // not more than of the whole
	}
	if sent > 0 {
		entries = append(entries, ledger.Entry{From: p.wallet.account, To: to, Amount: sent})
	}
	if err := s.ledger.Settle(p.hold, append(entries, arrival...)...); err != nil {
		// There is not enough of the receiver's asset to exchange.
		_ = s.ledger.Release(p.hold)
		s.finish(p, 0, 0, true)
		return false
	}
	s.finish(p, sent, taken, !whole)
	return taken > 0
}

// giveUp ends a payment of which nothing was sent.
func (s *Server) giveUp(p *outgoingPayment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.ledger.Release(p.hold) // there is none when there was not enough money
	s.finish(p, 0, 0, true)
}

// finish notes what became of a payment. Server.mu must be held.
func (s *Server) finish(p *outgoingPayment, sent, received uint64, failed bool) {
	p.sent, p.failed, p.endedAt = sent, failed, s.now()
	if failed {
		p.spent.debit, p.spent.receive = sent, received
	}
	delete(s.underWay, p)
}

// info describes a payment to Faults.
func (p *outgoingPayment) info() PaymentInfo {
	return PaymentInfo{
		ID:            p.id,
		Wallet:        p.wallet.name,
		Receiver:      p.quote.to.url,
		DebitAmount:   amountOf(p.quote.debit, p.wallet.asset),
		ReceiveAmount: amountOf(p.quote.receive, p.quote.to.asset),
		Metadata:      p.metadata,
	}
}
