package payment_test

import (
	"net/http"
	"strings"
	"testing"

	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/sandbox"
	"open-payments-wasm/pkg/signedhttp"
)

// Who is paid, or the wallet that pays, may answer with something else than was ordered.
func TestWhatIsNotAsOrdered(t *testing.T) {
	const incoming, quotes = "POST op/incoming-payments", "POST op/quotes"
	more := strings.NewReplacer(`"value":"1250"`, `"value":"125000"`)
	without := strings.NewReplacer(`"incomingAmount":{"value":"1250","assetCode":"USD","assetScale":2},`, "")
	for name, wrong := range map[string]struct {
		of     string
		change *strings.Replacer
	}{
		"an incoming payment that asks for more": {incoming, more},
		"an incoming payment without an amount":  {incoming, without},
		"a quote that delivers more":             {quotes, more},
		"a quote to another receiver":            {quotes, strings.NewReplacer("/incoming-payments/", "/incoming-payments/other-")},
		"a quote of another wallet":              {quotes, strings.NewReplacer("/alice", "/bob")},
	} {
		test(t, name, sandbox.Config{}, func(w *world) {
			w.party.rewrite = func(_ *http.Request, name string, status int, body string) (int, string) {
				if name == wrong.of {
					body = wrong.change.Replace(body)
				}
				return status, body
			}
			started, err := w.client().Start(w.t.Context(), w.order("a"))
			w.wantCode(err, signedhttp.CodeShape)
			if started != nil {
				w.t.Error("it goes on")
			}
		})
	}
}

// Where nobody is asked, nobody sees what it costs.
func TestAKeptGrantPaysWhatWasOrdered(t *testing.T) {
	test(t, "and not what the receiver asks for", sandbox.Config{}, func(w *world) {
		w.keep(payLimits{ReceiveAmount: amount("1000000", "USD"), Interval: monthly})
		dear := w.expect(amount("125000", "USD"))
		w.party.rewrite = func(_ *http.Request, name string, status int, body string) (int, string) {
			if name == "POST op/incoming-payments" {
				id := openpayments.Read[openpayments.IncomingPayment]([]byte(body)).ID
				body = strings.NewReplacer(id, dear, `"value":"1250"`, `"value":"125000"`).Replace(body)
			}
			return status, body
		}
		_, err := w.client().Again(w.t.Context(), w.another("a"))
		w.wantPaid(0, 0)
		w.wantCode(err, signedhttp.CodeShape)
	})
}
