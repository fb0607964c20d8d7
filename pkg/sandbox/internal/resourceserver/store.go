package resourceserver

import (
	"net/http"
	"slices"
	"time"
)

// overhead is what a resource takes besides the texts in it, roughly: its struct, and its places in maps and lists.
const overhead = 512

const sweepingTime = time.Minute

// resource is something with an id that belongs to a wallet.
type resource interface {
	base() *meta
	// gone says whether the resource can be forgotten, and is no more for clients.
	gone(now time.Time) bool
}

// meta is what all resources have. It never changes.
type meta struct {
	id        string
	sequence  uint64 // of creation
	wallet    *wallet
	client    string
	createdAt time.Time
	size      int
}

func (m *meta) base() *meta { return m }

// collection is the resources of one type. Server.mu guards it.
type collection[T resource] struct {
	byID    map[string]T
	byOwner map[*wallet][]T // oldest first
}

func newCollection[T resource]() collection[T] {
	return collection[T]{byID: map[string]T{}, byOwner: map[*wallet][]T{}}
}

func (c *collection[T]) add(item T) {
	m := item.base()
	c.byID[m.id] = item
	c.byOwner[m.wallet] = append(c.byOwner[m.wallet], item)
}

func (c *collection[T]) get(id string, now time.Time) (T, bool) {
	item, known := c.byID[id]
	return item, known && !item.gone(now)
}

// forget removes what is gone and returns how many bytes that were.
func (c *collection[T]) forget(now time.Time) (freed int) {
	for owner, items := range c.byOwner {
		c.byOwner[owner] = slices.DeleteFunc(items, func(item T) bool {
			if !item.gone(now) {
				return false
			}
			freed += item.base().size
			delete(c.byID, item.base().id)
			return true
		})
	}
	return freed
}

// newMeta counts the bytes of a new resource and returns what it has in common with others. The error is 503 when the
// server is full. Server.mu must be held.
func (s *Server) newMeta(w *wallet, client string, texts ...string) (meta, error) {
	size := overhead + len(client)
	for _, text := range texts {
		size += len(text)
	}
	if err := s.count(size); err != nil {
		return meta{}, err
	}
	s.sequence++
	return meta{id: newID(), sequence: s.sequence, wallet: w, client: client, createdAt: s.now(), size: size}, nil
}

// count adds bytes to those that are held, if there is room or can be made.
func (s *Server) count(size int) error {
	s.sweep(s.bytes+size > s.config.MaxBytes)
	if s.bytes+size > s.config.MaxBytes {
		return fail(http.StatusServiceUnavailable, "the server is full")
	}
	s.bytes += size
	return nil
}

// sweep forgets what is gone, from time to time, or now, but not more often than once in a second.
func (s *Server) sweep(urgent bool) {
	now := s.now()
	pause := sweepingTime
	if urgent {
		pause = time.Second
	}
	if now.Sub(s.swept) < pause {
		return
	}
	s.swept = now
	s.bytes -= s.incoming.forget(now) + s.quotes.forget(now) + s.outgoing.forget(now) + s.forgetSpending(now)
}

// Held is how much a server holds.
type Held struct {
	IncomingPayments, Quotes, OutgoingPayments, Grants int
	// Bytes are an estimate, of which Config.MaxBytes is the bound.
	Bytes int
}

// Held returns how much the server holds, after it has forgotten what it may.
func (s *Server) Held() Held {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(true)
	return Held{
		IncomingPayments: len(s.incoming.byID),
		Quotes:           len(s.quotes.byID),
		OutgoingPayments: len(s.outgoing.byID),
		Grants:           len(s.spending),
		Bytes:            s.bytes,
	}
}
