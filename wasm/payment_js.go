//go:build js && wasm

package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/jsbridge"
	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/openpayments/payment"
	"open-payments-wasm/pkg/signedhttp"
)

// pay makes a step of a payment and returns its result as JSON text, or undefined where there is none. Arguments: those of
// setUp, the journal (see jsJournal and jsGrants), and progress, a function that takes JSON text, or undefined. The body of the frame
// is an order as JSON text, of start, or empty.
func pay(ctx context.Context, args []safejs.Value) (any, error) {
	r := jsbridge.Arguments(args)
	var head head
	body := r.Frame(&head)
	sender, ctx, err := setUp(ctx, r, head)
	journal, progress := r.Value(), r.Value()
	if err != nil {
		return nil, err
	}
	client := &payment.Client{HTTP: sender, WalletAddress: head.Client, UseHTTP: head.AllowHTTP}
	client.Journal, client.Grants = jsJournal{journal}, jsGrants{jsJournal{journal}}
	result, err := step(ctx, client, head, body, progress)
	if err != nil || result == nil {
		return safejs.Undefined(), err
	}
	return string(result), nil
}

// step makes the step that the head of a frame names.
func step(ctx context.Context, client *payment.Client, head head, body []byte, progress safejs.Value) (json.RawMessage, error) {
	switch head.Operation {
	case "start":
		return startPayment(ctx, client, body)
	case "again":
		var another payment.Another
		signedhttp.Unmarshal(body, &another) // what is of another type is missing then, and Again says so
		return rawOf(client.Again(ctx, another))
	case "finish":
		return rawOf(client.Finish(ctx, payment.Callback{Hash: head.Hash, InteractRef: head.InteractRef}))
	case "resume":
		return rawOf(client.Resume(ctx, head.ID))
	case "watch":
		return watchPayment(ctx, client, head, progress)
	case "forget":
		return rawOf(client.Forget(ctx, head.ID))
	case "handOver":
		return nil, client.HandOver(ctx, head.ID)
	case "pending":
		return pendingPayments(ctx, client)
	}
	return nil, &signedhttp.ArgumentError{Argument: "operation", Problem: "must be the name of a step of a payment"}
}

// startPayment reads an order. What of it is of another type is missing then, and Start says so.
func startPayment(ctx context.Context, client *payment.Client, body []byte) (json.RawMessage, error) {
	var order payment.Order
	signedhttp.Unmarshal(body, &order)
	started, err := client.Start(ctx, order)
	if err != nil {
		return nil, err
	}
	return signedhttp.Marshal(viewOf(started))
}

func watchPayment(ctx context.Context, client *payment.Client, head head, progress safejs.Value) (json.RawMessage, error) {
	arrived, err := client.Watch(ctx, head.ID, time.Duration(head.Patience)*time.Millisecond, func(p payment.Progress) {
		if text, err := viewOfProgress(p); err == nil && progress.Type() == safejs.TypeFunction {
			_, _ = progress.Invoke(string(text))
		}
	})
	if err != nil {
		return nil, err
	}
	return viewOfProgress(*arrived)
}

func pendingPayments(ctx context.Context, client *payment.Client) (json.RawMessage, error) {
	pending, err := client.Pending(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]view, len(pending))
	for i, p := range pending {
		views[i] = viewOf(p)
	}
	return signedhttp.Marshal(views)
}

func rawOf(outgoing *openpayments.OutgoingPayment, err error) (json.RawMessage, error) {
	if err != nil || outgoing == nil {
		return nil, err
	}
	return outgoing.Raw, nil
}

// view is a payment as JavaScript sees it; undefined members are left out.
type view struct {
	ID              string          `json:"id"`
	Key             string          `json:"key"`
	Grant           string          `json:"grant,omitempty"`
	Step            string          `json:"step"`
	To              string          `json:"to"`
	Metadata        json.RawMessage `json:"metadata,omitempty"`
	FinishURI       string          `json:"finishUri"`
	StartedAt       int64           `json:"startedAt"`
	Quote           json.RawMessage `json:"quote,omitempty"`
	Interact        *interactView   `json:"interact,omitempty"`
	OutgoingPayment json.RawMessage `json:"outgoingPayment,omitempty"`
}

type interactView struct {
	Redirect string `json:"redirect"`
}

type progressView struct {
	OutgoingPayment json.RawMessage      `json:"outgoingPayment"`
	ReceivedAmount  *openpayments.Amount `json:"receivedAmount,omitempty"`
}

func viewOfProgress(p payment.Progress) (json.RawMessage, error) {
	return signedhttp.Marshal(progressView{p.Outgoing.Raw, p.ReceivedAmount})
}

func viewOf(p *payment.Payment) view {
	v := view{
		ID: p.ID, Key: p.Key, Grant: p.Grant, Step: string(p.Step), To: p.To, FinishURI: p.FinishURI, Metadata: p.Metadata,
		StartedAt: p.Began.UnixMilli(),
	}
	if p.Quote != nil {
		v.Quote = p.Quote.Raw
	}
	if p.Outgoing != nil {
		v.OutgoingPayment = p.Outgoing.Raw
	}
	if p.Redirect != "" {
		v.Interact = &interactView{p.Redirect}
	}
	return v
}

// jsJournal is a journal that JavaScript lends: an object with the functions list, which returns an array of records as JSON
// text; get, which takes an id and returns one as JSON text, empty where there is none; put, which takes one as JSON text; remove,
// which takes an id; and lock, which takes a name and returns the function that unlocks it. Each may return a promise.
type jsJournal struct{ object safejs.Value }

// journalError is what a journal has thrown: the caller gets it as it is.
type journalError struct{ error }

func (e journalError) Unwrap() error { return e.error }

func (j jsJournal) call(ctx context.Context, name string, args ...any) (safejs.Value, error) {
	method, err := jsbridge.Method(j.object, name)
	if err != nil {
		return method, journalError{err}
	}
	value, err := jsbridge.Call(ctx, method, args...)
	if err != nil {
		return value, journalError{err}
	}
	return value, nil
}

// List returns all records.
func (j jsJournal) List(ctx context.Context) (records []*payment.Record, err error) {
	value, err := j.call(ctx, "list")
	if err != nil {
		return nil, err
	}
	text, err := jsbridge.Text(value)
	if err != nil {
		return nil, err
	}
	var texts []json.RawMessage
	if err := json.Unmarshal([]byte(text), &texts); err != nil {
		return nil, err
	}
	for _, text := range texts {
		if record := payment.ReadRecord(text); record != nil {
			records = append(records, record)
		}
	}
	return records, nil
}

// Get returns the record of an id.
func (j jsJournal) Get(ctx context.Context, id string) (*payment.Record, error) {
	value, err := j.call(ctx, "get", id)
	if err != nil {
		return nil, err
	}
	text, err := jsbridge.Text(value)
	if err != nil {
		return nil, err
	}
	return payment.ReadRecord(json.RawMessage(text)), nil
}

// Put writes a record.
func (j jsJournal) Put(ctx context.Context, record *payment.Record) error {
	text, err := signedhttp.Marshal(record)
	if err != nil {
		return err
	}
	_, err = j.call(ctx, "put", string(text))
	return err
}

// Remove removes the record of an id.
func (j jsJournal) Remove(ctx context.Context, id string) error {
	_, err := j.call(ctx, "remove", id)
	return err
}

// Alone runs a task while nobody else runs one of the same name.
func (j jsJournal) Alone(ctx context.Context, name string, task func() error) error {
	unlock, err := j.call(ctx, "lock", name)
	if err != nil {
		return err
	}
	defer func() { _, _ = unlock.Invoke() }()
	return task()
}

// jsGrants are the grants that JavaScript keeps: grant, which takes a name and returns the grant as JSON text, empty where
// there is none; keepGrant, which takes a name and a grant as JSON text; and renewGrant, which takes a name and a token that is
// over, and returns the grant with another. They lie beside the functions of a jsJournal.
type jsGrants struct{ jsJournal }

// Keep keeps a grant.
func (g jsGrants) Keep(ctx context.Context, name string, grant json.RawMessage) error {
	_, err := g.call(ctx, "keepGrant", name, string(grant))
	return err
}

// Get returns the grant of a name.
func (g jsGrants) Get(ctx context.Context, name string) (json.RawMessage, error) {
	return g.grant(ctx, "grant", name)
}

// Renew returns the grant with another token.
func (g jsGrants) Renew(ctx context.Context, name, used string) (json.RawMessage, error) {
	return g.grant(ctx, "renewGrant", name, used)
}

func (g jsGrants) grant(ctx context.Context, method string, args ...any) (json.RawMessage, error) {
	value, err := g.call(ctx, method, args...)
	if err != nil {
		return nil, err
	}
	text, err := jsbridge.Text(value)
	if err != nil || text == "" {
		return nil, err
	}
	return json.RawMessage(text), nil
}
