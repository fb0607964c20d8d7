// Command collector runs finalizers and cleanups, in goroutines that the runtime begins in functions of its own, and lets memory grow:
// the write barrier can call nothing that waits.
package main

import (
	"runtime"
	"time"
	"weak"
)

type big struct {
	content [1 << 12]*big
	self    *big
}

var kept []*big

//go:noinline
func leave(finalized chan string) weak.Pointer[big] {
	one, other := new(big), new(big)
	runtime.SetFinalizer(one, func(b *big) { finalized <- "a finalizer" })
	runtime.AddCleanup(other, func(name string) { finalized <- name }, "a cleanup")
	return weak.Make(other)
}

func main() {
	println(runtime.NumGoroutine()) // the runtime's own do not count
	finalized := make(chan string, 2)
	pointer := leave(finalized)
	for i := range 200 {
		b := &big{}
		for j := range b.content {
			b.content[j] = b
		}
		if i%4 == 0 {
			kept = append(kept, b)
		}
	}
	copied := make([]big, 4)
	for i := range copied {
		copied[i] = *kept[i] // a bulk barrier
	}
	found := map[string]bool{}
	for len(found) < 2 {
		runtime.GC()
		select {
		case name := <-finalized:
			found[name] = true
		case <-time.After(10 * time.Millisecond):
		}
	}
	println(found["a finalizer"], found["a cleanup"], pointer.Value() == nil, copied[3].content[7] == kept[3], runtime.NumGoroutine())
}
