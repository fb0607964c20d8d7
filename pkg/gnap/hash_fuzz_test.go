package gnap

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
)

// FuzzInteractionHash: a hash is right when it is what anybody would compute, in one of both alphabets, padded or not, and of no
// other text: by the text of a hash callers know whether a callback was used before.
func FuzzInteractionHash(f *testing.F) {
	h := rfcInteraction
	for _, hash := range []string{h.Hash, h.Hash + "=", h.Hash + "\n", h.Hash[:42] + "Z", "", "=", strings.ToUpper(h.Hash)} {
		f.Add(h.ClientNonce, h.ServerNonce, h.InteractRef, h.GrantEndpoint, hash, true)
		f.Add(h.ClientNonce, h.ServerNonce, h.InteractRef+"\n", h.GrantEndpoint+"/", hash, false)
	}
	f.Fuzz(func(t *testing.T, clientNonce, serverNonce, reference, endpoint, hash string, isOwn bool) {
		right := map[string]bool{}
		for _, spelled := range []string{strings.TrimSuffix(endpoint, "/"), strings.TrimSuffix(endpoint, "/") + "/"} {
			sum := sha256.Sum256([]byte(strings.Join([]string{clientNonce, serverNonce, reference, spelled}, "\n")))
			right[base64.RawURLEncoding.EncodeToString(sum[:])] = true
			if !isOwn {
				hash = base64.StdEncoding.EncodeToString(sum[:]) + hash
				isOwn = true
			}
		}
		canonical := strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(hash, "="))
		isComplete := clientNonce != "" && serverNonce != "" && reference != "" && endpoint != ""
		err := InteractionHash{ClientNonce: clientNonce, ServerNonce: serverNonce, InteractRef: reference, GrantEndpoint: endpoint, Hash: hash}.Verify()
		if want := isComplete && right[canonical]; (err == nil) != want {
			t.Errorf("%q: got %v, want right to be %v", hash, err, want)
		}
	})
}
