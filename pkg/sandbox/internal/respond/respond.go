// Package respond is how the servers of the sandbox read a request's body and write their responses, success or
// failure, in the forms of the reference server.
package respond

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"time"
	"unicode/utf8"
)

// MaxBody is how many bytes the body of a request may have.
const MaxBody = 64 << 10

// Handler makes an http.Handler of a function. What the function returns is written as JSON with status 200; nil is
// status 204 without a body, and a value from WithStatus has its own status. An error is written as Error does.
type Handler func(r *http.Request) (any, error)

// ServeHTTP calls f and writes what it returns.
func (f Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	result, err := f(r)
	if err != nil {
		Error(w, err)
		return
	}
	switch result := result.(type) {
	case nil:
		w.WriteHeader(http.StatusNoContent)
	case withStatus:
		JSON(w, result.status, result.value)
	default:
		JSON(w, http.StatusOK, result)
	}
}

type withStatus struct {
	status int
	value  any
}

// WithStatus returns what a Handler's function returns to respond with this status, such as 201, and value as JSON.
func WithStatus(status int, value any) any { return withStatus{status, value} }

// Failure is a response that is not success: {"error":{"code","description","details"}} (RFC 9635 §3.6, and the same
// form from the resource server), or its description as plain text.
type Failure struct {
	// Status is the status code of the response.
	Status int `json:"-"`
	// Plain says that the response is the description as text/plain.
	Plain bool `json:"-"`
	// Code is the error code, or "" for a failure that has none, as where a request is against the schema.
	Code string `json:"code,omitempty"`
	// Description is for the people who write clients.
	Description string `json:"description"`
	// Details are whatever else may help them, as JSON. Nil: the response has no such member.
	Details any `json:"details,omitempty"`
}

// Error returns the description.
func (f *Failure) Error() string { return f.Description }

// Fail returns a failure with a code, or without one if it is "", whose description is formatted as fmt.Sprintf does.
func Fail(status int, code, format string, args ...any) *Failure {
	return &Failure{Status: status, Code: code, Description: fmt.Sprintf(format, args...)}
}

// FailSchema returns the failure for JSON of the wrong shape: status 400. The authorization server sends no code with it.
func FailSchema(format string, args ...any) *Failure {
	return Fail(http.StatusBadRequest, "", format, args...)
}

// FailPlain returns a failure that is written as plain text.
func FailPlain(status int, description string) *Failure {
	return &Failure{Status: status, Plain: true, Description: description}
}

// JSON writes a response with this status and value as its body.
func JSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // fails when the client went away: nobody is left to tell
}

// Error writes an error: a *Failure, alone or wrapped, as it says, and everything else as a plain status 500, without
// a word of what it was.
func Error(w http.ResponseWriter, err error) {
	var f *Failure
	switch {
	case !errors.As(err, &f):
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
	case f.Plain:
		http.Error(w, f.Description, f.Status)
	default:
		JSON(w, f.Status, map[string]*Failure{"error": f})
	}
}

// ReadBody returns the body of a request, which is JSON in UTF-8 of at most MaxBody bytes, or nil if there is none.
// The error is a *Failure: 413 when it is longer, 415 when it is of another type, 400 when it is not JSON, 408 when it
// did not come in time.
func ReadBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case err != nil:
		return nil, Unreadable(err)
	case len(body) > MaxBody:
		return nil, FailPlain(http.StatusRequestEntityTooLarge, "request entity too large")
	case len(body) == 0:
		return nil, nil
	case !isJSON(r.Header.Get("Content-Type")):
		return nil, Fail(http.StatusUnsupportedMediaType, "", "unsupported media type: expected application/json")
	case !utf8.Valid(body) || !json.Valid(body):
		return nil, FailPlain(http.StatusBadRequest, "the body is not JSON")
	default:
		return body, nil
	}
}

func isJSON(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && mediaType == "application/json"
}

// Unreadable returns the failure for a body whose reading ended with an error: 408 when it did not come in time, else 400.
func Unreadable(err error) *Failure {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return FailPlain(http.StatusRequestTimeout, "the body did not come in time")
	}
	return FailPlain(http.StatusBadRequest, "the body could not be read")
}

// BoundBody sets a deadline to the body of a request, from now: to read it fails afterwards. It does nothing where the
// ResponseWriter cannot, as in tests without a connection. The response has all the time it takes: net/http takes the
// deadline away at the end of the body.
func BoundBody(w http.ResponseWriter, r *http.Request, timeout time.Duration) {
	if r.Body != nil && r.Body != http.NoBody {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(timeout))
	}
}
