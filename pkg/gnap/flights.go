package gnap

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Flights lets equal calls that are made at the same time share one request, because an
// interaction reference works once. The zero value is ready; one Flights may serve many Clients.
type Flights struct {
	mu      sync.Mutex
	current map[string]*flight
}

type flight struct {
	done     chan struct{}
	grant    *Grant
	err      error
	panicked any

	mu       sync.Mutex
	waiting  int
	deadline time.Time // the latest of those who wait, zero if one of them has none
	cancel   context.CancelFunc
}

// do runs send, or joins the equal call that is running. Each caller waits as long as its own
// context lets it; the request itself ends when nobody waits for it any more.
func (f *Flights) do(ctx context.Context, call Call, keyID string, send func(context.Context) (*Grant, error)) (*Grant, error) {
	id := fmt.Sprintf("%s\x00%s\x00%s\x00%s\x00%s", call.Operation, call.URL, call.AccessToken, keyID, call.Body)
	shared := f.join(ctx, id, send)
	select {
	case <-shared.done:
		if shared.panicked != nil {
			panic(shared.panicked)
		}
		return shared.grant, shared.err
	case <-ctx.Done():
		f.leave(id, shared)
		return nil, contextError(ctx, call.Operation)
	}
}

func (f *Flights) join(ctx context.Context, id string, send func(context.Context) (*Grant, error)) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if shared, running := f.current[id]; running {
		shared.board(ctx)
		return shared
	}
	shared := &flight{done: make(chan struct{})}
	shared.deadline, _ = ctx.Deadline()
	shared.waiting = 1
	flightCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	shared.cancel = cancel
	if f.current == nil {
		f.current = map[string]*flight{}
	}
	f.current[id] = shared
	go func() {
		defer cancel()
		defer f.end(id, shared)
		defer func() { shared.panicked = recover() }() // for those who wait, not for the program
		shared.grant, shared.err = send(flightContext{flightCtx, shared})
	}()
	return shared
}

func (s *flight) board(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting++
	deadline, limited := ctx.Deadline()
	switch {
	case !limited:
		s.deadline = time.Time{}
	case !s.deadline.IsZero() && deadline.After(s.deadline):
		s.deadline = deadline
	}
}

func (f *Flights) end(id string, shared *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current[id] == shared {
		delete(f.current, id)
	}
	close(shared.done)
}

func (f *Flights) leave(id string, shared *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.waiting--
	if shared.waiting > 0 {
		return
	}
	if f.current[id] == shared {
		delete(f.current, id)
	}
	shared.cancel()
}

// flightContext tells the shared request how patient its most patient caller is.
type flightContext struct {
	context.Context
	shared *flight
}

func (c flightContext) Deadline() (time.Time, bool) {
	c.shared.mu.Lock()
	defer c.shared.mu.Unlock()
	return c.shared.deadline, !c.shared.deadline.IsZero()
}
