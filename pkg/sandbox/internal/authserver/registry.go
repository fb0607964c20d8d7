package authserver

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

const (
	maxClients     = 10_000
	maxClientBytes = 32 << 20
	// What a hosted key set takes in memory: as it is served, as it was read, and so much beside it.
	keySetFactor, keySetOverhead = 5, 2 << 10
)

var (
	errTooManyClients = errors.New("too many clients")
	errNameTaken      = errors.New("the name is taken, and what the request has is not its secret")
)

// hosted is a client whose key set this server hosts.
type hosted struct {
	keys   jwk.Set
	served json.RawMessage // the key set as it is served
	// secret is what its owner must know to replace the keys. "": the program that runs the server added it, and
	// nobody else may.
	secret string
	put    time.Time
	used   time.Time // when its key signed a request. Zero: never
}

func (h *hosted) size() int { return keySetFactor*len(h.served) + keySetOverhead }

// registry finds hosted clients by name. Server.mu guards it.
type registry struct {
	byName map[string]*hosted
	bytes  int
}

// add hosts a client, in place of the one with this name, and fails when there is no room for it.
func (r *registry) add(name string, h *hosted) error {
	r.remove(name)
	for len(r.byName) >= maxClients || r.bytes+h.size() > maxClientBytes {
		oldest := r.leastUsed()
		if oldest == "" {
			return errTooManyClients
		}
		r.remove(oldest)
	}
	r.byName[name] = h
	r.bytes += h.size()
	return nil
}

func (r *registry) remove(name string) {
	if h := r.byName[name]; h != nil {
		r.bytes -= h.size()
		delete(r.byName, name)
	}
}

// leastUsed returns the name that is missed least, or "" if all were added by the program: of those that never signed
// anything the one that was put first, else the one that signed longest ago. So whoever takes many names loses
// their own first.
func (r *registry) leastUsed() string {
	least := ""
	for name, h := range r.byName {
		if h.secret != "" && (least == "" || h.isMissedLess(r.byName[least])) {
			least = name
		}
	}
	return least
}

func (h *hosted) isMissedLess(other *hosted) bool {
	if h.used.Equal(other.used) {
		return h.put.Before(other.put)
	}
	return h.used.Before(other.used)
}

// claim hosts the keys of whoever knows the secret of a name. It returns the secret of a name that was free, else "".
// The keys that a name has already replace nothing, so they need no secret.
func (r *registry) claim(name string, h *hosted, secret string) (newSecret string, err error) {
	known := r.byName[name]
	switch {
	case known == nil:
		h.secret = rand.Text()
		return h.secret, r.add(name, h)
	case string(known.served) == string(h.served):
		return "", nil
	case known.secret == "" || !same(known.secret, secret):
		return "", errNameTaken
	}
	h.secret, h.used = known.secret, known.used
	return "", r.add(name, h)
}
