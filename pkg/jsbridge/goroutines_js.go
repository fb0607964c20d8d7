//go:build js && wasm

package jsbridge

import "runtime"

// mostIdle is how many goroutines stay when they have nothing to do.
const mostIdle = 8

// tasks are for goroutines that have nothing to do. There is room for one for each: who sends never waits.
var tasks = make(chan func(), mostIdle)

// idle counts the goroutines that wait for a task, or are about to. mu guards it.
var idle int

// Some are there from the start, so that no first call makes one.
func init() {
	for range mostIdle {
		inGoroutine(func() {})
	}
	runtime.Gosched()
}

// inGoroutine runs a task in a goroutine that has run one before, or else in a new one: a new goroutine begins with a small stack, which
// would be copied a few times until a call fits into it.
func inGoroutine(task func()) {
	if takeIdle() {
		tasks <- task
		return
	}
	go runTasks(task)
}

// runTasks runs one task after the other. It keeps none that has ended, and nothing of JavaScript's with it.
func runTasks(task func()) {
	for growStack(0); ; growStack(0) {
		task()
		if !stayIdle() {
			return
		}
		task = <-tasks
	}
}

// growStack has the stack of a goroutine grow to what a call needs, while there is nothing on it to copy. A collection makes the stack of
// a goroutine that waits smaller, so each task begins with this.
//
//go:noinline
func growStack(at int) byte {
	var room [16 << 10]byte
	return room[at]
}

func takeIdle() bool {
	mu.Lock()
	defer mu.Unlock()
	if idle == 0 {
		return false
	}
	idle--
	return true
}

func stayIdle() bool {
	mu.Lock()
	defer mu.Unlock()
	if idle == mostIdle {
		return false
	}
	idle++
	return true
}
