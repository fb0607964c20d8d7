package main

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Go keeps a description of every function in memory: how large its frame is, where in it pointers
// are, what it is called, which line an instruction comes from (runtime.pclntab). The runtime looks at
// the first two while the function is on a stack. So those of a function that leaves may leave too;
// what it shares with those that stay does not. Names and lines are for the text of a panic, which the
// rest writes: all of them leave, but for the runtime's names, by which it knows its own goroutines.
// Where another Go lays this out otherwise nothing of it leaves.

// lineTableHead is the start of runtime.pcHeader: its version, the size of an instruction and of a
// pointer.
var lineTableHead = []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}

// lineTableHeader is what follows in runtime.pcHeader, as far as it is needed. Offsets are from its start.
type lineTableHeader struct {
	Functions, Files, Text                 uint64
	Names, Units, FileNames, Tables, Infos uint64
}

// functionInfo is runtime._func. What follows it are PCData offsets of further tables and FuncData
// offsets of what is elsewhere.
type functionInfo struct {
	Entry, Name, Args, DeferReturn uint32
	Frame, File, Line              uint32 // offsets of tables
	PCData                         uint32
	Unit, StartLine                uint32
	ID, Flag, _, FuncData          uint8
}

const (
	functionInfoSize = 11 * 4
	nameField        = 1 * 4 // 0 is none, as in the others
	fileField        = 5 * 4
	lineField        = 6 * 4
)

// lineTable is runtime.pclntab in memory, and the byte ranges that functions have of it.
type lineTable struct {
	memory        []byte // from the header on
	address       int64
	header        lineTableHeader
	stays, leaves []bool // by byte: what stays does not leave
}

// leavingLines returns the parts of the memory that describe only functions that leave: those at the
// places for which leaves is true.
func leavingLines(memory []byte, firstPlace int64, functions int, leaves func(place int64) bool) []segment {
	for at := 0; ; at += 8 {
		next := bytes.Index(memory[at:], lineTableHead)
		if next < 0 {
			return nil
		}
		at += next
		t := lineTable{memory: memory[at:], address: int64(at)}
		if at%8 == 0 && t.read(firstPlace, uint64(functions), leaves) {
			return t.leavingSegments()
		}
		at &^= 7
	}
}

// read marks what each function has. It returns false where this is no table of those functions.
func (t *lineTable) read(firstPlace int64, functions uint64, leaves func(place int64) bool) bool {
	header := t.at(uint64(len(lineTableHead)), uint64(binary.Size(t.header)))
	if header == nil {
		return false
	}
	if _, err := binary.Decode(header, binary.LittleEndian, &t.header); err != nil || t.header.Functions != functions {
		return false
	}
	t.stays, t.leaves = make([]bool, len(t.memory)), make([]bool, len(t.memory))
	for i := range functions {
		entry := t.at(t.header.Infos+8*i, 8) // where the function is, and where its info is
		if entry == nil || int64(binary.LittleEndian.Uint32(entry)) != firstPlace+int64(i) {
			return false
		}
		marks := t.stays
		if leaves(firstPlace + int64(i)) {
			marks = t.leaves
		}
		if !t.mark(marks, t.header.Infos+uint64(binary.LittleEndian.Uint32(entry[4:])), uint32(firstPlace)+uint32(i)) {
			return false
		}
	}
	return true
}

// mark marks the info at an offset and the tables that it names.
func (t *lineTable) mark(marks []bool, offset uint64, place uint32) bool {
	var info functionInfo
	content := t.at(offset, functionInfoSize)
	if content == nil {
		return false
	}
	if _, err := binary.Decode(content, binary.LittleEndian, &info); err != nil || info.Entry != place {
		return false
	}
	further := t.at(offset+functionInfoSize, 4*uint64(info.PCData))
	if further == nil {
		return false
	}
	size := functionInfoSize + 4*uint64(info.PCData) + 4*uint64(info.FuncData)
	fill(marks, offset, size, true)
	tables := []uint32{info.Frame}
	for i := range info.PCData {
		tables = append(tables, binary.LittleEndian.Uint32(further[4*i:]))
	}
	return t.markName(offset, info.Name) && t.markTables(marks, tables...) &&
		t.markField(offset+fileField) && t.markField(offset+lineField) && t.markTables(t.leaves, info.File, info.Line)
}

// markField marks a field of an info as one that leaves: until the rest is there it is 0.
func (t *lineTable) markField(at uint64) bool {
	fill(t.leaves, at, 4, true)
	fill(t.stays, at, 4, false)
	return true
}

func (t *lineTable) markName(info uint64, name uint32) bool {
	start := t.header.Names + uint64(name)
	if start > uint64(len(t.memory)) {
		return false
	}
	length := bytes.IndexByte(t.memory[start:], 0)
	if length < 0 {
		return false
	}
	if bytes.HasPrefix(t.memory[start:], []byte("runtime.")) {
		fill(t.stays, start, uint64(length), true)
		return true
	}
	fill(t.leaves, start, uint64(length), true)
	return t.markField(info + nameField)
}

func (t *lineTable) markTables(marks []bool, tables ...uint32) bool {
	for _, table := range tables {
		if table == 0 {
			continue // none
		}
		start := t.header.Tables + uint64(table)
		size, ok := t.tableSize(start)
		if !ok {
			return false
		}
		fill(marks, start, size, true)
	}
	return true
}

// tableSize returns the size of a table of values by program counter: pairs of varints, of which the
// first is how much the value changes. Only in the first pair that may be 0, else it is the end.
func (t *lineTable) tableSize(start uint64) (size uint64, ok bool) {
	if start >= t.header.Infos || t.header.Infos > uint64(len(t.memory)) {
		return 0, false
	}
	rest := t.memory[start:t.header.Infos]
	for pair := 0; ; pair++ {
		change, length := binary.Uvarint(rest)
		if length <= 0 {
			return 0, false
		}
		rest = rest[length:]
		if change == 0 && pair > 0 {
			return t.header.Infos - start - uint64(len(rest)), true
		}
		if _, length = binary.Uvarint(rest); length <= 0 {
			return 0, false
		}
		rest = rest[length:]
	}
}

func (t *lineTable) at(offset, size uint64) []byte {
	if offset > uint64(len(t.memory)) || size > uint64(len(t.memory))-offset {
		return nil
	}
	return t.memory[offset : offset+size]
}

func fill(marks []bool, start, size uint64, mark bool) {
	for i := start; i < start+size && i < uint64(len(marks)); i++ {
		marks[i] = mark
	}
}

// leavingSegments returns what only functions that leave have.
func (t *lineTable) leavingSegments() []segment {
	var segments []segment
	for start := 0; start < len(t.leaves); {
		if !t.leaves[start] || t.stays[start] {
			start++
			continue
		}
		end := start
		for end < len(t.leaves) && t.leaves[end] && !t.stays[end] {
			end++
		}
		segments = append(segments, segment{t.address + int64(start), slices.Clone(t.memory[start:end])})
		start = end
	}
	return segments
}
