// Command stacks has stacks grow and be collected while they hold pointers: what a stack is read with are the frame, the stack maps and
// the stack objects of its functions (golang.Pclntab).
package main

import "runtime"

type node struct {
	next  *node
	value int
}

//go:noinline
func descend(depth int, above *node) int {
	var frame [8]*node // pointers in the frame, into the heap and into the stack
	own := node{above, depth}
	for i := range frame {
		frame[i] = &node{&own, i}
	}
	if depth%500 == 0 {
		runtime.GC()
	}
	sum := 0
	if depth > 0 {
		sum = descend(depth-1, frame[depth%8])
	}
	for i, n := range frame {
		sum += n.value - i + n.next.value
	}
	return sum
}

func main() {
	println(descend(3000, nil))
	results := make(chan int)
	for i := range 8 {
		go func() { results <- descend(100+i*200, &node{nil, i}) }()
	}
	sum := 0
	for range 8 {
		sum += <-results
	}
	println(sum)
}
