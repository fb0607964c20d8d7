package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// knownTable is a constant of Go's, known by its content.
type knownTable struct {
	head []byte // how it begins
	size int
	sum  string // SHA-256
}

// p256Table holds multiples of P-256's generator (crypto/internal/fips140/nistec.p256PrecomputedEmbed). Nothing
// here signs with that curve, but Go's linker cannot know, and as numbers at random do not compress it
// would be an eighth of what a page downloads. What uses it leaves, and so it may. A Go that has another
// one keeps it.
var p256Table = knownTable{
	head: []byte{0x3c, 0x14, 0xa9, 0x18, 0xd4, 0x30, 0xe7, 0x79},
	size: 43 * 32 * 64,
	sum:  "a3a5d08c40939adb7c0e9e4f5b689721296130750ab4e38fe4543294c8dbbfe3",
}

// deferredTable returns a table that is in memory, unless functions that stay name it or a variable that
// points to it.
func (s *splitter) deferredTable(memory []byte, table knownTable) []segment {
	start := bytes.Index(memory, table.head)
	end := start + table.size
	if start < 0 || end > len(memory) {
		return nil
	}
	if sum := sha256.Sum256(memory[start:end]); hex.EncodeToString(sum[:]) != table.sum {
		return nil
	}
	names := func(constant uint64) bool {
		var value uint64
		isPointer := decodeAt(memory, constant, &value) && value == uint64(start)
		return isPointer || constant >= uint64(start) && constant < uint64(end)
	}
	for number, constants := range s.constants {
		if !s.isDeferred(number) && slices.ContainsFunc(constants, names) {
			return nil
		}
	}
	return []segment{{int64(start), bytes.Clone(memory[start:end])}}
}
