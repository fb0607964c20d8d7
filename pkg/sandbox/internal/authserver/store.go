package authserver

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"regexp"
	"time"
)

const (
	maxGrantRequest   = 16 << 10
	maxGrantBytes     = 64 << 20
	interactLifetime  = 10 * time.Minute
	storeSweepingTime = time.Minute

	// What a grant takes in memory: its request, in pieces, and so much beside it.
	grantFactor, grantOverhead = 4, 3 << 10
)

type state int

const (
	pending state = iota
	approved
	rejected
	issued
)

// grant is one request for access and what became of it. Server.mu guards what can change.
type grant struct {
	id       string // never changes
	client   client
	key      ed25519.PublicKey
	request  *grantRequest
	endpoint string // the URL at which it was requested: part of the interaction hash
	created  time.Time
	endsAt   time.Time
	size     int // what it takes in memory, in bytes

	state         state
	waitUntil     time.Time // no continuation before then
	continueID    string
	continueToken string
	interactID    string // "" if nobody is asked
	interactNonce string
	interactRef   string // "" until approved
	access        *accessToken
}

// accessToken is a token for the resource server. Rotation puts another in its place, also when it has expired.
type accessToken struct {
	grant    *grant
	value    string
	manageID string
	expires  time.Time
}

func (g *grant) isOver() bool { return time.Now().After(g.endsAt) }

func (g *grant) finish() *finish {
	if g.request.interact == nil {
		return nil
	}
	return g.request.interact.Finish
}

// store finds grants by the ids in their URIs. Server.mu guards it.
type store struct {
	continuations map[string]*grant
	interactions  map[string]*grant
	tokens        map[string]*accessToken
	tokensByValue map[string]*accessToken
	bytes         int // of all grants
	swept         time.Time
}

func newStore() store {
	return store{
		continuations: map[string]*grant{},
		interactions:  map[string]*grant{},
		tokens:        map[string]*accessToken{},
		tokensByValue: map[string]*accessToken{},
	}
}

// add returns false when there is no room for the grant.
func (s *store) add(g *grant) bool {
	s.sweep()
	if s.bytes+g.size > maxGrantBytes {
		return false
	}
	s.bytes += g.size
	s.continuations[g.continueID] = g
	if g.interactID != "" {
		s.interactions[g.interactID] = g
	}
	return true
}

func (s *store) remove(g *grant) {
	s.bytes -= g.size
	delete(s.continuations, g.continueID)
	delete(s.interactions, g.interactID)
	s.removeToken(g)
}

func (s *store) removeToken(g *grant) {
	if g.access != nil {
		delete(s.tokens, g.access.manageID)
		delete(s.tokensByValue, g.access.value)
		g.access = nil
	}
}

// sweep forgets old grants, from time to time.
func (s *store) sweep() {
	if time.Since(s.swept) < storeSweepingTime {
		return
	}
	s.swept = time.Now()
	for _, g := range s.continuations {
		if g.isOver() {
			s.remove(g)
		}
	}
}

// continuation returns the grant with this id and continuation token, or nil.
func (s *store) continuation(id, token string) *grant {
	g := s.continuations[id]
	if g == nil || g.isOver() || !same(g.continueToken, token) {
		return nil
	}
	return g
}

// interaction returns the grant with this id and nonce, or nil.
func (s *store) interaction(id, nonce string) *grant {
	g := s.interactions[id]
	if g == nil || !same(g.interactNonce, nonce) {
		return nil
	}
	return g
}

// token returns the access token with this id and value, or nil.
func (s *store) token(manageID, value string) *accessToken {
	t := s.tokens[manageID]
	if t == nil || t.grant.isOver() || !same(t.value, value) {
		return nil
	}
	return t
}

// active returns the access token with this value if it is good for the resource server now, or nil.
func (s *store) active(value string) *accessToken {
	t := s.tokensByValue[value]
	if t == nil || t.grant.isOver() || time.Now().After(t.expires) {
		return nil
	}
	return t
}

// issue gives a grant a new access token in place of the one it had.
func (s *store) issue(g *grant, lifetime time.Duration) *accessToken {
	s.removeToken(g)
	g.access = &accessToken{grant: g, value: rand.Text(), manageID: newID(), expires: time.Now().Add(lifetime)}
	s.tokens[g.access.manageID] = g.access
	s.tokensByValue[g.access.value] = g.access
	return g.access
}

// rotateContinuation gives a grant another continuation URI and token.
func (s *store) rotateContinuation(g *grant) {
	delete(s.continuations, g.continueID)
	g.continueID, g.continueToken = newID(), rand.Text()
	s.continuations[g.continueID] = g
}

// same compares secrets in constant time.
func same(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

var wellFormedID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// newID returns a random UUID: the reference server uses them too.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
