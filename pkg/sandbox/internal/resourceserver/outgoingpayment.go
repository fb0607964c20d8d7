package resourceserver

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"open-payments-wasm/pkg/sandbox/internal/ledger"
	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// outgoingPayment is the payment of a quote, and has its id. Server.mu guards what can change.
type outgoingPayment struct {
	meta
	quote    *quote
	metadata json.RawMessage
	spent    *spent        // in its grant
	keep     time.Duration // after it ended

	hold    ledger.HoldID // 0: there was not enough money
	dueAt   time.Time
	asked   bool // for a fault
	fault   PaymentFault
	sent    uint64
	failed  bool
	endedAt time.Time // zero: under way
}

func (p *outgoingPayment) gone(now time.Time) bool {
	return !p.endedAt.IsZero() && !now.Before(p.endedAt.Add(p.keep))
}

type outgoingPaymentBody struct {
	WalletAddress   string          `json:"walletAddress"`
	QuoteID         string          `json:"quoteId"`
	IncomingPayment string          `json:"incomingPayment"`
	DebitAmount     *Amount         `json:"debitAmount"`
	Metadata        json.RawMessage `json:"metadata"`
}

type outgoingPaymentDocument struct {
	ID            string          `json:"id"`
	WalletAddress string          `json:"walletAddress"`
	QuoteID       string          `json:"quoteId"`
	Failed        bool            `json:"failed"`
	Receiver      string          `json:"receiver"`
	ReceiveAmount Amount          `json:"receiveAmount"`
	DebitAmount   Amount          `json:"debitAmount"`
	SentAmount    Amount          `json:"sentAmount"`
	Metadata      json.RawMessage `json:"metadata,omitempty"`
	CreatedAt     string          `json:"createdAt"`
	// What was spent under the grant before, in the response to create.
	GrantSpentDebitAmount   *Amount `json:"grantSpentDebitAmount,omitempty"`
	GrantSpentReceiveAmount *Amount `json:"grantSpentReceiveAmount,omitempty"`
}

func (s *Server) describeOutgoingPayment(r *http.Request, p *outgoingPayment) outgoingPaymentDocument {
	return outgoingPaymentDocument{
		ID:            s.resourceServer(r) + "/outgoing-payments/" + p.id,
		WalletAddress: s.walletAddress(r, p.wallet),
		QuoteID:       s.resourceServer(r) + "/quotes/" + p.quote.id,
		Failed:        p.failed,
		Receiver:      p.quote.to.url,
		ReceiveAmount: amountOf(p.quote.receive, p.quote.to.asset),
		DebitAmount:   amountOf(p.quote.debit, p.wallet.asset),
		SentAmount:    amountOf(p.sent, p.wallet.asset),
		Metadata:      p.metadata,
		CreatedAt:     timestamp(p.createdAt),
	}
}

func (s *Server) createOutgoingPayment(r *http.Request) (any, error) {
	var request outgoingPaymentBody
	body, err := readBody(r, outgoingPaymentSchema, &request)
	if err != nil {
		return nil, err
	}
	w, client, err := s.authorizeCreate(r, body, outgoingPaymentType, request.WalletAddress)
	if err != nil {
		return nil, err
	}
	s.deliverDue()
	q, err := s.quoteToPay(r, w, client, request)
	if err != nil {
		return nil, err
	}
	receiver, known := q.to.server.Receiver(q.to.id)
	if !known || !receiver.Active {
		return nil, invalidQuote()
	}
	document, err := s.pay(r, w, client, q, request.Metadata)
	if err != nil {
		return nil, err
	}
	s.deliverIn(s.config.PaymentDelay)
	return respond.WithStatus(http.StatusCreated, document), nil
}

// quoteToPay returns the quote that a request names, or makes the one that it asks for.
func (s *Server) quoteToPay(r *http.Request, w *wallet, client authorized, request outgoingPaymentBody) (*quote, error) {
	if request.IncomingPayment != "" {
		q, err := s.quote(r, w, quoteBody{Receiver: request.IncomingPayment, DebitAmount: request.DebitAmount})
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return q, s.addQuote(q, w, client.grant.Client)
	}
	id := strings.TrimSuffix(request.QuoteID, "/")
	id = id[strings.LastIndex(id, "/")+1:]
	if !wellFormedID.MatchString(id) {
		return nil, errUnexpected
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, known := s.quotes.get(id, s.now())
	if !known {
		return nil, fail(http.StatusNotFound, "unknown quote")
	}
	return q, nil
}

// pay uses a quote up: it counts the payment in the grant and holds the money, in one step.
func (s *Server) pay(r *http.Request, w *wallet, client authorized, q *quote, metadata json.RawMessage) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if q.used || q.wallet != w || q.expired(now) {
		return nil, invalidQuote()
	}
	before, err := s.maySpend(client, q, now)
	if err != nil {
		return nil, err
	}
	p := &outgoingPayment{quote: q, metadata: metadata, keep: s.config.Keep, dueAt: now.Add(s.config.PaymentDelay)}
	if p.meta, err = s.newMeta(w, client.grant.Client, string(metadata)); err != nil {
		return nil, err
	}
	p.id = q.id
	if p.spent, err = s.spend(client.grant, q, now); err != nil {
		s.bytes -= p.size
		return nil, err
	}
	q.used = true
	p.hold, _ = s.ledger.Hold(w.account, q.debit) // without enough money the payment fails later
	s.outgoing.add(p)
	s.underWay[p] = struct{}{}
	document := s.describeOutgoingPayment(r, p)
	debit, receive := amountOf(before.debit, w.asset), amountOf(before.receive, q.to.asset)
	document.GrantSpentDebitAmount, document.GrantSpentReceiveAmount = &debit, &receive
	return document, nil
}

func (s *Server) getOutgoingPayment(r *http.Request) (any, error) {
	if !accepts(r, "application/json") {
		return nil, fail(http.StatusNotAcceptable, notAcceptable)
	}
	s.deliverDue()
	p, err := read(s, r, &s.outgoing, "outgoing payment")
	if err != nil {
		return nil, err
	}
	client, err := s.authorize(r, nil, outgoingPaymentType, "read", s.walletAddress(r, p.wallet))
	if err != nil {
		return nil, err
	}
	if !client.sees("read", p.client) {
		return nil, notThere("Outgoing payment", p.id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.describeOutgoingPayment(r, p), nil
}

func (s *Server) listOutgoingPayments(r *http.Request) (any, error) {
	s.deliverDue()
	return list(s, r, &s.outgoing, outgoingPaymentType, func(p *outgoingPayment) any { return s.describeOutgoingPayment(r, p) })
}
