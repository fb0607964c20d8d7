package gnap

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"open-payments-wasm/pkg/signedhttp"
)

// The example of RFC 9635 §4.2.3.
var rfcInteraction = InteractionHash{
	ClientNonce:   "VJLO6A4CATR0KRO",
	ServerNonce:   "MBDOFXG4Y5CVJCX821LH",
	InteractRef:   "4IFWWIKYB2PQ6U56NL1",
	GrantEndpoint: "https://server.example.com/tx",
	Hash:          "x-gguKWTj8rQf7d7i3w3UhzvuJ5bpOlKyAlVpLxBffY",
}

const rfcHashInput = "VJLO6A4CATR0KRO\nMBDOFXG4Y5CVJCX821LH\n4IFWWIKYB2PQ6U56NL1\nhttps://server.example.com/tx"

func changed(change func(*InteractionHash)) InteractionHash {
	h := rfcInteraction
	change(&h)
	return h
}

func TestInteractionHash(t *testing.T) {
	sum512 := sha512.Sum512([]byte(rfcHashInput))
	slashed := sha256.Sum256([]byte(rfcHashInput + "/"))
	cases := map[string]InteractionHash{
		"RFC 9635":      rfcInteraction,
		"named method":  changed(func(h *InteractionHash) { h.Method = "sha-256" }),
		"padded base64": changed(func(h *InteractionHash) { h.Hash = "x+gguKWTj8rQf7d7i3w3UhzvuJ5bpOlKyAlVpLxBffY=" }),
		"unpadded":      changed(func(h *InteractionHash) { h.Hash = "x+gguKWTj8rQf7d7i3w3UhzvuJ5bpOlKyAlVpLxBffY" }),
		"padded URL":    changed(func(h *InteractionHash) { h.Hash = "x-gguKWTj8rQf7d7i3w3UhzvuJ5bpOlKyAlVpLxBffY=" }),
		"slash here":    changed(func(h *InteractionHash) { h.GrantEndpoint += "/" }),
		"slash there":   changed(func(h *InteractionHash) { h.Hash = base64.RawURLEncoding.EncodeToString(slashed[:]) }),
		"slash on both": changed(func(h *InteractionHash) {
			h.GrantEndpoint += "/"
			h.Hash = base64.StdEncoding.EncodeToString(slashed[:])
		}),
		"sha-512": changed(func(h *InteractionHash) {
			h.Method = "sha-512"
			h.Hash = base64.RawURLEncoding.EncodeToString(sum512[:])
		}),
		"sha-512 padded": changed(func(h *InteractionHash) { h.Method = "sha-512"; h.Hash = base64.StdEncoding.EncodeToString(sum512[:]) }),
	}
	for name, h := range cases {
		if err := h.Verify(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInteractionHashRefuses(t *testing.T) {
	sumOf := func(input string) string {
		sum := sha256.Sum256([]byte(input))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	sum512 := sha512.Sum512([]byte(rfcHashInput))
	cases := map[string]InteractionHash{
		"client nonce":       changed(func(h *InteractionHash) { h.ClientNonce += "0" }),
		"server nonce":       changed(func(h *InteractionHash) { h.ServerNonce = strings.ToLower(h.ServerNonce) }),
		"reference":          changed(func(h *InteractionHash) { h.InteractRef = "4IFWWIKYB2PQ6U56NL2" }),
		"endpoint":           changed(func(h *InteractionHash) { h.GrantEndpoint = "https://evil.example.com/tx" }),
		"endpoint, scheme":   changed(func(h *InteractionHash) { h.GrantEndpoint = "http://server.example.com/tx" }),
		"endpoint, case":     changed(func(h *InteractionHash) { h.GrantEndpoint = "https://Server.example.com/tx" }),
		"endpoint, query":    changed(func(h *InteractionHash) { h.GrantEndpoint += "?" }),
		"two slashes":        changed(func(h *InteractionHash) { h.GrantEndpoint += "//" }),
		"one segment less":   changed(func(h *InteractionHash) { h.GrantEndpoint = "https://server.example.com/" }),
		"swapped nonces":     changed(func(h *InteractionHash) { h.ClientNonce, h.ServerNonce = h.ServerNonce, h.ClientNonce }),
		"newline at the end": changed(func(h *InteractionHash) { h.Hash = sumOf(rfcHashInput + "\n") }),
		"other lines":        changed(func(h *InteractionHash) { h.Hash = sumOf(strings.ReplaceAll(rfcHashInput, "\n", "\r\n")) }),
		"hash, one letter":   changed(func(h *InteractionHash) { h.Hash = "y" + h.Hash[1:] }),
		"hash, case":         changed(func(h *InteractionHash) { h.Hash = strings.ToUpper(h.Hash) }),
		"hash, cut off":      changed(func(h *InteractionHash) { h.Hash = h.Hash[:40] }),
		"hash, and more":     changed(func(h *InteractionHash) { h.Hash += "AAAA" }),
		"hash, not base64":   changed(func(h *InteractionHash) { h.Hash = "*" + h.Hash[1:] }),
		"hash, unescaped":    changed(func(h *InteractionHash) { h.Hash = "x gguKWTj8rQf7d7i3w3UhzvuJ5bpOlKyAlVpLxBffY=" }),
		"hash, hex":          changed(func(h *InteractionHash) { h.Hash = "c7e820b8a5938fcad07fb77b8b7c37521cefb89e5ba4e94ac80955a4bc417df6" }),
		"hash, spare bits":   changed(func(h *InteractionHash) { h.Hash = h.Hash[:42] + "Z" }),
		"hash, line break":   changed(func(h *InteractionHash) { h.Hash += "\n" }),
		"hash, lines":        changed(func(h *InteractionHash) { h.Hash = h.Hash[:20] + "\r\n" + h.Hash[20:] }),
		"no hash":            changed(func(h *InteractionHash) { h.Hash = "" }),
		"padding alone":      changed(func(h *InteractionHash) { h.Hash = "=" }),
		"hash of sha-512":    changed(func(h *InteractionHash) { h.Hash = base64.RawURLEncoding.EncodeToString(sum512[:]) }),
		"sha-512 asked for":  changed(func(h *InteractionHash) { h.Method = "sha-512" }),
		"half of sha-512": changed(func(h *InteractionHash) {
			h.Method, h.Hash = "sha-512", base64.RawURLEncoding.EncodeToString(sum512[:32])
		}),
		// Each with the hash that would be right.
		"no client nonce": changed(func(h *InteractionHash) {
			h.ClientNonce, h.Hash = "", sumOf("\nMBDOFXG4Y5CVJCX821LH\n4IFWWIKYB2PQ6U56NL1\nhttps://server.example.com/tx")
		}),
		"no server nonce": changed(func(h *InteractionHash) {
			h.ServerNonce, h.Hash = "", sumOf("VJLO6A4CATR0KRO\n\n4IFWWIKYB2PQ6U56NL1\nhttps://server.example.com/tx")
		}),
		"no reference": changed(func(h *InteractionHash) {
			h.InteractRef, h.Hash = "", sumOf("VJLO6A4CATR0KRO\nMBDOFXG4Y5CVJCX821LH\n\nhttps://server.example.com/tx")
		}),
		"no endpoint": changed(func(h *InteractionHash) {
			h.GrantEndpoint, h.Hash = "", sumOf("VJLO6A4CATR0KRO\nMBDOFXG4Y5CVJCX821LH\n4IFWWIKYB2PQ6U56NL1\n")
		}),
		"nothing": {},
	}
	for name, h := range cases {
		t.Run(name, func(t *testing.T) {
			err := h.Verify()
			var e *signedhttp.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *signedhttp.Error", err)
			}
			if e.Code != CodeHash || e.Status != 0 || e.Retryable || e.Operation != OpVerify {
				t.Errorf("error %+v", *e)
			}
			for _, secret := range []string{h.ClientNonce, h.ServerNonce, h.InteractRef, h.Hash} {
				if len(secret) > 8 && strings.Contains(err.Error(), secret) {
					t.Errorf("%v repeats %q", err, secret)
				}
			}
		})
	}
}

// A server that knows sha-256 alone is not believed, but named.
func TestServerThatIgnoresHashMethod(t *testing.T) {
	h := rfcInteraction
	h.Method = "sha-512"
	e := failure(t, h.Verify())
	if e.Code != CodeHash || !strings.Contains(e.Description, "ignored hash_method") || !strings.Contains(e.Description, "Leave hash_method out") {
		t.Errorf("error %v", e)
	}
	h.InteractRef += "0"
	if e := failure(t, h.Verify()); e.Code != CodeHash || strings.Contains(e.Description, "hash_method") {
		t.Errorf("error %v", e)
	}
}

func TestInteractionHashMethods(t *testing.T) {
	for _, method := range []string{"sha256", "SHA-256", "sha-384", "sha3-512", "md5", " ", "sha-256 "} {
		h := rfcInteraction
		h.Method = method
		wantArgument(t, h.Verify(), "hashMethod", `must be "sha-256" or "sha-512"`)
	}
}
