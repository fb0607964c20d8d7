package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/signedhttp"
)

// Journal keeps records of payments where they outlive the program. It must be safe for concurrent use.
type Journal interface {
	// List returns all records, each a copy.
	List(ctx context.Context) ([]*Record, error)
	// Get returns the record of an ID, nil where there is none.
	Get(ctx context.Context, id string) (*Record, error)
	// Put writes a record, in place of one with the same ID. When it returns nil, the record is there. As text it is what
	// signedhttp.Marshal makes of it: json.Marshal spells some signs of metadata in another way, and servers check how it is spelled.
	Put(ctx context.Context, record *Record) error
	// Remove removes the record of an ID, if there is one.
	Remove(ctx context.Context, id string) error
	// Alone runs a task while nobody else who shares the journal, in whichever process, runs one of the same name, and
	// returns what the task returns. It waits for its turn no longer than ctx lets it.
	Alone(ctx context.Context, name string, task func() error) error
}

// Step is how far a payment is.
type Step string

// The steps, in their order.
const (
	StepPreparing  Step = "preparing"  // what needs nobody is being asked for
	StepInteract   Step = "interact"   // the person has to approve it at the wallet
	StepContinuing Step = "continuing" // the person has decided: the grant is being continued
	StepApproved   Step = "approved"   // there is a token for it, and no request to pay was sent
	StepPaying     Step = "paying"     // a request to pay may have been sent
	StepAccepted   Step = "accepted"   // the wallet has made the outgoing payment
	StepArrived    Step = "arrived"    // the receiver has it
	StepEnded      Step = "ended"      // it will not be paid: Failure says why
)

// Record is a payment in a Journal, as JSON. It holds tokens, which are secrets.
type Record struct {
	ID    string `json:"id"`
	Key   string `json:"key"`
	KeyID string `json:"keyId"` // of the signing key
	Began int64  `json:"began"` // milliseconds since 1970, like all times here
	Turn  int    `json:"turn"`  // grows with each write
	Step  Step   `json:"step"`
	Order Order  `json:"order"`

	From           *Wallet         `json:"from,omitempty"`
	To             *Wallet         `json:"to,omitempty"`       // nil where Order.To is an incoming payment
	Receiver       string          `json:"receiver,omitempty"` // the id of the incoming payment
	ReceivedBefore string          `json:"receivedBefore,omitempty"`
	ReceiverToken  *Token          `json:"receiverToken,omitempty"`
	QuoteToken     *Token          `json:"quoteToken,omitempty"`
	Quote          json.RawMessage `json:"quote,omitempty"` // as it came
	QuotedAt       int64           `json:"quotedAt,omitempty"`
	Grant          *Grant          `json:"grant,omitempty"` // that the person approves
	InteractRef    string          `json:"interactRef,omitempty"`
	Token          *Token          `json:"token,omitempty"` // to pay, and to look afterwards, unless IsKept
	// Granted is the response with Token, where the grant is to be kept in Client.Grants; IsKept says that it is there, under Key.
	Granted json.RawMessage `json:"granted,omitempty"`
	IsKept  bool            `json:"isKept,omitempty"`
	// Tried are the ids of the quotes with which a request to pay may have been sent.
	Tried []string `json:"tried,omitempty"`
	// TriedSince is when the first of them was made, by its server's clock: no payment from them is older. 0: not known.
	TriedSince int64 `json:"triedSince,omitempty"`
	// Outgoing is the outgoing payment, as it came.
	Outgoing   json.RawMessage `json:"outgoing,omitempty"`
	Failure    *Failure        `json:"failure,omitempty"`
	HandedOver int64           `json:"handedOver,omitempty"` // when a caller got the outcome

	keptTokens []string // of the kept grant that pays, as they were used: in no record, and in no text
}

// Wallet is what of a wallet address is needed.
type Wallet struct {
	ID             string `json:"id"`
	AuthServer     string `json:"authServer"`
	ResourceServer string `json:"resourceServer"`
}

// Token is an access token and where it is managed.
type Token struct {
	Value       string `json:"value"`
	Manage      string `json:"manage,omitempty"`
	ManageToken string `json:"manageToken,omitempty"`
}

// Grant is a grant that waits for a person (RFC 9635 §3.1, §3.3).
type Grant struct {
	Endpoint    string `json:"endpoint"`
	ClientNonce string `json:"clientNonce"`
	ServerNonce string `json:"serverNonce"`
	Redirect    string `json:"redirect"`
	URI         string `json:"uri"`
	AccessToken string `json:"accessToken"`
	Wait        int64  `json:"wait,omitempty"` // milliseconds, from Began on
	Began       int64  `json:"began"`
}

// Failure is why a payment ended.
type Failure struct {
	Code        string          `json:"code"`
	Status      int             `json:"status,omitempty"`
	Description string          `json:"description"`
	Details     json.RawMessage `json:"details,omitempty"`
}

const (
	longestWait = 24 * 60 * 60 * 1000 // milliseconds, beyond any patience, and safe from overflow

	interactLifetime = time.Hour      // no wallet waits for a person longer than that
	recordLifetime   = 24 * time.Hour // of a payment that was never sent, or whose outcome was handed over

	keyLifetime = 400 * 24 * time.Hour // of a payment by a kept grant, whose key may be one of a year
)

// ReadRecord reads a record from the JSON that it is written as. What has a member of another type is not whole; what has no id
// is nil. Journals return the others too: a damaged record may be of a payment that was sent.
func ReadRecord(text json.RawMessage) *Record {
	r := &Record{}
	if !signedhttp.Unmarshal(text, r) {
		r.Step = ""
	}
	if r.ID == "" {
		return nil
	}
	return r
}

// IsWhole tells whether a record is one, and not something else that lies in a store.
func (r *Record) IsWhole() bool {
	return r.ID != "" && r.Key != "" && r.KeyID != "" && r.Began >= 0 && r.hasWhatItsStepNeeds()
}

func (r *Record) hasWhatItsStepNeeds() bool {
	isQuoted := r.From != nil && r.Receiver != "" && r.Quote != nil && r.quote().ID != ""
	canPay := r.Token != nil || r.grantName() != ""
	switch r.Step {
	case StepPreparing:
		canBePaid := r.Receiver != "" || r.To != nil && (r.QuoteToken == nil || r.ReceiverToken != nil)
		return r.From == nil || canBePaid
	case StepInteract, StepContinuing:
		return isQuoted && r.Grant != nil
	case StepApproved, StepPaying:
		return isQuoted && canPay
	case StepAccepted, StepArrived:
		return isQuoted && r.Outgoing != nil && r.outgoing().ID != ""
	case StepEnded:
		return isQuoted && r.Failure != nil
	}
	return false
}

// isOld tells whether a record may leave by time. One of which a request to pay may have been sent never does before its
// outcome was handed over, and one that has ended without a payment stays until it is forgotten.
func (r *Record) isOld() bool {
	switch {
	case r.Step == StepEnded:
		return false
	case r.HandedOver > 0 && r.Order.Grant != "":
		return since(r.HandedOver) > keyLifetime
	case r.HandedOver > 0:
		return since(r.HandedOver) > recordLifetime
	}
	return len(r.Tried) == 0 && since(r.Began) > recordLifetime
}

// isStale tells whether nobody will approve the payment any more.
func (r *Record) isStale() bool {
	return r.isOld() || (r.Step == StepPreparing || r.Step == StepInteract) && since(r.Began) > interactLifetime
}

// since is how long ago a time was, negative where it is ahead. What is centuries away is as far as a duration can say.
func since(began int64) time.Duration {
	const longest = math.MaxInt64 / int64(time.Millisecond)
	return time.Duration(max(now()-max(began, 0), -longest)) * time.Millisecond
}

func (r *Record) quote() *openpayments.Quote { return openpayments.Read[openpayments.Quote](r.Quote) }

func (r *Record) outgoing() *openpayments.OutgoingPayment {
	if r.Outgoing == nil {
		return nil
	}
	return openpayments.Read[openpayments.OutgoingPayment](r.Outgoing)
}

func (r *Record) payment() *Payment {
	payment := &Payment{
		ID: r.ID, Key: r.Key, Grant: r.Order.Grant, Step: r.Step, To: r.Order.To, FinishURI: r.Order.FinishURI, Metadata: r.Order.Metadata,
		Began: time.UnixMilli(r.Began),
	}
	if r.Quote != nil {
		payment.Quote = r.quote()
	}
	payment.Outgoing = r.outgoing()
	if r.Step == StepInteract {
		payment.Redirect = r.Grant.Redirect
	}
	return payment
}

// secrets are what servers were sent or have answered for a payment, which no text may hold.
func (r *Record) secrets() []string {
	secrets := append([]string{r.InteractRef}, r.keptTokens...)
	for _, token := range []*Token{r.ReceiverToken, r.QuoteToken, r.Token} {
		if token != nil {
			secrets = append(secrets, token.Value, token.ManageToken)
		}
	}
	if r.Grant != nil {
		secrets = append(secrets, r.Grant.ClientNonce, r.Grant.ServerNonce, r.Grant.AccessToken)
	}
	return secrets
}

func tokenOf(token *gnap.AccessToken) *Token {
	return &Token{token.Value, token.Manage.URI, token.Manage.AccessToken}
}

// find returns a record that counts and for which is returns true, or nil.
func (c *Client) find(ctx context.Context, is func(*Record) bool) (*Record, error) {
	records, err := c.Journal.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, record := range records {
		if record.IsWhole() && !record.isOld() && is(record) {
			return record, nil
		}
	}
	return nil, nil
}

// withID runs a task with the payment of an id, which may be that of the outgoing payment, while nobody else works on it.
func (c *Client) withID(ctx context.Context, id string, task func(*Record) error) error {
	seen, err := c.find(ctx, func(r *Record) bool { return r.ID == id || r.Outgoing != nil && r.outgoing().ID == id })
	if err != nil {
		return err
	}
	if seen == nil {
		return notFound()
	}
	return c.alone(ctx, seen, task)
}

// alone runs a task with a payment that was seen, as it is when nobody else works on it any more.
func (c *Client) alone(ctx context.Context, seen *Record, task func(*Record) error) error {
	return c.Journal.Alone(ctx, seen.Order.lock(), func() error {
		record, err := c.Journal.Get(ctx, seen.ID)
		switch {
		case err != nil:
			return err
		case record == nil || !record.IsWhole():
			return notFound()
		case record.KeyID != c.HTTP.Key.ID:
			return &signedhttp.ArgumentError{Argument: "key", Problem: "must be the one that began the payment, with the key id " + record.KeyID}
		}
		if err = task(record); err != nil && c.isOvertaken(ctx, record) {
			return overtaken(err)
		}
		return err
	})
}

// put writes a record down. It fails where the record was changed since it was read: then it was not read alone, because a
// lock can end before its holder does, as where it ends by its age.
func (c *Client) put(ctx context.Context, r *Record) error {
	if c.isOvertaken(ctx, r) {
		return overtaken(nil)
	}
	r.Turn++
	return c.Journal.Put(ctx, r)
}

// isOvertaken tells whether the record of a payment is known to have been changed by somebody else.
func (c *Client) isOvertaken(ctx context.Context, r *Record) bool {
	stored, err := c.Journal.Get(ctx, r.ID)
	switch {
	case err != nil:
		return false
	case stored == nil:
		return r.Turn > 0 // it was forgotten
	}
	return stored.Turn > r.Turn
}

const keepTime = 5 * time.Second // for the journal, where the caller has given up

// keep writes down what a server gives once, body. It tries twice, the second time although ctx may have ended: an approval
// is worth it.
func (c *Client) keep(ctx context.Context, r *Record, body []byte) error {
	if c.put(ctx, r) == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	if err := c.put(ctx, r); err != nil {
		return &NotWritten{err, body}
	}
	return nil
}

// Pending returns the payments that have not ended well: those that wait for somebody, that were interrupted, that were
// declined, and, for a day after they were handed over, those that have not been seen to arrive.
func (c *Client) Pending(ctx context.Context) ([]*Payment, error) {
	records, err := c.Journal.List(ctx)
	if err != nil {
		return nil, err
	}
	var pending []*Payment
	for _, record := range records {
		wasSeen := record.HandedOver > 0 && since(record.HandedOver) > recordLifetime && record.Step != StepEnded
		if record.IsWhole() && !record.isOld() && !wasSeen && record.Step != StepArrived {
			pending = append(pending, record.payment())
		}
	}
	return pending, nil
}

// protect turns a panic into an error: in a goroutine it would end the program.
func protect(task func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("payment: panic: %T", r)
		}
	}()
	return task()
}
