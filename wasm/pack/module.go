package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// section is one of the sections of a WebAssembly module, by the id of the binary format.
type section struct {
	id      byte
	content []byte
}

const (
	customSection   = 0
	typeSection     = 1
	importSection   = 2
	functionSection = 3
	memorySection   = 5
	globalSection   = 6
	exportSection   = 7
	startSection    = 8
	elementSection  = 9
	codeSection     = 10
	dataSection     = 11
	dataCount       = 12 // would have to change with dataSection: Go writes none
)

// shrink returns a WebAssembly module that does the same as the one given, and takes less time to
// download and to compile.
func shrink(sections []section) ([]section, error) {
	if slices.ContainsFunc(sections, func(s section) bool { return s.id == dataCount || s.id == startSection }) {
		return nil, errModule
	}
	data, segments, err := dataOf(sections)
	if err != nil {
		return nil, err
	}
	segments = joinSegments(segments)
	if table, rest, found := cutFuncTable(segments); found {
		segments = rest
		if sections, err = addStart(sections, table.fill()); err != nil {
			return nil, err
		}
		data, _ = find(sections, dataSection)
	}
	data.content = encodeSegments(segments)
	return sections, nil
}

// moduleHead is how a module begins: what it is, and its version.
const moduleHead = "\x00asm\x01\x00\x00\x00"

func readSections(module []byte) ([]section, error) {
	r := &wasmReader{unread: module}
	r.expect([]byte(moduleHead)...)
	var sections []section
	for len(r.unread) > 0 {
		id := r.bytes(1)
		content := r.bytes(r.unsigned())
		if r.err != nil {
			break
		}
		sections = append(sections, section{id[0], content})
	}
	return sections, r.err
}

func find(sections []section, id byte) (*section, error) {
	i := slices.IndexFunc(sections, func(s section) bool { return s.id == id })
	if i < 0 {
		return nil, errModule
	}
	return &sections[i], nil
}

func encodeSections(sections []section) []byte {
	module := []byte(moduleHead)
	for _, s := range sections {
		module = appendVector(append(module, s.id), s.content)
	}
	return module
}

// addStart adds a function that runs when the module is instantiated: the last, so that no other
// changes its number.
func addStart(sections []section, body []byte) ([]section, error) {
	sections = slices.Clone(sections)
	imports, err := find(sections, importSection)
	if err != nil {
		return nil, err
	}
	imported, err := readImports(imports.content)
	if err != nil {
		return nil, err
	}
	kind, err := extend(sections, typeSection, typeFunc, 0, 0) // of functions without parameters and results
	if err != nil {
		return nil, err
	}
	defined, err := extend(sections, functionSection, binary.AppendUvarint(nil, kind)...)
	if err != nil {
		return nil, err
	}
	if _, err := extend(sections, codeSection, appendVector(nil, body)...); err != nil {
		return nil, err
	}
	elements := slices.IndexFunc(sections, func(s section) bool { return s.id == elementSection })
	if elements < 0 {
		return nil, errModule
	}
	return slices.Insert(sections, elements, section{startSection, binary.AppendUvarint(nil, uint64(len(imported))+defined)}), nil
}

// readImports returns the names of the functions that a module imports. Go's import nothing else.
func readImports(content []byte) ([]string, error) {
	r := &wasmReader{unread: content}
	var names []string
	for range r.unsigned() {
		r.bytes(r.unsigned()) // module
		names = append(names, string(r.bytes(r.unsigned())))
		r.expect(0x00) // function
		r.unsigned()   // its type
		if r.err != nil {
			break
		}
	}
	return names, r.end()
}

// extend adds an entry to a section that is a list, and returns its number.
func extend(sections []section, id byte, entry ...byte) (number uint64, err error) {
	s, err := find(sections, id)
	if err != nil {
		return 0, err
	}
	r := &wasmReader{unread: s.content}
	number = r.unsigned()
	s.content = slices.Concat(binary.AppendUvarint(nil, number+1), r.unread, entry)
	return number, r.err
}

// wasmReader reads the binary format of WebAssembly. After an error everything reads as empty.
type wasmReader struct {
	unread []byte
	err    error
}

var errModule = errors.New("open-payments.wasm is not a module as Go's linker writes it")

func (r *wasmReader) bytes(count uint64) []byte {
	if count > uint64(len(r.unread)) {
		r.fail()
		return nil
	}
	taken := r.unread[:count]
	r.unread = r.unread[count:]
	return taken
}

// end returns the first error; what is left over is one.
func (r *wasmReader) end() error {
	if len(r.unread) > 0 {
		r.err = errModule
	}
	return r.err
}

func (r *wasmReader) expect(want ...byte) {
	if !bytes.Equal(r.bytes(uint64(len(want))), want) {
		r.fail()
	}
}

func (r *wasmReader) fail() { r.unread, r.err = nil, errModule }

// unsigned reads unsigned LEB128, which encoding/binary calls a uvarint.
func (r *wasmReader) unsigned() uint64 {
	value, length := binary.Uvarint(r.unread)
	if length <= 0 || value > math.MaxUint32 {
		r.fail()
		return 0
	}
	r.unread = r.unread[length:]
	return value
}

// signed reads signed LEB128, which encoding/binary does not have.
func (r *wasmReader) signed() int64 {
	var value int64
	for shift := 0; shift < 70; shift += 7 {
		next := r.bytes(1)
		if r.err != nil {
			return 0
		}
		value |= int64(next[0]&0x7f) << shift
		if next[0]&0x80 == 0 {
			unused := max(57-shift, 0)
			return value << unused >> unused // the sign is its highest bit
		}
	}
	r.fail()
	return 0
}

func appendSigned(buffer []byte, value int64) []byte {
	for {
		next := byte(value & 0x7f)
		value >>= 7
		if value == 0 && next&0x40 == 0 || value == -1 && next&0x40 != 0 {
			return append(buffer, next)
		}
		buffer = append(buffer, next|0x80)
	}
}
