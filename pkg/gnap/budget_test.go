//go:build !race

package gnap

import (
	"context"
	"testing"

	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/signedhttp"
)

// The budget does not depend on the clock: every allocation costs time, and more of it in a browser.
func TestAllocationBudget(t *testing.T) {
	const budget = 195
	client := &Client{Client: signedhttp.Client{Transport: fake.Fixed{}, Key: fake.Instant, SingleFlight: &signedhttp.SingleFlight{}}}
	allocations := testing.AllocsPerRun(100, func() {
		if _, err := client.Continue(context.Background(), testURI, testToken, "36558ac2"); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > budget {
		t.Errorf("a continuation takes %.0f allocations, and %d are its budget. What grew: "+
			"go test -run '^$' -bench ContinueShared -memprofile mem.out ./pkg/gnap && go tool pprof -sample_index=alloc_objects -top mem.out",
			allocations, budget)
	}
	if allocations < budget*4/5 {
		t.Errorf("a continuation takes only %.0f allocations: lower the budget of %d, so that it keeps its meaning", allocations, budget)
	}
}
