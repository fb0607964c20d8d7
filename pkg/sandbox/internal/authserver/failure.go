package authserver

import (
	"net/http"

	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// invalidClient is the response to a request that its client did not sign as it must.
func invalidClient(format string, args ...any) *respond.Failure {
	return respond.Fail(http.StatusUnauthorized, "invalid_client", format, args...)
}

// unknownClient is the response when the client cannot be found, or what must be known of it.
func unknownClient() *respond.Failure {
	return respond.Fail(http.StatusBadRequest, "invalid_client", "could not determine client")
}

func invalidContinuation() *respond.Failure {
	return respond.Fail(http.StatusUnauthorized, "invalid_continuation", "invalid grant")
}

func requestDenied(description string) *respond.Failure {
	return respond.Fail(http.StatusUnauthorized, "request_denied", "%s", description)
}
