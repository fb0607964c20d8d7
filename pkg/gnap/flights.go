package gnap

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Flights lets equal calls of one Client that are made at the same time share one request, because
// an interaction reference works once. Calls of two Clients are never equal: their keys and
// transports may differ in what cannot be compared. The zero value is ready; one Flights may serve
// many Clients.
type Flights struct {
	mu      sync.Mutex
	current map[flightID]*flight
}

// flightID is what calls must have in common to share a request.
type flightID struct {
	client                 *Client
	operation              Operation
	url, accessToken, body string
}

type flight struct {
	done     chan struct{}
	grant    *Grant
	err      error
	panicked any

	cancel context.CancelFunc

	mu      sync.Mutex
	waiting []*context.Context // of each caller that waits; pointers tell callers apart
}

// do runs send, or joins the equal call that is running. Each caller waits as long as its own
// context lets it; the request itself ends when nobody waits for it any more.
func (f *Flights) do(ctx context.Context, id flightID, send func(context.Context) (*Grant, error)) (*Grant, error) {
	shared := f.join(&ctx, id, send)
	select {
	case <-shared.done:
		if shared.panicked != nil {
			panic(shared.panicked)
		}
		return shared.grant, shared.err
	case <-ctx.Done():
		f.leave(&ctx, id, shared)
		return nil, contextError(ctx, id.operation)
	}
}

func (f *Flights) join(caller *context.Context, id flightID, send func(context.Context) (*Grant, error)) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if shared, running := f.current[id]; running {
		shared.board(caller)
		return shared
	}
	flightCtx, cancel := context.WithCancel(context.WithoutCancel(*caller))
	shared := &flight{done: make(chan struct{}), cancel: cancel}
	shared.board(caller)
	if f.current == nil {
		f.current = map[flightID]*flight{}
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

func (s *flight) board(caller *context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, caller)
}

func (f *Flights) end(id flightID, shared *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current[id] == shared {
		delete(f.current, id)
	}
	close(shared.done)
}

func (f *Flights) leave(caller *context.Context, id flightID, shared *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.waiting = slices.DeleteFunc(shared.waiting, func(c *context.Context) bool { return c == caller })
	if len(shared.waiting) > 0 {
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
	var latest time.Time
	for _, caller := range c.shared.waiting {
		deadline, limited := (*caller).Deadline()
		if !limited {
			return time.Time{}, false
		}
		if deadline.After(latest) {
			latest = deadline
		}
	}
	return latest, !latest.IsZero()
}
