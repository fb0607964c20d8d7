package httpsig

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/yaronf/httpsign"
)

// Params are the signature parameters of a signed request (RFC 9421 §2.3), zero where absent.
type Params struct {
	KeyID, Nonce, Tag string
	Created           time.Time
}

// Policy says how much of the profile a verifier insists on. The zero Policy checks the covered
// components, the digest and the signature, as the reference server does.
type Policy struct {
	// MaxAge is how old, and how far in the future, created may be. Zero: created is not read.
	MaxAge time.Duration
	// Strict asks for every parameter that this package signs: created, nonce and tag="gnap".
	Strict bool
}

// ReadParams returns the signature parameters of a request, unverified: they say which key to
// verify it with. It is an error when there is no signature, one with another label than sig1,
// more than one, or a parameter of the wrong type.
func ReadParams(req *http.Request) (Params, error) {
	inputs, err := httpsfv.UnmarshalDictionary(req.Header.Values("Signature-Input"))
	if err != nil {
		return Params{}, fmt.Errorf("httpsig: Signature-Input: %w", err)
	}
	if names := inputs.Names(); len(names) != 1 || names[0] != Label {
		return Params{}, fmt.Errorf("httpsig: expected one signature labelled %q, found %q", Label, names)
	}
	member, _ := inputs.Get(Label)
	list, ok := member.(httpsfv.InnerList)
	if !ok {
		return Params{}, errors.New("httpsig: Signature-Input is not a list of components")
	}
	return readParams(list.Params)
}

func readParams(raw *httpsfv.Params) (Params, error) {
	var p Params
	for name, target := range map[string]*string{"keyid": &p.KeyID, "nonce": &p.Nonce, "tag": &p.Tag} {
		value, present := raw.Get(name)
		text, ok := value.(string)
		if present && !ok {
			return Params{}, fmt.Errorf("httpsig: signature parameter %s is not a string", name)
		}
		*target = text
	}
	value, present := raw.Get("created")
	seconds, ok := value.(int64)
	if present && !ok {
		return Params{}, errors.New("httpsig: signature parameter created is not an integer")
	}
	if present {
		p.Created = time.Unix(seconds, 0)
	}
	if _, present := raw.Get("alg"); present {
		return Params{}, errors.New("httpsig: signature parameter alg is not allowed (RFC 9635 §7.3.1)")
	}
	return p, nil
}

// Verify checks that a request was signed in the profile by the holder of public: that the
// components it must cover are covered, that Content-Digest and Content-Length are those of body,
// and that policy is met. It does not read the request's Body. It returns the verified parameters;
// whether a nonce was seen before is for the caller to know.
func Verify(req *http.Request, body []byte, public ed25519.PublicKey, policy Policy) (Params, error) {
	params, err := ReadParams(req)
	if err != nil {
		return Params{}, err
	}
	if err := policy.check(params); err != nil {
		return Params{}, err
	}
	if err := checkContent(req.Header, body); err != nil {
		return Params{}, err
	}
	config := httpsign.NewVerifyConfig().SetVerifyCreated(policy.MaxAge > 0).
		SetNotOlderThan(policy.MaxAge).SetNotNewerThan(policy.MaxAge)
	covered := fields[coverageOf(req.Header, len(body) > 0)]
	verifier, err := httpsign.NewJWSVerifier(jwa.EdDSA, public, config, covered)
	if err != nil {
		return Params{}, err
	}
	if err := httpsign.VerifyRequest(Label, *verifier, signable(req, TargetURI(req))); err != nil {
		return Params{}, err
	}
	return params, nil
}

func (p Policy) check(params Params) error {
	if params.KeyID == "" {
		return errors.New("httpsig: signature parameter keyid is missing")
	}
	if !p.Strict {
		return nil
	}
	var missing []string
	if params.Created.IsZero() {
		missing = append(missing, "created")
	}
	if params.Nonce == "" {
		missing = append(missing, "nonce")
	}
	if params.Tag != Tag {
		missing = append(missing, `tag="gnap"`)
	}
	if len(missing) > 0 {
		return fmt.Errorf("httpsig: signature parameters missing: %s", strings.Join(missing, ", "))
	}
	return nil
}

func checkContent(header http.Header, body []byte) error {
	if len(body) == 0 && header.Get("Content-Digest") == "" {
		return nil
	}
	if header.Get("Content-Length") != strconv.Itoa(len(body)) {
		return errors.New("httpsig: Content-Length is not the length of the body")
	}
	reader := io.NopCloser(bytes.NewReader(body))
	return httpsign.ValidateContentDigestHeader(header.Values("Content-Digest"), &reader,
		[]string{httpsign.DigestSha512, httpsign.DigestSha256})
}
