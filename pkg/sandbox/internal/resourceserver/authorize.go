package resourceserver

import (
	"net/http"
	"regexp"

	"crypto/rand"
	"fmt"
)

// The types of access that Open Payments has.
const (
	incomingPaymentType = "incoming-payment"
	quoteType           = "quote"
	outgoingPaymentType = "outgoing-payment"
)

// authorized is a request that may do what it asks for.
type authorized struct {
	grant  *Grant
	access *Access
}

// sees says whether a resource of this client may be read or listed.
func (a authorized) sees(action, client string) bool {
	return a.access.allowsAll(action) || a.grant.Client == client
}

// authorize checks the token of a request, what it was granted for a wallet address, and the signature, in this order.
func (s *Server) authorize(r *http.Request, body []byte, accessType, action, walletAddress string) (authorized, error) {
	return s.authorizeFor(r, body, func(g *Grant) *Access { return g.find(accessType, action, walletAddress) })
}

func (s *Server) authorizeFor(r *http.Request, body []byte, find func(*Grant) *Access) (authorized, error) {
	grant, err := s.config.Authorizer.Introspect(r)
	if err != nil {
		return authorized{}, challenge{err}
	}
	access := find(grant)
	if access == nil {
		return authorized{}, challenge{fail(http.StatusForbidden, "Insufficient Grant")}
	}
	if err := s.config.Authorizer.VerifySignature(r, body, grant); err != nil {
		return authorized{}, err
	}
	return authorized{grant, access}, nil
}

// authorizeCreate is authorize for a request whose body names the wallet address, and returns the wallet.
func (s *Server) authorizeCreate(r *http.Request, body []byte, accessType, walletAddress string) (*wallet, authorized, error) {
	client, err := s.authorize(r, body, accessType, "create", walletAddress)
	if err != nil {
		return nil, client, err
	}
	w := s.walletAt(r, walletAddress)
	if w == nil {
		return nil, client, fail(http.StatusBadRequest, "Could not get wallet address")
	}
	return w, client, nil
}

var wellFormedID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program instead
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// read looks a resource up that a request names, whose type reads in the error as what. An unknown one is 401 and not
// 404: without it, the wallet address for which the client would have to be authorized is not known.
func read[T resource](s *Server, r *http.Request, all *collection[T], what string) (T, error) {
	id := r.PathValue("id")
	var none T
	if !wellFormedID.MatchString(id) {
		return none, errUnexpected
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, known := all.get(id, s.now())
	if !known {
		return none, failWith(http.StatusUnauthorized, "Unauthorized", map[string]string{
			"description": "Failed to get wallet address from " + what, "id": id,
		})
	}
	return found, nil
}
