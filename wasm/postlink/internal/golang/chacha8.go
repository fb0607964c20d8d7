package golang

import (
	"encoding/binary"
	"math/rand/v2"
)

// RuntimeGenerators is how many generators Go's runtime has: the one that it starts with, and that of its only thread.
const RuntimeGenerators = 2

// The state of a generator as internal/chacha8rand keeps it: 32 numbers made at once, the seed, how
// many of the numbers are used, how many may be, and which block of the seed they are. Sizes are in bytes.
const (
	RandomBuffer = 32 * 8
	RandomSeed   = 4 * 8
	randomState  = RandomBuffer + RandomSeed + 3*4
)

// FindRandomStates returns the addresses in memory of the states of ChaCha8 generators: wherever the
// numbers are those that come from the seed beside them.
func FindRandomStates(memory []byte) []uint32 {
	var found []uint32
	for at := 0; at+randomState <= len(memory); at += 8 {
		state := memory[at : at+randomState]
		counters := state[RandomBuffer+RandomSeed:]
		used, filled := binary.LittleEndian.Uint32(counters), binary.LittleEndian.Uint32(counters[4:])
		block := binary.LittleEndian.Uint32(counters[8:])
		if used > filled || filled == 0 || filled > 32 || block > 12 || block%4 != 0 {
			continue
		}
		if isRandomState(state, block) {
			found = append(found, uint32(at))
		}
	}
	return found
}

func isRandomState(state []byte, block uint32) bool {
	// The form in which math/rand/v2 reads a state: how many numbers of the seed are used, and the seed.
	text := binary.BigEndian.AppendUint64([]byte("chacha8:"), uint64(block/4*32))
	var generator rand.ChaCha8
	if generator.UnmarshalBinary(append(text, state[RandomBuffer:RandomBuffer+RandomSeed]...)) != nil {
		return false
	}
	for i := range 4 {
		if generator.Uint64() != binary.LittleEndian.Uint64(state[i*8:]) {
			return false
		}
	}
	return true
}
