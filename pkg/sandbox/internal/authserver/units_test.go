package authserver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestKeysAreFetchedFromLoopbackOnlyAndNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved/jwks.json":
			http.Redirect(w, r, "/good/jwks.json", http.StatusFound)
		case "/good/jwks.json":
			_, _ = w.Write([]byte(`{"keys":[]}`))
		case "/html/jwks.json":
			_, _ = w.Write([]byte(`<html>`))
		case "/large/jwks.json":
			_, _ = w.Write([]byte(`{"keys":[],"x":"` + strings.Repeat("x", maxFetchSize) + `"}`))
		default:
			http.NotFound(w, r)
		}
	}))
	defer elsewhere.Close()
	if _, err := fetchLoopbackKeys(t.Context(), elsewhere.URL+"/good"); err != nil {
		t.Error(err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	// Whatever is there, it fails when the time is up and not before: nobody learns what is there.
	for _, address := range []string{
		elsewhere.URL + "/good/", elsewhere.URL + "/moved", elsewhere.URL + "/html", elsewhere.URL + "/large", elsewhere.URL + "/missing",
		"http://[::1]:1/alice", "http://" + silent.Addr().String(), "https://" + elsewhere.Listener.Addr().String() + "/good",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if _, err := fetchLoopbackKeys(ctx, address); err == nil || ctx.Err() == nil {
			t.Errorf("keys of %s: %v, and its time was up: %t", address, err, ctx.Err() != nil)
		}
		cancel()
	}
	for _, address := range []string{"http://10.0.0.1/alice", "http://localhost.example/alice", "http://%/"} {
		if _, err := fetchLoopbackKeys(t.Context(), address); !errors.Is(err, errNoKeySet) {
			t.Errorf("keys of %s: %v", address, err)
		}
	}
}

func TestHashVectorOfRFC9635(t *testing.T) {
	const clientNonce, serverNonce = "VJLO6A4CATR0KRO", "MBDOFXG4Y5CVJCX821LH"
	const ref, endpoint = "4IFWWIKYB2PQ6U56NL1", "https://server.example.com/tx"
	if got := interactionHash(HashBase64URL, "sha-256", clientNonce, serverNonce, ref, endpoint); got != "x-gguKWTj8rQf7d7i3w3UhzvuJ5bpOlKyAlVpLxBffY" {
		t.Errorf("base64url: %s", got)
	}
	if got := interactionHash(HashBase64, "", clientNonce, serverNonce, ref, endpoint); got != "x+gguKWTj8rQf7d7i3w3UhzvuJ5bpOlKyAlVpLxBffY=" {
		t.Errorf("base64: %s", got)
	}
}

func TestAmountsAndRightsInWords(t *testing.T) {
	scale := func(n uint8) *uint8 { return &n }
	for _, test := range []struct {
		amount amount
		want   string
	}{
		{amount{"500", "USD", scale(2)}, "5.00 USD"}, {amount{"5", "USD", scale(2)}, "0.05 USD"}, {amount{"5", "JPY", scale(0)}, "5 JPY"},
		{amount{"1234567", "XRP", scale(6)}, "1.234567 XRP"},
	} {
		if got := test.amount.String(); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
	request := &grantRequest{
		access: []access{
			{
				Type: "outgoing-payment", Actions: []string{"create"}, Identifier: "https://w.example/alice",
				Limits: &limits{ReceiveAmount: &amount{"1", "EUR", scale(0)}, Receiver: "R", Interval: "I"},
			},
			{Type: "outgoing-payment", Actions: []string{"create"}, Identifier: "https://alice.example"},
			{Type: "incoming-payment", Actions: []string{"read"}, Identifier: "https://w.example/bob/"},
			{Type: "quote", Actions: []string{"read"}},
		},
		subject: &subject{SubIDs: []subID{{ID: "https://w.example/alice", Format: "uri"}}},
	}
	var texts []string
	for _, right := range describeRights(request) {
		texts = append(texts, right.Text+": "+strings.Join(right.Details, "; "))
	}
	const expected = `send as much as it takes for the receiver to get 1 EUR from alice: ` +
		`only to R; again in every interval of I; wallet address: https://w.example/alice; actions: create
send any amount from https://alice.example: wallet address: https://alice.example; actions: create
use incoming payments of bob: wallet address: https://w.example/bob/; actions: read
use quotes: actions: read
know that you are https://w.example/alice: `
	if got := strings.Join(texts, "\n"); got != expected {
		t.Errorf("got\n%s\nwant\n%s", got, expected)
	}
}

// The bytes of what is forgotten are free again.
func TestStoreCountsBytes(t *testing.T) {
	s := newStore()
	half := func(id string) *grant {
		return &grant{continueID: id, endsAt: time.Now().Add(time.Hour), size: maxGrantBytes / 2}
	}
	first := half("1")
	if !s.add(first) || !s.add(half("2")) || s.add(half("3")) {
		t.Fatalf("%d bytes", s.bytes)
	}
	s.remove(first)
	if !s.add(half("3")) || s.add(half("4")) {
		t.Errorf("%d bytes", s.bytes)
	}
}

func TestConsentTextIsPlain(t *testing.T) {
	for text, want := range map[string]string{
		"http://w.example/alice":            "http://w.example/alice",
		"Müller 東京 😀":                       "Müller 東京 😀",
		"a\u202egnp.exe\u202c":              "a�gnp.exe�",
		"\u2066a\u2069\u200e\u200f\u061c":   "�a����",
		"a\u200bb\u00adc\ufeffd\u2060e":     "a�b�c�d�e",
		"a\nb\tc\u2028d\u0000":              "a�b�c�d�",
		"a\xffb":                            "a�b",
		"a\u3164b\ufe0fc":                   "a�b�c",
		strings.Repeat("ä", 200):            strings.Repeat("ä", 200),
		strings.Repeat("ä", 200) + "hidden": strings.Repeat("ä", 200) + "…",
	} {
		if got := plainText(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
