package authserver

import (
	"net/http"
	"time"

	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// accessTokenResponse is an access token on the wire (RFC 9635 §3.2.1).
type accessTokenResponse struct {
	Value     string   `json:"value"`
	Manage    string   `json:"manage"`
	ExpiresIn int      `json:"expires_in"`
	Access    []access `json:"access"`
}

func (s *Server) describeToken(r *http.Request, t *accessToken) *accessTokenResponse {
	return &accessTokenResponse{
		Value:     t.value,
		Manage:    s.config.BaseURL(r) + "/auth/token/" + t.manageID,
		ExpiresIn: int(s.config.AccessLifetime / time.Second),
		Access:    t.grant.request.access,
	}
}

// rotateToken responds with a new access token, under a new management URI, and forgets the old
// one (RFC 9635 §6.1).
func (s *Server) rotateToken(r *http.Request) (any, error) {
	body, err := respond.ReadBody(r)
	if err != nil {
		return nil, err
	}
	return s.ifBound(r, body, s.grantOfToken, func(g *grant) (any, error) {
		return map[string]*accessTokenResponse{"access_token": s.describeToken(r, s.grants.issue(g, s.config.AccessLifetime))}, nil
	})
}

// revokeToken forgets an access token (RFC 9635 §6.2).
func (s *Server) revokeToken(r *http.Request) (any, error) {
	body, err := respond.ReadBody(r)
	if err != nil {
		return nil, err
	}
	return s.ifBound(r, body, s.grantOfToken, func(g *grant) (any, error) {
		s.grants.removeToken(g)
		return nil, nil
	})
}

// grantOfToken returns the grant of the access token that a request names by id and value. Server.mu must be held.
func (s *Server) grantOfToken(r *http.Request) (*grant, *respond.Failure) {
	t := s.grants.token(r.PathValue("id"), gnapToken(r))
	if t == nil {
		return nil, invalidClient("invalid access token")
	}
	return t.grant, nil
}
