// Command jobs has the collector meet a goroutine that has not run yet. Its function is named in static data alone,
// and deferred.
package main

import "runtime"

var jobs = []func(){job}

var results = make(chan string, 1)

var kept []*int

//go:noinline
func job() { results <- "the job ran" }

func main() {
	runtime.GC() // starts the workers
	go jobs[0]()
	for range 1000 { // no goroutine has its turn meanwhile: who allocates does the collector's work
		kept = make([]*int, 1<<13)
	}
	println(<-results)
}
