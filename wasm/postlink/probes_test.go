package postlink_test

import (
	"testing"
)

// A collection may meet a goroutine before it has run. What its function may be is not only what code names.
func TestGoroutineOfADeferredFunctionIsCollected(t *testing.T) {
	folder := linked(t, compiled(t, "probes/jobs"), "-keep", rules(t, "keep * # but one", "cut main.job # runs first after a collection has met it"))
	if got, want := ran(t, folder), (outcome{output: "the job ran\n"}); got != want {
		t.Errorf("got %+v", got)
	}
}
