// Package fake is what the tests of clients send their requests to: servers that verify every request, or that it
// needs no signature, and respond as they are told, and a key that signs in no time.
package fake

import (
	"crypto"
	"crypto/ed25519"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"open-payments-wasm/pkg/httpsig"
)

// Key is the key that a Server verifies with, and KeyID its name.
var Key = ed25519.NewKeyFromSeed([]byte("an Ed25519 seed made for testing"))

// KeyID is the only key id that a Server knows.
const KeyID = "k1"

// Issued is the body of a grant.
const Issued = `{"access_token":{"value":"OS9M2PMHKUR64TB8N6BW7OZB8CDFONP219RP1LT0","access":[]}}`

// Response is what a server says; the zero Response is 200 with Issued.
type Response struct {
	Status int
	Header http.Header
	Body   string
	Stream io.Reader // in place of Body
	Err    error     // in place of a response
}

// HTTP makes the response.
func (r Response) HTTP() *http.Response {
	if r.Status == 0 {
		r.Status = http.StatusOK
		if r.Body == "" && r.Stream == nil {
			r.Body = Issued
		}
	}
	if r.Stream == nil {
		r.Stream = strings.NewReader(r.Body)
	}
	if r.Header == nil {
		r.Header = http.Header{"Content-Type": {"application/json"}}
	}
	return &http.Response{StatusCode: r.Status, Header: r.Header, ContentLength: -1, Body: io.NopCloser(r.Stream)}
}

// Request is a request as it left the client.
type Request struct {
	Method, Target, Body, Nonce, Signature string
	Header                                 http.Header
	At                                     time.Time
}

// Server is an http.RoundTripper that verifies every request before it responds. It gives its
// responses in turn, the last one for ever.
type Server struct {
	T         testing.TB
	Responses []Response
	// Handle, where it is there, is asked in place of Responses.
	Handle func(*http.Request) (*http.Response, error)

	mu       sync.Mutex
	requests []Request
	opened   int // bodies that were not closed
}

// New returns a server. At the end of the test every response must have been closed.
func New(t testing.TB, responses ...Response) *Server {
	s := &Server{T: t, Responses: responses}
	t.Cleanup(func() {
		if s.opened != 0 {
			t.Errorf("%d responses were not closed", s.opened)
		}
	})
	return s
}

// RoundTrip verifies a request and responds.
func (s *Server) RoundTrip(req *http.Request) (*http.Response, error) {
	turn := s.receive(req)
	s.mu.Lock()
	handle := s.Handle
	s.mu.Unlock()
	if handle != nil {
		return handle(req)
	}
	response := Response{}
	if len(s.Responses) > 0 {
		response = s.Responses[min(turn, len(s.Responses)-1)]
	}
	if response.Err != nil {
		return nil, response.Err
	}
	res := response.HTTP()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	res.Body = &closeCounter{res.Body, s, false}
	return res, nil
}

type closeCounter struct {
	io.ReadCloser
	server *Server
	closed bool
}

func (c *closeCounter) Close() error {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.server.opened--
	}
	return c.ReadCloser.Close()
}

func (s *Server) receive(req *http.Request) (turn int) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			s.T.Error(err)
		}
	}
	if req.ContentLength != int64(len(body)) {
		s.T.Errorf("content length %d of a body of %d bytes", req.ContentLength, len(body))
	}
	if len(req.Header["Signature"]) == 0 {
		return s.receivePublic(req)
	}
	params, err := httpsig.Verify(req, body, Key.Public().(ed25519.PublicKey), httpsig.Policy{Strict: true, MaxAge: time.Minute})
	if err != nil {
		s.T.Errorf("%s %s: %v", req.Method, httpsig.TargetURI(req), err)
	}
	if params.KeyID != KeyID {
		s.T.Errorf("key id %q", params.KeyID)
	}
	signature := strings.Trim(strings.TrimPrefix(req.Header.Get("Signature"), "sig1="), ":")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{
		req.Method, httpsig.TargetURI(req), string(body), params.Nonce, signature, req.Header.Clone(), time.Now(),
	})
	return len(s.requests) - 1
}

// receivePublic takes a request that says nothing but what is read and in which form, and how old it may be.
func (s *Server) receivePublic(req *http.Request) (turn int) {
	for name := range req.Header {
		if name != "Accept" && name != "Cache-Control" {
			s.T.Errorf("%s %s has no signature, and has %s", req.Method, httpsig.TargetURI(req), name)
		}
	}
	if req.Method != http.MethodGet || req.Body != nil {
		s.T.Errorf("%s %s has no signature", req.Method, httpsig.TargetURI(req))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{Method: req.Method, Target: httpsig.TargetURI(req), Header: req.Header.Clone(), At: time.Now()})
	return len(s.requests) - 1
}

// HandleWith changes Handle while requests may come.
func (s *Server) HandleWith(handle func(*http.Request) (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Handle = handle
}

// Requests are those that came.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// WantRequests fails the test unless so many came.
func (s *Server) WantRequests(want int) {
	s.T.Helper()
	if got := len(s.Requests()); got != want {
		s.T.Errorf("%d requests, want %d", got, want)
	}
}

// Fixed is an http.RoundTripper that gives one response for ever and verifies nothing.
type Fixed struct{ Response }

// RoundTrip responds.
func (f Fixed) RoundTrip(*http.Request) (*http.Response, error) { return f.HTTP(), nil }

// Instant is a key that signs in no time: what is left is the work of this module.
var Instant = httpsig.Key{ID: "key", Signer: SignerFunc(func([]byte) ([]byte, error) { return make([]byte, 64), nil })}

// SignerFunc is a signer that does not know its public half.
type SignerFunc func(message []byte) ([]byte, error)

// Public returns nil.
func (f SignerFunc) Public() crypto.PublicKey { return nil }

// Sign calls f.
func (f SignerFunc) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	return f(message)
}
