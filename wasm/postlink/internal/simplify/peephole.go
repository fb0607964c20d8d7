package simplify

import (
	"slices"

	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// peephole replaces instructions that follow each other by fewer ones. They hold no label, and so
// nothing jumps in between.
func peephole(instructions []wasm.Instruction) []wasm.Instruction {
	var result []wasm.Instruction
	for _, in := range instructions {
		result = append(result, in)
		for {
			shorter := peepholeAtEnd(result)
			if len(shorter) == len(result) {
				break
			}
			result = shorter
		}
	}
	return result
}

// peepholeAtEnd shortens what the instructions end with, if it can.
func peepholeAtEnd(all []wasm.Instruction) []wasm.Instruction {
	last := func(n int) wasm.Instruction { return all[len(all)-n] } // 1 is the last
	instead := func(n int, with ...wasm.Instruction) []wasm.Instruction { return append(all[:len(all)-n], with...) }
	switch {
	// 64 bits are made, of which 32 are used.
	case endsWith(all, op.I64ExtendI32, op.I64Const, op.I64Add, op.I32Wrap):
		return instead(4, wasm.I32Const(last(3).Immediate), wasm.Plain(op.I32Add))
	case endsWith(all, op.I64Const, op.I32Wrap):
		return instead(2, wasm.I32Const(last(2).Immediate))
	case endsWith(all, op.I64Load, op.I32Wrap), endsWith(all, op.I64Load32U, op.I32Wrap):
		return instead(2, wasm.MemoryAt(op.I32Load, last(2).Immediate))
	// A condition is made a number, to be compared with 0.
	case endsWith(all, op.I64ExtendI32, op.I64Eqz):
		return instead(2, wasm.Plain(op.I32Eqz))
	case endsWith(all, op.I32Eqz, op.I32Eqz) && len(all) > 2 && isCondition(last(3).Opcode):
		return instead(2)
	case endsWith(all, op.I32Eqz) && len(all) > 1 && opposites[last(2).Opcode] != 0:
		return instead(2, wasm.Plain(opposites[last(2).Opcode]))
	// The stack pointer rises twice, at the end of a function.
	case endsWith(all, op.I32Const, op.I32Add, op.LocalTee, op.GlobalSet, op.LocalGet, op.I32Const, op.I32Add, op.LocalTee, op.GlobalSet) &&
		last(7).Immediate == last(5).Immediate && last(2).Immediate == last(5).Immediate && last(6).Immediate == last(1).Immediate:
		return instead(9, wasm.I32Const(last(9).Immediate+last(4).Immediate), wasm.Plain(op.I32Add), last(2), last(1))
	case wasm.IsLoad(last(1).Opcode):
		return shortenAddress(all, len(all)-1)
	case wasm.IsStore(last(1).Opcode):
		return shortenAddress(all, startOfValue(all[:len(all)-1]))
	}
	return all
}

func endsWith(all []wasm.Instruction, opcodes ...byte) bool {
	return len(all) >= len(opcodes) && slices.EqualFunc(all[len(all)-len(opcodes):], opcodes,
		func(in wasm.Instruction, opcode byte) bool { return in.Opcode == opcode })
}

// shortenAddress moves the constant that is added to an address into the offset of the last wasm.Instruction, which loads or
// stores there. The instructions of the address end before the given index, and begin with a local. The only local of 32
// bits that constants are added to is the stack pointer, which is so small that the sum cannot overflow.
func shortenAddress(all []wasm.Instruction, end int) []wasm.Instruction {
	if end < 3 || !endsWith(all[:end], op.LocalGet, op.I32Const, op.I32Add) || int32(all[end-2].Immediate) < 0 {
		return all
	}
	last := len(all) - 1
	user := wasm.MemoryAt(all[last].Opcode, all[last].Immediate+all[end-2].Immediate)
	user.Bytes[1] = all[last].Bytes[1] // the alignment
	return append(slices.Delete(all[:last], end-2, end), user)
}

// startOfValue returns where the instructions start that the value on top of the stack comes from, or 0
// where one among them is not of the simple ones.
func startOfValue(all []wasm.Instruction) int {
	values := 1
	for i := len(all) - 1; i >= 0; i-- {
		switch opcode := all[i].Opcode; {
		case opcode == op.LocalGet, opcode == op.GlobalGet, opcode >= op.I32Const && opcode <= op.F64Const:
			values--
		case opcode == op.I32Eqz, opcode == op.I64Eqz, opcode == op.I32Wrap, opcode == op.I64ExtendI32, wasm.IsLoad(opcode):
		case opcode >= op.I32Eq && opcode <= op.F64Ge, opcode >= op.I32Add && opcode <= op.I32Rotr, opcode >= op.I64Add && opcode <= op.I64Rotr:
			values++
		default:
			return 0
		}
		if values == 0 {
			return i
		}
	}
	return 0
}

// isCondition tells whether an wasm.Instruction makes 0 or 1 of type i32: it compares.
func isCondition(opcode byte) bool { return opcode >= op.I32Eqz && opcode <= op.F64Ge }

// opposites are those comparisons of whole numbers that are true where others are false.
var opposites = map[byte]byte{}

func init() {
	const equal, notEqual, lessS, lessU, greaterS, greaterU, lessEqualS, lessEqualU, greaterEqualS, greaterEqualU = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
	for _, first := range []byte{op.I32Eq, op.I64Eq} {
		for one, other := range map[byte]byte{equal: notEqual, lessS: greaterEqualS, lessU: greaterEqualU, greaterS: lessEqualS, greaterU: lessEqualU} {
			opposites[first+one], opposites[first+other] = first+other, first+one
		}
	}
}
