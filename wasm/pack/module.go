package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
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

// sectionNames are for errors.
var sectionNames = map[byte]string{
	customSection: "custom", typeSection: "type", importSection: "import", functionSection: "function", memorySection: "memory",
	globalSection: "global", exportSection: "export", startSection: "start", elementSection: "element", codeSection: "code",
	dataSection: "data", dataCount: "data count",
}

func sectionName(id byte) string { return sectionNames[id] + " section" }

// shrink returns a module with fewer data segments, whose start function writes runtime.findfunctab (functable.go),
// which its data had before.
func shrink(sections []section) (smaller []section, done string, err error) {
	for _, id := range []byte{dataCount, startSection} {
		if slices.ContainsFunc(sections, func(s section) bool { return s.id == id }) {
			return nil, "", fmt.Errorf("the module has a %s, which Go's linker did not write before", sectionName(id))
		}
	}
	_, segments, err := dataOf(sections)
	if err != nil {
		return nil, "", err
	}
	table, segments, found := cutFuncTable(joinSegments(segments))
	if !found {
		return nil, "", errors.New("no runtime.findfunctab is in the data section: this Go lays it out otherwise")
	}
	if smaller, err = addStart(sections, table.fill()); err != nil {
		return nil, "", err
	}
	data, err := find(smaller, dataSection)
	if err != nil {
		return nil, "", err
	}
	data.content = encodeSegments(segments)
	return smaller, fmt.Sprintf("a loop writes the buckets of %d functions", table.functions), nil
}

// moduleHead is how a module begins: what it is, and its version.
const moduleHead = "\x00asm\x01\x00\x00\x00"

func readSections(module []byte) ([]section, error) {
	r := readFrom("the module", module)
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
		return nil, fmt.Errorf("the module has no %s", sectionName(id))
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
// changes its function index.
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
		return nil, fmt.Errorf("the module has no %s", sectionName(elementSection))
	}
	return slices.Insert(sections, elements, section{startSection, binary.AppendUvarint(nil, uint64(len(imported))+defined)}), nil
}

// readImports returns the names of the functions that a module imports. Go's import nothing else.
func readImports(content []byte) ([]string, error) {
	r := readFrom("the import section", content)
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

// extend adds an entry to a section that is a list, and returns its index.
func extend(sections []section, id byte, entry ...byte) (index uint64, err error) {
	s, err := find(sections, id)
	if err != nil {
		return 0, err
	}
	r := readFrom("the "+sectionName(id), s.content)
	index = r.unsigned()
	s.content = slices.Concat(binary.AppendUvarint(nil, index+1), r.unread, entry)
	return index, r.err
}

// wasmReader reads the binary format of WebAssembly. After an error everything reads as empty.
type wasmReader struct {
	what   string // is read, for errors
	size   int
	unread []byte
	err    error
}

func readFrom(what string, content []byte) *wasmReader {
	return &wasmReader{what: what, size: len(content), unread: content}
}

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
		r.fail()
	}
	return r.err
}

func (r *wasmReader) expect(want ...byte) {
	if !bytes.Equal(r.bytes(uint64(len(want))), want) {
		r.fail()
	}
}

// fail says where reading ended. The first error is the one that counts.
func (r *wasmReader) fail() {
	if r.err == nil {
		r.err = fmt.Errorf("%s is not as Go's linker wrote it before, at byte %d", r.what, r.size-len(r.unread))
	}
	r.unread = nil
}

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
