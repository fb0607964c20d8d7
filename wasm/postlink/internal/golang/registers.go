package golang

import (
	"fmt"

	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// Registers are the types of the globals that Go's compiler uses as registers, by index.
var Registers = []byte{wasm.I32, wasm.I64, wasm.I64, wasm.I64, wasm.I64, wasm.I64, wasm.I64, wasm.I32}

// Indices of registers.
const (
	SP    = 0 // the stack pointer
	G     = 2 // the goroutine that runs
	Pause = 7 // 1 has the loop return to JavaScript
)

// checkRegisters fails unless the globals of a module are Registers.
func checkRegisters(module wasm.Module) error {
	r, err := module.Open(wasm.GlobalSection)
	if err != nil {
		return err
	}
	r.Expect(byte(len(Registers)))
	for _, kind := range Registers {
		r.Expect(kind, 1) // mutable
		r.Instruction()   // its first value
		r.Expect(op.End)
	}
	if err := r.End(); err != nil {
		return fmt.Errorf("the registers of Go: %w", err)
	}
	return nil
}

// EncodeRegisters returns the content of a global section in which the registers begin with these values.
func EncodeRegisters(values []uint64) []byte {
	content := []byte{byte(len(values))}
	for i, kind := range Registers {
		content = append(content, kind, 1)
		if kind == wasm.I32 {
			content = wasm.AppendSigned(append(content, op.I32Const), int64(int32(values[i])))
		} else {
			content = wasm.AppendSigned(append(content, op.I64Const), int64(values[i]))
		}
		content = append(content, op.End)
	}
	return content
}

// ExportRegisters has a module export its registers, in place, by RegisterName, unless it does already.
func ExportRegisters(module wasm.Module) error {
	isThere, err := module.Exports(RegisterName(SP))
	if err != nil || isThere {
		return err
	}
	if err := checkRegisters(module); err != nil {
		return err
	}
	for i := range Registers {
		if err := module.Export(RegisterName(i), wasm.GlobalKind, uint64(i)); err != nil {
			return err
		}
	}
	return nil
}

// RegisterName returns the name under which a register is exported.
func RegisterName(index int) string { return fmt.Sprint("global", index) }
