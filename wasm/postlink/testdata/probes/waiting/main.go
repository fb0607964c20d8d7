// Command waiting switches between goroutines at calls of functions that are deferred, while timers are due: a placeholder waits as a
// goroutine does (golang.Program), and JavaScript holds back what would enter Go meanwhile.
package main

import (
	"sync"
	"time"
)

type message struct {
	from, number int
	answer       chan int
}

//go:noinline
func serve(in chan message, stop chan bool, wait *sync.WaitGroup) {
	defer wait.Done()
	for {
		select {
		case m := <-in:
			m.answer <- m.number * m.from
		case <-stop:
			return
		}
	}
}

//go:noinline
func ask(in chan message, from int, sum *int, lock *sync.Mutex) {
	answer := make(chan int)
	for i := range 50 {
		if i%10 == from {
			time.Sleep(time.Millisecond)
		}
		in <- message{from, i, answer}
		lock.Lock()
		*sum += <-answer
		lock.Unlock()
	}
}

func main() {
	late := time.AfterFunc(0, func() { println("a timer that was due") })
	in, stop := make(chan message), make(chan bool)
	var servers, callers sync.WaitGroup
	var lock sync.Mutex
	sum := 0
	for range 3 {
		servers.Add(1)
		go serve(in, stop, &servers)
	}
	for from := range 10 {
		callers.Go(func() { ask(in, from, &sum, &lock) })
	}
	callers.Wait()
	close(stop)
	servers.Wait()
	println(sum, late.Stop())
	once := sync.OnceValue(func() int { return sum / 2 })
	println(once() + once())
}
