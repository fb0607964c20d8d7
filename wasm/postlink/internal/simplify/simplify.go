// Package simplify makes the functions of a module shorter. They do the same.
//
// Go's compiler writes every function as a loop around a table of jumps: to go on elsewhere a function
// says at which resume point and begins the loop anew. It also computes addresses on its stack with 64 bits, to use 32 of
// them, and more of that kind. An engine makes good code of it in the end. But at first it compiles each
// function as it stands when it is called, which is most of what the first call takes, and runs that.
package simplify

import (
	"bytes"
	"errors"

	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// Jumps makes jumps forward direct, in place, and returns in how many functions.
func Jumps(module wasm.Module) (functions int, err error) {
	functions, err = rewrite(module, shortenJumps)
	if err == nil && functions == 0 {
		err = errors.New("no function jumps forward by way of its br_table: this Go's compiler writes functions in another form")
	}
	return functions, err
}

// Peephole replaces instructions by fewer ones, in place, and returns in how many functions.
func Peephole(module wasm.Module) (functions int, err error) {
	functions, err = rewrite(module, peephole)
	if err == nil && functions == 0 {
		err = errors.New("nothing was found in any function: this Go's compiler writes other instructions")
	}
	return functions, err
}

// rewrite rewrites the functions of a module, and returns how many became others.
func rewrite(module wasm.Module, change func([]wasm.Instruction) []wasm.Instruction) (changed int, err error) {
	f, err := module.Functions()
	if err != nil {
		return 0, err
	}
	for i, body := range f.Bodies {
		locals, instructions, err := f.Read(f.Imported + uint64(i))
		if err != nil {
			return 0, err
		}
		f.Bodies[i] = wasm.EncodeBody(locals, change(instructions))
		if !bytes.Equal(f.Bodies[i], body) {
			changed++
		}
	}
	return changed, module.ReplaceBodies(f.Bodies)
}
