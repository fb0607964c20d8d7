package golang

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// Go keeps a description of every function in memory (runtime.pclntab and go:func.*): a _func, with its name, its
// pcdata, which are tables by program counter, and its funcdata, which is elsewhere. The runtime reads frame sizes and
// pointers while a function is on a stack, and some names. The others are for the text of a panic: the Describers
// read them. What several functions share stays if one of them keeps it.

// Kept is how much of its description a function keeps.
type Kept int

const (
	KeepsNothing Kept = iota
	KeepsFrame        // what a stack is read with
	KeepsName         // and its frame
)

// pclntabHead is the start of runtime.pcHeader: its magic number, the size of an instruction and of a
// pointer.
var pclntabHead = []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}

// pcHeader is what follows in runtime.pcHeader, as far as it is needed. Offsets are from the start of it all.
type pcHeader struct {
	Functions, Files, Text                 uint64
	Names, Units, FileNames, Tables, Infos uint64
}

// funcInfo is runtime._func. What follows it are so many offsets of pcdata and of funcdata.
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

// What a stack is read with: of the _func where the function is, its arguments, where it goes on after
// a panic, its frame, how much follows; of what follows PCDATA_StackMapIndex and PCDATA_PanicBounds, and
// all FUNCDATA but those of inlined calls and of arguments to print. All else is for the text of a
// panic, and for stopping a goroutine anywhere, which wasm does not.
var (
	frameFields   = []uint64{0, 8, 12, 16, 28, 40}
	framePCData   = []int{1, 4}
	frameFuncdata = []int{0, 1, 2, 4, 7}
)

// The inlined calls of a function, in its pcdata and funcdata.
const (
	pcdataInlined   = 2
	funcdataInlined = 3
	inlinedCallSize = 16
)

const noFuncdata = 1<<32 - 1

// Pclntab is where things are in memory.
type Pclntab struct {
	form          form
	memory        []byte
	start         uint64 // of the header
	header        pcHeader
	funcdata      uint64            // the address of the first
	infos         []uint64          // the addresses of the _func, by function
	funcdataSizes map[uint32]uint64 // by their offsets
	// By byte of the memory; what stays is not deferred.
	stays, mayDefer []bool
}

// OpenPclntab finds the pclntab in the memory of a module with so many functions, the first of which has a table index.
func OpenPclntab(module wasm.Module, memory []byte, firstIndex int64, functions int) (*Pclntab, error) {
	reason := errNoPclntab
	for start, header := range pcHeaders(memory) {
		t := &Pclntab{form: formOf(module), memory: memory, start: start, header: header, funcdataSizes: make(map[uint32]uint64)}
		if reason = t.read(firstIndex, functions); reason == nil {
			return t, nil
		}
	}
	return nil, fmt.Errorf("runtime.pclntab: %w", reason)
}

var errNoPclntab = errors.New("no runtime.pcHeader is in the data section, with its magic number of Go 1.20 and after")

// pcHeaders returns what may be runtime.pcHeader, by its address.
func pcHeaders(memory []byte) iter.Seq2[uint64, pcHeader] {
	return func(yield func(uint64, pcHeader) bool) {
		for at := 0; ; at += len(pclntabHead) {
			next := bytes.Index(memory[at:], pclntabHead)
			if next < 0 {
				return
			}
			at += next
			var header pcHeader
			isOne := at%8 == 0 && wasm.DecodeAt(memory, uint64(at+len(pclntabHead)), &header)
			if isOne && !yield(uint64(at), header) {
				return
			}
		}
	}
}

// Deferrable returns the parts of the memory that only describe functions beyond what they keep.
func (t *Pclntab) Deferrable(firstIndex int64, keeps func(tableIndex int64) Kept) ([]wasm.Segment, error) {
	t.stays, t.mayDefer = make([]bool, len(t.memory)), make([]bool, len(t.memory))
	fill(t.mayDefer, t.at(t.header.Names), t.header.Tables-t.header.Names) // those of files and inlined calls too
	for i, info := range t.infos {
		keep := keeps(firstIndex + int64(i))
		t.mark(keep >= KeepsFrame, t.at(t.header.Infos)+8*uint64(i)+4, 4) // where the _func is
		if !t.markFunction(info, keep) {
			return nil, fmt.Errorf("runtime.pclntab: the _func at table index %d names what is not in it", firstIndex+int64(i))
		}
	}
	return t.deferredSegments(), nil
}

// read finds what each function has. It fails where this is no pclntab of those functions.
func (t *Pclntab) read(firstIndex int64, functions int) error {
	if t.header.Functions != uint64(functions) {
		return fmt.Errorf("runtime.pcHeader counts %d functions, and the module has %d", t.header.Functions, functions)
	}
	if !t.findFuncdata() {
		return errors.New("no runtime.moduledata points to runtime.pcHeader")
	}
	for i := range t.header.Functions {
		var entry functabEntry
		if !wasm.DecodeAt(t.memory, t.at(t.header.Infos)+8*i, &entry) || int64(entry.Index) != firstIndex+int64(i) {
			return fmt.Errorf("functab says table index %d, where %d was expected", entry.Index, firstIndex+int64(i))
		}
		info := t.at(t.header.Infos) + uint64(entry.Info)
		if !t.noteFuncdata(info, entry.Index) {
			return fmt.Errorf("the _func at table index %d is of another form", entry.Index)
		}
		t.infos = append(t.infos, info)
	}
	t.sizeFuncdata()
	return nil
}

// InlinedAt returns the name of the function whose code stands at a resume point of another, as it was inlined
// there, or "".
func (t *Pclntab) InlinedAt(function int, resumePoint uint32) string {
	if function < 0 || function >= len(t.infos) {
		return ""
	}
	_, pcdata, funcdata, ok := t.info(t.infos[function])
	if !ok || len(pcdata) <= pcdataInlined || pcdata[pcdataInlined] == 0 || len(funcdata) <= funcdataInlined || funcdata[funcdataInlined] == noFuncdata {
		return ""
	}
	tree, isInlined := t.valueAt(t.at(t.header.Tables)+uint64(pcdata[pcdataInlined]), resumePoint)
	var name struct{ _, Offset uint32 }
	if !isInlined || !wasm.DecodeAt(t.memory, t.funcdata+uint64(funcdata[funcdataInlined])+inlinedCallSize*uint64(tree), &name) {
		return ""
	}
	text, _, _ := bytes.Cut(t.memory[min(t.at(t.header.Names)+uint64(name.Offset), uint64(len(t.memory))):], []byte{0})
	return string(text)
}

// valueAt returns what a table says of a resume point, if it is no negative number.
func (t *Pclntab) valueAt(table uint64, resumePoint uint32) (value int32, isSet bool) {
	size, ok := t.tableSize(table)
	if !ok {
		return 0, false
	}
	rest := t.memory[table : table+size]
	value = -1
	for at := uint32(0); len(rest) > 1; {
		change, length := binary.Uvarint(rest)
		step, more := binary.Uvarint(rest[length:])
		rest = rest[length+more:]
		value += int32(uint32(change)>>1) ^ -int32(change&1)
		if at += uint32(step); resumePoint < at {
			return value, value >= 0
		}
	}
	return 0, false
}

// at returns the address of what has an offset from the header.
func (t *Pclntab) at(offset uint64) uint64 { return t.start + offset }

// findFuncdata looks for runtime.moduledata, which says where they are. It begins with the addresses of the pcHeader and of the names.
func (t *Pclntab) findFuncdata() bool {
	pointers := binary.LittleEndian.AppendUint64(nil, t.start)
	pointers = binary.LittleEndian.AppendUint64(pointers, t.at(t.header.Names))
	at := bytes.Index(t.memory, pointers)
	return at >= 0 && wasm.DecodeAt(t.memory, uint64(at+8*t.form.funcdataWord), &t.funcdata) && t.funcdata > t.at(t.header.Infos)
}

// info returns a function's _func, and the offsets of its pcdata and its funcdata.
func (t *Pclntab) info(at uint64) (info funcInfo, pcdata, funcdata []uint32, ok bool) {
	if !wasm.DecodeAt(t.memory, at, &info) {
		return info, nil, nil, false
	}
	pcdata, funcdata = make([]uint32, info.PCData&0xff), make([]uint32, info.FuncData)
	ok = wasm.DecodeAt(t.memory, at+funcInfoSize, pcdata) && wasm.DecodeAt(t.memory, at+funcInfoSize+4*uint64(len(pcdata)), funcdata)
	return info, pcdata, funcdata, ok
}

func (t *Pclntab) noteFuncdata(at uint64, tableIndex uint32) bool {
	info, _, funcdata, ok := t.info(at)
	for _, offset := range funcdata {
		t.funcdataSizes[offset] = 0
	}
	return ok && info.Entry == tableIndex && info.PCData < 0x100
}

// sizeFuncdata notes the size of each funcdata: it ends where the next one begins. The end of the last is unknown, so the
// last has no size.
func (t *Pclntab) sizeFuncdata() {
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

// markFunction marks the _func at an address and what it names.
func (t *Pclntab) markFunction(at uint64, keeps Kept) bool {
	info, pcdata, funcdata, _ := t.info(at)
	frame, name := keeps >= KeepsFrame, keeps >= KeepsName
	fields := at + funcInfoSize
	fill(t.mayDefer, at, funcInfoSize+4*uint64(len(pcdata)+len(funcdata)))
	for _, field := range frameFields {
		t.mark(frame, at+field, 4)
	}
	t.mark(name, at+nameField, 4)
	isTable := t.markName(name, info.Name) && t.markTable(frame, info.Frame) && t.markTable(false, info.File) && t.markTable(false, info.Line)
	for i, table := range pcdata {
		stays := frame && slices.Contains(framePCData, i)
		t.mark(stays, fields, 4)
		isTable = isTable && t.markTable(stays, table)
		fields += 4
	}
	for i, offset := range funcdata {
		stays := frame && slices.Contains(frameFuncdata, i)
		t.mark(stays, fields, 4)
		t.mark(stays, t.funcdata+uint64(offset), t.funcdataSizes[offset])
		fields += 4
	}
	return isTable
}

// mark marks bytes as some that stay or may be deferred.
func (t *Pclntab) mark(stays bool, start, size uint64) {
	if stays {
		fill(t.stays, start, size)
	} else {
		fill(t.mayDefer, start, size)
	}
}

func (t *Pclntab) markName(stays bool, name uint32) bool {
	start := t.at(t.header.Names) + uint64(name)
	if start > uint64(len(t.memory)) {
		return false
	}
	length := bytes.IndexByte(t.memory[start:], 0)
	t.mark(stays, start, uint64(max(length, 0)))
	return length >= 0
}

func (t *Pclntab) markTable(stays bool, table uint32) bool {
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
func (t *Pclntab) tableSize(start uint64) (size uint64, ok bool) {
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

func fill(marks []bool, start, size uint64) {
	for i := start; i < start+size && i < uint64(len(marks)); i++ {
		marks[i] = true
	}
}

// deferredSegments returns what may be deferred and does not stay.
func (t *Pclntab) deferredSegments() []wasm.Segment {
	var segments []wasm.Segment
	for start := 0; start < len(t.mayDefer); {
		if !t.mayDefer[start] || t.stays[start] {
			start++
			continue
		}
		end := start
		for end < len(t.mayDefer) && t.mayDefer[end] && !t.stays[end] {
			end++
		}
		segments = append(segments, wasm.Segment{Address: int64(start), Content: slices.Clone(t.memory[start:end])})
		start = end
	}
	return segments
}
