package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// knownTable is a constant of Go's, known by its content.
type knownTable struct {
	name string
	head []byte // how it begins
	size int
	sum  string // SHA-256
}

// p256Table holds multiples of P-256's generator (crypto/internal/fips140/nistec.p256PrecomputedEmbed). Nothing
// here signs with that curve, but Go's linker cannot know, and as numbers at random do not compress it
// would be an eighth of what a page downloads. What uses it is deferred, and so it may be.
var p256Table = knownTable{
	name: "nistec.p256PrecomputedEmbed",
	head: []byte{0x3c, 0x14, 0xa9, 0x18, 0xd4, 0x30, 0xe7, 0x79},
	size: 43 * 32 * 64,
	sum:  "a3a5d08c40939adb7c0e9e4f5b689721296130750ab4e38fe4543294c8dbbfe3",
}

// deferTable returns where a table is in memory, unless functions of the primary module name it, or a variable that
// points to it.
func (s *splitter) deferTable(memory []byte, table knownTable) (segment, error) {
	start := bytes.Index(memory, table.head)
	end := start + table.size
	if start < 0 || end > len(memory) {
		return segment{}, fmt.Errorf("%s is not in the data section", table.name)
	}
	if sum := sha256.Sum256(memory[start:end]); hex.EncodeToString(sum[:]) != table.sum {
		return segment{}, fmt.Errorf("%s at address %d is another", table.name, start)
	}
	names := func(constant uint64) bool {
		var value uint64
		isPointer := decodeAt(memory, constant, &value) && value == uint64(start)
		return isPointer || constant >= uint64(start) && constant < uint64(end)
	}
	for i := range s.bodies {
		index := s.imported + uint64(i)
		if !s.isDeferred(index) && slices.ContainsFunc(s.constants[index], names) {
			return segment{}, fmt.Errorf("%s, of the primary module, names %s", s.names[index], table.name)
		}
	}
	return segment{int64(start), bytes.Clone(memory[start:end])}, nil
}
