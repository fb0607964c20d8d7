package resourceserver

import (
	"net/http"
	"time"

	"open-payments-wasm/pkg/sandbox/internal/ledger"
	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// quote is what a payment would cost. Server.mu guards used.
type quote struct {
	meta
	to        destination
	debit     uint64 // with the fee
	fee       uint64
	receive   uint64
	expiresAt time.Time
	keep      time.Duration // after it expired

	used bool
}

func (q *quote) expired(now time.Time) bool { return !now.Before(q.expiresAt) }

func (q *quote) gone(now time.Time) bool { return q.expired(now.Add(-q.keep)) }

type quoteBody struct {
	WalletAddress string  `json:"walletAddress"`
	Receiver      string  `json:"receiver"`
	DebitAmount   *Amount `json:"debitAmount"`
	ReceiveAmount *Amount `json:"receiveAmount"`
}

type quoteDocument struct {
	ID            string `json:"id"`
	WalletAddress string `json:"walletAddress"`
	Receiver      string `json:"receiver"`
	DebitAmount   Amount `json:"debitAmount"`
	ReceiveAmount Amount `json:"receiveAmount"`
	Method        string `json:"method"`
	CreatedAt     string `json:"createdAt"`
	ExpiresAt     string `json:"expiresAt"`
}

func (s *Server) describeQuote(r *http.Request, q *quote) quoteDocument {
	return quoteDocument{
		ID:            s.resourceServer(r) + "/quotes/" + q.id,
		WalletAddress: s.walletAddress(r, q.wallet),
		Receiver:      q.to.url,
		DebitAmount:   amountOf(q.debit, q.wallet.asset),
		ReceiveAmount: amountOf(q.receive, q.to.asset),
		Method:        "ilp",
		CreatedAt:     timestamp(q.createdAt),
		ExpiresAt:     timestamp(q.expiresAt),
	}
}

func (s *Server) createQuote(r *http.Request) (any, error) {
	var request quoteBody
	body, err := readBody(r, quoteSchema, &request)
	if err != nil {
		return nil, err
	}
	w, client, err := s.authorizeCreate(r, body, quoteType, request.WalletAddress)
	if err != nil {
		return nil, err
	}
	s.deliverDue()
	q, err := s.quote(r, w, request)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.addQuote(q, w, client.grant.Client); err != nil {
		return nil, err
	}
	return respond.WithStatus(http.StatusCreated, s.describeQuote(r, q)), nil
}

// addQuote remembers a quote. Server.mu must be held.
func (s *Server) addQuote(q *quote, w *wallet, client string) (err error) {
	if q.meta, err = s.newMeta(w, client, q.to.url); err != nil {
		return err
	}
	s.quotes.add(q)
	return nil
}

// quote returns what a payment from a wallet would cost, which is not remembered yet.
func (s *Server) quote(r *http.Request, w *wallet, request quoteBody) (*quote, error) {
	var debit, receive uint64
	var err error
	if request.DebitAmount != nil {
		if debit, err = request.DebitAmount.value(); err != nil {
			return nil, err
		}
		if debit == 0 || request.DebitAmount.asset() != w.asset {
			return nil, invalidAmount()
		}
	}
	if request.ReceiveAmount != nil {
		if receive, err = request.ReceiveAmount.value(); err != nil {
			return nil, err
		}
		if receive == 0 {
			return nil, invalidAmount()
		}
	}
	to, receiver, err := s.resolve(r, request.Receiver, w.asset)
	if err != nil {
		return nil, err
	}
	if request.ReceiveAmount != nil && request.ReceiveAmount.asset() != to.asset {
		return nil, invalidAmount()
	}
	if request.DebitAmount == nil && request.ReceiveAmount == nil {
		receive = receiver.Remaining // zero when it expects no amount, which is invalid
	}
	q := &quote{to: to, debit: debit, receive: receive, keep: s.config.Keep}
	if err := q.price(s.config.Fee); err != nil {
		return nil, invalidAmount()
	}
	if receiver.HasAmount && q.receive > receiver.Remaining {
		return nil, invalidAmount()
	}
	q.expiresAt = s.now().Add(s.config.QuoteLifetime)
	if receiver.ExpiresAt.Before(q.expiresAt) {
		q.expiresAt = receiver.ExpiresAt
	}
	return q, nil
}

// price works out the amount of a quote that is not fixed, and the fee. The debit amount of a fixed receive amount is
// rounded up, the receive amount of a fixed debit amount down. The error is one of package ledger's.
func (q *quote) price(fee Fee) (err error) {
	if q.debit > 0 {
		if q.fee, err = fee.of(q.debit); err != nil {
			return err
		}
		if q.fee >= q.debit {
			return ledger.ErrZero
		}
		q.receive, err = ledger.Convert(q.debit-q.fee, q.to.rate)
		return err
	}
	cost, err := ledger.Cost(q.receive, q.to.rate)
	if err != nil {
		return err
	}
	if q.fee, err = fee.of(cost); err != nil {
		return err
	}
	q.debit = cost + q.fee
	if q.debit < cost {
		return ledger.ErrOverflow
	}
	return nil
}

func (s *Server) getQuote(r *http.Request) (any, error) {
	if !accepts(r, "application/json") {
		return nil, fail(http.StatusNotAcceptable, notAcceptable)
	}
	q, err := read(s, r, &s.quotes, "quote")
	if err != nil {
		return nil, err
	}
	client, err := s.authorize(r, nil, quoteType, "read", s.walletAddress(r, q.wallet))
	if err != nil {
		return nil, err
	}
	if !client.sees("read", q.client) {
		return nil, notThere("Quote", q.id)
	}
	return s.describeQuote(r, q), nil
}
