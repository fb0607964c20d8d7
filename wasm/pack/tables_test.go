package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

func TestTableLeavesWithWhatNamesIt(t *testing.T) {
	const start, variable = 64, 32
	content := bytes.Repeat([]byte("numbers at random "), 4)
	end := start + int64(len(content))
	sum := sha256.Sum256(content)
	table := knownTable{"nistec.p256PrecomputedEmbed", hex.EncodeToString(content[:8]), len(content), hex.EncodeToString(sum[:])}
	memory := append(make([]byte, start), content...)
	memory = append(memory, 1, 2, 3)
	binary.LittleEndian.PutUint64(memory[variable:], start)
	constant := func(value int64) []byte { return append(appendSigned([]byte{opI64Const}, value), opDrop) }
	for name, test := range map[string]struct {
		memory []byte
		stays  []byte
		want   string
	}{
		"only what leaves names it":     {memory, slices.Concat(constant(start-1), constant(end), constant(variable-8)), ""},
		"what stays names it":           {memory, constant(start), "main.stays, of the primary module, names nistec"},
		"what stays names its last":     {memory, constant(end - 1), "main.stays, of the primary module, names nistec"},
		"what stays names its variable": {memory, constant(variable), "main.stays, of"},
		"what stays adds it":            {memory, []byte{opI32Const, 0, opI64Load, 3, variable, opDrop}, "main.stays, of"},
		"it is another": {bytes.Replace(memory, []byte("s at random"), []byte("s in a row "), 1), nil,
			"nistec.p256PrecomputedEmbed at address 64 is another"},
		"it is cut":     {memory[:end-1], nil, "nistec.p256PrecomputedEmbed is not in the data section"},
		"there is none": {make([]byte, 512), nil, "nistec.p256PrecomputedEmbed is not in the data section"},
	} {
		functions := []goFunction{
			{"main.leaves", kindGo, slices.Concat(constant(start), constant(variable), []byte{opI32Const, 0})},
			{"main.stays", kindGo, slices.Concat(test.stays, []byte{opI32Const, 0})},
		}
		s, err := newSplitter(goModule("anything", append(functions, loop)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.choose(only("main.stays")); err != nil {
			t.Fatal(err)
		}
		got, err := s.deferTable(test.memory, table)
		if test.want != "" {
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || got.address != start || !bytes.Equal(got.content, content) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}
