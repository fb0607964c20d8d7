// Command values computes with numbers of all sizes: the peephole pass computes in 32 bits what Go's compiler computes in 64, and moves
// what is added to an address into the instruction that uses it.
package main

import "math/bits"

type numbers struct {
	a int8
	b uint16
	c int32
	d uint32
	e int64
	f [70000]byte
	g float64
}

var hash uint64 = 14695981039346656037

func mix[T ~int8 | ~uint16 | ~int32 | ~uint32 | ~int64 | ~uint64 | ~int](value T) {
	hash = (hash ^ uint64(value)) * 1099511628211
}

//go:noinline
func compute(n *numbers, i int, x, y uint32, s int32) {
	n.f[i], n.f[i+60000] = byte(x), byte(y)
	n.a, n.b, n.c, n.d, n.e = int8(x), uint16(y), s, x+y, int64(s)*int64(y)
	mix(n.a)
	mix(n.b)
	mix(n.c << (x % 40))
	mix(n.d >> (y % 40))
	mix(n.e + int64(n.f[i])*int64(n.f[i+60000]))
	mix(int(int32(x) - int32(y)))
	mix(uint32(uint64(x) * uint64(y)))
	mix(bits.RotateLeft32(x, int(s)))
	n.g = float64(s) / float64(y+1)
	mix(int64(n.g))
	mix(uint32(n.g * 1000))
	if !(x < y) != (s >= 0) && !(uint64(x)<<32 > uint64(y)) {
		mix(s)
	}
	if y != 0 {
		mix(int64(s) / int64(y))
		mix(x % y)
	}
}

func main() {
	n := new(numbers)
	edges := []uint32{0, 1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 2, 1<<32 - 1}
	for i, x := range edges {
		for _, y := range edges {
			for _, s := range edges {
				compute(n, i*599, x, y, int32(s))
			}
		}
	}
	println(hash)
}
