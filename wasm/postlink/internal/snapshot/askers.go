package snapshot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// A snapshot holds what the program was told while it started: the time of the build, and random numbers that are the
// same in every instance. Those of Go's runtime are renewed in each instance. Those that a package asked for are not, and it
// may have made a secret, an identifier or a deadline of them. So an initialiser that asks for the clock or for random
// numbers ends the build, unless it is known to do no harm.

// askers finds the first function that asks while a program starts, and must not.
type askers struct {
	module wasm.Module     // the one that runs
	table  *golang.Pclntab // of its memory at first, once it is needed
	first  int64           // the table index of its first function
	err    error           // says who was the first that may not
	inMain bool
	mainG  uint64
}

func (a *askers) NewFunctionListener(function api.FunctionDefinition) experimental.FunctionListener {
	name := nameOf(function)
	if golang.AsksFor(name) != "" || name == golang.MainName {
		return a
	}
	return nil
}

// nameOf returns a function's name. wazero puts the name of its module and a dot before it, and Go's module has no name.
func nameOf(function api.FunctionDefinition) string {
	return strings.TrimPrefix(function.DebugName(), ".")
}

func (a *askers) Before(_ context.Context, module api.Module, function api.FunctionDefinition, params []uint64, stack experimental.StackIterator) {
	name := nameOf(function)
	if name == golang.MainName {
		a.inMain, a.mainG = true, currentG(module)
		return
	}
	if a.err != nil || a.inMain && currentG(module) == a.mainG {
		return // an initialiser, or a goroutine that one began, is not what asks
	}
	var names []string
	for stack.Next() {
		names = append(names, nameOf(stack.Function().Definition()))
	}
	callers := names[1:]
	for len(callers) > 0 && golang.AsksForCallers(callers[0]) {
		callers = callers[1:]
	}
	if len(callers) == 0 || golang.MayAsk(callers[0]) {
		return
	}
	if name == "runtime.rand" && len(callers) == len(names)-1 {
		inlined, err := a.inlinedCaller(module)
		if err != nil {
			a.err = err
			return
		}
		if !golang.PullsRandom(callers[0]) && !golang.PullsRandom(inlined) {
			return
		}
		if inlined != "" {
			callers = slices.Concat([]string{inlined}, callers)
		}
	}
	a.err = fmt.Errorf("an initialiser asks for %s, and a snapshot would have every instance get the same: %s",
		golang.AsksFor(name), strings.Join(callers[:min(len(callers), 5)], ", called by "))
}

func (a *askers) After(context.Context, api.Module, api.FunctionDefinition, []uint64) {}

func (a *askers) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}

// currentG returns the goroutine that runs, which Go's compiler keeps in a global.
func currentG(module api.Module) uint64 {
	return module.(exporter).ExportedGlobal(golang.RegisterName(golang.G)).Get()
}

type exporter interface{ ExportedGlobal(name string) api.Global }

// inlinedCaller returns the name of the function that called, where it is inlined into another: the return address
// is where the stack pointer points.
func (a *askers) inlinedCaller(module api.Module) (string, error) {
	if err := a.openTable(); err != nil {
		return "", err
	}
	sp := module.(exporter).ExportedGlobal(golang.RegisterName(golang.SP)).Get()
	counter, _ := module.Memory().ReadUint64Le(uint32(sp))
	resumePoint := max(uint32(counter&0xffff), 1) - 1 // that of the call, not of what follows
	return a.table.InlinedAt(int(int64(counter>>16)-a.first), resumePoint), nil
}

func (a *askers) openTable() error {
	if a.table != nil {
		return nil
	}
	program, err := golang.Open(a.module)
	if err != nil {
		return err
	}
	memory, err := a.module.Memory()
	if err != nil {
		return err
	}
	a.first = program.Table
	a.table, err = golang.OpenPclntab(a.module, memory, program.Table, len(program.Bodies))
	return err
}
