package main

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Go keeps a description of every function in memory: how large its frame is, where in it pointers
// are, what it is called, which line an instruction comes from (runtime.pclntab and go:func.*). The
// runtime looks at the first two while the function is on a stack, and at the name of the first on a
// stack, by which it knows its own goroutines. The others are for the text of a panic: functions that
// leave read them (describers, in split.go). So of a function that leaves all of it may leave too, and
// of one that stays everything but frame and pointers; what several share stays if one of them keeps it.
// Where another Go lays this out otherwise nothing of it leaves.

// kept is how much of its description a function keeps.
type kept int

const (
	keepsNothing kept = iota
	keepsFrame
	keepsName // and its frame
)

// pclntabHead is the start of runtime.pcHeader: its version, the size of an instruction and of a
// pointer.
var pclntabHead = []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}

// pcHeader is what follows in runtime.pcHeader, as far as it is needed. Offsets are from its start.
type pcHeader struct {
	Functions, Files, Text                 uint64
	Names, Units, FileNames, Tables, Infos uint64
}

// funcInfo is runtime._func. What follows it are PCData offsets of further tables and FuncData
// offsets of what is elsewhere (funcdata).
type funcInfo struct {
	Entry, Name, Args, DeferReturn uint32
	Frame, File, Line              uint32 // offsets of tables
	PCData                         uint32
	Unit, StartLine                uint32
	ID, Flag, _, FuncData          uint8
}

const (
	funcInfoSize = 11 * 4
	nameField    = 4
)

// What a stack is read with: of the info where the function is, its arguments, where it goes on after
// a panic, its frame, how much follows; of what follows PCDATA_StackMapIndex and PCDATA_PanicBounds, and
// all FUNCDATA but those of inlined calls and of arguments to print. The rest is for the text of a
// panic, and for stopping a goroutine anywhere, which wasm does not.
var (
	frameFields   = []uint64{0, 8, 12, 16, 28, 40}
	framePCData   = []int{1, 4}
	frameFuncdata = []int{0, 1, 2, 4, 7}
)

// moduleData is the start of runtime.moduledata: what it holds between the line table's header, which
// it begins with, and the address of the funcdata.
type moduleData struct {
	Header, Names uint64
	_             [38]uint64
	Funcdata      uint64
}

const noFuncdata = 1<<32 - 1

// pclntab is where things are in memory, and what is known of every byte.
type pclntab struct {
	memory        []byte
	start         uint64 // of the header
	header        pcHeader
	funcdata      uint64            // the address of the first
	funcdataSizes map[uint32]uint64 // by their offsets
	stays, leaves []bool            // what stays does not leave
}

// deferredDescriptions returns the parts of the memory that only describe functions beyond what they keep.
func deferredDescriptions(memory []byte, firstIndex int64, functions int, keeps func(place int64) kept) []segment {
	for at := 0; ; at += 8 {
		next := bytes.Index(memory[at:], pclntabHead)
		if next < 0 {
			return nil
		}
		at += next
		t := pclntab{memory: memory, start: uint64(at)}
		if at%8 == 0 && t.read(firstIndex, uint64(functions), keeps) {
			return t.deferredSegments()
		}
		at &^= 7
	}
}

// read marks what each function has. It returns false where this is no table of those functions.
func (t *pclntab) read(firstIndex int64, functions uint64, keeps func(place int64) kept) bool {
	if !decodeAt(t.memory, t.start+uint64(len(pclntabHead)), &t.header) || t.header.Functions != functions || !t.findFuncdata() {
		return false
	}
	infos := make([]uint64, functions)
	t.funcdataSizes = make(map[uint32]uint64)
	for i := range functions {
		var entry struct{ Place, Info uint32 }
		if !decodeAt(t.memory, t.at(t.header.Infos)+8*i, &entry) || int64(entry.Place) != firstIndex+int64(i) {
			return false
		}
		infos[i] = t.at(t.header.Infos) + uint64(entry.Info)
		if !t.noteFuncdata(infos[i], entry.Place) {
			return false
		}
	}
	t.sizeFuncdata()
	t.stays, t.leaves = make([]bool, len(t.memory)), make([]bool, len(t.memory))
	fill(t.leaves, t.at(t.header.Names), t.header.Tables-t.header.Names) // those of files and inlined calls too
	for i, info := range infos {
		keep := keeps(firstIndex + int64(i))
		t.mark(keep >= keepsFrame, t.at(t.header.Infos)+8*uint64(i)+4, 4) // where the info is
		if !t.markFunction(info, keep) {
			return false
		}
	}
	return true
}

// at returns the address of what has an offset from the header.
func (t *pclntab) at(offset uint64) uint64 { return t.start + offset }

// findFuncdata looks for runtime.moduledata, which says where they are.
func (t *pclntab) findFuncdata() bool {
	pointers := binary.LittleEndian.AppendUint64(nil, t.start)
	pointers = binary.LittleEndian.AppendUint64(pointers, t.at(t.header.Names))
	var data moduleData
	if at := bytes.Index(t.memory, pointers); at < 0 || !decodeAt(t.memory, uint64(at), &data) {
		return false
	}
	t.funcdata = data.Funcdata
	return t.funcdata > t.at(t.header.Infos)
}

// info returns a function's info, its further tables and its funcdata.
func (t *pclntab) info(at uint64) (info funcInfo, tables, funcdata []uint32, ok bool) {
	if !decodeAt(t.memory, at, &info) {
		return info, nil, nil, false
	}
	tables, funcdata = make([]uint32, info.PCData&0xff), make([]uint32, info.FuncData)
	ok = decodeAt(t.memory, at+funcInfoSize, tables) && decodeAt(t.memory, at+funcInfoSize+4*uint64(len(tables)), funcdata)
	return info, tables, funcdata, ok
}

func (t *pclntab) noteFuncdata(at uint64, place uint32) bool {
	info, _, funcdata, ok := t.info(at)
	for _, blob := range funcdata {
		t.funcdataSizes[blob] = 0
	}
	return ok && info.Entry == place && info.PCData < 0x100
}

// sizeFuncdata finds where each ends: where the next begins. Of the last nobody knows, so it has no size.
func (t *pclntab) sizeFuncdata() {
	delete(t.funcdataSizes, noFuncdata)
	var starts []uint32
	for start := range t.funcdataSizes {
		starts = append(starts, start)
	}
	slices.Sort(starts)
	for i := 1; i < len(starts); i++ {
		t.funcdataSizes[starts[i-1]] = uint64(starts[i] - starts[i-1])
	}
}

// markFunction marks the info at an address and what it names.
func (t *pclntab) markFunction(at uint64, keeps kept) bool {
	info, tables, funcdata, _ := t.info(at)
	frame, name := keeps >= keepsFrame, keeps >= keepsName
	fields := at + funcInfoSize
	fill(t.leaves, at, funcInfoSize+4*uint64(len(tables)+len(funcdata)))
	for _, field := range frameFields {
		t.mark(frame, at+field, 4)
	}
	t.mark(name, at+nameField, 4)
	isTable := t.markName(name, info.Name) && t.markTable(frame, info.Frame) && t.markTable(false, info.File) && t.markTable(false, info.Line)
	for i, table := range tables {
		stays := frame && slices.Contains(framePCData, i)
		t.mark(stays, fields, 4)
		isTable = isTable && t.markTable(stays, table)
		fields += 4
	}
	for i, blob := range funcdata {
		stays := frame && slices.Contains(frameFuncdata, i)
		t.mark(stays, fields, 4)
		t.mark(stays, t.funcdata+uint64(blob), t.funcdataSizes[blob])
		fields += 4
	}
	return isTable
}

// mark marks bytes as some that stay or leave.
func (t *pclntab) mark(stays bool, start, size uint64) {
	if stays {
		fill(t.stays, start, size)
	} else {
		fill(t.leaves, start, size)
	}
}

func (t *pclntab) markName(stays bool, name uint32) bool {
	start := t.at(t.header.Names) + uint64(name)
	if start > uint64(len(t.memory)) {
		return false
	}
	length := bytes.IndexByte(t.memory[start:], 0)
	t.mark(stays, start, uint64(max(length, 0)))
	return length >= 0
}

func (t *pclntab) markTable(stays bool, table uint32) bool {
	if table == 0 {
		return true // none
	}
	start := t.at(t.header.Tables) + uint64(table)
	size, ok := t.tableSize(start)
	t.mark(stays, start, size)
	return ok
}

// tableSize returns the size of a table of values by program counter: pairs of varints, of which the
// first is how much the value changes. Only in the first pair that may be 0, else it is the end.
func (t *pclntab) tableSize(start uint64) (size uint64, ok bool) {
	end := t.at(t.header.Infos)
	if start >= end || end > uint64(len(t.memory)) {
		return 0, false
	}
	rest := t.memory[start:end]
	for pair := 0; ; pair++ {
		change, length := binary.Uvarint(rest)
		if length <= 0 {
			return 0, false
		}
		rest = rest[length:]
		if change == 0 && pair > 0 {
			return end - start - uint64(len(rest)), true
		}
		if _, length = binary.Uvarint(rest); length <= 0 {
			return 0, false
		}
		rest = rest[length:]
	}
}

// decodeAt reads a value of fixed size, and tells whether it is in the memory.
func decodeAt(memory []byte, at uint64, value any) bool {
	if at > uint64(len(memory)) {
		return false
	}
	_, err := binary.Decode(memory[at:], binary.LittleEndian, value)
	return err == nil
}

func fill(marks []bool, start, size uint64) {
	for i := start; i < start+size && i < uint64(len(marks)); i++ {
		marks[i] = true
	}
}

// deferredSegments returns what leaves and does not stay.
func (t *pclntab) deferredSegments() []segment {
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
		segments = append(segments, segment{int64(start), slices.Clone(t.memory[start:end])})
		start = end
	}
	return segments
}
