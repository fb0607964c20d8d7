package golang

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"open-payments-wasm/wasm/postlink/internal/protocol"
	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// randomStateOf returns the memory of a generator that has made so many blocks of numbers.
func randomStateOf(blocks int) []byte {
	generator := rand.NewChaCha8([32]byte([]byte("a seed of thirty-two bytes, as is")[:32]))
	for range (blocks - 1) * 32 {
		generator.Uint64()
	}
	text, _ := generator.MarshalBinary()
	var state []byte
	for range 32 {
		state = binary.LittleEndian.AppendUint64(state, generator.Uint64())
	}
	state = append(state, text[len(text)-protocol.RandomSeed:]...)
	for _, counter := range []uint32{3, 32, uint32(blocks-1) * 4} {
		state = binary.LittleEndian.AppendUint32(state, counter)
	}
	return state
}

func TestFindRandomStates(t *testing.T) {
	memory := make([]byte, 8192)
	copy(memory[8:], randomStateOf(1))
	copy(memory[1024:], randomStateOf(3))
	for at, change := range map[int]int{2048: 0, 3072: protocol.RandomBuffer, 4096: protocol.RandomState - 4} { // a number, the seed, the block
		copy(memory[at:], randomStateOf(2))
		memory[at+change] ^= 0x10
	}
	copy(memory[len(memory)-protocol.RandomState+8:], randomStateOf(1)) // cut off
	if found := FindRandomStates(memory); !slices.Equal(found, []uint32{8, 1024}) {
		t.Errorf("found at %v", found)
	}
}

func TestLiteralsBelongToWhatTheyStandIn(t *testing.T) {
	p := Program{Functions: wasm.Functions{Names: map[uint64]string{
		1: "main.run", 2: "main.run.func1", 3: "main.run.inlined.func2", 4: "main.run.gowrap1", 5: "main.T.funcs", 6: "other.func1",
	}}}
	for range 10 {
		literals := p.Literals()[1]
		slices.Sort(literals)
		if !slices.Equal(literals, []uint64{2, 3, 4}) {
			t.Fatal(literals)
		}
	}
}
