package golang

import (
	"errors"
	"fmt"

	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// Program is a module as Go's linker writes it: its functions, all of which stand in one table, and the loop that runs them.
//
// A function of Go takes a resume point (PC_B), at which it goes on, and returns 1 to have its callers return as well, down to
// the loop. The loop calls the function that the program counter below the stack pointer names: a table index (PC_F) in
// the upper 48 bits, and a resume point in the lower 16.
type Program struct {
	wasm.Functions
	Module wasm.Module
	Type   uint64 // the type index of such functions: an i32 in, an i32 out
	Table  int64  // the table index of the first function that the module defines
	Memory []byte // the limits of the memory, as the memory section has them
}

// LoopName is the name of the loop.
const LoopName = "wasm_pc_f_loop"

// Open reads a module, and fails where it is of another form.
func Open(module wasm.Module) (*Program, error) {
	p := &Program{Module: module}
	var err error
	if p.Functions, err = module.Functions(); err != nil {
		return nil, err
	}
	if err := p.NeedNames(); err != nil {
		return nil, err
	}
	var isThere bool
	if p.Type, isThere, err = module.FindType(wasm.Func, 1, wasm.I32, 1, wasm.I32); err != nil {
		return nil, err
	}
	if !isThere {
		return nil, errors.New("the type section has no type of Go's functions: an i32 in, an i32 out")
	}
	if err := p.readTable(); err != nil {
		return nil, err
	}
	memory, err := module.Find(wasm.MemorySection)
	if err != nil {
		return nil, err
	}
	p.Memory = memory.Content[1:]
	if err := checkRegisters(module); err != nil {
		return nil, err
	}
	return p, p.checkLoop()
}

// readTable reads the table index of the first function. Go puts all of them into the table, in their order.
func (p *Program) readTable() error {
	r, err := p.Module.Open(wasm.ElementSection)
	if err != nil {
		return err
	}
	r.Expect(1, 0x00, op.I32Const) // one list, active
	p.Table = r.Signed()
	r.Expect(op.End)
	if count := r.Unsigned(); r.Err() == nil && count != uint64(len(p.Bodies)) {
		return fmt.Errorf("the table holds %d functions, and the module defines %d", count, len(p.Bodies))
	}
	for i := range p.Bodies {
		want := p.Imported + uint64(i)
		if index := r.Unsigned(); r.Err() == nil && index != want {
			return fmt.Errorf("the table holds function %d, where %d was expected", index, want)
		}
	}
	return r.End()
}

// Find returns the function index of a name.
func (p *Program) Find(name string) (uint64, error) {
	for index, candidate := range p.Names {
		if candidate == name {
			return index, nil
		}
	}
	return 0, fmt.Errorf("the module has no function %s", name)
}

// TableIndex returns that of a function.
func (p *Program) TableIndex(index uint64) int64 { return p.Table + int64(index-p.Imported) }

// FunctionAt returns the function index at a table index, if there is one that the module defines.
func (p *Program) FunctionAt(tableIndex int64) (index uint64, isThere bool) {
	return p.Imported + uint64(tableIndex-p.Table), tableIndex >= p.Table && tableIndex < p.Table+int64(len(p.Bodies))
}

// FunctionAtCounter returns the function at the start of which a program counter points, if it is one. That is how code and
// data name functions as values.
func (p *Program) FunctionAtCounter(counter uint64) (index uint64, isOne bool) {
	index, isThere := p.FunctionAt(int64(counter >> 16))
	return index, isThere && counter&0xffff == 0
}

// loopCode is what the loop does, as far as placeholders depend on it: it goes on with the function and the
// resume point that stand below the stack pointer, until Go pauses.
var loopCode = []wasm.Instruction{
	{Opcode: op.GlobalGet, Immediate: Pause}, {Opcode: op.I32Eqz}, {Opcode: op.If}, {Opcode: op.Loop},
	{Opcode: op.GlobalGet, Immediate: SP}, {Opcode: op.I32Const, Immediate: 8}, {Opcode: op.I32Sub}, {Opcode: op.I32Load16U, Immediate: 0},
	{Opcode: op.GlobalGet, Immediate: SP}, {Opcode: op.I32Const, Immediate: 8}, {Opcode: op.I32Sub}, {Opcode: op.I32Load, Immediate: 2},
	{Opcode: op.CallIndirect}, {Opcode: op.Drop},
	{Opcode: op.GlobalGet, Immediate: Pause}, {Opcode: op.I32Eqz}, {Opcode: op.BrIf}, {Opcode: op.End}, {Opcode: op.End},
	{Opcode: op.I32Const}, {Opcode: op.GlobalSet, Immediate: Pause},
}

func (p *Program) checkLoop() error {
	index, err := p.Find(LoopName)
	if err != nil {
		return err
	}
	_, instructions, err := p.Read(index)
	if err != nil {
		return err
	}
	for i, want := range loopCode {
		if i >= len(instructions) {
			return fmt.Errorf("%s ends at instruction %d, before it has done what it did", LoopName, i)
		}
		got := instructions[i]
		isCall := want.Opcode == op.CallIndirect && got.Immediate == p.Type
		if got.Opcode != want.Opcode || !isCall && hasImmediate(want.Opcode) && got.Immediate != want.Immediate {
			return fmt.Errorf("%s is another: instruction %d has opcode %#x and immediate %d, where %#x and %d were expected",
				LoopName, i, got.Opcode, got.Immediate, want.Opcode, want.Immediate)
		}
	}
	return nil
}

func hasImmediate(opcode byte) bool { return opcode != op.If && opcode != op.Loop }

// ExportLoop has a module export the loop, in place, under a name, unless it does already.
func ExportLoop(module wasm.Module, name string) error {
	isThere, err := module.Exports(name)
	if err != nil || isThere {
		return err
	}
	functions, err := module.Functions()
	if err != nil {
		return err
	}
	index, err := (&Program{Functions: functions}).Find(LoopName)
	if err != nil {
		return err
	}
	return module.Export(name, wasm.FunctionKind, index)
}
