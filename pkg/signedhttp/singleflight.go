package signedhttp

import (
	"context"
	"slices"
	"sync"
	"time"
)

// SingleFlight lets equal requests of one Client that are made at the same time share one call, because
// an interaction reference works once. Requests of two Clients are never equal: their keys and
// transports may differ in what cannot be compared. The zero value is ready; one SingleFlight may serve
// many Clients.
type SingleFlight struct {
	mu    sync.Mutex
	calls map[flightKey]*call
}

// flightKey is what requests must have in common to share a call.
type flightKey struct {
	client                 *Client
	operation              *Operation
	url, accessToken, body string
	reader                 Reader
}

// call is a request in flight, with those who wait for it.
type call struct {
	done     chan struct{}
	result   any
	err      error
	panicked any

	cancel context.CancelFunc

	mu      sync.Mutex
	callers []*context.Context // of each caller that waits; pointers tell callers apart
}

// do runs send, or joins the equal call that is running. Each caller waits as long as its own
// context lets it; the request itself ends when nobody waits for it any more.
func (f *SingleFlight) do(ctx context.Context, key flightKey, send func(context.Context) (any, error)) (any, error) {
	shared := f.join(&ctx, key, send)
	select {
	case <-shared.done:
		if shared.panicked != nil {
			panic(shared.panicked)
		}
		return shared.result, shared.err
	case <-ctx.Done():
		f.leave(&ctx, key, shared)
		return nil, Ended(ctx, key.operation)
	}
}

func (f *SingleFlight) join(caller *context.Context, key flightKey, send func(context.Context) (any, error)) *call {
	f.mu.Lock()
	defer f.mu.Unlock()
	if shared, running := f.calls[key]; running {
		shared.add(caller)
		return shared
	}
	callCtx, cancel := context.WithCancel(context.WithoutCancel(*caller))
	shared := &call{done: make(chan struct{}), cancel: cancel}
	shared.add(caller)
	if f.calls == nil {
		f.calls = map[flightKey]*call{}
	}
	f.calls[key] = shared
	go func() {
		defer cancel()
		defer f.end(key, shared)
		defer func() { shared.panicked = recover() }() // for those who wait, not for the program
		shared.result, shared.err = send(sharedContext{callCtx, shared})
	}()
	return shared
}

func (c *call) add(caller *context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.callers = append(c.callers, caller)
}

func (f *SingleFlight) end(key flightKey, shared *call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls[key] == shared {
		delete(f.calls, key)
	}
	close(shared.done)
}

func (f *SingleFlight) leave(caller *context.Context, key flightKey, shared *call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.callers = slices.DeleteFunc(shared.callers, func(c *context.Context) bool { return c == caller })
	if len(shared.callers) > 0 {
		return
	}
	if f.calls[key] == shared {
		delete(f.calls, key)
	}
	shared.cancel()
}

// sharedContext has the latest deadline of those who wait for the call.
type sharedContext struct {
	context.Context
	call *call
}

func (c sharedContext) Deadline() (time.Time, bool) {
	c.call.mu.Lock()
	defer c.call.mu.Unlock()
	var latest time.Time
	for _, caller := range c.call.callers {
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
