package functable

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/wasm"
)

const firstIndex = 4096

// described returns a memory with runtime.pcHeader, runtime.functab and a _func for each function: a number of pcdata and one of funcdata,
// or nothing for one that is deferred. Zeros are between some of them, as many as their number.
func described(functions ...[]byte) []byte {
	const start = 64
	memory := append(make([]byte, start), 0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8)
	header := []uint64{uint64(len(functions)), 0, 0, 0, 0, 0, 0, 72}
	memory, _ = binary.Append(memory, binary.LittleEndian, header)
	table := len(memory)
	memory = append(memory, make([]byte, 8*len(functions))...)
	for i, counts := range functions {
		index := uint32(firstIndex + i)
		binary.LittleEndian.PutUint32(memory[table+8*i:], index)
		if counts == nil {
			memory = append(memory, make([]byte, 4*i)...)
			continue
		}
		binary.LittleEndian.PutUint32(memory[table+8*i+4:], uint32(len(memory)-table))
		memory, _ = binary.Append(memory, binary.LittleEndian, []uint32{index, 7, 8, 0, 3, 0, 0, uint32(counts[0]), 0, 0})
		memory = append(memory, 5, 6, 0, counts[1])
		memory, _ = binary.Append(memory, binary.LittleEndian, slices.Repeat([]uint32{index}, int(counts[0])+int(counts[1])))
	}
	return append(memory, 0xff) // what follows stays
}

// moduleWith returns a module that exports its memory, with this in it.
func moduleWith(data wasm.Segment) wasm.Module {
	return wasm.Module{
		{ID: wasm.TypeSection, Content: []byte{0}},
		{ID: wasm.ImportSection, Content: []byte{0}},
		{ID: wasm.FunctionSection, Content: []byte{0}},
		{ID: wasm.MemorySection, Content: []byte{1, 0, 1}},
		{ID: wasm.ExportSection, Content: []byte{1, 3, 'm', 'e', 'm', 2, 0}},
		{ID: wasm.ElementSection, Content: []byte{0}},
		{ID: wasm.CodeSection, Content: []byte{0}},
		{ID: wasm.DataSection, Content: wasm.EncodeSegments([]wasm.Segment{data})},
	}
}

// A module starts with the same memory, in a real engine, whichever functions have a _func.
func TestLoopsWriteFunctab(t *testing.T) {
	many := slices.Repeat([][]byte{nil, nil, {0, 0}, nil, {4, 9}, {200, 255}}, 20)
	for name, functions := range map[string][][]byte{
		"one":                 {{2, 1}},
		"the last of some":    {nil, nil, nil, {0, 3}},
		"the first":           {{3, 0}, nil, nil},
		"all":                 slices.Repeat([][]byte{{3, 4}}, 200),
		"some of many":        many,
		"the first is not":    append([][]byte{nil}, many...),
		"two, far apart":      slices.Concat([][]byte{{1, 1}}, make([][]byte, 100), [][]byte{{1, 1}}),
		"the first two alone": {{0, 0}, {0, 0}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			module := moduleWith(wasm.Segment{Content: described(functions...)})
			smaller, count, err := CutFunctab(module)
			if err != nil {
				t.Fatal(err)
			}
			if count != uint64(len(functions)) {
				t.Errorf("%d functions were counted, and there are %d", count, len(functions))
			}
			if before, after := memoryInNode(t, module.Encode()), memoryInNode(t, smaller.Encode()); before != after {
				t.Error("the memory starts with something else")
			}
		})
	}
}

// Entries and table indices are gone from the data: equal _func are equal there, whichever functions they are of.
func TestFunctabIsCut(t *testing.T) {
	smaller, _, err := CutFunctab(moduleWith(wasm.Segment{Content: described(slices.Repeat([][]byte{{0, 0}}, 9)...)}))
	if err != nil {
		t.Fatal(err)
	}
	memory, err := smaller.Memory()
	if err != nil {
		t.Fatal(err)
	}
	const table, infos = 64 + 72, 64 + 72 + 9*golang.FunctabEntrySize
	if slices.ContainsFunc(memory[table:infos], func(b byte) bool { return b != 0 }) {
		t.Error("the data has entries")
	}
	for at := infos + golang.InfoSize; at < infos+9*golang.InfoSize; at += golang.InfoSize {
		if !slices.Equal(memory[at:at+golang.InfoSize], memory[infos:infos+golang.InfoSize]) {
			t.Errorf("the _func at %d is another", at)
		}
	}
}

// Both tables can be cut out, and then one start function writes both.
func TestBothTablesAreWritten(t *testing.T) {
	memory := described([]byte{1, 2}, nil, []byte{3, 4})
	memory = slices.Concat(memory, make([]byte, 4096), table(fewestFunctions), []byte{0xff})
	module := moduleWith(wasm.Segment{Content: memory})
	without, _, err := CutFindfunctab(module)
	if err != nil {
		t.Fatal(err)
	}
	if without, _, err = CutFunctab(without); err != nil {
		t.Fatal(err)
	}
	if before, after := memoryInNode(t, module.Encode()), memoryInNode(t, without.Encode()); before != after {
		t.Error("the memory starts with something else")
	}
}

func TestCutFunctabRefuses(t *testing.T) {
	const table = 64 + 72
	for name, test := range map[string]struct {
		change func(memory []byte)
		want   string
	}{
		"another version":        {func(m []byte) { m[64]++ }, "runtime.functab: no runtime.pcHeader is in the data section"},
		"more functions":         {func(m []byte) { m[64+8]++ }, "runtime.functab: the _func at table index 4096 is of another form"},
		"a count of no end":      {func(m []byte) { m[64+8+7]++ }, "runtime.functab: the _func at table index 4096 is of another form"},
		"an index twice":         {func(m []byte) { m[table+8]-- }, "runtime.functab: function 1 has table index 4096, where 4097 was expected"},
		"a _func in the table":   {func(m []byte) { m[table+4] = 8 }, "runtime.functab: the _func at table index 4096 is of another form"},
		"a _func beyond the end": {func(m []byte) { m[table+6] = 1 }, "runtime.functab: the _func at table index 4096 is of another form"},
		"another _func":          {func(m []byte) { m[table+3*8]++ }, "runtime.functab: the _func at table index 4096 is of another form"},
		"a _func twice":          {func(m []byte) { copy(m[table+8+4:table+8+8], m[table+4:]) }, "the _func at table index 4097 is of another form"},
		"too many pcdata":        {func(m []byte) { m[table+3*8+29] = 1 }, "the _func at table index 4096 is of another form"},
		"nothing":                {func(m []byte) { clear(m[table : table+3*8]); m[64+8] = 0 }, "runtime.functab: no function has a _func"},
	} {
		memory := described([]byte{1, 1}, []byte{1, 1}, []byte{1, 1})
		test.change(memory)
		if _, _, err := CutFunctab(moduleWith(wasm.Segment{Content: memory})); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}
