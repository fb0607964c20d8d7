// Command generator has a generator that it seeds on purpose.
package main

import "math/rand/v2"

var asked = rand.NewChaCha8([32]byte{1, 2, 3})

func init() { asked.Uint64() }

func main() {
	println(asked.Uint64() == 1)
}
