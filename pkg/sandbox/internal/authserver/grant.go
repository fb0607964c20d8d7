package authserver

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// grantResponse is a grant response (RFC 9635 §3), as far as Open Payments uses it.
type grantResponse struct {
	Interact    *interactResponse    `json:"interact,omitempty"`
	AccessToken *accessTokenResponse `json:"access_token,omitempty"`
	Subject     *subject             `json:"subject,omitempty"`
	Continue    continueResponse     `json:"continue"`
}

type interactResponse struct {
	Redirect string `json:"redirect"`
	Finish   string `json:"finish,omitempty"`
}

type continueResponse struct {
	AccessToken struct {
		Value string `json:"value"`
	} `json:"access_token"`
	URI  string `json:"uri"`
	Wait int    `json:"wait,omitempty"`
}

// requestGrant responds to a grant request (RFC 9635 §2): with a token if nobody has to be asked,
// otherwise with the page on which a person decides.
func (s *Server) requestGrant(r *http.Request) (any, error) {
	body, err := respond.ReadBody(r)
	if err != nil {
		return nil, err
	}
	if body == nil {
		return nil, respond.FailSchema("body must be an object")
	}
	if len(body) > maxGrantRequest {
		return nil, respond.FailPlain(http.StatusRequestEntityTooLarge, "request entity too large")
	}
	request, err := parseGrantRequest(body)
	if err != nil {
		return nil, err
	}
	request.client.hostedAs = s.hostedName(r, request.client.walletAddress)
	key, problem := s.verify(r, body, request.client)
	if problem != nil {
		return nil, problem.failure()
	}
	if err := request.checkInteraction(); err != nil {
		return nil, err
	}
	if request.needsInteraction() && !s.hasPublicName(r.Context(), request.client) {
		return nil, unknownClient()
	}
	g := s.newGrant(request, key, httpsig.TargetURI(r))

	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.grants.add(g) {
		return nil, respond.FailPlain(http.StatusServiceUnavailable, "too many grants")
	}
	if request.needsInteraction() {
		return s.describePending(r, g), nil
	}
	return s.issueGrant(r, g), nil
}

func (s *Server) newGrant(request *grantRequest, key ed25519.PublicKey, endpoint string) *grant {
	now := time.Now()
	g := &grant{
		id:            newID(),
		client:        request.client,
		key:           key,
		request:       request,
		endpoint:      endpoint,
		created:       now,
		endsAt:        now.Add(s.config.GrantLifetime),
		size:          grantFactor*request.size + grantOverhead,
		continueID:    newID(),
		continueToken: rand.Text(),
	}
	if s.config.HashOtherSlash {
		g.endpoint = otherSlash(endpoint)
	}
	if request.needsInteraction() {
		g.waitUntil = now.Add(s.config.Wait)
		g.interactID, g.interactNonce = newID(), rand.Text()
	}
	return g
}

func (s *Server) describePending(r *http.Request, g *grant) grantResponse {
	interact := &interactResponse{Redirect: s.config.BaseURL(r) + "/interact/" + g.interactID + "/" + g.interactNonce}
	if g.finish() != nil {
		interact.Finish = g.interactNonce
	}
	return grantResponse{Interact: interact, Continue: s.describeWaiting(r, g)}
}

func (s *Server) describeContinue(r *http.Request, g *grant) continueResponse {
	response := continueResponse{URI: s.config.BaseURL(r) + "/auth/continue/" + g.continueID}
	response.AccessToken.Value = g.continueToken
	return response
}

func (s *Server) describeWaiting(r *http.Request, g *grant) continueResponse {
	response := s.describeContinue(r, g)
	response.Wait = int((s.config.Wait + time.Second - 1) / time.Second)
	return response
}

// issueGrant gives the client what it asked for. Server.mu must be held.
func (s *Server) issueGrant(r *http.Request, g *grant) grantResponse {
	g.state = issued
	response := grantResponse{Subject: g.request.subject, Continue: s.describeContinue(r, g)}
	if g.request.access != nil {
		response.AccessToken = s.describeToken(r, s.grants.issue(g, s.config.AccessLifetime))
	}
	return response
}

// continueGrant responds to a continuation (RFC 9635 §5.1) or, without a reference, a poll (§5.2).
func (s *Server) continueGrant(r *http.Request) (any, error) {
	body, err := respond.ReadBody(r)
	if err != nil {
		return nil, err
	}
	reference, err := parseContinuation(body)
	if err != nil {
		return nil, err
	}
	return s.ifBound(r, body, s.grantToContinue, func(g *grant) (any, error) {
		switch {
		case reference == nil:
			return s.poll(r, g)
		case *reference == "":
			return nil, respond.Fail(http.StatusUnauthorized, "invalid_request", "missing interaction reference")
		}
		return s.continueAfterInteraction(r, g, *reference)
	})
}

// parseContinuation returns the reference in the body of a continuation, or nil if it has none.
func parseContinuation(body []byte) (reference *string, err error) {
	if body == nil {
		return nil, nil
	}
	var message *struct {
		InteractRef *string `json:"interact_ref"`
	}
	if err := json.Unmarshal(body, &message); err != nil || message == nil {
		return nil, respond.FailSchema("body must be an object in which interact_ref is a string")
	}
	return message.InteractRef, nil
}

// grantToContinue returns the grant that a request names by id and token. Server.mu must be held.
func (s *Server) grantToContinue(r *http.Request) (*grant, *respond.Failure) {
	g := s.grants.continuation(r.PathValue("id"), gnapToken(r))
	if g == nil {
		return nil, invalidContinuation()
	}
	return g, nil
}

// ifBound calls act with the grant that a request names, if the key to which the grant is bound signed the request.
// Find and act are called with Server.mu held. The signature is verified without it, so the grant is looked up again
// then: it may have been cancelled, or rotated, meanwhile. The error is that of act, or a *respond.Failure.
func (s *Server) ifBound(
	r *http.Request, body []byte, find func(*http.Request) (*grant, *respond.Failure), act func(*grant) (any, error),
) (any, error) {
	if err := checkID(r.PathValue("id")); err != nil {
		return nil, err
	}
	if problem := s.checkSigned(r); problem != nil {
		return nil, problem.failure()
	}
	s.mu.Lock()
	g, unknown := find(r)
	s.mu.Unlock()
	if unknown != nil {
		return nil, unknown
	}
	if problem := s.verifyBound(r, body, g); problem != nil {
		return nil, problem.failure()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g, unknown = find(r); unknown != nil {
		return nil, unknown
	}
	return act(g)
}

// checkID fails as the reference server does when its database cannot read an id.
func checkID(id string) error {
	if !wellFormedID.MatchString(id) {
		return respond.FailPlain(http.StatusInternalServerError, "Internal Server Error")
	}
	return nil
}

func (s *Server) continueAfterInteraction(r *http.Request, g *grant, reference string) (any, error) {
	if !same(g.interactRef, reference) {
		return nil, respond.Fail(http.StatusNotFound, "invalid_continuation", "grant not found")
	}
	if time.Now().Before(g.waitUntil) {
		return nil, respond.Fail(http.StatusBadRequest, "too_fast", `continued grant faster than "wait" period`)
	}
	if g.state != approved {
		return nil, requestDenied("grant interaction not approved")
	}
	s.rotateContinuation(g)
	return s.issueGrant(r, g), nil
}

func (s *Server) poll(r *http.Request, g *grant) (any, error) {
	if time.Now().Before(g.waitUntil) {
		return nil, respond.Fail(http.StatusBadRequest, "too_fast", `polled grant faster than "wait" period`)
	}
	if g.finish() != nil {
		return nil, requestDenied("grant cannot be polled")
	}
	switch g.state {
	case pending:
		g.waitUntil = time.Now().Add(s.config.Wait)
		s.rotateContinuation(g)
		return grantResponse{Continue: s.describeWaiting(r, g)}, nil
	case approved:
		s.rotateContinuation(g)
		return s.issueGrant(r, g), nil
	default:
		return nil, requestDenied("grant cannot be continued")
	}
}

func (s *Server) rotateContinuation(g *grant) {
	if s.config.RotateContinuation {
		s.grants.rotateContinuation(g)
	}
}

// cancelGrant forgets a grant, whatever became of it, and its token (RFC 9635 §5.4).
func (s *Server) cancelGrant(r *http.Request) (any, error) {
	body, err := respond.ReadBody(r)
	if err != nil {
		return nil, err
	}
	return s.ifBound(r, body, s.grantToContinue, func(g *grant) (any, error) {
		s.grants.remove(g)
		return nil, nil
	})
}
