package main

import (
	"encoding/binary"
	"slices"
)

// peephole replaces instructions that follow each other by fewer ones. They hold no label, and so
// nothing jumps in between.
func peephole(instructions []instruction) []instruction {
	var result []instruction
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
func peepholeAtEnd(all []instruction) []instruction {
	last := func(n int) instruction { return all[len(all)-n] } // 1 is the last
	instead := func(n int, with ...instruction) []instruction { return append(all[:len(all)-n], with...) }
	switch {
	// 64 bits are made, of which 32 are used.
	case endsWith(all, opI64ExtendI32, opI64Const, opI64Add, opI32Wrap):
		return instead(4, i32Const(last(3).immediate), plain(opI32Add))
	case endsWith(all, opI64Const, opI32Wrap):
		return instead(2, i32Const(last(2).immediate))
	case endsWith(all, opI64Load, opI32Wrap), endsWith(all, opI64Load32U, opI32Wrap):
		return instead(2, memoryAt(opI32Load, last(2).immediate))
	// A condition is made a number, to be compared with 0.
	case endsWith(all, opI64ExtendI32, opI64Eqz):
		return instead(2, plain(opI32Eqz))
	case endsWith(all, opI32Eqz, opI32Eqz) && len(all) > 2 && isCondition(last(3).opcode):
		return instead(2)
	case endsWith(all, opI32Eqz) && len(all) > 1 && opposites[last(2).opcode] != 0:
		return instead(2, plain(opposites[last(2).opcode]))
	// The stack pointer rises twice, at the end of a function.
	case endsWith(all, opI32Const, opI32Add, opLocalTee, opGlobalSet, opLocalGet, opI32Const, opI32Add, opLocalTee, opGlobalSet) &&
		last(7).immediate == last(5).immediate && last(2).immediate == last(5).immediate && last(6).immediate == last(1).immediate:
		return instead(9, i32Const(last(9).immediate+last(4).immediate), plain(opI32Add), last(2), last(1))
	case isLoad(last(1).opcode):
		return shortenAddress(all, len(all)-1)
	case isStore(last(1).opcode):
		return shortenAddress(all, startOfValue(all[:len(all)-1]))
	}
	return all
}

func endsWith(all []instruction, opcodes ...byte) bool {
	return len(all) >= len(opcodes) && slices.EqualFunc(all[len(all)-len(opcodes):], opcodes,
		func(in instruction, opcode byte) bool { return in.opcode == opcode })
}

// shortenAddress moves the constant that is added to an address into the offset of the last instruction, which loads or
// stores there. The instructions of the address end before the given index, and begin with a local. The only local of 32
// bits that constants are added to is the stack pointer, which is so small that the sum cannot overflow.
func shortenAddress(all []instruction, end int) []instruction {
	if end < 3 || !endsWith(all[:end], opLocalGet, opI32Const, opI32Add) || int32(all[end-2].immediate) < 0 {
		return all
	}
	last := len(all) - 1
	user := memoryAt(all[last].opcode, all[last].immediate+all[end-2].immediate)
	user.bytes[1] = all[last].bytes[1] // the alignment
	return append(slices.Delete(all[:last], end-2, end), user)
}

// startOfValue returns where the instructions start that the value on top of the stack comes from, or 0
// where one among them is not of the simple ones.
func startOfValue(all []instruction) int {
	values := 1
	for i := len(all) - 1; i >= 0; i-- {
		switch opcode := all[i].opcode; {
		case opcode == opLocalGet, opcode == opGlobalGet, opcode >= opI32Const && opcode <= opF64Const:
			values--
		case opcode == opI32Eqz, opcode == opI64Eqz, opcode == opI32Wrap, opcode == opI64ExtendI32, isLoad(opcode):
		case opcode >= opI32Eq && opcode <= opF64Ge, opcode >= opI32Add && opcode <= opI32Rotr, opcode >= opI64Add && opcode <= opI64Rotr:
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

func isLoad(opcode byte) bool  { return opcode >= opI32Load && opcode < opI32Store }
func isStore(opcode byte) bool { return opcode >= opI32Store && opcode <= opI64Store32 }

// isCondition tells whether an instruction makes 0 or 1 of type i32: it compares.
func isCondition(opcode byte) bool { return opcode >= opI32Eqz && opcode <= opF64Ge }

// opposites are those comparisons of whole numbers that are true where others are false.
var opposites = map[byte]byte{}

func init() {
	const equal, notEqual, lessS, lessU, greaterS, greaterU, lessEqualS, lessEqualU, greaterEqualS, greaterEqualU = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
	for _, first := range []byte{opI32Eq, opI64Eq} {
		for one, other := range map[byte]byte{equal: notEqual, lessS: greaterEqualS, lessU: greaterEqualU, greaterS: lessEqualS, greaterU: lessEqualU} {
			opposites[first+one], opposites[first+other] = first+other, first+one
		}
	}
}

func plain(opcode byte) instruction { return instruction{opcode, 0, []byte{opcode}} }

func i32Const(value uint64) instruction {
	return instruction{opI32Const, uint64(int64(int32(value))), appendSigned([]byte{opI32Const}, int64(int32(value)))}
}

// memoryAt returns an instruction that loads or stores at an offset of the address.
func memoryAt(opcode byte, offset uint64) instruction {
	const alignment = 2 // of i32, as a power of two
	return instruction{opcode, offset, binary.AppendUvarint([]byte{opcode, alignment}, offset)}
}
