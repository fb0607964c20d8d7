package resourceserver

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const clients = 200

// With 200 clients at once, no account goes below zero, no grant is overspent, no quote is paid twice, no incoming payment
// gets more than its amount, and the sums of all assets stay zero, in both of two servers that pay each other.
func TestManyClientsAtOnce(t *testing.T) {
	here, there := peers(t, func(c *Config) {
		c.Wallets[0].Balance = 6_000
		c.Fee = Fee{Fixed: 1}
		var n atomic.Uint64
		c.Faults.Payment = func(PaymentInfo) PaymentFault {
			i := n.Add(1)
			return PaymentFault{Fail: i%5 == 0, Sent: i % 40}
		}
	})
	here.spender("limited", &Limits{DebitAmount: &Amount{"2000", "USD", 2}})
	narrow := here.expect(bob, amount("300", "EUR"))
	wide := []string{here.expect(bob, "").ID, here.expect(shop, "").ID, there.expect(peerBase+"/bob", "").ID}
	contested := here.quote(wide[1], `,"debitAmount":`+amount("7", "USD")).ID

	var all sync.WaitGroup
	var won, created atomic.Int64
	var mu sync.Mutex
	var limited []string
	for i := range clients {
		all.Go(func() {
			if here.pay("", contested).status == 201 {
				won.Add(1)
			}
			if quote := here.quote(narrow.ID, `,"receiveAmount":`+amount("20", "EUR")); quote.status == 201 {
				here.pay("", quote.ID)
			}
			quote := here.quote(wide[i%3], `,"debitAmount":`+amount("41", "USD"))
			if got := here.pay("limited", quote.ID); got.status == 201 {
				created.Add(1)
				mu.Lock()
				limited = append(limited, got.ID)
				mu.Unlock()
			}
			there.post("/op/outgoing-payments", "", fmt.Sprintf(`{"walletAddress":"%s/alice","incomingPayment":"%s","debitAmount":%s}`,
				peerBase, wide[i%2], amount("600", "USD")))
			here.get("/op/outgoing-payments?wallet-address="+alice, "")
		})
	}
	all.Wait()
	here.server.deliverDue()
	there.server.deliverDue()

	if won.Load() != 1 {
		t.Errorf("a quote was paid %d times", won.Load())
	}
	if got := here.get(narrow.ID, ""); got.ReceivedAmount.Value > "300" || len(got.ReceivedAmount.Value) > 3 {
		t.Errorf("more than expected: %s", got.text)
	}
	var spent uint64
	for _, id := range limited {
		got := here.get(id, "limited")
		value := got.DebitAmount
		if got.Failed {
			value = got.SentAmount
		}
		debit, _ := value.value()
		spent += debit
	}
	said, _ := here.get("/op/outgoing-payment-grant", "limited").SpentDebitAmount.value()
	if spent > 2000 || said != spent || created.Load() == 0 {
		t.Errorf("spent %d in %d payments, the server says %d; the limit is 2000", spent, created.Load(), said)
	}
	for _, f := range []*fixture{here, there} {
		for name := range f.server.wallets {
			if funds, available := f.server.Balance(name); available > funds {
				t.Errorf("%s has %d, %d available", name, funds, available)
			}
		}
		waiting := 0
		for p := range f.server.underWay {
			if p.hold != 0 {
				waiting++
			}
		}
		if holds := f.server.ledger.Holds(); holds != waiting {
			t.Errorf("%d holds for %d payments that wait", holds, waiting)
		}
	}
	if _, _, debt := there.server.ledger.Balance(there.server.peerAccounts[peerAsset{here.server, eur}]); debt == 0 {
		t.Error("the peer was not paid")
	}
}

func TestBytesAreBounded(t *testing.T) {
	f := start(t, func(c *Config) { c.MaxBytes = 1 << 20 })
	body := `{"walletAddress":"` + alice + `","metadata":{"x":"` + strings.Repeat("x", 60_000) + `"}}`
	n := 0
	for ; n < 100; n++ {
		if got := f.post("/op/incoming-payments", "", body); got.status != 201 {
			want(t, got, 503, "the server is full")
			break
		}
	}
	if n < 10 || n > 17 {
		t.Errorf("there was room for %d", n)
	}
	if held := f.server.Held(); held.Bytes > 1<<20 || held.IncomingPayments != n {
		t.Errorf("held: %+v", held)
	}
	f.clock.add(maxExpiry)
	want(t, f.post("/op/incoming-payments", "", body), 201, "")
	if held := f.server.Held(); held.IncomingPayments != 1 {
		t.Errorf("held: %+v", held)
	}
}

// A payment for which there is no room leaves nothing behind, and its quote can be paid later.
func TestAPaymentWithoutRoom(t *testing.T) {
	f := start(t, nil)
	quote := f.quote(f.expect(shop, "").ID, `,"debitAmount":`+amount("10", "USD"))
	before := f.server.Held()
	for _, room := range []int{0, overhead + 100} { // for nothing, and for the payment without what was spent
		f.server.config.MaxBytes = before.Bytes + room
		want(t, f.pay("", quote.ID), 503, "the server is full")
		if held := f.server.Held(); held != before {
			t.Errorf("held: %+v, before: %+v", held, before)
		}
		f.wantBalance("alice", 100_000, 100_000)
	}
	f.server.config.MaxBytes = defaultMaxBytes
	want(t, f.pay("", quote.ID), 201, "")
}

func TestOldThingsAreForgotten(t *testing.T) {
	f := start(t, nil)
	grant := *f.auth.grants["all"]
	grant.EndsAt = f.clock.Now().Add(maxExpiry)
	f.auth.grant("all", grant)
	for range 10 {
		expected := f.expect(shop, "")
		f.get(f.pay("", f.quote(expected.ID, `,"debitAmount":`+amount("10", "USD")).ID).ID, "")
		f.quote(expected.ID, `,"debitAmount":`+amount("10", "USD"))
	}
	f.server.deliverDue()
	held := f.server.Held()
	if held.Bytes < 40*overhead || held != (Held{10, 20, 10, 1, held.Bytes}) {
		t.Errorf("held: %+v", held)
	}
	f.clock.add(maxExpiry + f.server.config.Keep)
	if held := f.server.Held(); held != (Held{}) {
		t.Errorf("held after that: %+v", held)
	}
}
