package sandbox

import (
	"net/http"
	"time"
)

// accessTokenAnswer is an access token on the wire (RFC 9635 §3.2.1).
type accessTokenAnswer struct {
	Value     string   `json:"value"`
	Manage    string   `json:"manage"`
	ExpiresIn int      `json:"expires_in"`
	Access    []access `json:"access"`
}

func (s *Server) describeToken(r *http.Request, t *accessToken) *accessTokenAnswer {
	return &accessTokenAnswer{
		Value:     t.value,
		Manage:    s.baseURL(r) + "/auth/token/" + t.manageID,
		ExpiresIn: int(accessLifetime / time.Second),
		Access:    t.grant.request.access,
	}
}

// rotateToken answers with a new access token, under a new management URI, and forgets the old
// one (RFC 9635 §6.1).
func (s *Server) rotateToken(r *http.Request) (any, error) {
	if err := s.verifyToken(r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.grants.token(r.PathValue("id"), gnapToken(r))
	if t == nil {
		return nil, invalidToken()
	}
	rotated := s.grants.issue(t.grant)
	return map[string]*accessTokenAnswer{"access_token": s.describeToken(r, rotated)}, nil
}

// revokeToken forgets an access token (RFC 9635 §6.2).
func (s *Server) revokeToken(r *http.Request) (any, error) {
	if err := s.verifyToken(r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.grants.token(r.PathValue("id"), gnapToken(r))
	if t == nil {
		return nil, invalidToken()
	}
	s.grants.removeToken(t.grant)
	return nil, nil
}

func invalidToken() *failure { return invalidClient("invalid access token") }

// verifyToken checks that a request names an access token by id and value, and that the key to
// which its grant is bound signed it. The error is a *failure.
func (s *Server) verifyToken(r *http.Request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	if err := checkID(r.PathValue("id")); err != nil {
		return err
	}
	if err := s.checkSigned(r); err != nil {
		return err
	}
	s.mu.Lock()
	t := s.grants.token(r.PathValue("id"), gnapToken(r))
	s.mu.Unlock()
	if t == nil {
		return invalidToken()
	}
	return s.verifyBound(r, body, t.grant)
}
