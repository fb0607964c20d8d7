package payment_test

import (
	"testing"
	"testing/synctest"
	"time"

	"open-payments-wasm/pkg/openpayments/payment"
	"open-payments-wasm/pkg/sandbox"
)

func TestAPaymentFromStartToArrival(t *testing.T) { synctest.Test(t, testFromStartToArrival) }

func testFromStartToArrival(t *testing.T) {
	w := newWorld(t, sandbox.Config{PaymentDelay: 100 * time.Millisecond})
	started := w.start(w.order("order-4711"))
	if started.Redirect == "" || started.Quote.ReceiveAmount.Value != "1250" || started.Step != payment.StepInteract {
		t.Fatalf("%+v", started)
	}
	accepted := w.finish(started)
	if want := 8; len(w.party.requests()) != want {
		t.Errorf("%d requests, want %d: %v", len(w.party.requests()), want, w.party.requests())
	}
	var seen []payment.Progress
	arrived, err := w.client().Watch(t.Context(), accepted.ID, time.Minute, func(p payment.Progress) { seen = append(seen, p) })
	if err != nil {
		t.Fatal(err)
	}
	if arrived.ReceivedAmount.Value != "1250" || len(seen) < 2 {
		t.Errorf("received %v, seen %d", arrived.ReceivedAmount, len(seen))
	}
	w.wantPaid(1250, 1250)
}
