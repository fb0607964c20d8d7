package authserver

import (
	"crypto"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"open-payments-wasm/pkg/sandbox/internal/resourceserver"
	"open-payments-wasm/pkg/sandbox/internal/respond"
)

var _ resourceserver.Authorizer = (*Server)(nil)

// Introspect returns the grant of the access token in the Authorization header of a request to the resource server.
func (s *Server) Introspect(r *http.Request) (*resourceserver.Grant, error) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "GNAP ") {
		return nil, failResource(http.StatusUnauthorized, "Missing or invalid authorization header value", nil)
	}
	g, err := s.grantOfAccess(r)
	if err != nil {
		return nil, err
	}
	return &resourceserver.Grant{
		ID:     g.id,
		Client: g.client.id(),
		Access: resourceAccess(g.request.access),
		EndsAt: g.endsAt,
	}, nil
}

// VerifySignature checks that a request to the resource server was signed by the key to which its access token is
// bound. The token is looked up again, so it does not need the grant.
func (s *Server) VerifySignature(r *http.Request, body []byte, _ *resourceserver.Grant) error {
	g, err := s.grantOfAccess(r)
	if err != nil {
		return err
	}
	problem := s.verifyBound(r, body, g)
	if problem == nil {
		return nil
	}
	switch problem.problem {
	case unsigned:
		return failSignature("missing keyId in signature input", map[string]any{"reason": problem.reason})
	case unknownKey:
		return failSignature("could not find key in list of client keys", map[string]any{
			"keyId": problem.keyID, "clientKeys": s.keySet(r.Context(), g.client),
		})
	default:
		return failSignature("provided signature is invalid", map[string]any{"reason": problem.reason})
	}
}

// grantOfAccess returns the grant of the active access token of a request.
func (s *Server) grantOfAccess(r *http.Request) (*grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.grants.active(gnapToken(r))
	if t == nil {
		return nil, failResource(http.StatusForbidden, "Inactive Token", nil)
	}
	return t.grant, nil
}

// failSignature returns a failure whose details are an object, as the OpenAPI documents want them.
func failSignature(description string, details map[string]any) *respond.Failure {
	return failResource(http.StatusUnauthorized, "Signature validation error: "+description, details)
}

// failResource returns a failure in the form of the resource server: its code is the status as text.
func failResource(status int, description string, details any) *respond.Failure {
	return &respond.Failure{Status: status, Code: strconv.Itoa(status), Description: description, Details: details}
}

// id is what resources of a client are remembered under: its wallet address, or the thumbprint of its key (RFC 7638).
func (c client) id() string {
	if c.key == nil {
		return c.walletAddress
	}
	thumbprint, err := c.key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "" // no Ed25519 key, the only ones that verify, is without one
	}
	return base64.RawURLEncoding.EncodeToString(thumbprint)
}

func resourceAccess(list []access) []resourceserver.Access {
	var converted []resourceserver.Access
	for _, a := range list {
		converted = append(converted, resourceserver.Access{
			Type:       a.Type,
			Actions:    a.Actions,
			Identifier: a.Identifier,
			Limits:     a.Limits.resource(),
		})
	}
	return converted
}

func (l *limits) resource() *resourceserver.Limits {
	if l == nil {
		return nil
	}
	return &resourceserver.Limits{
		Receiver:      l.Receiver,
		Interval:      l.Interval,
		DebitAmount:   l.DebitAmount.resource(),
		ReceiveAmount: l.ReceiveAmount.resource(),
	}
}

func (a *amount) resource() *resourceserver.Amount {
	if a == nil {
		return nil
	}
	return &resourceserver.Amount{Value: a.Value, AssetCode: a.AssetCode, AssetScale: *a.AssetScale}
}
