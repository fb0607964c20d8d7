package payment_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/openpayments/payment"
	"open-payments-wasm/pkg/signedhttp"
)

var (
	errKilled  = errors.New("killed: nobody sees this")
	errAborted = errors.New("aborted by the caller")
	errLost    = errors.New("connection reset by peer")
	errDisk    = errors.New("the disk is full")
)

// party is a program with a client in it: what it sends and writes can be broken, and it can die.
type party struct {
	world *world
	// strike is called before and after each request and write, and may give what happens in their place.
	strike func(ctx context.Context, e event) (*http.Response, error)
	// rewrite changes responses of servers.
	rewrite func(req *http.Request, name string, status int, body string) (int, string)

	mu      sync.Mutex
	isDead  bool
	happens []event
	ends    deadline
	abort   context.CancelCauseFunc
}

// event is a request or a write of a party: before it is sent or written, or after it was.
type event struct {
	number  int
	name    string // "POST op/quotes", "write paying", "remove"
	isAfter bool
}

func (e event) isWrite() bool {
	return strings.HasPrefix(e.name, "write ") || e.name == "remove"
}

func (w *world) newParty() *party {
	return &party{world: w, ends: deadline{Context: context.Background(), done: make(chan struct{})}}
}

func (p *party) client() *payment.Client {
	return &payment.Client{
		HTTP: signedhttp.Client{Transport: p, Key: p.world.key}, WalletAddress: p.world.name, Journal: journalOf{p.world.journal, p},
		Grants: p.world.grants,
	}
}

// context is that of the calls of the party: strike can end it.
func (p *party) context() context.Context {
	ctx, cancel := context.WithCancelCause(p.ends)
	p.world.t.Cleanup(func() { cancel(nil) })
	p.mu.Lock()
	defer p.mu.Unlock()
	p.abort = cancel
	return ctx
}

// deadline is a context whose deadline comes when a test says so.
type deadline struct {
	context.Context
	done chan struct{}
}

func (d deadline) Done() <-chan struct{} { return d.done }

func (d deadline) Err() error {
	select {
	case <-d.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func (p *party) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isDead = true
}

// begin counts an event, and says that a dead party does nothing.
func (p *party) begin(name string) (event, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isDead {
		return event{}, errKilled
	}
	e := event{number: len(p.happens), name: name}
	p.happens = append(p.happens, e)
	return e, nil
}

// struck says what happens in place of an event.
func (p *party) struck(ctx context.Context, e event) (*http.Response, error) {
	if p.strike == nil {
		return nil, nil
	}
	return p.strike(ctx, e)
}

// events are what the party has done, in order.
func (p *party) events() []event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.happens)
}

// requests are those that the party has sent.
func (p *party) requests() (names []string) {
	for _, e := range p.events() {
		if !e.isWrite() {
			names = append(names, e.name)
		}
	}
	return names
}

// count tells how often the party has sent a request.
func (p *party) count(name string) (count int) {
	for _, sent := range p.requests() {
		if sent == name {
			count++
		}
	}
	return count
}

// RoundTrip sends a request.
func (p *party) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	e, err := p.begin(nameOf(req))
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	sent := p.world.trace.begin(e.name)
	if res, err := p.struck(ctx, e); res != nil || err != nil {
		p.world.trace.end(sent, res, false)
		return res, err
	}
	res, err := p.world.wire.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if p.rewrite != nil {
		res = rewritten(res, func(status int, body string) (int, string) { return p.rewrite(req, e.name, status, body) })
	}
	e.isAfter = true
	if instead, err := p.struck(ctx, e); instead != nil || err != nil {
		res.Body.Close()
		p.world.trace.end(sent, instead, true)
		return instead, err
	}
	p.world.trace.end(sent, res, true)
	return res, nil
}

func rewritten(res *http.Response, change func(int, string) (int, string)) *http.Response {
	body, _ := io.ReadAll(res.Body) // of a recorder
	status, text := change(res.StatusCode, string(body))
	return fake.Response{Status: status, Header: res.Header, Body: text}.HTTP()
}

// answer lets a server say something else than it does to requests of a name, which it processes.
func (p *party) answer(name string, status int, body string) {
	p.rewrite = func(_ *http.Request, of string, was int, text string) (int, string) {
		if of == name {
			return status, body
		}
		return was, text
	}
}

// breakOnce lets a fault happen at the first request or write of a name.
func (p *party) breakOnce(name, faultName string) {
	f := faults[slices.IndexFunc(faults, func(f fault) bool { return f.name == faultName })]
	once := sync.Once{}
	p.strike = func(ctx context.Context, e event) (res *http.Response, err error) {
		if e.name == name && e.isAfter == f.isAfter {
			once.Do(func() { res, err = f.strike(ctx, p) })
		}
		return res, err
	}
}

// mend ends all faults.
func (p *party) mend() { p.strike, p.rewrite = nil, nil }

// journalOf is the journal as one party uses it.
type journalOf struct {
	*memory
	party *party
}

func (j journalOf) List(ctx context.Context) ([]*payment.Record, error) {
	if j.isDead() {
		return nil, errKilled
	}
	return j.memory.List(ctx)
}

func (j journalOf) Get(ctx context.Context, id string) (*payment.Record, error) {
	if j.isDead() {
		return nil, errKilled
	}
	return j.memory.Get(ctx, id)
}

func (j journalOf) isDead() bool {
	j.party.mu.Lock()
	defer j.party.mu.Unlock()
	return j.party.isDead
}

func (j journalOf) Put(ctx context.Context, record *payment.Record) error {
	return j.access(ctx, "write "+string(record.Step), func() error { return j.memory.Put(ctx, record) })
}

func (j journalOf) Remove(ctx context.Context, id string) error {
	return j.access(ctx, "remove", func() error { return j.memory.Remove(ctx, id) })
}

func (j journalOf) access(ctx context.Context, name string, do func() error) error {
	e, err := j.party.begin(name)
	if err != nil {
		return err
	}
	if _, err := j.party.struck(ctx, e); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	e.isAfter = true
	_, err = j.party.struck(ctx, e)
	return err
}

// trace is what the clients of a world have sent, in order, and what they got.
type trace struct {
	mu   sync.Mutex
	sent []*exchange
}

type exchange struct {
	name        string
	isProcessed bool
	status      int // that the client saw; 0: none
}

func (t *trace) begin(name string) *exchange {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := &exchange{name: name}
	t.sent = append(t.sent, e)
	return e
}

func (t *trace) end(e *exchange, res *http.Response, isProcessed bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.isProcessed = isProcessed
	if res != nil {
		e.status = res.StatusCode
	}
}

const (
	paying  = "POST op/outgoing-payments"
	looking = "GET op/outgoing-payments"
	quoting = "POST op/quotes"
)

// blind returns the request that was made to pay, or for a quote, after one to pay whose outcome was not known, without a
// look in between that succeeded; "" where there is none.
func (t *trace) blind() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	isUnknown := false
	for _, e := range t.sent {
		switch e.name {
		case paying:
			if isUnknown {
				return e.name
			}
			isUnknown = e.status != http.StatusForbidden
		case quoting:
			if isUnknown {
				return e.name
			}
		case looking:
			isUnknown = isUnknown && e.status != http.StatusOK
		}
	}
	return ""
}

// fault is something that goes wrong at an event.
type fault struct {
	name    string
	isAfter bool
	// of tells whether it can happen to requests and to writes.
	ofRequests, ofWrites bool
	strike               func(ctx context.Context, p *party) (*http.Response, error)
}

func killed(_ context.Context, p *party) (*http.Response, error) {
	p.kill()
	return nil, errKilled
}

func fails(err error) func(context.Context, *party) (*http.Response, error) {
	return func(context.Context, *party) (*http.Response, error) { return nil, err }
}

func crashes(context.Context, *party) (*http.Response, error) {
	return fake.Response{Status: 500, Header: http.Header{"Content-Type": {"text/plain"}}, Body: "Internal Server Error"}.HTTP(), nil
}

func timesOut(ctx context.Context, p *party) (*http.Response, error) {
	select {
	case <-p.ends.done:
	default:
		close(p.ends.done)
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func aborts(ctx context.Context, p *party) (*http.Response, error) {
	p.mu.Lock()
	abort := p.abort
	p.mu.Unlock()
	abort(errAborted)
	<-ctx.Done()
	return nil, ctx.Err()
}

// faults are what can go wrong at any event, with one client.
var faults = []fault{
	{"killed before", false, true, true, killed},
	{"killed after", true, true, true, killed},
	{"connection refused", false, true, false, fails(errLost)},
	{"response lost", true, true, false, fails(errLost)},
	{"500 before processing", false, true, false, crashes},
	{"500 after processing", true, true, false, crashes},
	{"timeout before", false, true, false, timesOut},
	{"timeout after", true, true, false, timesOut},
	{"abort before", false, true, true, aborts},
	{"abort after", true, true, true, aborts},
	{"not written", false, false, true, fails(errDisk)},
	{"written, and said to be not", true, false, true, fails(errDisk)},
}
