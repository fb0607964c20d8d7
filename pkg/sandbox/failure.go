package sandbox

import (
	"fmt"
	"net/http"
)

// failure is a response that is not success: {"error":{"code","description"}} (RFC 9635 §3.6), or
// its description as plain text.
type failure struct {
	status      int
	plain       bool
	Code        string `json:"code,omitempty"`
	Description string `json:"description"`
}

func (f *failure) Error() string { return f.Description }

func fail(status int, code, format string, args ...any) *failure {
	return &failure{status: status, Code: code, Description: fmt.Sprintf(format, args...)}
}

// failSchema is the response to JSON of the wrong shape. The reference server sends no code with it.
func failSchema(format string, args ...any) *failure {
	return fail(http.StatusBadRequest, "", format, args...)
}

func failPlain(status int, description string) *failure {
	return &failure{status: status, plain: true, Description: description}
}

// invalidClient is the response to a request that its client did not sign as it must.
func invalidClient(format string, args ...any) *failure {
	return fail(http.StatusUnauthorized, "invalid_client", format, args...)
}

// unknownClient is the response when there is no key to check a signature with.
func unknownClient(format string, args ...any) *failure {
	return fail(http.StatusBadRequest, "invalid_client", format, args...)
}

func invalidContinuation() *failure {
	return fail(http.StatusUnauthorized, "invalid_continuation", "invalid grant")
}

func requestDenied(description string) *failure {
	return fail(http.StatusUnauthorized, "request_denied", "%s", description)
}
