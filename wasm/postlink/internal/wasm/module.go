// Package wasm reads and writes modules of WebAssembly, as far as Go's compiler and linker use its binary format.
// It knows nothing of what the functions of a module do. Its errors are FormatErrors.
package wasm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// Module is the sections of a module, in their order.
type Module []Section

// Section is one of the sections of a module, by the id of the binary format.
type Section struct {
	ID      byte
	Content []byte
}

// The ids of sections.
const (
	CustomSection    = 0
	TypeSection      = 1
	ImportSection    = 2
	FunctionSection  = 3
	TableSection     = 4
	MemorySection    = 5
	GlobalSection    = 6
	ExportSection    = 7
	StartSection     = 8
	ElementSection   = 9
	CodeSection      = 10
	DataSection      = 11
	DataCountSection = 12 // would have to change with DataSection: Go writes none
)

// Types, in the binary format.
const (
	I32  = 0x7f
	I64  = 0x7e
	Void = 0x40 // of a block without a result
	Func = 0x60
)

// The kinds of exports and imports.
const (
	FunctionKind = 0
	TableKind    = 1
	MemoryKind   = 2
	GlobalKind   = 3
)

// sectionNames are for errors.
var sectionNames = map[byte]string{
	CustomSection: "custom", TypeSection: "type", ImportSection: "import", FunctionSection: "function", TableSection: "table",
	MemorySection: "memory", GlobalSection: "global", ExportSection: "export", StartSection: "start", ElementSection: "element",
	CodeSection: "code", DataSection: "data", DataCountSection: "data count",
}

// SectionName returns how errors call a section: "the code section".
func SectionName(id byte) string { return "the " + sectionNames[id] + " section" }

// head is how a module begins: what it is, and its version.
const head = "\x00asm\x01\x00\x00\x00"

// Read returns the sections of a module. It copies nothing.
func Read(module []byte) (Module, error) {
	r := NewReader("the module", module)
	r.Expect([]byte(head)...)
	var sections Module
	for r.Len() > 0 {
		id := r.Bytes(1)
		content := r.Bytes(r.Unsigned())
		if r.Err() != nil {
			break
		}
		sections = append(sections, Section{id[0], content})
	}
	return sections, r.Err()
}

// Encode returns the module in the binary format.
func (m Module) Encode() []byte {
	module := []byte(head)
	for _, s := range m {
		module = AppendVector(append(module, s.ID), s.Content)
	}
	return module
}

// Has tells whether the module has a section of an id.
func (m Module) Has(id byte) bool {
	return slices.ContainsFunc(m, func(s Section) bool { return s.ID == id })
}

// Find returns the section of an id, to be read or changed in place.
func (m Module) Find(id byte) (*Section, error) {
	i := slices.IndexFunc(m, func(s Section) bool { return s.ID == id })
	if i < 0 {
		return nil, fmt.Errorf("the module has no %s section", sectionNames[id])
	}
	return &m[i], nil
}

// Open returns a reader of the section of an id.
func (m Module) Open(id byte) (*Reader, error) {
	s, err := m.Find(id)
	if err != nil {
		return nil, err
	}
	return NewReader(SectionName(id), s.Content), nil
}

// Custom returns the content of a custom section.
func (m Module) Custom(name string) (content []byte, isThere bool) {
	head := AppendVector(nil, []byte(name))
	for _, s := range m {
		if content, isThere = bytes.CutPrefix(s.Content, head); isThere && s.ID == CustomSection {
			return content, true
		}
	}
	return nil, false
}

// WithCustom returns the module with a custom section at its end.
func (m Module) WithCustom(name string, content []byte) Module {
	return append(slices.Clone(m), Section{CustomSection, append(AppendVector(nil, []byte(name)), content...)})
}

// WithoutCustom returns the module without its custom sections, but those of some names.
func (m Module) WithoutCustom(but ...string) Module {
	return slices.DeleteFunc(slices.Clone(m), func(s Section) bool {
		return s.ID == CustomSection && !slices.ContainsFunc(but, func(name string) bool {
			return bytes.HasPrefix(s.Content, AppendVector(nil, []byte(name)))
		})
	})
}

// Extend adds an entry to a section that is a list, in place, and returns its index.
func (m Module) Extend(id byte, entry ...byte) (index uint64, err error) {
	s, err := m.Find(id)
	if err != nil {
		return 0, err
	}
	r := NewReader(SectionName(id), s.Content)
	index = r.Unsigned()
	s.Content = slices.Concat(binary.AppendUvarint(nil, index+1), r.unread, entry)
	return index, r.Err()
}

// Export adds an export of something by its kind and index, in place.
func (m Module) Export(name string, kind byte, index uint64) error {
	_, err := m.Extend(ExportSection, binary.AppendUvarint(append(AppendVector(nil, []byte(name)), kind), index)...)
	return err
}

// Exports tells whether the module exports something of a name.
func (m Module) Exports(name string) (bool, error) {
	r, err := m.Open(ExportSection)
	if err != nil {
		return false, err
	}
	for range r.Unsigned() {
		found := string(r.Bytes(r.Unsigned()))
		r.Bytes(1) // its kind
		r.Unsigned()
		if r.Err() != nil || found == name {
			return found == name, r.Err()
		}
	}
	return false, r.End()
}

// AddStart returns the module with a function that runs when it is instantiated, after the one that did before: the last, so that no
// other changes its function index.
func (m Module) AddStart(locals, code []byte) (Module, error) {
	if m.Has(DataCountSection) {
		return nil, fmt.Errorf("the module has a %s section, which Go's linker does not write", sectionNames[DataCountSection])
	}
	body := slices.Clone(locals)
	if before, err := m.Find(StartSection); err == nil {
		body = append(append(body, op.Call), before.Content...)
	}
	body = append(body, code...)
	m = slices.DeleteFunc(slices.Clone(m), func(s Section) bool { return s.ID == StartSection })
	imported, err := m.Imports()
	if err != nil {
		return nil, err
	}
	kind, err := m.Extend(TypeSection, Func, 0, 0) // of functions without parameters and results
	if err != nil {
		return nil, err
	}
	defined, err := m.Extend(FunctionSection, binary.AppendUvarint(nil, kind)...)
	if err != nil {
		return nil, err
	}
	if _, err := m.Extend(CodeSection, AppendVector(nil, body)...); err != nil {
		return nil, err
	}
	elements := slices.IndexFunc(m, func(s Section) bool { return s.ID == ElementSection })
	if elements < 0 {
		return nil, fmt.Errorf("the module has no %s section", sectionNames[ElementSection])
	}
	return slices.Insert(m, elements, Section{StartSection, binary.AppendUvarint(nil, uint64(len(imported))+defined)}), nil
}

// Imports returns the names of the functions that the module imports, in their order. Go's modules import nothing else.
func (m Module) Imports() ([]string, error) {
	r, err := m.Open(ImportSection)
	if err != nil {
		return nil, err
	}
	var names []string
	for range r.Unsigned() {
		r.Bytes(r.Unsigned()) // module
		names = append(names, string(r.Bytes(r.Unsigned())))
		r.Expect(FunctionKind)
		r.Unsigned() // its type
		if r.Err() != nil {
			break
		}
	}
	return names, r.End()
}

// FindType returns the index of a type, which is given in the binary format.
func (m Module) FindType(want ...byte) (index uint64, found bool, err error) {
	r, err := m.Open(TypeSection)
	if err != nil {
		return 0, false, err
	}
	for index := range r.Unsigned() {
		start := r.unread
		r.Expect(Func)
		r.Bytes(r.Unsigned()) // parameters
		r.Bytes(r.Unsigned()) // results
		if r.Err() != nil {
			return 0, false, r.Err()
		}
		if bytes.Equal(start[:len(start)-len(r.unread)], want) {
			return index, true, nil
		}
	}
	return 0, false, nil
}

// EncodeList returns a list in the binary format: how many entries, and these.
func EncodeList(entries [][]byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(entries))), bytes.Join(entries, nil)...)
}
