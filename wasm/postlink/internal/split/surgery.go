package split

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"

	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/protocol"
	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// Modules returns the primary and the deferred module, and their tag. The primary module has all data, and the functions to embed until
// Embed takes them out. The deferred module has these too: it takes the place of the embedded one where no module may be compiled.
func (c *Choice) Modules() (primary, deferred wasm.Module, tag string, err error) {
	tag = c.tag()
	all := slices.Sorted(slices.Values(slices.Concat(c.Deferred, c.Embedded)))
	if deferred, err = c.module(tag, all); err != nil {
		return nil, nil, "", err
	}
	primary = slices.Clone(c.Module)
	state, err := c.takeOut(primary, c.Deferred, protocol.DeferredExport)
	if err != nil {
		return nil, nil, "", err
	}
	if err := export(primary, linkName(tag), state); err != nil {
		return nil, nil, "", err
	}
	return primary.WithCustom(protocol.TagSection, []byte(tag)), deferred.WithCustom(protocol.TagSection, []byte(tag)), tag, nil
}

// Embed moves functions of the primary module, which Modules has made, into one that lies in a custom section of it as it is: a browser
// downloads it with the primary module, and compiles it when JavaScript asks for that.
func (c *Choice) Embed(primary wasm.Module, tag string) (wasm.Module, error) {
	embedded, err := c.module(tag, c.Embedded)
	if err != nil {
		return nil, err
	}
	primary = slices.Clone(primary)
	if _, err := c.takeOut(primary, c.Embedded, protocol.EmbeddedExport); err != nil {
		return nil, err
	}
	return primary.WithCustom(protocol.EmbeddedSection, embedded.Encode()), nil
}

// tag returns a text that the modules have in common, and no others: they only fit each other.
func (c *Choice) tag() string {
	sum := sha256.Sum256(fmt.Append(c.Module.Encode(), c.Deferred, c.Embedded))
	return hex.EncodeToString(sum[:8])
}

// linkName is the name of an export of the primary module that only the other modules of the same build import.
func linkName(tag string) string { return protocol.TagSection + " " + tag }

// module returns a module of functions that leave the primary one, sorted by their index.
func (c *Choice) module(tag string, functions []uint64) (wasm.Module, error) {
	imports := [][]byte{
		slices.Concat(importName("mem"), []byte{wasm.MemoryKind}, c.Memory),
		slices.Concat(importName(protocol.TableExport), []byte{wasm.TableKind, 0x70, 0, 0}), // of functions, of any size
	}
	for i, kind := range golang.Registers {
		imports = append(imports, slices.Concat(importName(golang.RegisterName(i)), []byte{wasm.GlobalKind, kind, 1}))
	}
	imports = append(imports, append(importName(linkName(tag)), wasm.GlobalKind, wasm.I32, 1))
	types, err := c.Module.Find(wasm.TypeSection)
	if err != nil {
		return nil, err
	}
	var declared, bodies, elements [][]byte
	for i, index := range functions {
		body, err := c.bodyIn(functions, index)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
		declared = append(declared, binary.AppendUvarint(nil, c.Type))
		element := wasm.AppendSigned([]byte{0x00, op.I32Const}, c.TableIndex(index))
		element = binary.AppendUvarint(append(element, op.End, 1), uint64(i))
		elements = append(elements, element)
	}
	return wasm.Module{
		{ID: wasm.TypeSection, Content: types.Content},
		{ID: wasm.ImportSection, Content: wasm.EncodeList(imports)},
		{ID: wasm.FunctionSection, Content: wasm.EncodeList(declared)},
		{ID: wasm.ElementSection, Content: wasm.EncodeList(elements)},
		{ID: wasm.CodeSection, Content: wasm.EncodeBodies(bodies)},
	}, nil
}

func importName(name string) []byte {
	return wasm.AppendVector(wasm.AppendVector(nil, []byte(protocol.PrimaryName)), []byte(name))
}

// bodyIn returns the body of a function as it stands in the module of these functions: calls of others go through the table.
func (c *Choice) bodyIn(functions []uint64, index uint64) ([]byte, error) {
	locals, instructions, err := c.Read(index)
	if err != nil {
		return nil, err
	}
	result := bytes.Clone(locals)
	for _, in := range instructions {
		if in.Opcode != op.Call {
			result = append(result, in.Bytes...)
			continue
		}
		if i, isBeside := slices.BinarySearch(functions, in.Immediate); isBeside {
			result = binary.AppendUvarint(append(result, op.Call), uint64(i))
			continue
		}
		result = wasm.AppendSigned(append(result, op.I32Const), c.TableIndex(in.Immediate))
		result = binary.AppendUvarint(append(result, op.CallIndirect), c.Types[in.Immediate-c.Imported])
		result = append(result, 0) // the table
	}
	return result, nil
}

// takeOut puts a placeholder in the place of each of these functions, in place. It returns the index of the global with the state
// of the module which brings them, and exports it under a name.
func (c *Choice) takeOut(module wasm.Module, functions []uint64, name string) (state uint64, err error) {
	read, err := module.Functions()
	if err != nil {
		return 0, err
	}
	waiting, err := module.Extend(wasm.TypeSection, wasm.Func, 2, wasm.I32, wasm.I32, 1, wasm.I32)
	if err != nil {
		return 0, err
	}
	defined, err := module.Extend(wasm.FunctionSection, binary.AppendUvarint(nil, waiting)...)
	if err != nil {
		return 0, err
	}
	if state, err = module.Extend(wasm.GlobalSection, wasm.I32, 1, op.I32Const, protocol.StateAbsent, op.End); err != nil {
		return 0, err
	}
	bodies := append(read.Bodies, c.wait(state))
	for _, index := range functions {
		placeholder := wasm.AppendSigned([]byte{0, op.I32Const}, c.TableIndex(index))
		placeholder = append(placeholder, op.LocalGet, golang.LocalResume, op.Call)
		bodies[index-c.Imported] = append(binary.AppendUvarint(placeholder, c.Imported+defined), op.End)
	}
	if err := module.ReplaceBodies(bodies); err != nil {
		return 0, err
	}
	return state, module.Export(name, wasm.GlobalKind, state)
}

// export adds what JavaScript and the other modules need to what the primary module exports, in place: the table, the loop, and a
// global under the name that says of which build it is. The registers may be among it already.
func export(module wasm.Module, linkName string, state uint64) error {
	if err := module.Export(protocol.TableExport, wasm.TableKind, 0); err != nil {
		return err
	}
	if err := golang.ExportLoop(module, protocol.ProceedExport); err != nil {
		return err
	}
	return module.Export(linkName, wasm.GlobalKind, state)
}

// wait returns the body of the function that placeholders call: with their table index and the resume point
// that they were called with. Once the module is linked their function stands there; until then Go pauses.
func (c *Choice) wait(state uint64) []byte {
	const tableIndex, resumePoint = 0, 1
	global := binary.AppendUvarint(nil, state)
	return slices.Concat(
		[]byte{0, op.GlobalGet}, global, // no locals
		[]byte{op.I32Const, protocol.StateLinked, op.I32Eq, op.If, wasm.Void, op.LocalGet, resumePoint, op.LocalGet, tableIndex, op.CallIndirect},
		binary.AppendUvarint(nil, c.Type), []byte{0, op.Return, op.End},
		[]byte{
			op.GlobalGet, golang.SP, op.I32Const, 8, op.I32Sub, // the program counter goes where the loop looks for it
			op.LocalGet, tableIndex, op.I64ExtendI32, op.I64Const, 16, op.I64Shl, op.LocalGet, resumePoint, op.I64ExtendI32, op.I64Or,
			op.I64Store, 3, 0,
			op.I32Const, protocol.StateNeeded, op.GlobalSet,
		}, global,
		[]byte{
			op.I32Const, 1, op.GlobalSet, golang.Pause,
			op.I32Const, 1, // so that the callers return too
			op.End,
		})
}
