package golang

import (
	"encoding/binary"
)

// runtime.findfunctab is with what Go finds the function of a program counter. For each 4 KiB of code it has a bucket: the
// index of the function that is there, and sixteen bytes for those that begin in between. On wasm every function takes 64 KiB
// of program counters, so it has sixteen buckets with its index and zeros.

// The form of runtime.findfunctab, in bytes and buckets.
const (
	BucketSize         = 20
	BucketsPerFunction = 16
	BucketRowSize      = BucketSize * BucketsPerFunction
)

// BucketRow returns the buckets of a function, which counts from 0.
func BucketRow(function int) []byte {
	row := make([]byte, BucketRowSize)
	for at := 0; at < BucketRowSize; at += BucketSize {
		binary.LittleEndian.PutUint32(row[at:], uint32(function))
	}
	return row
}
