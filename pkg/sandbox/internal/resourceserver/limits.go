package resourceserver

import (
	"math"
	"net/http"
	"time"

	"open-payments-wasm/pkg/sandbox/internal/ledger"
)

// spending is what was spent under a grant. Server.mu guards it.
type spending struct {
	payments []*spent
	endsAt   time.Time // zero: never
	size     int
}

// spent is one payment in a grant: its whole amounts while it is under way, and what it sent when it has failed.
type spent struct {
	at                        time.Time
	debit, receive            uint64
	debitAsset, receivedAsset ledger.Asset
}

const spentSize = 160 // bytes of a spent, with its place in lists

// sums are what payments have spent together. What does not fit into 64 bits is the most that does.
type sums struct{ debit, receive uint64 }

// sum adds up what was spent from one asset in another within an interval.
func (s *spending) sum(within interval, from, to ledger.Asset) (total sums) {
	if s == nil {
		return total
	}
	for _, p := range s.payments {
		if !within.contains(p.at) {
			continue
		}
		if p.debitAsset == from {
			total.debit = saturate(total.debit, p.debit)
		}
		if p.receivedAsset == to {
			total.receive = saturate(total.receive, p.receive)
		}
	}
	return total
}

func saturate(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// maySpend returns what was spent under a grant before a payment, in the interval in which it falls. The error is
// unauthorized when the payment is not within the limits, and errUnexpected when the interval is not one of three parts.
// Server.mu must be held.
func (s *Server) maySpend(client authorized, q *quote, now time.Time) (sums, error) {
	limits := client.access.Limits
	if limits == nil {
		limits = &Limits{}
	}
	if limits.Receiver != "" && limits.Receiver != q.to.url {
		return sums{}, unauthorized()
	}
	within, found, err := currentInterval(limits.Interval, now)
	if err != nil {
		return sums{}, err
	}
	if !found {
		return sums{}, unauthorized()
	}
	before := s.spending[client.grant.ID].sum(within, q.wallet.asset, q.to.asset)
	if !limits.DebitAmount.allows(before.debit, q.debit, q.wallet.asset) ||
		!limits.ReceiveAmount.allows(before.receive, q.receive, q.to.asset) {
		return sums{}, unauthorized()
	}
	return before, nil
}

// allows says whether an amount may be spent under a limit after what was spent before. Nil is no limit.
func (limit *Amount) allows(before, amount uint64, asset ledger.Asset) bool {
	if limit == nil {
		return true
	}
	most, err := limit.value()
	return err == nil && limit.asset() == asset && before <= most && amount <= most-before
}

// spend counts a payment in a grant. The error is that the server is full. Server.mu must be held.
func (s *Server) spend(grant *Grant, q *quote, now time.Time) (*spent, error) {
	size := spentSize
	of := s.spending[grant.ID]
	if of == nil {
		of = &spending{}
		size += overhead + len(grant.ID)
	}
	if err := s.count(size); err != nil {
		return nil, err
	}
	p := &spent{at: now, debit: q.debit, receive: q.receive, debitAsset: q.wallet.asset, receivedAsset: q.to.asset}
	of.payments = append(of.payments, p)
	of.size += size
	of.endsAt = grant.EndsAt
	s.spending[grant.ID] = of
	return p, nil
}

// forgetSpending removes what was spent under grants that are over, and returns how many bytes that were.
func (s *Server) forgetSpending(now time.Time) (freed int) {
	for id, of := range s.spending {
		if !of.endsAt.IsZero() && now.After(of.endsAt) {
			freed += of.size
			delete(s.spending, id)
		}
	}
	return freed
}

type spentAmounts struct {
	SpentDebitAmount   *Amount `json:"spentDebitAmount"`
	SpentReceiveAmount *Amount `json:"spentReceiveAmount"`
}

// getSpentAmounts responds with what was spent under the grant of the token, in the present interval if it has intervals:
// null before the first payment and outside of the intervals. Of several assets it is those of the last payment.
func (s *Server) getSpentAmounts(r *http.Request) (any, error) {
	if !accepts(r, "application/json") {
		return nil, fail(http.StatusNotAcceptable, notAcceptable)
	}
	client, err := s.authorizeFor(r, nil, outgoingAccess)
	if err != nil {
		return nil, err
	}
	s.deliverDue()
	limits := client.access.Limits
	if limits == nil {
		limits = &Limits{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	within, found, err := currentInterval(limits.Interval, s.now())
	of := s.spending[client.grant.ID]
	if err != nil || !found || of == nil {
		return spentAmounts{}, nil
	}
	last := of.payments[len(of.payments)-1]
	total := of.sum(within, last.debitAsset, last.receivedAsset)
	debit, receive := amountOf(total.debit, last.debitAsset), amountOf(total.receive, last.receivedAsset)
	return spentAmounts{&debit, &receive}, nil
}

// outgoingAccess returns the right to create outgoing payments, or another right to them, or nil.
func outgoingAccess(g *Grant) *Access {
	var other *Access
	for i, access := range g.Access {
		if access.Type != outgoingPaymentType {
			continue
		}
		if access.allows("create") {
			return &g.Access[i]
		}
		other = &g.Access[i]
	}
	return other
}
