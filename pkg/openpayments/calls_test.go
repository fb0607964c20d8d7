package openpayments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/signedhttp"
)

var (
	at12 = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	five = Amount{"5", "USD", 2}
)

func raw(operation string) json.RawMessage { return json.RawMessage(good[operation]) }

func wantIncoming(text string, completed bool, received string, methods []PaymentMethod) IncomingPayment {
	return IncomingPayment{
		ID: payment, WalletAddress: address, Completed: completed, IncomingAmount: &Amount{"10", "USD", 2}, ReceivedAmount: Amount{received, "USD", 2},
		CreatedAt: at12, Methods: methods, Raw: json.RawMessage(text),
	}
}

func wantOutgoing(text string, failed bool, sent string, spent *Amount) OutgoingPayment {
	return OutgoingPayment{
		ID: server + "/outgoing-payments/1", WalletAddress: address, Failed: failed, Receiver: payment, ReceiveAmount: Amount{"4", "USD", 2},
		DebitAmount: five, SentAmount: Amount{sent, "USD", 2}, CreatedAt: at12, GrantSpentDebitAmount: spent, Raw: json.RawMessage(text),
	}
}

func wantQuote(operation string) *Quote {
	return &Quote{server + "/quotes/1", address, payment, Amount{"4", "EUR", 2}, five, "ilp", at12.Add(5 * time.Minute), at12, raw(operation)}
}

func pointer[T any](value T) *T { return &value }

// typed makes each operation with types: what is sent is what callOf sends, and with body.
var typed = map[string]struct {
	call func(context.Context, *Client) (any, error)
	body string
	want any
}{
	"walletAddress.get": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return c.WalletAddress(ctx, "$wallet.example/alice")
		},
		want: &WalletAddress{address, "Alice", "USD", 2, "https://as.example", server, raw("walletAddress.get")},
	},
	"walletAddress.getKeys": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.WalletAddressKeys(ctx, address) },
		want: &JWKS{[]JWK{{"k", "EdDSA", "", "OKP", "Ed25519", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}, raw("walletAddress.getKeys")},
	},
	"walletAddress.getDIDDocument": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.DIDDocument(ctx, address) },
		want: raw("walletAddress.getDIDDocument"),
	},
	"incomingPayment.get": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.IncomingPayment(ctx, payment, testToken) },
		want: pointer(wantIncoming(good["incomingPayment.get"], true, "5", []PaymentMethod{})),
	},
	"incomingPayment.getPublic": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.PublicIncomingPayment(ctx, payment) },
		want: &PublicIncomingPayment{&Amount{"10", "USD", 2}, "https://as.example", raw("incomingPayment.getPublic")},
	},
	"incomingPayment.create": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return c.CreateIncomingPayment(ctx, server, testToken, NewIncomingPayment{"$wallet.example/alice", &five, &at12, map[string]string{"a": "<b>"}})
		},
		body: `{"walletAddress":"` + address + `","incomingAmount":` + usd("5") + `,"expiresAt":"2026-11-28T12:00:00Z","metadata":{"a":"<b>"}}`,
		want: pointer(wantIncoming(good["incomingPayment.create"], false, "0", []PaymentMethod{{"ilp", "test.a.b", "c2Vj"}})),
	},
	"incomingPayment.complete": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return c.CompleteIncomingPayment(ctx, payment, testToken)
		},
		want: pointer(wantIncoming(good["incomingPayment.complete"], true, "5", nil)),
	},
	"incomingPayment.list": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return c.IncomingPayments(ctx, List{server, testToken, "$wallet.example/alice", Pagination{}})
		},
		want: &Page[IncomingPayment]{
			[]IncomingPayment{wantIncoming(incoming(`"completed":false`), false, "5", nil)}, PageInfo{"a", "b", false, false}, raw("incomingPayment.list"),
		},
	},
	"quote.get": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.Quote(ctx, server+"/quotes/1", testToken) },
		want: wantQuote("quote.get"),
	},
	"quote.create": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return c.CreateQuote(ctx, server, testToken, NewQuote{WalletAddress: "$wallet.example/alice", Receiver: payment, DebitAmount: &five})
		},
		body: `{"walletAddress":"` + address + `","receiver":"` + payment + `","method":"ilp","debitAmount":` + usd("5") + `}`,
		want: wantQuote("quote.create"),
	},
	"outgoingPayment.get": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return c.OutgoingPayment(ctx, server+"/outgoing-payments/1", testToken)
		},
		want: pointer(wantOutgoing(good["outgoingPayment.get"], false, "3", nil)),
	},
	"outgoingPayment.create": {
		call: func(ctx context.Context, c *Client) (any, error) {
			args := NewOutgoingPayment{WalletAddress: "$wallet.example/alice", QuoteID: server + "/quotes/1"}
			return c.CreateOutgoingPayment(ctx, server, testToken, args)
		},
		body: `{"walletAddress":"` + address + `","quoteId":"` + server + `/quotes/1"}`,
		want: pointer(wantOutgoing(good["outgoingPayment.create"], false, "0", &Amount{"0", "USD", 2})),
	},
	"outgoingPayment.list": {
		call: func(ctx context.Context, c *Client) (any, error) {
			return c.OutgoingPayments(ctx, List{server, testToken, address, Pagination{}})
		},
		want: &Page[OutgoingPayment]{
			[]OutgoingPayment{wantOutgoing(outgoing("5", "3", `,"failed":true`), true, "3", nil)},
			PageInfo{"a", "b", false, false}, raw("outgoingPayment.list"),
		},
	},
	"outgoingPayment.getGrantSpentAmounts": {
		call: func(ctx context.Context, c *Client) (any, error) { return c.GrantSpentAmounts(ctx, server, testToken) },
		want: &SpentAmounts{&Amount{"7", "USD", 2}, nil, raw("outgoingPayment.getGrantSpentAmounts")},
	},
}

func TestTypedCalls(t *testing.T) {
	for _, op := range Operations {
		t.Run(op.Name, func(t *testing.T) {
			test := typed[op.Name]
			client, server := newClient(t, responds(good[op.Name]))
			if got, err := test.call(t.Context(), client); err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, test.want)
			}
			sent := server.Requests()[0]
			if want := op.target(callOf(op)); sent.Method != op.Method || sent.Target != want || sent.Body != test.body {
				t.Errorf("%s %s %s, want %s", sent.Method, sent.Target, sent.Body, want)
			}
			client, _ = newClient(t, fake.Response{Status: 403, Body: `{"error":{"code":"403","description":"Inactive Token"}}`})
			got, err := test.call(t.Context(), client)
			if failure(t, err).Code != CodeInactiveToken || !reflect.ValueOf(got).IsNil() {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestBodiesThatCannotBeEncoded(t *testing.T) {
	client, server := newClient(t)
	_, err := client.CreateOutgoingPayment(t.Context(), "https://rs.example", testToken, NewOutgoingPayment{Metadata: make(chan int)})
	var argument *signedhttp.ArgumentError
	if !errors.As(err, &argument) || argument.Argument != "args" {
		t.Error(err)
	}
	server.WantRequests(0)
}

// What is decoded is what was checked.
func TestDecode(t *testing.T) {
	body := strings.Replace(good["incomingPayment.get"], `"completed":true`,
		`"Completed":true,"completed":true,"completed":false,"expiresAt":"tomorrow","IncomingAmount":{"value":"999"},`+
			`"metadata":{"n":12345678901234567890}`, 1)
	body = strings.Replace(body, `"assetScale":2`, `"assetScale":2.0,"AssetScale":9`, 1)
	client, _ := newClient(t, responds(body))
	got, err := client.IncomingPayment(t.Context(), payment, testToken)
	if err != nil {
		t.Fatal(err)
	}
	if got.Completed || *got.IncomingAmount != (Amount{"10", "USD", 2}) || !got.ExpiresAt.IsZero() ||
		string(got.Metadata) != `{"n":12345678901234567890}` {
		t.Errorf("%+v %+v", got, got.IncomingAmount)
	}
}

// Where nothing is checked, what is of another type is zero.
func TestDecodeOfAnyShape(t *testing.T) {
	for _, body := range []string{`[]`, `{"id":5,"completed":"yes","incomingAmount":7,"receivedAmount":[],"methods":{},"createdAt":0}`} {
		client, _ := newClient(t, responds(body))
		client.AcceptAnyShape = true
		got, err := client.IncomingPayment(t.Context(), payment, testToken)
		if err != nil || got.ID != "" || got.Completed || got.ReceivedAmount != (Amount{}) || len(got.Methods) > 0 || string(got.Raw) != body {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
}

// pages responds with payments a page at a time, in the order of their numbers.
func pages(t *testing.T, count int) (*Client, *fake.Server) {
	client, server := newClient(t)
	server.HandleWith(func(req *http.Request) (*http.Response, error) {
		from, size := 0, 2
		for parameter := range strings.SplitSeq(req.URL.Opaque[strings.Index(req.URL.Opaque, "?")+1:], "&") {
			_, _ = fmt.Sscanf(parameter, "cursor=c%d", &from)
			_, _ = fmt.Sscanf(parameter, "first=%d", &size)
		}
		to := min(from+size, count)
		var items []string
		for i := from; i < to; i++ {
			items = append(items, outgoing(fmt.Sprint(i+1), "0", ""))
		}
		const format = `{"pagination":{"endCursor":"c%d","hasNextPage":%t,"hasPreviousPage":true},"result":[%s]}`
		body := fmt.Sprintf(format, to, to < count, strings.Join(items, ","))
		return responds(body).HTTP(), nil
	})
	return client, server
}

func valuesOf(t *testing.T, payments iter.Seq2[*OutgoingPayment, error]) (values []string) {
	t.Helper()
	for payment, err := range payments {
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, payment.DebitAmount.Value)
	}
	return values
}

func TestAll(t *testing.T) {
	list := List{server, testToken, address, Pagination{}}
	for count, requests := range map[int]int{0: 1, 1: 1, 2: 1, 3: 2, 5: 3} {
		client, server := pages(t, count)
		got := valuesOf(t, client.AllOutgoingPayments(t.Context(), list))
		if want := []string{"1", "2", "3", "4", "5"}[:count]; !slices.Equal(got, want) {
			t.Errorf("%d: %v", count, got)
		}
		server.WantRequests(requests)
	}
	client, server := pages(t, 7)
	list.Pagination = Pagination{First: 3, Cursor: "c2"}
	all := client.AllOutgoingPayments(t.Context(), list)
	for range 2 { // each begins anew
		if got := valuesOf(t, all); !slices.Equal(got, []string{"3", "4", "5", "6", "7"}) {
			t.Error(got)
		}
	}
	server.WantRequests(4)
}

// The next page is asked for when it is wanted, and not when the loop stops.
func TestAllIsLazy(t *testing.T) {
	client, server := pages(t, 100)
	seen := 0
	for range client.AllOutgoingPayments(t.Context(), List{"https://rs.example", testToken, address, Pagination{}}) {
		seen++
		server.WantRequests((seen + 1) / 2)
		if seen == 4 {
			break
		}
	}
	server.WantRequests(2)
}

func TestAllEndsWithAnError(t *testing.T) {
	const nowhere = `{"pagination":{"hasNextPage":true,"hasPreviousPage":false},"result":[]}`
	endless := page1(incoming(`"completed":false`))
	list := List{server, testToken, address, Pagination{}}
	for name, test := range map[string]struct {
		list      List
		responses []fake.Response
		items     int
		want      string
	}{
		"no new cursor": {list, []fake.Response{responds(strings.Replace(endless, `"hasNextPage":false`, `"hasNextPage":true`, 1))}, 2, "invalid_response"},
		"no cursor":     {list, []fake.Response{responds(nowhere)}, 0, "invalid_response"},
		"refused":       {list, []fake.Response{{Status: 403, Body: `{"error":{"code":"403","description":"Inactive Token"}}`}}, 0, CodeInactiveToken},
		"last":          {List{server, testToken, address, Pagination{Last: 5, Cursor: "c"}}, nil, 0, `"last" is not for a whole list`},
	} {
		client, _ := newClient(t, test.responses...)
		items, errs := 0, []error(nil)
		for _, err := range client.AllIncomingPayments(t.Context(), test.list) {
			if err != nil {
				errs = append(errs, err)
			} else {
				items++
			}
		}
		if items != test.items || len(errs) != 1 || !strings.Contains(errs[0].Error(), test.want) {
			t.Errorf("%s: %d items, %v", name, items, errs)
		}
	}
}
