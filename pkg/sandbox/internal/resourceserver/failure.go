package resourceserver

import (
	"errors"
	"net/http"
	"strconv"

	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// fail returns a failure as the resource server words it: its code is the status.
func fail(status int, description string) *respond.Failure {
	return respond.Fail(status, strconv.Itoa(status), "%s", description)
}

func failWith(status int, description string, details any) *respond.Failure {
	f := fail(status, description)
	f.Details = details
	return f
}

// failRequest is the response to a request that is against the OpenAPI documents.
func failRequest(complaint string) *respond.Failure {
	return fail(http.StatusBadRequest, "Received error validating OpenAPI request: "+complaint)
}

// errUnexpected is what the reference server did not expect: status 500, as text.
var errUnexpected = errors.New("unexpected")

func invalidAmount() error   { return fail(http.StatusBadRequest, "invalid amount") }
func invalidReceiver() error { return fail(http.StatusBadRequest, "invalid receiver") }
func invalidQuote() error    { return fail(http.StatusBadRequest, "invalid quote") }
func unauthorized() error    { return fail(http.StatusForbidden, "unauthorized") }

// challenge marks an error whose response names the authorization server in WWW-Authenticate.
type challenge struct{ error }

func (c challenge) Unwrap() error { return c.error }

// handle makes a handler of a function as respond.Handler does, with the faults that were asked for.
func (s *Server) handle(f respond.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault := s.config.Faults.ofResponse(r)
		result, err := f(r)
		fault.happen(r)
		var c challenge
		if errors.As(err, &c) {
			w.Header().Set("WWW-Authenticate", "GNAP as_uri="+s.authServer(r))
		}
		respond.Handler(func(*http.Request) (any, error) { return result, err }).ServeHTTP(w, r)
	})
}
