package main

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Opcodes of WebAssembly that this program writes or asks for.
const (
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opEnd          = 0x0b
	opBr           = 0x0c
	opBrIf         = 0x0d
	opBrTable      = 0x0e
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opDrop         = 0x1a
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opTableSet     = 0x26
	opI32Load      = 0x28
	opI64Load      = 0x29
	opI32Load16U   = 0x2f
	opI64Load32U   = 0x35
	opI32Store     = 0x36
	opI64Store     = 0x37
	opI64Store32   = 0x3e
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI64Const     = 0x42
	opF32Const     = 0x43
	opF64Const     = 0x44
	opI32Eqz       = 0x45
	opI32Eq        = 0x46
	opI32LtU       = 0x49
	opI64Eqz       = 0x50
	opI64Eq        = 0x51
	opF64Ge        = 0x66
	opI32Add       = 0x6a
	opI32Sub       = 0x6b
	opI32Mul       = 0x6c
	opI32DivU      = 0x6e
	opI32Rotr      = 0x78
	opI64Add       = 0x7c
	opI64Or        = 0x84
	opI64Shl       = 0x86
	opI64Rotr      = 0x8a
	opI32Wrap      = 0xa7
	opI64ExtendI32 = 0xad
	opExtend32S    = 0xc4 // the last of those that have one byte
	opNumeric      = 0xfc // before a second opcode: saturating truncation, and bulk memory

	typeI32  = 0x7f
	typeI64  = 0x7e
	typeVoid = 0x40
	typeFunc = 0x60
)

// instruction is one of a function's body: its opcode, its first immediate where that is an index or
// a depth, and all its bytes.
type instruction struct {
	opcode    byte
	immediate uint64
	bytes     []byte
}

// readBody returns the declaration of locals at the start of a function's body, and the instructions.
func readBody(body []byte) (locals []byte, instructions []instruction, err error) {
	r := readFrom("a function", body)
	for range r.unsigned() {
		r.unsigned() // how many
		r.bytes(1)   // of which type
	}
	locals = body[:len(body)-len(r.unread)]
	for len(r.unread) > 0 {
		start := r.unread
		in := instruction{}
		in.opcode, in.immediate = r.instruction()
		in.bytes = start[:len(start)-len(r.unread)]
		instructions = append(instructions, in)
	}
	if len(instructions) == 0 || instructions[len(instructions)-1].opcode != opEnd {
		r.fail()
	}
	return locals, instructions, r.err
}

// instruction reads one, of those that Go's compiler knows.
func (r *wasmReader) instruction() (opcode byte, immediate uint64) {
	head := r.bytes(1)
	if r.err != nil {
		return 0, 0
	}
	opcode = head[0]
	switch {
	case opcode == opBlock, opcode == opLoop, opcode == opIf:
		r.bytes(1) // the type of the block
	case opcode == opBrTable:
		for range r.unsigned() + 1 {
			immediate = r.unsigned()
			if r.err != nil {
				break
			}
		}
	case opcode == opCallIndirect:
		immediate = r.unsigned()
		r.expect(0) // the table
	case opcode == opMemorySize, opcode == opMemoryGrow:
		r.expect(0)
	case opcode == opI32Const, opcode == opI64Const:
		immediate = uint64(r.signed())
	case opcode == opF32Const:
		r.bytes(4)
	case opcode == opF64Const:
		r.bytes(8)
	case opcode >= opI32Load && opcode <= opI64Store32:
		r.unsigned() // alignment
		immediate = r.unsigned()
	case opcode >= opBr && opcode <= opCall, opcode >= opLocalGet && opcode <= opTableSet:
		if opcode != opReturn {
			immediate = r.unsigned()
		}
	case opcode == opNumeric:
		immediate = r.unsigned()
		r.bytes(memoriesOf[immediate])
	case opcode > opExtend32S:
		r.fail()
	}
	return opcode, immediate
}

// memoriesOf says, by the second opcode of an instruction that begins with opNumeric, how many memory indices follow it.
var memoriesOf = map[uint64]uint64{10: 2, 11: 1} // memory.copy and memory.fill

// functions are those that a module defines, in their order.
type functions struct {
	imported uint64   // how many the module imports: the function index of the first that it defines
	types    []uint64 // of each, by index
	bodies   [][]byte
}

func readFunctions(sections []section) (functions, error) {
	var f functions
	imports, err := find(sections, importSection)
	if err != nil {
		return f, err
	}
	names, err := readImports(imports.content)
	if err != nil {
		return f, err
	}
	f.imported = uint64(len(names))
	declared, err := find(sections, functionSection)
	if err != nil {
		return f, err
	}
	r := readFrom("the function section", declared.content)
	for range r.unsigned() {
		f.types = append(f.types, r.unsigned())
		if r.err != nil {
			return f, r.err
		}
	}
	if r.end() != nil {
		return f, r.err
	}
	code, err := find(sections, codeSection)
	if err != nil {
		return f, err
	}
	r = readFrom("the code section", code.content)
	for range r.unsigned() {
		f.bodies = append(f.bodies, r.bytes(r.unsigned()))
		if r.err != nil {
			return f, r.err
		}
	}
	if len(f.bodies) != len(f.types) {
		return f, fmt.Errorf("the code section has %d functions, and the function section %d", len(f.bodies), len(f.types))
	}
	return f, r.end()
}

// encodeBodies returns the content of a code section.
func encodeBodies(bodies [][]byte) []byte {
	content := binary.AppendUvarint(nil, uint64(len(bodies)))
	for _, body := range bodies {
		content = appendVector(content, body)
	}
	return content
}

// appendVector appends a length and as many bytes.
func appendVector(content, vector []byte) []byte {
	return append(binary.AppendUvarint(content, uint64(len(vector))), vector...)
}

// readNames returns the names of functions that the name section holds, by function index.
func readNames(sections []section) (map[uint64]string, error) {
	for _, s := range sections {
		r := readFrom("a custom section", s.content)
		if s.id != customSection || string(r.bytes(r.unsigned())) != "name" {
			continue
		}
		for len(r.unread) > 0 {
			kind := r.bytes(1)
			content := r.bytes(r.unsigned())
			if r.err == nil && kind[0] == 1 {
				return readNameMap(content)
			}
		}
	}
	return nil, errors.New("the module has no names of functions: a custom section \"name\"")
}

func readNameMap(content []byte) (map[uint64]string, error) {
	r := readFrom("the name section", content)
	names := make(map[uint64]string)
	for range r.unsigned() {
		index := r.unsigned()
		names[index] = string(r.bytes(r.unsigned()))
		if r.err != nil {
			return nil, r.err
		}
	}
	return names, r.end()
}
