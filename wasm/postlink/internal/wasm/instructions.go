package wasm

import (
	"encoding/binary"
	"slices"

	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// Instruction is one of a function's body: its opcode, its first immediate where that is an index, a depth, a constant
// or the offset of an address, and all its bytes.
type Instruction struct {
	Opcode    byte
	Immediate uint64
	Bytes     []byte
}

// readBody returns the declaration of locals at the start of a function's body, and the instructions.
func readBody(where string, body []byte) (locals []byte, instructions []Instruction, err error) {
	r := NewReader(where, body)
	for range r.Unsigned() {
		r.Unsigned() // how many
		r.Bytes(1)   // of which type
	}
	locals = body[:len(body)-r.Len()]
	for r.Len() > 0 {
		start := r.unread
		in := Instruction{}
		in.Opcode, in.Immediate = r.Instruction()
		in.Bytes = start[:len(start)-len(r.unread)]
		instructions = append(instructions, in)
	}
	if len(instructions) == 0 || instructions[len(instructions)-1].Opcode != op.End {
		r.Fail("the body has no end")
	}
	return locals, instructions, r.Err()
}

// Instruction reads one, of those that Go's compiler knows.
func (r *Reader) Instruction() (opcode byte, immediate uint64) {
	start := r.unread
	head := r.Bytes(1)
	if r.err != nil {
		return 0, 0
	}
	opcode = head[0]
	switch {
	case opcode == op.Block, opcode == op.Loop, opcode == op.If:
		r.Bytes(1) // the type of the block
	case opcode == op.BrTable:
		for range r.Unsigned() + 1 {
			immediate = r.Unsigned()
			if r.err != nil {
				break
			}
		}
	case opcode == op.CallIndirect:
		immediate = r.Unsigned()
		r.Expect(0) // the table
	case opcode == op.MemorySize, opcode == op.MemoryGrow:
		r.Expect(0)
	case opcode == op.I32Const, opcode == op.I64Const:
		immediate = uint64(r.Signed())
	case opcode == op.F32Const:
		r.Bytes(4)
	case opcode == op.F64Const:
		r.Bytes(8)
	case opcode >= op.I32Load && opcode <= op.I64Store32:
		r.Unsigned() // alignment
		immediate = r.Unsigned()
	case opcode >= op.Br && opcode <= op.Call, opcode >= op.LocalGet && opcode <= op.TableSet:
		if opcode != op.Return {
			immediate = r.Unsigned()
		}
	case opcode == op.Numeric:
		immediate = r.Unsigned()
		r.Bytes(memoriesOf[immediate])
	case opcode > op.Extend32S:
		r.unread = start
		r.Fail("opcode %#x, which Go's compiler does not write", opcode)
	}
	return opcode, immediate
}

// memoriesOf says, by the second opcode of an instruction that begins with op.Numeric, how many memory indices follow it.
var memoriesOf = map[uint64]uint64{10: 2, 11: 1} // memory.copy and memory.fill

// Targets returns the depths that a br_table branches to. The last is that of every other number.
func (in Instruction) Targets() []uint64 {
	r := NewReader("a br_table", in.Bytes[1:])
	var targets []uint64
	for range r.Unsigned() + 1 {
		targets = append(targets, r.Unsigned())
	}
	return targets
}

// EncodeBody returns the body of a function.
func EncodeBody(locals []byte, instructions []Instruction) []byte {
	body := slices.Clone(locals)
	for _, in := range instructions {
		body = append(body, in.Bytes...)
	}
	return body
}

// WithImmediate returns an instruction that has one, which is an index or a depth.
func WithImmediate(opcode byte, immediate uint64) Instruction {
	return Instruction{opcode, immediate, binary.AppendUvarint([]byte{opcode}, immediate)}
}

// Plain returns an instruction that has no immediate.
func Plain(opcode byte) Instruction { return Instruction{opcode, 0, []byte{opcode}} }

// I32Const returns the instruction of a constant: of the lowest 32 bits of a value.
func I32Const(value uint64) Instruction {
	return Instruction{op.I32Const, uint64(int64(int32(value))), AppendSigned([]byte{op.I32Const}, int64(int32(value)))}
}

// MemoryAt returns an instruction that loads or stores at an offset of the address, aligned as an i32.
func MemoryAt(opcode byte, offset uint64) Instruction {
	const alignment = 2 // as a power of two
	return Instruction{opcode, offset, binary.AppendUvarint([]byte{opcode, alignment}, offset)}
}

// IsLoad tells whether an instruction loads from memory.
func IsLoad(opcode byte) bool { return opcode >= op.I32Load && opcode < op.I32Store }

// IsStore tells whether an instruction stores to memory.
func IsStore(opcode byte) bool { return opcode >= op.I32Store && opcode <= op.I64Store32 }
