// Command random prints random numbers, of which every instance has its own: the generators of the runtime get new seeds after
// the snapshot (golang.FindRandomStates).
package main

import (
	"hash/maphash"
	"math/rand/v2"
)

func main() {
	var hash maphash.Hash
	println(rand.Uint64(), rand.Uint64(), hash.Sum64())
	order := ""
	for name := range map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9} {
		order += name
	}
	println(order)
}
