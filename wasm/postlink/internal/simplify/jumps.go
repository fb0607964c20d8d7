package simplify

import (
	"slices"

	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// shortenJumps makes jumps forward direct. What follows each resume point stands after the end of a block, in their
// order, and so a function can branch out of as many blocks as there are in between. The resume point is not
// set then: readDispatch makes sure that nobody reads it. A function of another form stays as it is.
func shortenJumps(instructions []wasm.Instruction) []wasm.Instruction {
	head, blocks, blockOf := readDispatch(instructions)
	if blockOf == nil {
		return instructions
	}
	result := slices.Clone(instructions[:head])
	open, nested := blocks, uint64(0)
	for rest := instructions[head:]; len(rest) > 0; {
		next := blocks - open // what begins at the end of the innermost block
		if resumePoint, opcode, length := readJump(rest, nested+open); length > 0 && blockOf(resumePoint) >= next {
			result = append(result, wasm.WithImmediate(opcode, nested+blockOf(resumePoint)-next))
			rest = rest[length:]
			continue
		}
		switch {
		case rest[0].Opcode == op.Block || rest[0].Opcode == op.Loop || rest[0].Opcode == op.If:
			nested++
		case rest[0].Opcode != op.End:
		case nested > 0:
			nested--
		case open > 0:
			open--
		default: // the end of the loop
			return append(result, rest...)
		}
		result = append(result, rest[0])
		rest = rest[1:]
	}
	return result
}

// readDispatch reads how a function begins: after some preparation with a loop around blocks, and a br_table out of
// one of them by the resume point. It returns how many instructions and how many blocks that are, and out of which
// block each resume point leads.
func readDispatch(instructions []wasm.Instruction) (head int, blocks uint64, blockOf func(uint64) uint64) {
	head = 1 + slices.IndexFunc(instructions, func(in wasm.Instruction) bool { return in.Opcode == op.Loop })
	first := head
	for head+2 < len(instructions) && instructions[head].Opcode == op.Block {
		head++
	}
	if first == 0 || head+2 >= len(instructions) {
		return 0, 0, nil
	}
	resumePoint, jump := instructions[head], instructions[head+1]
	if resumePoint.Opcode != op.LocalGet || resumePoint.Immediate != golang.LocalResume || jump.Opcode != op.BrTable {
		return 0, 0, nil
	}
	for i, in := range instructions { // what else reads the resume point has just written it
		isScratch := i > 1 && setsResume(instructions[i-2]) && instructions[i-1].Opcode == op.I32Const
		if in.Opcode == op.LocalGet && in.Immediate == golang.LocalResume && i != head && !isScratch {
			return 0, 0, nil
		}
	}
	targets := jump.Targets()
	last := uint64(len(targets) - 1)
	return head + 2, uint64(head - first), func(resumePoint uint64) uint64 { return targets[min(resumePoint, last)] }
}

// readJump reads a jump that takes the way through the loop, which is so many blocks outside: to which resume point,
// with which instruction it can be made shorter, and how long it is.
func readJump(instructions []wasm.Instruction, outside uint64) (resumePoint uint64, opcode byte, length int) {
	opcode, length = op.Br, 3
	if instructions[0].Opcode == op.If {
		if len(instructions) < 5 || instructions[4].Opcode != op.End {
			return 0, 0, 0
		}
		instructions, outside = instructions[1:], outside+1
		opcode, length = op.BrIf, 5
	}
	if len(instructions) < 3 || instructions[0].Opcode != op.I32Const || !setsResume(instructions[1]) ||
		instructions[2].Opcode != op.Br || instructions[2].Immediate != outside {
		return 0, 0, 0
	}
	return instructions[0].Immediate, opcode, length
}

func setsResume(in wasm.Instruction) bool {
	return in.Opcode == op.LocalSet && in.Immediate == golang.LocalResume
}
