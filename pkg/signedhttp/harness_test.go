package signedhttp

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/internal/fake"
)

const (
	testToken = "5D9A9CF4BC7F46DDA114"
	testURI   = "https://as.example/continue/1"
)

// Operations of a protocol that is made for these tests.
var (
	opStart  = &Operation{Protocol: "test", Name: "start", Method: http.MethodPost, Standard: "the test", TokenOptional: true, Secrets: testSecrets}
	opChange = &Operation{Protocol: "test", Name: "change", Method: http.MethodPost, Standard: "the test", RetryCode: "too_fast", Secrets: testSecrets}
	opRead   = &Operation{Protocol: "test", Name: "read", Method: http.MethodGet, Standard: "the test"}
	opEnd    = &Operation{Protocol: "test", Name: "end", Method: http.MethodDelete} // without a reader
)

var operations = []*Operation{opStart, opChange, opRead, opEnd}

func testSecrets(body []byte) []string {
	members := Members(body)
	return []string{Text(members["interact_ref"]), Text(members["nonce"])}
}

// token is a result.
type token struct{ value string }

// tokens reads an object with an access_token.
type tokens struct{}

func (tokens) Read(_ *Operation, text []byte, value any) (any, []string) {
	object, _ := value.(map[string]any)
	if object["access_token"] == nil {
		return nil, []string{"access_token is missing"}
	}
	return &token{string(text)}, nil
}

func request(op *Operation, url, accessToken string) Request {
	request := Request{Operation: op, URL: url, AccessToken: accessToken, Reader: tokens{}}
	if op == opEnd {
		request.Reader = nil
	}
	return request
}

// change is a request with a body.
func change(reference string) Request {
	request := request(opChange, testURI, testToken)
	request.Body = []byte(`{"interact_ref":"` + reference + `"}`)
	return request
}

func newClient(t testing.TB, responses ...fake.Response) (*Client, *fake.Server) {
	server := fake.New(t, responses...)
	return &Client{Transport: server, Key: httpsig.Key{ID: fake.KeyID, Signer: fake.Key}}, server
}

// failingWith is what becomes of a request that the server fails with this body.
func failingWith(t testing.TB, request Request, status int, body string) *Error {
	t.Helper()
	client := &Client{Transport: fake.Fixed{Response: fake.Response{Status: status, Body: body}}, Key: fake.Instant}
	_, err := client.Do(t.Context(), request)
	return failure(t, err)
}

func failure(t testing.TB, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T %v, want an *Error", err, err)
	}
	return e
}

func wantArgument(t *testing.T, err error, argument, problem string) {
	t.Helper()
	var e *ArgumentError
	if !errors.As(err, &e) {
		t.Fatalf("got %T %v, want an *ArgumentError", err, err)
	}
	if e.Argument != argument || e.Problem != problem {
		t.Errorf("%q %q, want %q %q", e.Argument, e.Problem, argument, problem)
	}
	if want := fmt.Sprintf("%q %s", argument, problem); err.Error() != want {
		t.Errorf("text %q, want %q", err, want)
	}
}
