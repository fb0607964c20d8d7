//go:build js && wasm

package jsbridge

import (
	"runtime"
	"strings"
	"testing"
)

func TestTasksRunInGoroutinesThatStay(t *testing.T) {
	ran := make(map[string]int)
	for range 100 {
		done := make(chan string)
		inGoroutine(func() {
			var stack [32]byte
			name, _, _ := strings.Cut(string(stack[:runtime.Stack(stack[:], false)]), "[")
			done <- name // such as "goroutine 7 "
		})
		ran[<-done]++
		runtime.Gosched() // it goes idle
	}
	if len(ran) > mostIdle {
		t.Errorf("got %v", ran)
	}
}

func TestAsManyTasksRunAtOnceAsThereAre(t *testing.T) {
	const many = 5 * mostIdle
	before := runtime.NumGoroutine()
	ran, end := make(chan int), make(chan bool)
	for i := range many {
		inGoroutine(func() {
			ran <- i
			<-end
		})
	}
	var sum int
	for range many {
		sum += <-ran
	}
	if sum != many*(many-1)/2 {
		t.Errorf("tasks that ran sum up to %d", sum)
	}
	close(end)
	for range 10 * many {
		runtime.Gosched()
	}
	if idle != mostIdle || runtime.NumGoroutine() > before {
		t.Errorf("%d are idle, %d goroutines are left, and %d were there before", idle, runtime.NumGoroutine(), before)
	}
}
