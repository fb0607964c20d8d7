package split

import (
	"encoding/binary"
	"slices"

	"open-payments-wasm/wasm/postlink/internal/keep"
	"open-payments-wasm/wasm/postlink/internal/protocol"
	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// CountCalls returns a module that says which of its functions have run: for each that could be deferred,
// an exported global "ran " and its name becomes 1.
func CountCalls(module wasm.Module, hasStarted bool) (wasm.Module, error) {
	c, err := choose(module, keep.List{}, hasStarted)
	if err != nil {
		return nil, err
	}
	module = slices.Clone(module)
	if _, err := addCounter(module, protocol.DeferredExport); err != nil { // of which nothing is needed
		return nil, err
	}
	bodies := slices.Clone(c.Bodies)
	for _, index := range c.Deferred {
		counter, err := addCounter(module, "ran "+c.Names[index])
		if err != nil {
			return nil, err
		}
		locals, instructions, err := c.Read(index)
		if err != nil {
			return nil, err
		}
		bodies[index-c.Imported] = wasm.EncodeBody(slices.Concat(locals, []byte{op.I32Const, 1, op.GlobalSet}, counter), instructions)
	}
	return module, module.ReplaceBodies(bodies)
}

// addCounter adds a global that is 0 at first and exported, and returns its index as it is encoded.
func addCounter(module wasm.Module, name string) ([]byte, error) {
	index, err := module.Extend(wasm.GlobalSection, wasm.I32, 1, op.I32Const, 0, op.End)
	if err != nil {
		return nil, err
	}
	return binary.AppendUvarint(nil, index), module.Export(name, wasm.GlobalKind, index)
}
