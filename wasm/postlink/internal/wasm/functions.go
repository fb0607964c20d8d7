package wasm

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Functions are those that a module defines, in their order. A function index counts from the first that is imported.
type Functions struct {
	Imported uint64   // how many the module imports: the function index of the first that it defines
	Types    []uint64 // of each, by type index
	Bodies   [][]byte
	Names    map[uint64]string // by function index; empty where the module has none
}

// Functions reads the functions of the module.
func (m Module) Functions() (Functions, error) {
	var f Functions
	imports, err := m.Imports()
	if err != nil {
		return f, err
	}
	f.Imported = uint64(len(imports))
	declared, err := m.Open(FunctionSection)
	if err != nil {
		return f, err
	}
	for range declared.Unsigned() {
		f.Types = append(f.Types, declared.Unsigned())
		if declared.err != nil {
			break
		}
	}
	if err := declared.End(); err != nil {
		return f, err
	}
	code, err := m.Open(CodeSection)
	if err != nil {
		return f, err
	}
	for range code.Unsigned() {
		f.Bodies = append(f.Bodies, code.Bytes(code.Unsigned()))
		if code.err != nil {
			return f, code.Err()
		}
	}
	if len(f.Bodies) != len(f.Types) {
		return f, fmt.Errorf("the code section has %d functions, and the function section %d", len(f.Bodies), len(f.Types))
	}
	if f.Names, err = m.names(); errors.Is(err, errNoNames) {
		err = nil
	}
	return f, errors.Join(err, code.End())
}

// Body returns the body of a function.
func (f *Functions) Body(index uint64) []byte { return f.Bodies[index-f.Imported] }

// Read returns the declaration of locals at the start of a function's body, and the instructions.
func (f *Functions) Read(index uint64) (locals []byte, instructions []Instruction, err error) {
	return readBody(fmt.Sprintf("the code section, function %s", f.describe(index)), f.Body(index))
}

func (f *Functions) describe(index uint64) string {
	if name, isNamed := f.Names[index]; isNamed {
		return fmt.Sprintf("%d (%s)", index, name)
	}
	return fmt.Sprint(index)
}

// EncodeBodies returns the content of a code section.
func EncodeBodies(bodies [][]byte) []byte {
	content := binary.AppendUvarint(nil, uint64(len(bodies)))
	for _, body := range bodies {
		content = AppendVector(content, body)
	}
	return content
}

var errNoNames = errors.New(`the module has no names of functions: a custom section "name"`)

// ReplaceBodies replaces the code section of the module, in place.
func (m Module) ReplaceBodies(bodies [][]byte) error {
	code, err := m.Find(CodeSection)
	if err == nil {
		code.Content = EncodeBodies(bodies)
	}
	return err
}

// names returns the names of functions that the name section holds, by function index.
func (m Module) names() (map[uint64]string, error) {
	content, isThere := m.Custom("name")
	if !isThere {
		return nil, errNoNames
	}
	r := NewReader("the name section", content)
	for r.Len() > 0 && r.Bytes(1)[0] != 1 { // the kind of a part: 1 has the names of functions
		r.Bytes(r.Unsigned())
	}
	if r.err == nil && r.Len() == 0 {
		return nil, errNoNames
	}
	r.Unsigned() // its length
	names := make(map[uint64]string)
	for range r.Unsigned() {
		index := r.Unsigned()
		names[index] = string(r.Bytes(r.Unsigned()))
		if r.err != nil {
			break
		}
	}
	return names, r.Err()
}

// NeedNames returns an error where the module has no names of functions.
func (f *Functions) NeedNames() error {
	if len(f.Names) == 0 {
		return errNoNames
	}
	return nil
}
