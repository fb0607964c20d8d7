package httpsig

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// FuzzVerify: whatever stands in the fields of a signature, it is refused or it is one, by the signature base (RFC 9421 §2.5) as
// this test writes it from the text of the fields, over what the profile wants covered.
func FuzzVerify(f *testing.F) {
	private := ed25519.NewKeyFromSeed([]byte("an Ed25519 seed made for testing"))
	public := private.Public().(ed25519.PublicKey)
	var bare [2]string // a signature that covers no body
	for _, body := range []string{"", `{"interact_ref":"r"}`} {
		req := fuzzed("", "", "", body)
		if err := Sign(req, []byte(body), Key{ID: "k1", Signer: private}); err != nil {
			f.Fatal(err)
		}
		input, signature, digest := req.Header.Get("Signature-Input"), req.Header.Get("Signature"), req.Header.Get("Content-Digest")
		if body == "" {
			bare = [2]string{input, signature}
		}
		f.Add(bare[0], bare[1], digest, body)
		f.Add(input, signature, digest, body)
		f.Add(strings.Replace(input, "sig1", "a", 1), strings.Replace(signature, "sig1", "a", 1), digest, body)
		f.Add(input, signature, digest, strings.Replace(body, "r", "s", 1))
		f.Add(input, signature, "", body)
		f.Add(input+", "+strings.Replace(input, "sig1", "b", 1), signature+", b=:AAAA:", digest, body)
		f.Add(strings.Replace(input, ";nonce", ";alg=\"ed25519\";nonce", 1), signature, digest, body)
		f.Add(strings.Replace(input, `"authorization"`, `"authorization";sf`, 1), signature, digest, body)
		f.Add(strings.ReplaceAll(input, " ", "  "), signature, digest, body)
	}
	f.Add(`sig1=();keyid="k1"`, "sig1=::", "sha-512=::", "")
	f.Add(`sig1`, "sig1", "", "{}")
	f.Fuzz(func(t *testing.T, input, signature, digest, body string) {
		for _, policy := range []Policy{{}, {Strict: true, OnlyLabel: true}} {
			req := fuzzed(input, signature, digest, body)
			params, err := Verify(req, []byte(body), public, policy)
			if err != nil {
				continue
			}
			if params.KeyID == "" || policy.Strict && (params.Nonce == "" || params.Tag != Tag || params.Created.IsZero()) {
				t.Errorf("%+v", params)
			}
			if !isSigned(req, params.Label, body != "", public) || body != "" && !isDigested(digest, body) {
				t.Errorf("accepted: %q %q %q %q", input, signature, digest, body)
			}
		}
	})
}

// isDigested tells whether the digest of a body of 20 bytes is in a Content-Digest.
func isDigested(digest, body string) bool {
	long, short := sha512.Sum512([]byte(body)), sha256.Sum256([]byte(body))
	return len(body) == 20 && (strings.Contains(digest, base64.StdEncoding.EncodeToString(long[:])) ||
		strings.Contains(digest, base64.StdEncoding.EncodeToString(short[:])))
}

// fuzzed is a request whose fields of a signature are given.
func fuzzed(input, signature, digest, body string) *http.Request {
	target := &url.URL{Scheme: "https", Host: "as.example", Path: "/continue/1"}
	req := &http.Request{Method: "POST", URL: target, Host: target.Host, Header: http.Header{
		"Authorization": {"GNAP token"}, "Signature-Input": {input}, "Signature": {signature},
	}}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Content-Length", "20")
		req.Header.Set("Content-Digest", digest)
	}
	return req
}

var (
	member    = regexp.MustCompile(`^\(( *("[a-z@-]+" *)*)\)(.*)$`)
	component = regexp.MustCompile(`"([a-z@-]+)"`)
)

// isSigned writes the signature base of a member of Signature-Input and verifies its signature.
func isSigned(req *http.Request, label string, hasBody bool, public ed25519.PublicKey) bool {
	values := map[string]string{
		"@method": req.Method, "@target-uri": "https://as.example/continue/1", "authorization": "GNAP token", "content-type": "application/json",
		"content-length": req.Header.Get("Content-Length"), "content-digest": req.Header.Get("Content-Digest"),
	}
	for _, text := range members(req.Header.Get("Signature-Input"), label) {
		parts := member.FindStringSubmatch(text)
		if parts == nil {
			return false
		}
		var base, names []string
		for _, found := range component.FindAllStringSubmatch(parts[1], -1) {
			names = append(names, found[0])
			base = append(base, found[0]+": "+strings.TrimSpace(values[found[1]]))
			delete(values, found[1])
		}
		must := []string{`"@method"`, `"@target-uri"`, `"authorization"`}
		if hasBody {
			must = append(must, `"content-digest"`, `"content-length"`, `"content-type"`)
		}
		if slices.ContainsFunc(must, func(name string) bool { return !slices.Contains(names, name) }) {
			return false
		}
		base = append(base, `"@signature-params": (`+strings.Join(names, " ")+")"+strings.ReplaceAll(parts[3], "; ", ";"))
		for _, text := range members(req.Header.Get("Signature"), label) {
			signature, err := base64.StdEncoding.DecodeString(strings.Trim(text, ":"))
			if err == nil && ed25519.Verify(public, []byte(strings.Join(base, "\n")), signature) {
				return true
			}
		}
	}
	return false
}

// members are the values of a name in a dictionary that has no commas in its texts.
func members(dictionary, name string) (values []string) {
	for part := range strings.SplitSeq(dictionary, ",") {
		if value, is := strings.CutPrefix(strings.Trim(part, " \t"), name+"="); is {
			values = append(values, value)
		}
	}
	return values
}
