package resourceserver

import (
	"strings"
	"testing"
)

func TestWalletAddress(t *testing.T) {
	f := start(t, nil)
	document := `{"id":"https://wallet.example/alice","publicName":"Alice","assetCode":"USD","assetScale":2,` +
		`"authServer":"https://wallet.example/auth/","resourceServer":"https://wallet.example/op"}`
	for _, test := range []struct {
		path, accept string
		status       int
		text         string
	}{
		{"/alice", "", 200, document},
		{"/alice", "*/*", 200, document},
		{"/alice", "application/json", 200, document},
		{"/Alice", "application/*;q=0.5", 200, document},
		{"/alice/", "", 200, document},
		{"/ALICE/?x=1", "", 200, document},
		{"/alice", "text/html", 406, ""},
		{"/alice", "application/json;q=0", 406, ""},
		{"/bob", "", 200, ""},
		{"/carol", "", 404, ""},
		{"/alice/jwks.json", "", 200, `{"keys":[]}`},
		{"/alice/did.json", "", 404, ""},
		{"/alice/other", "", 404, ""},
		{"/", "", 404, ""},
	} {
		got := f.send(request{method: "GET", path: test.path, accept: test.accept, noToken: true})
		if got.status != test.status || (test.text != "" && got.text != test.text) {
			t.Errorf("%s %s: %d %s", test.path, test.accept, got.status, got.text)
		}
		if test.status >= 400 && got.Error == nil {
			t.Errorf("%s: %s", test.path, got.text)
		}
	}
	if got := f.send(request{method: "GET", path: "/alice", accept: "application/spsp4+json", noToken: true}); got.status != 200 ||
		!strings.Contains(got.text, `"destination_account":"test.sandbox.`) {
		t.Errorf("SPSP: %d %s", got.status, got.text)
	}
	if got := f.get("/bob", ""); !strings.Contains(got.text, `"publicName":"bob"`) {
		t.Errorf("without a public name: %s", got.text)
	}
}

func TestNewRefusesWalletsThatCannotBe(t *testing.T) {
	for name, wallets := range map[string][]Wallet{
		"upper case": {{Name: "Alice"}},
		"slash":      {{Name: "a/b"}},
		"twice":      {{Name: "alice"}, {Name: "alice"}},
		"too much":   {{Name: "alice", Balance: 1 << 63}, {Name: "bob", Balance: 1 << 63}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			start(t, func(c *Config) { c.Wallets = wallets })
		})
	}
}
