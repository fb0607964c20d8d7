// Package payment makes payments of Open Payments from the order to the arrival: two wallet addresses, the grants that need
// nobody, an incoming payment, a quote, the grant that a person approves, and the outgoing payment. Between Client.Start
// and Client.Finish the person is at the wallet and the program may be gone: each step is written into a Journal before
// the next is taken, and whoever comes back goes on from there.
//
// Money moves once. A payment is made from a quote, which servers accept once, with a token that is good for what the quote costs
// and no more; and after a request to pay whose outcome is not known, nothing is created before a look at the wallet's list of
// payments has succeeded.
//
// A refund is a payment the other way. A shop reads its own incoming payment: that a page says it has paid proves nothing.
//
// It is pure Go and knows no browser, over packages gnap and openpayments.
package payment

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/signedhttp"
)

// Client makes payments. It may be used by many goroutines at once.
type Client struct {
	// HTTP sends and signs the requests. Its key must be one that WalletAddress publishes.
	HTTP signedhttp.Client
	// WalletAddress is the URL of the client's own wallet address, by which servers find its keys.
	WalletAddress string
	// Journal is where payments are kept.
	Journal Journal
	// Grants is where grants are kept that pay more than once: for Order.Interval and Again alone, else nil.
	Grants Grants
	// UseHTTP asks http: where an address says https:, for wallets in development. HTTP.AllowHTTP must be set too.
	UseHTTP bool
}

// Order says what is to be paid. Of DebitAmount and ReceiveAmount one at most is there; a wallet address needs one.
type Order struct {
	// Key names the payment: of one key there is one payment in a Journal.
	Key string `json:"key"`
	// From is whose money it is: the URL of a wallet address, or a payment pointer ("$wallet.example/alice").
	From string `json:"from"`
	// To is who gets it: a wallet address like From, or the id of an incoming payment.
	To string `json:"to"`
	// DebitAmount is what leaves the wallet, fees included; ReceiveAmount is what arrives.
	DebitAmount   *openpayments.Amount `json:"debitAmount,omitempty"`
	ReceiveAmount *openpayments.Amount `json:"receiveAmount,omitempty"`
	// Metadata is a JSON object, as JSON.stringify writes it, or empty. It goes to the outgoing payment, and to the incoming
	// one that is made for it: both sides can read it.
	Metadata json.RawMessage `json:"metadata,omitempty"`
	// FinishURI is where the wallet sends the person back to (RFC 9635 §2.5.2): with http: on loopback only, or with
	// Client.UseHTTP, because the reference comes back with it.
	FinishURI string `json:"finishUri"`
	// Interval is a repeating interval (ISO 8601-1 §5.6: "R11/2026-12-01T00:00:00Z/P1M" is a month twelve times), or empty. With
	// one, the person approves a grant that may pay anybody, in each interval no more than DebitAmount or ReceiveAmount, of which one
	// must be there. Finish makes the first payment with it, and keeps it in Client.Grants under the name Key, for Again; unless
	// the server names no address to renew its token at.
	Interval string `json:"interval,omitempty"`
	// Grant is the name of the grant that pays, where no person needs to approve the payment: Again sets it.
	Grant string `json:"grant,omitempty"`
}

// Payment is what Start tells of a payment. Redirect is where the person approves it, empty where nobody needs to. Outgoing
// is nil until the wallet has accepted the payment.
type Payment struct {
	ID, Key   string
	Grant     string // the name of the grant that pays, of Again
	Step      Step
	To        string // these three are those of the order
	FinishURI string
	Metadata  json.RawMessage
	Began     time.Time
	Quote     *openpayments.Quote
	Redirect  string
	Outgoing  *openpayments.OutgoingPayment
}

const incomingPath = "/incoming-payments/"

// paysIncoming tells whether To is an incoming payment, and not a wallet address.
func (o *Order) paysIncoming() bool { return strings.Contains(o.To, incomingPath) }

// isSame tells whether another order under the same key is for the same payment. It may come from another page.
func (o *Order) isSame(other *Order) bool {
	return o.From == other.From && o.To == other.To && isSameJSON(o.Metadata, other.Metadata) && o.Interval == other.Interval &&
		isSameAmount(o.DebitAmount, other.DebitAmount) && isSameAmount(o.ReceiveAmount, other.ReceiveAmount)
}

// isSameJSON compares JSON by what it says, numbers as JavaScript reads them: a caller may write members in another order.
func isSameJSON(a, b json.RawMessage) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	x, errX := signedhttp.Decode(a)
	y, errY := signedhttp.Decode(b)
	return errX == nil && errY == nil && isSameValue(x, y)
}

func isSameValue(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, isObject := b.(map[string]any)
		for name, member := range a {
			if other, isThere := b[name]; !isThere || !isSameValue(member, other) {
				return false
			}
		}
		return isObject && len(a) == len(b)
	case []any:
		b, isArray := b.([]any)
		return isArray && slices.EqualFunc(a, b, isSameValue)
	}
	return a == b
}

func isSameAmount(a, b *openpayments.Amount) bool { return a == b || a != nil && b != nil && *a == *b }

// isNamed tells whether another order is for the payment of the same name: a key is one of its own for each kept grant.
func (o *Order) isNamed(other *Order) bool { return o.Key == other.Key && o.Grant == other.Grant }

// lock is the name under which one works on the payment alone.
func (o *Order) lock() string {
	if o.Grant == "" {
		return o.Key
	}
	return o.Grant + " " + o.Key
}

// check returns what can be said of an order before anything is sent: an *signedhttp.ArgumentError, or nil.
func (o *Order) check(allowHTTP bool) error {
	_, _, isTo := strings.Cut(o.To, incomingPath)
	for _, argument := range []struct{ name, problem string }{
		{"key", missing(o.Key)},
		{"from", addressProblem(o.From, allowHTTP)},
		{"to", addressProblem(o.To, allowHTTP)},
		{"finishUri", o.finishProblem(allowHTTP)},
		{"interval", intervalProblem(o.Interval)},
		{"debitAmount", amountProblem(o.DebitAmount)},
		{"receiveAmount", amountProblem(o.ReceiveAmount)},
		{"metadata", metadataProblem(o.Metadata)},
	} {
		if argument.problem != "" {
			return &signedhttp.ArgumentError{Argument: argument.name, Problem: argument.problem}
		}
	}
	switch {
	case o.DebitAmount != nil && o.ReceiveAmount != nil:
		return &signedhttp.ArgumentError{Argument: "debitAmount", Problem: "must not be given together with receiveAmount"}
	case o.DebitAmount == nil && o.ReceiveAmount == nil && o.Interval != "":
		problem := "must be given, or debitAmount: what may be paid in each interval"
		return &signedhttp.ArgumentError{Argument: "receiveAmount", Problem: problem}
	case o.DebitAmount == nil && o.ReceiveAmount == nil && !isTo && o.Grant != "":
		return &signedhttp.ArgumentError{Argument: "debitAmount", Problem: "must be given: a wallet address asks for no amount"}
	case o.DebitAmount == nil && o.ReceiveAmount == nil && !isTo:
		problem := "must be given, or debitAmount: a wallet address asks for no amount"
		return &signedhttp.ArgumentError{Argument: "receiveAmount", Problem: problem}
	}
	return nil
}

func missing(text string) string {
	if text == "" {
		return "must not be empty"
	}
	return ""
}

func addressProblem(address string, allowHTTP bool) string {
	return signedhttp.CheckURL(address, allowHTTP)
}

// hasZone tells whether the host of an address is one with a zone, or escaped. net/url would keep the zone in a table of its own, which
// is no part of a program for browsers.
func hasZone(address string) bool {
	_, authority, _ := strings.Cut(address, "://")
	if end := strings.IndexAny(authority, "/?#"); end >= 0 {
		authority = authority[:end]
	}
	return strings.Contains(authority, "%")
}

func (o *Order) finishProblem(allowHTTP bool) string {
	if o.Grant != "" { // nobody comes back
		return ""
	}
	if hasZone(o.FinishURI) {
		return "must be a URL that browsers take: none has a zone"
	}
	parsed, err := url.Parse(o.FinishURI)
	switch {
	case err != nil || !parsed.IsAbs():
		return "must be an absolute URL: where the wallet sends the person back to"
	case parsed.Scheme == "javascript" || parsed.Scheme == "data" || parsed.Scheme == "blob" || parsed.User != nil:
		return "must be the URL of a page of yours, without a user name"
	case parsed.Scheme == "http": // the reference and the hash come back with it
		return addressProblem(o.FinishURI, allowHTTP)
	}
	return ""
}

func amountProblem(amount *openpayments.Amount) string {
	if amount == nil {
		return ""
	}
	if number, err := amount.Units(); err != nil || number == 0 {
		return "must have a value above 0, an unsigned 64-bit integer as text"
	}
	return ""
}

func metadataProblem(metadata json.RawMessage) string {
	if len(metadata) > 0 && !json.Valid(metadata) || len(metadata) > 0 && metadata[0] != '{' {
		return "must be a JSON object"
	}
	// Lists of payments repeat it, within other objects, and what is nested deeper cannot be read.
	if _, err := signedhttp.Decode([]byte("[[[[[[" + string(metadata) + "]]]]]]")); len(metadata) > 0 && err != nil {
		return "must not be nested deeper than 250 levels"
	}
	return ""
}

func (c *Client) resources() *openpayments.Client { return &openpayments.Client{Client: c.HTTP} }

func (c *Client) grants() *gnap.Client { return &gnap.Client{Client: c.HTTP} }

// at returns an address as it is asked.
func (c *Client) at(address string) string {
	if rest, isHTTPS := strings.CutPrefix(address, "https://"); isHTTPS && c.UseHTTP {
		return "http://" + rest
	}
	return address
}

// together runs tasks at once and returns the first failure among them, which ends the others.
func together(ctx context.Context, tasks ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	results := make(chan error, len(tasks))
	for _, task := range tasks {
		go func() { results <- protect(func() error { return task(ctx) }) }()
	}
	var first error
	for range tasks {
		if err := <-results; err != nil && first == nil {
			first = err
			cancel(err)
		}
	}
	return first
}

// now is in milliseconds since 1970.
func now() int64 { return time.Now().UnixMilli() }
