package resourceserver

import (
	"encoding/json"
	"net/http"
	"time"

	"open-payments-wasm/pkg/sandbox/internal/ledger"
	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// incomingPayment is a payment that a wallet expects. Server.mu guards what can change: received and completed.
type incomingPayment struct {
	meta
	hasAmount bool
	amount    uint64 // at most so much is received
	expiresAt time.Time
	metadata  json.RawMessage
	keep      time.Duration // after it expired

	received  uint64
	completed bool
}

// gone says whether a payment expired without having received anything, or long ago.
func (p *incomingPayment) gone(now time.Time) bool {
	if p.received == 0 && !p.completed {
		return p.expired(now)
	}
	return p.expired(now.Add(-p.keep))
}

func (p *incomingPayment) expired(now time.Time) bool { return !now.Before(p.expiresAt) }

func (p *incomingPayment) active(now time.Time) bool { return !p.completed && !p.expired(now) }

// room returns how much of an amount the payment can still receive.
func (p *incomingPayment) room(now time.Time, amount uint64) uint64 {
	switch {
	case !p.active(now):
		return 0
	case p.hasAmount:
		return min(amount, p.amount-p.received)
	default:
		return min(amount, ^uint64(0)-p.received)
	}
}

// receive counts what has arrived. The last of its amount completes the payment.
func (p *incomingPayment) receive(amount uint64) {
	p.received += amount
	p.completed = p.completed || (p.hasAmount && p.received == p.amount)
}

type incomingPaymentBody struct {
	WalletAddress  string          `json:"walletAddress"`
	IncomingAmount *Amount         `json:"incomingAmount"`
	ExpiresAt      string          `json:"expiresAt"`
	Metadata       json.RawMessage `json:"metadata"`
}

type incomingPaymentDocument struct {
	ID             string          `json:"id"`
	WalletAddress  string          `json:"walletAddress"`
	IncomingAmount *Amount         `json:"incomingAmount,omitempty"`
	ReceivedAmount Amount          `json:"receivedAmount"`
	Completed      bool            `json:"completed"`
	Metadata       json.RawMessage `json:"metadata,omitempty"`
	ExpiresAt      string          `json:"expiresAt"`
	CreatedAt      string          `json:"createdAt"`
	// Methods is nil where the response has none: in lists and of complete.
	Methods *[]ilpMethod `json:"methods,omitempty"`
}

const incomingPaymentsPath = "/incoming-payments/"

func (s *Server) describeIncomingPayment(r *http.Request, p *incomingPayment) incomingPaymentDocument {
	document := incomingPaymentDocument{
		ID:             s.resourceServer(r) + incomingPaymentsPath + p.id,
		WalletAddress:  s.walletAddress(r, p.wallet),
		ReceivedAmount: amountOf(p.received, p.wallet.asset),
		Completed:      p.completed,
		Metadata:       p.metadata,
		ExpiresAt:      timestamp(p.expiresAt),
		CreatedAt:      timestamp(p.createdAt),
	}
	if p.hasAmount {
		amount := amountOf(p.amount, p.wallet.asset)
		document.IncomingAmount = &amount
	}
	return document
}

func (s *Server) describeWithMethods(r *http.Request, p *incomingPayment) incomingPaymentDocument {
	document := s.describeIncomingPayment(r, p)
	methods := []ilpMethod{}
	if p.active(s.now()) {
		methods = append(methods, newMethod())
	}
	document.Methods = &methods
	return document
}

func (s *Server) createIncomingPayment(r *http.Request) (any, error) {
	var request incomingPaymentBody
	body, err := readBody(r, incomingPaymentSchema, &request)
	if err != nil {
		return nil, err
	}
	w, client, err := s.authorizeCreate(r, body, incomingPaymentType, request.WalletAddress)
	if err != nil {
		return nil, err
	}
	p := &incomingPayment{metadata: request.Metadata, keep: s.config.Keep}
	if err := p.expect(request, w.asset, s.now()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.meta, err = s.newMeta(w, client.grant.Client, string(p.metadata)); err != nil {
		return nil, err
	}
	s.incoming.add(p)
	return respond.WithStatus(http.StatusCreated, s.describeWithMethods(r, p)), nil
}

// expect reads the amount and the end of a payment out of a request for it.
func (p *incomingPayment) expect(request incomingPaymentBody, asset ledger.Asset, now time.Time) (err error) {
	if request.IncomingAmount != nil {
		p.hasAmount = true
		if p.amount, err = request.IncomingAmount.value(); err != nil {
			return err
		}
	}
	p.expiresAt = now.Add(maxExpiry)
	if request.ExpiresAt != "" {
		latest := p.expiresAt
		p.expiresAt, _ = parseTime(request.ExpiresAt) // the schema let it pass
		p.expiresAt = p.expiresAt.UTC().Truncate(time.Millisecond)
		if p.expired(now) || p.expiresAt.After(latest) {
			return fail(http.StatusBadRequest, "invalid expiresAt")
		}
	}
	if p.hasAmount && (p.amount == 0 || request.IncomingAmount.asset() != asset) {
		return invalidAmount()
	}
	return nil
}

// publicIncomingPayment is what everyone may read of an incoming payment.
type publicIncomingPayment struct {
	ReceivedAmount Amount `json:"receivedAmount"`
	AuthServer     string `json:"authServer"`
}

func (s *Server) getIncomingPayment(r *http.Request) (any, error) {
	if !accepts(r, "application/json") {
		return nil, fail(http.StatusNotAcceptable, notAcceptable)
	}
	s.deliverDue()
	p, err := read(s, r, &s.incoming, "incoming payment")
	if err != nil {
		return nil, err
	}
	if r.Header.Get("Authorization") == "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		return publicIncomingPayment{amountOf(p.received, p.wallet.asset), s.authServer(r)}, nil
	}
	client, err := s.authorize(r, nil, incomingPaymentType, "read", s.walletAddress(r, p.wallet))
	if err != nil {
		return nil, err
	}
	if !client.sees("read", p.client) {
		return nil, notThere("Incoming payment", p.id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.describeWithMethods(r, p), nil
}

// notThere is the response to a client that may not see what another created.
func notThere(what, id string) error {
	return failWith(http.StatusNotFound, what+" does not exist", map[string]string{"id": id})
}

func (s *Server) completeIncomingPayment(r *http.Request) (any, error) {
	body, err := readJSON(r)
	if err != nil {
		return nil, err
	}
	s.deliverDue()
	p, err := read(s, r, &s.incoming, "incoming payment")
	if err != nil {
		return nil, err
	}
	if _, err := s.authorize(r, body, incomingPaymentType, "complete", s.walletAddress(r, p.wallet)); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.active(s.now()) {
		return nil, fail(http.StatusConflict, "wrong state")
	}
	p.completed = true
	return s.describeIncomingPayment(r, p), nil
}

func (s *Server) listIncomingPayments(r *http.Request) (any, error) {
	s.deliverDue()
	return list(s, r, &s.incoming, incomingPaymentType, func(p *incomingPayment) any { return s.describeIncomingPayment(r, p) })
}
