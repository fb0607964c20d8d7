// Command clock measures time: a snapshot holds that of the build, and goes on from the time of the instance.
package main

import "time"

var started = make(chan bool, 1) // of the snapshot, as the runtime's own timers

func main() {
	begin := time.Now()
	timer := time.AfterFunc(20*time.Millisecond, func() { started <- true })
	<-started
	took := time.Since(begin)
	println(begin.Year() > 2000, took >= 20*time.Millisecond, took < time.Hour, timer.Stop())
	ticker, ticks := time.NewTicker(time.Millisecond), 0
	for range ticker.C {
		if ticks++; ticks == 5 {
			break
		}
	}
	select {
	case <-time.After(time.Hour):
		println("an hour has passed")
	case <-time.After(5 * time.Millisecond):
		println(ticks)
	}
}
