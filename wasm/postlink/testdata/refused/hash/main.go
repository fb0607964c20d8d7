// Command hash asks for random numbers in an initialiser, by a function that is inlined.
package main

import "hash/maphash"

var asked = maphash.MakeSeed()

func main() {
	println(maphash.String(asked, "text") == 1)
}
