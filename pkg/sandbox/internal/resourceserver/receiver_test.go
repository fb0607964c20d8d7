package resourceserver

import (
	"testing"
)

const peerBase = "https://peer.example"

// peers returns two servers that know each other, each with the same wallets.
func peers(t *testing.T, change func(*Config)) (here, there *fixture) {
	here, there = startAt(t, base, change), startAt(t, peerBase, nil)
	here.server.AddPeer(peerBase+"/op/", there.server)
	there.server.AddPeer(base+"/op", here.server)
	return here, there
}

func TestPayAPeer(t *testing.T) {
	here, there := peers(t, func(c *Config) { c.Fee = Fee{Fixed: 3} })
	expected := there.expect(peerBase+"/bob", amount("800", "EUR"))
	quote := here.quote(expected.ID, "")
	want(t, quote, 201, "")
	made := here.pay("", quote.ID)
	want(t, made, 201, "")
	wantAmount(t, "what is sent", here.get(made.ID, "").SentAmount, "1000", usd)
	got := there.get(expected.ID, "")
	wantAmount(t, "what is received", got.ReceivedAmount, "800", eur)
	if !got.Completed {
		t.Errorf("%s", got.text)
	}
	here.wantBalance("alice", 100_000-1003, 100_000-1003)
	there.wantBalance("bob", 100_800, 100_800)
	there.wantBalance("alice", 100_000, 100_000)
	// Each has an account for the other: this one owes, and that one is owed.
	if owed, _, _ := here.server.ledger.Balance(here.server.peerAccounts[peerAsset{there.server, usd}]); owed != 1000 {
		t.Errorf("this server owes %d", owed)
	}
	if _, _, debt := there.server.ledger.Balance(there.server.peerAccounts[peerAsset{here.server, eur}]); debt != 800 {
		t.Errorf("the other is owed %d", debt)
	}
	want(t, here.quote(expected.ID, ""), 400, "invalid receiver")
	want(t, here.quote(peerBase+"/op/incoming-payments"+anID, ""), 400, "invalid receiver")
	want(t, here.quote(peerBase+"/op/incoming-payments/1", ""), 400, "invalid receiver")
}

func TestAPaymentToAPeerFailsInPart(t *testing.T) {
	here, there := peers(t, func(c *Config) {
		c.Faults.Payment = func(PaymentInfo) PaymentFault { return PaymentFault{Fail: true, Sent: 500} }
	})
	expected := there.expect(peerBase+"/bob", amount("800", "EUR"))
	made := here.pay("", here.quote(expected.ID, "").ID)
	if got := here.get(made.ID, ""); !got.Failed || got.SentAmount.Value != "500" {
		t.Errorf("%s", got.text)
	}
	here.wantBalance("alice", 99_500, 99_500)
	wantAmount(t, "what is received", there.get(expected.ID, "").ReceivedAmount, "400", eur)
}

func TestReceiveTakesNoMoreThanIsExpected(t *testing.T) {
	here, there := peers(t, nil)
	id := func(r reply) string { return r.ID[len(r.ID)-36:] }
	expected := id(there.expect(peerBase+"/bob", amount("100", "EUR")))
	for i, test := range []struct {
		id            string
		amount, taken uint64
	}{{expected, 60, 60}, {expected, 60, 40}, {expected, 1, 0}, {anID[1:], 1, 0}, {id(there.expect(peerBase+"/bob", "")), 0, 0}} {
		if taken := there.server.Receive(here.server, test.id, test.amount); taken != test.taken {
			t.Errorf("%d: took %d of %d", i, taken, test.amount)
		}
	}
	there.wantBalance("bob", 100_100, 100_100)

	open, closed := id(there.expect(peerBase+"/bob", "")), id(there.expect(peerBase+"/bob", ""))
	want(t, there.post("/op/incoming-payments/"+closed+"/complete", "", ""), 200, "")
	if taken := there.server.Receive(here.server, closed, 1); taken != 0 {
		t.Errorf("a completed payment took %d", taken)
	}
	there.server.Receive(here.server, open, 1)
	there.clock.add(maxExpiry)
	if taken := there.server.Receive(here.server, open, 1); taken != 0 {
		t.Errorf("an expired payment took %d", taken)
	}
}
