package authserver

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// gnapToken returns the token of an "Authorization: GNAP …" header, or "".
func gnapToken(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "GNAP ")
	if !ok {
		return ""
	}
	return token
}

// unverified says why a request does not count as signed by its client.
type unverified struct {
	problem problem
	keyID   string // which was asked for, where the problem is unknownKey
	reason  string // for people
}

type problem int

const (
	unsigned   problem = iota // there is no signature that can be read
	unknownKey                // its key cannot be found
	badProof                  // it does not verify
)

func (u *unverified) Error() string { return u.reason }

// failure is the response of the authorization server, with code invalid_client.
func (u *unverified) failure() *respond.Failure {
	if u.problem == unknownKey {
		return unknownClient()
	}
	return invalidClient("%s", u.reason)
}

func badSignature(format string, args ...any) *unverified {
	return &unverified{problem: badProof, reason: "invalid signature: " + fmt.Sprintf(format, args...)}
}

// verify returns the key of the client with which a request was signed, or why it does not count as signed.
func (s *Server) verify(r *http.Request, body []byte, c client) (ed25519.PublicKey, *unverified) {
	key, problem := s.checkSignature(r, body, c)
	s.report(r, body, problem)
	return key, problem
}

func (s *Server) report(r *http.Request, body []byte, problem *unverified) {
	if s.config.OnRequest == nil {
		return
	}
	exchange := Exchange{
		Method:    r.Method,
		TargetURI: httpsig.TargetURI(r),
		Header:    r.Header.Clone(),
		Body:      slices.Clone(body),
	}
	if problem != nil {
		exchange.Err = problem
	}
	s.config.OnRequest(exchange)
}

func (s *Server) checkSignature(r *http.Request, body []byte, c client) (ed25519.PublicKey, *unverified) {
	if problem := s.checkSigned(r); problem != nil {
		return nil, problem
	}
	var key ed25519.PublicKey
	keyOf := func(params httpsig.Params) (ed25519.PublicKey, error) {
		found := s.findKey(r.Context(), c, params.KeyID)
		if found == nil {
			return nil, &unverified{problem: unknownKey, keyID: params.KeyID, reason: "could not determine client"}
		}
		key = found
		return found, checkCompact(body)
	}
	params, err := httpsig.VerifyAny(r, body, s.policy(), keyOf)
	var problem *unverified
	switch {
	case errors.As(err, &problem):
		return nil, problem
	case err != nil:
		return nil, badSignature("%s", reason(err))
	case params.Nonce != "" && !s.useNonce(key, params):
		return nil, badSignature("its nonce was used before")
	}
	s.noteUse(c)
	return key, nil
}

func (s *Server) policy() httpsig.Policy {
	return httpsig.Policy{MaxAge: s.config.MaxAge, Strict: !s.config.AcceptUnboundSignatures, OnlyLabel: s.config.OnlySig1}
}

// checkSigned says whether the header fields of a signature are missing or unreadable.
func (s *Server) checkSigned(r *http.Request) *unverified {
	if _, err := httpsig.ReadAllParams(r, s.policy()); err != nil {
		return &unverified{problem: unsigned, reason: "invalid signature headers: " + reason(err)}
	}
	return nil
}

// reason is what an error says, without the Go package that says it: it is for clients.
func reason(err error) string { return strings.TrimPrefix(err.Error(), "httpsig: ") }

// verifyBound verifies a request about a grant, which only the key that opened the grant may sign
// (RFC 9635 §7.2).
func (s *Server) verifyBound(r *http.Request, body []byte, g *grant) *unverified {
	key, problem := s.verify(r, body, g.client)
	if problem == nil && !key.Equal(g.key) {
		return badSignature("the grant is bound to another key")
	}
	return problem
}

type nonceID [sha256.Size]byte

// nonces remembers which nonces each key has used, for as long as a signature stays fresh.
type nonces struct {
	seen  map[nonceID]time.Time // until when
	swept time.Time
}

// useNonce says whether a key may use a nonce, and takes it.
func (s *Server) useNonce(key ed25519.PublicKey, params httpsig.Params) bool {
	id := nonceID(sha256.Sum256(append(bytes.Clone(key), params.Nonce...)))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nonces.sweep(s.config.MaxAge)
	if _, used := s.nonces.seen[id]; used {
		return false
	}
	s.nonces.seen[id] = params.Created.Add(s.config.MaxAge)
	return true
}

// sweep forgets nonces whose signatures are too old to be accepted, once per interval.
func (n *nonces) sweep(interval time.Duration) {
	now := time.Now()
	if now.Sub(n.swept) < interval {
		return
	}
	n.swept = now
	for id, until := range n.seen {
		if until.Before(now) {
			delete(n.seen, id)
		}
	}
}

// needlessEscape finds escapes in JSON strings. Its group is one that JSON.stringify never
// writes: of a character that needs none, in upper case, or of half of a surrogate pair whose
// other half follows.
var needlessEscape = regexp.MustCompile(
	`\\(?:["\\bfnrt]|u00(?:0[0-7be-f]|1[0-9a-f])|(ud[89ab][0-9a-f]{2}\\ud[c-f])|ud[89a-f][0-9a-f]{2}|(.))`)

// checkCompact returns an error unless a JSON text is what JSON.stringify makes of it: the
// reference server digests JSON.stringify(JSON.parse(body)), so nothing else is portable.
func checkCompact(body []byte) error {
	if len(body) == 0 {
		return nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, body); err != nil {
		return err
	}
	if !bytes.Equal(compact.Bytes(), body) {
		return errors.New("the body has white space between its tokens")
	}
	for _, match := range needlessEscape.FindAllSubmatch(body, -1) {
		if match[1] != nil || match[2] != nil {
			return errors.New("the body has an escape that JSON.stringify does not write")
		}
	}
	return checkMembers(json.NewDecoder(bytes.NewReader(body)))
}

// checkMembers reads one JSON value and returns an error if an object in it names a member twice.
func checkMembers(decoder *json.Decoder) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') && token != json.Delim('[') {
		return nil
	}
	names := map[json.Token]bool{}
	for decoder.More() {
		if token == json.Delim('{') {
			name, err := decoder.Token()
			if err != nil {
				return err
			}
			if names[name] {
				return errors.New("the body names a member twice")
			}
			names[name] = true
		}
		if err := checkMembers(decoder); err != nil {
			return err
		}
	}
	_, err = decoder.Token() // the closing delimiter
	return err
}
