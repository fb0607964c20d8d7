package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"testing"
)

func TestTableLeavesWithWhatNamesIt(t *testing.T) {
	const start, variable = 64, 32
	content := bytes.Repeat([]byte("numbers at random "), 4)
	end := start + int64(len(content))
	sum := sha256.Sum256(content)
	table := knownTable{content[:8], len(content), hex.EncodeToString(sum[:])}
	memory := append(make([]byte, start), content...)
	memory = append(memory, 1, 2, 3)
	binary.LittleEndian.PutUint64(memory[variable:], start)
	constant := func(value int64) []byte { return append(appendSigned([]byte{opI64Const}, value), opDrop) }
	for name, test := range map[string]struct {
		memory []byte
		stays  []byte
		want   bool
	}{
		"only what leaves names it":     {memory, slices.Concat(constant(start-1), constant(end), constant(variable-8)), true},
		"what stays names it":           {memory, constant(start), false},
		"what stays names its last":     {memory, constant(end - 1), false},
		"what stays names its variable": {memory, constant(variable), false},
		"what stays adds it":            {memory, []byte{opI32Const, 0, opI64Load, 3, variable, opDrop}, false},
		"it is another":                 {bytes.Replace(memory, []byte("s at random"), []byte("s in a row "), 1), nil, false},
		"it is cut":                     {memory[:end-1], nil, false},
		"there is none":                 {make([]byte, 512), nil, false},
	} {
		functions := []goFunction{
			{"main.leaves", kindGo, slices.Concat(constant(start), constant(variable), []byte{opI32Const, 0})},
			{"main.stays", kindGo, slices.Concat(test.stays, []byte{opI32Const, 0})},
		}
		s, err := newSplitter(goModule("anything", functions))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.choose(only("main.stays")); err != nil {
			t.Fatal(err)
		}
		got := s.deferredTable(test.memory, table)
		if (len(got) == 1) != test.want {
			t.Errorf("%s: %v", name, got)
		}
		if test.want && (got[0].address != start || !bytes.Equal(got[0].content, content)) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
