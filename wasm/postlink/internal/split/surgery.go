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

// globalDeferred is the index of the global with the state of the deferred module: it follows the registers.
var globalDeferred = byte(len(golang.Registers))

// Modules returns the primary and the deferred module, and their tag. The primary module has all data.
func (c *Choice) Modules() (primary, deferred wasm.Module, tag string, err error) {
	tag = c.tag()
	if deferred, err = c.deferredModule(tag); err != nil {
		return nil, nil, "", err
	}
	if primary, err = c.primaryModule(tag); err != nil {
		return nil, nil, "", err
	}
	return primary.WithCustom(protocol.TagSection, []byte(tag)), deferred.WithCustom(protocol.TagSection, []byte(tag)), tag, nil
}

// tag returns a text that the two modules have in common, and no others: they only fit each other.
func (c *Choice) tag() string {
	sum := sha256.Sum256(fmt.Append(c.Module.Encode(), c.Deferred))
	return hex.EncodeToString(sum[:8])
}

// linkName is the name of an export of the primary module that only the deferred module of the same build imports.
func linkName(tag string) string { return protocol.TagSection + " " + tag }

// deferredModule returns the module with the deferred functions.
func (c *Choice) deferredModule(tag string) (wasm.Module, error) {
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
	for i, index := range c.Deferred {
		body, err := c.deferredBody(index)
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

// deferredBody returns the body of a function as it stands in the deferred module: calls of what is in the primary
// module go through the table.
func (c *Choice) deferredBody(index uint64) ([]byte, error) {
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
		if i, isDeferred := slices.BinarySearch(c.Deferred, in.Immediate); isDeferred {
			result = binary.AppendUvarint(append(result, op.Call), uint64(i))
			continue
		}
		result = wasm.AppendSigned(append(result, op.I32Const), c.TableIndex(in.Immediate))
		result = binary.AppendUvarint(append(result, op.CallIndirect), c.Types[in.Immediate-c.Imported])
		result = append(result, 0) // the table
	}
	return result, nil
}

// primaryModule returns the module with a placeholder for each deferred function.
func (c *Choice) primaryModule(tag string) (wasm.Module, error) {
	module := slices.Clone(c.Module)
	waiting, err := module.Extend(wasm.TypeSection, wasm.Func, 2, wasm.I32, wasm.I32, 1, wasm.I32)
	if err != nil {
		return nil, err
	}
	if _, err := module.Extend(wasm.FunctionSection, binary.AppendUvarint(nil, waiting)...); err != nil {
		return nil, err
	}
	wait := c.Imported + uint64(len(c.Bodies))
	bodies := append(slices.Clone(c.Bodies), c.wait())
	for _, index := range c.Deferred {
		placeholder := wasm.AppendSigned([]byte{0, op.I32Const}, c.TableIndex(index))
		placeholder = append(placeholder, op.LocalGet, golang.LocalResume, op.Call)
		bodies[index-c.Imported] = append(binary.AppendUvarint(placeholder, wait), op.End)
	}
	if err := module.ReplaceBodies(bodies); err != nil {
		return nil, err
	}
	if _, err := module.Extend(wasm.GlobalSection, wasm.I32, 1, op.I32Const, protocol.DeferredAbsent, op.End); err != nil {
		return nil, err
	}
	return module, c.export(module, tag)
}

// export adds what the deferred module and JavaScript need to what the primary module exports. The registers may be
// among it already.
func (c *Choice) export(module wasm.Module, tag string) error {
	if err := module.Export(protocol.TableExport, wasm.TableKind, 0); err != nil {
		return err
	}
	if err := golang.ExportLoop(module, protocol.ProceedExport); err != nil {
		return err
	}
	if err := module.Export(protocol.DeferredExport, wasm.GlobalKind, uint64(globalDeferred)); err != nil {
		return err
	}
	return module.Export(linkName(tag), wasm.GlobalKind, uint64(globalDeferred))
}

// wait returns the body of the function that placeholders call: with their table index and the resume point
// that they were called with. Once the deferred module is linked its function stands there; until then Go pauses.
func (c *Choice) wait() []byte {
	const tableIndex, resumePoint = 0, 1
	body := []byte{
		0, // no locals
		op.GlobalGet, globalDeferred, op.I32Const, protocol.DeferredLinked, op.I32Eq,
		op.If, wasm.Void,
		op.LocalGet, resumePoint, op.LocalGet, tableIndex, op.CallIndirect,
	}
	body = append(binary.AppendUvarint(body, c.Type), 0, op.Return, op.End)
	return append(body,
		op.GlobalGet, golang.SP, op.I32Const, 8, op.I32Sub, // the program counter goes where the loop looks for it
		op.LocalGet, tableIndex, op.I64ExtendI32, op.I64Const, 16, op.I64Shl, op.LocalGet, resumePoint, op.I64ExtendI32, op.I64Or,
		op.I64Store, 3, 0,
		op.I32Const, protocol.DeferredNeeded, op.GlobalSet, globalDeferred,
		op.I32Const, 1, op.GlobalSet, golang.Pause,
		op.I32Const, 1, // so that the callers return too
		op.End)
}
