package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Go's compiler writes every function as a loop around a table of jumps: to go on elsewhere a function
// says at which resume point and begins the loop anew. It also computes addresses on its stack with 64 bits, to use 32 of
// them, and more of that kind. An engine makes good code of it in the end. But at first it compiles each
// function as it stands when it is called, which is most of what the first call takes, and runs that.

// simplify makes the functions of a module shorter. They do the same.
func simplify(sections []section, said *report) error {
	jumps, err := rewrite(sections, shortenJumps)
	if err != nil {
		return err
	}
	if jumps == 0 {
		return errors.New("no function jumps forward by way of its br_table: this Go's compiler writes functions in another form")
	}
	said.add("jumps", fmt.Sprintf("%d functions jump forward past their br_table", jumps), sections, nil)
	shorter, err := rewrite(sections, peephole)
	if err != nil {
		return err
	}
	if shorter == 0 {
		return errors.New("the peephole pass found nothing in any function: this Go's compiler writes other instructions")
	}
	said.add("peephole", fmt.Sprintf("%d functions have fewer instructions", shorter), sections, nil)
	return nil
}

// rewrite rewrites the functions of a module, and returns how many became others.
func rewrite(sections []section, change func([]instruction) []instruction) (changed int, err error) {
	f, err := readFunctions(sections)
	if err != nil {
		return 0, err
	}
	for i, body := range f.bodies {
		locals, instructions, err := readBody(body)
		if err != nil {
			return 0, fmt.Errorf("function %d: %w", f.imported+uint64(i), err)
		}
		f.bodies[i] = encodeBody(locals, change(instructions))
		if !bytes.Equal(f.bodies[i], body) {
			changed++
		}
	}
	code, err := find(sections, codeSection)
	if err != nil {
		return 0, err
	}
	code.content = encodeBodies(f.bodies)
	return changed, nil
}

func encodeBody(locals []byte, instructions []instruction) []byte {
	body := slices.Clone(locals)
	for _, in := range instructions {
		body = append(body, in.bytes...)
	}
	return body
}

// withImmediate returns an instruction that has one, which is an index or a depth.
func withImmediate(opcode byte, immediate uint64) instruction {
	return instruction{opcode, immediate, binary.AppendUvarint([]byte{opcode}, immediate)}
}

// The local in which a function keeps its resume point (PC_B).
const localResume = 0

// shortenJumps makes jumps forward direct. What follows each resume point stands after the end of a block, in their
// order, and so a function can branch out of as many blocks as there are in between. The resume point is not
// set then: readDispatch makes sure that nobody reads it. A function of another form stays as it is.
func shortenJumps(instructions []instruction) []instruction {
	head, blocks, blockOf := readDispatch(instructions)
	if blockOf == nil {
		return instructions
	}
	result := slices.Clone(instructions[:head])
	open, nested := blocks, uint64(0)
	for rest := instructions[head:]; len(rest) > 0; {
		next := blocks - open // what begins at the end of the innermost block
		if resumePoint, opcode, length := readJump(rest, nested+open); length > 0 && blockOf(resumePoint) >= next {
			result = append(result, withImmediate(opcode, nested+blockOf(resumePoint)-next))
			rest = rest[length:]
			continue
		}
		switch {
		case rest[0].opcode == opBlock || rest[0].opcode == opLoop || rest[0].opcode == opIf:
			nested++
		case rest[0].opcode != opEnd:
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
func readDispatch(instructions []instruction) (head int, blocks uint64, blockOf func(uint64) uint64) {
	head = 1 + slices.IndexFunc(instructions, func(in instruction) bool { return in.opcode == opLoop })
	first := head
	for head+2 < len(instructions) && instructions[head].opcode == opBlock {
		head++
	}
	if first == 0 || head+2 >= len(instructions) {
		return 0, 0, nil
	}
	resumePoint, jump := instructions[head], instructions[head+1]
	if resumePoint.opcode != opLocalGet || resumePoint.immediate != localResume || jump.opcode != opBrTable {
		return 0, 0, nil
	}
	for i, in := range instructions { // what else reads the resume point has just written it
		isScratch := i > 1 && setsResume(instructions[i-2]) && instructions[i-1].opcode == opI32Const
		if in.opcode == opLocalGet && in.immediate == localResume && i != head && !isScratch {
			return 0, 0, nil
		}
	}
	r := readFrom("a br_table", jump.bytes[1:])
	var targets []uint64
	for range r.unsigned() + 1 {
		targets = append(targets, r.unsigned())
	}
	last := uint64(len(targets) - 1)
	return head + 2, uint64(head - first), func(resumePoint uint64) uint64 { return targets[min(resumePoint, last)] }
}

// readJump reads a jump that takes the way through the loop, which is so many blocks outside: to which resume point,
// with which instruction it can be made shorter, and how long it is.
func readJump(instructions []instruction, outside uint64) (resumePoint uint64, opcode byte, length int) {
	opcode, length = opBr, 3
	if instructions[0].opcode == opIf {
		if len(instructions) < 5 || instructions[4].opcode != opEnd {
			return 0, 0, 0
		}
		instructions, outside = instructions[1:], outside+1
		opcode, length = opBrIf, 5
	}
	if len(instructions) < 3 || instructions[0].opcode != opI32Const || !setsResume(instructions[1]) ||
		instructions[2].opcode != opBr || instructions[2].immediate != outside {
		return 0, 0, 0
	}
	return instructions[0].immediate, opcode, length
}

func setsResume(in instruction) bool { return in.opcode == opLocalSet && in.immediate == localResume }
