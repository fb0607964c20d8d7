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
	// Label is the name of the signature in its header fields: sig1 by our own.
	Label string
}

// Policy says how much of the profile a verifier insists on. The zero Policy checks the covered
// components, the digest and the signature, as the reference server does.
type Policy struct {
	// MaxAge is how old, and how far in the future, created may be. Zero: created is not read.
	MaxAge time.Duration
	// Strict asks for every parameter that this package signs: created, nonce and tag="gnap".
	Strict bool
	// OnlyLabel asks for one signature and the label sig1, as the reference server does. Otherwise a
	// request may carry signatures of others too, such as proxies, and name its own as it likes (RFC 9421
	// §4.2, §4.3): one that meets the policy is enough (RFC 9635 §7.3.1).
	OnlyLabel bool
}

// maxSignatures bounds the work that one request can cause.
const maxSignatures = 8

// ReadParams returns the signature parameters of a request, unverified: they say which key to
// verify it with. Of several signatures it returns those of sig1, else of one that is tagged gnap, else
// of the first. It is an error when there is none that can be read. See ReadAllParams for the others.
func ReadParams(req *http.Request) (Params, error) {
	all, err := ReadAllParams(req, Policy{})
	if err != nil {
		return Params{}, err
	}
	return all[0], nil
}

// ReadAllParams returns the parameters of every signature that may be meant for the receiver,
// unverified, the likeliest first. It is an error when there is none that can be read, when there are
// more than eight, and with Policy.OnlyLabel when there is another than sig1.
func ReadAllParams(req *http.Request, policy Policy) ([]Params, error) {
	inputs, err := httpsfv.UnmarshalDictionary(req.Header.Values("Signature-Input"))
	if err != nil {
		return nil, fmt.Errorf("httpsig: Signature-Input: %w", err)
	}
	names := inputs.Names()
	switch {
	case policy.OnlyLabel && (len(names) != 1 || names[0] != Label):
		return nil, fmt.Errorf("httpsig: expected one signature labelled %q, found %q", Label, names)
	case len(names) == 0:
		return nil, errors.New("httpsig: there is no signature")
	case len(names) > maxSignatures:
		return nil, fmt.Errorf("httpsig: expected at most %d signatures, found %d", maxSignatures, len(names))
	}
	var likely, tagged, others []Params
	var first error
	for _, name := range names {
		params, err := readMember(inputs, name)
		switch {
		case err != nil && (first == nil || name == Label):
			first = err
		case err != nil:
		case name == Label:
			likely = append(likely, params)
		case params.Tag == Tag:
			tagged = append(tagged, params)
		default:
			others = append(others, params)
		}
	}
	all := append(append(likely, tagged...), others...)
	if len(all) == 0 {
		return nil, first
	}
	return all, nil
}

func readMember(inputs *httpsfv.Dictionary, name string) (Params, error) {
	member, _ := inputs.Get(name)
	list, ok := member.(httpsfv.InnerList)
	if !ok {
		return Params{}, errors.New("httpsig: Signature-Input is not a list of components")
	}
	params, err := readParams(list.Params)
	params.Label = name
	return params, err
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
	return VerifyAny(req, body, policy, func(Params) (ed25519.PublicKey, error) { return public, nil })
}

// VerifyAny is Verify for a server that has to find the key. It calls keyOf with the parameters of one
// signature after the other, unverified, until one verifies with the key that keyOf returns. Where none
// does, the error is that of the likeliest, which may be one of keyOf.
func VerifyAny(req *http.Request, body []byte, policy Policy, keyOf func(Params) (ed25519.PublicKey, error)) (Params, error) {
	all, err := ReadAllParams(req, policy)
	if err != nil {
		return Params{}, err
	}
	var first error
	for _, params := range all {
		err := verifyOne(req, body, params, policy, keyOf)
		if err == nil {
			return params, nil
		}
		if first == nil {
			first = err
		}
	}
	return Params{}, first
}

func verifyOne(req *http.Request, body []byte, params Params, policy Policy, keyOf func(Params) (ed25519.PublicKey, error)) error {
	if params.KeyID == "" {
		return errors.New("httpsig: signature parameter keyid is missing")
	}
	public, err := keyOf(params)
	if err != nil {
		return err
	}
	if err := policy.check(params); err != nil {
		return err
	}
	if err := checkContent(req.Header, body); err != nil {
		return err
	}
	config := httpsign.NewVerifyConfig().SetVerifyCreated(policy.MaxAge > 0).
		SetNotOlderThan(policy.MaxAge).SetNotNewerThan(policy.MaxAge)
	covered := fields[coverageOf(req.Header, len(body) > 0)]
	verifier, err := httpsign.NewJWSVerifier(jwa.EdDSA, public, config, covered)
	if err != nil {
		return err
	}
	return httpsign.VerifyRequest(params.Label, *verifier, signable(req, TargetURI(req)))
}

func (p Policy) check(params Params) error {
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
