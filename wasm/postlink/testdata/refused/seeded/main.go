// Command seeded begins a goroutine in an initialiser that asks for random numbers, and waits for it.
package main

import "math/rand/v2"

var number uint64

func init() {
	asked := make(chan uint64, 1)
	go func() { asked <- rand.Uint64() }()
	number = <-asked
}

func main() {
	println(number == 1)
}
