package golang

import (
	"encoding/binary"
	"math/rand/v2"

	"open-payments-wasm/wasm/postlink/internal/protocol"
)

// RuntimeGenerators is how many generators Go's runtime has: the one that it starts with, and that of its only thread.
const RuntimeGenerators = 2

// FindRandomStates returns the addresses in memory of the states of ChaCha8 generators: wherever the
// numbers are those that come from the seed beside them.
func FindRandomStates(memory []byte) []uint32 {
	var found []uint32
	for at := 0; at+protocol.RandomState <= len(memory); at += 8 {
		state := memory[at : at+protocol.RandomState]
		counters := state[protocol.RandomBuffer+protocol.RandomSeed:]
		used, filled := binary.LittleEndian.Uint32(counters), binary.LittleEndian.Uint32(counters[4:])
		block := binary.LittleEndian.Uint32(counters[8:])
		if used > filled || filled == 0 || filled > protocol.RandomNumbers || block > 12 || block%4 != 0 {
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
	text := binary.BigEndian.AppendUint64([]byte("chacha8:"), uint64(block/4*protocol.RandomNumbers))
	var generator rand.ChaCha8
	if generator.UnmarshalBinary(append(text, state[protocol.RandomBuffer:protocol.RandomBuffer+protocol.RandomSeed]...)) != nil {
		return false
	}
	for i := range 4 {
		if generator.Uint64() != binary.LittleEndian.Uint64(state[i*8:]) {
			return false
		}
	}
	return true
}
