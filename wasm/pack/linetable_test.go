package main

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// lineTableOf returns a table in memory, as Go's linker writes it, from the tables that each function
// has: the first three are those that all have, and 0 is none. The first function is of the runtime.
func lineTableOf(firstPlace uint32, tables []byte, functions ...[]uint32) []byte {
	const names = 72
	const text = "\x00runtime.a\x00bcd\x00\x00"
	tablesAt := uint64(names + len(text))
	infosAt := tablesAt + uint64(len(tables)+7)/8*8
	memory := bytes.Clone(lineTableHead)
	for _, value := range []uint64{uint64(len(functions)), 0, 0, names, names, names, tablesAt, infosAt} {
		memory = binary.LittleEndian.AppendUint64(memory, value)
	}
	memory = append(memory, text...)
	memory = append(memory, tables...)
	memory = append(memory, make([]byte, infosAt-uint64(len(memory)))...)
	var list, infos []byte
	for i, offsets := range functions {
		list = binary.LittleEndian.AppendUint32(list, firstPlace+uint32(i))
		list = binary.LittleEndian.AppendUint32(list, uint32(8*len(functions)+len(infos)))
		name := uint32(11)
		if i == 0 {
			name = 1
		}
		info := functionInfo{Entry: firstPlace + uint32(i), Name: name, Frame: offsets[0], File: offsets[1], Line: offsets[2], PCData: uint32(len(offsets) - 3), FuncData: 1}
		infos, _ = binary.Append(infos, binary.LittleEndian, info)
		for _, offset := range append(offsets[3:], 0xdddddddd) { // the last is of FuncData
			infos = binary.LittleEndian.AppendUint32(infos, offset)
		}
	}
	return append(append(memory, list...), infos...)
}

func TestLinesLeave(t *testing.T) {
	tables := []byte{
		0,                      // none
		2, 1, 4, 0x81, 0x01, 0, // 1: one byte, then two
		0, 5, 6, 7, 0, // 7: a first change of 0 is no end
		8, 9, 0, // 12
		0x8a, 0x80, 0x80, 0x80, 0x10, 1, 0, // 15
	}
	const firstPlace = 4096
	memory := append(make([]byte, 64), lineTableOf(firstPlace, tables,
		[]uint32{1, 0, 12, 0},
		[]uint32{1, 7, 12, 15}, // leaves
		[]uint32{12, 12, 12},
		[]uint32{7, 7, 15}, // leaves
	)...)
	leaves := func(place int64) bool { return place == firstPlace+1 || place == firstPlace+3 }
	segments := leavingLines(memory, firstPlace, 4, leaves)
	const infos = 64 + 72 + 16 + 24 + 4*8
	part := func(start, end int64) segment { return segment{start, memory[start:end]} }
	want := []segment{
		part(64+72+11, 64+72+14), // a name
		part(64+72+16+7, 64+72+16+12),
		part(64+72+16+15, 64+72+16+22),
		part(infos+20, infos+28), // file and line of the first
		part(infos+52, infos+104),
		part(infos+108, infos+112), // the name of the third
		part(infos+124, infos+132),
		part(infos+152, int64(len(memory))),
	}
	if len(segments) != len(want) {
		t.Fatalf("got %v", segments)
	}
	for i := range want {
		if segments[i].address != want[i].address || !bytes.Equal(segments[i].content, want[i].content) {
			t.Errorf("%d: got %v, want %v", i, segments[i], want[i])
		}
	}

	for name, change := range map[string]func(memory []byte){
		"another version":         func(m []byte) { m[64]++ },
		"fewer functions":         func(m []byte) { m[64+8]-- },
		"functions elsewhere":     func(m []byte) { m[infos-8]++ },
		"infos that name another": func(m []byte) { m[infos]++ },
		"infos outside":           func(m []byte) { m[infos-1] = 0xff },
		"a table outside":         func(m []byte) { m[infos+4*4+3] = 0xff },
		"a table without an end":  func(m []byte) { copy(m[64+72+16+15:infos-4*8], bytes.Repeat([]byte{0x80}, 9)) },
	} {
		changed := bytes.Clone(memory)
		change(changed)
		if segments := leavingLines(changed, firstPlace, 4, leaves); segments != nil {
			t.Errorf("%s: %v", name, segments)
		}
	}
}
