package functable

import (
	"encoding/binary"

	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// CutFunctab returns a module whose start function writes runtime.functab, which its data had before: each entry follows from the _func, which
// stand in the order of their functions. So does the table index of each, of which the data keeps by how much it is greater than that of the
// one before. It fails where the table is not found. It also returns of how many functions that is.
func CutFunctab(module wasm.Module) (smaller wasm.Module, functions uint64, err error) {
	memory, err := module.Memory()
	if err != nil {
		return nil, 0, err
	}
	table, err := golang.FindFunctab(memory)
	if err != nil {
		return nil, 0, err
	}
	clear(memory[table.Address:][:golang.FunctabEntrySize*table.Functions])
	before := uint64(0) // how many functions are before the next that has a _func
	for function := range table.Functions {
		if info, isThere := table.Infos[function]; isThere {
			binary.LittleEndian.PutUint32(memory[info:], uint32(function+1-before))
			before = function + 1
		}
	}
	if smaller, err = module.AddStart(fillFunctab(table)); err != nil {
		return nil, 0, err
	}
	return smaller, table.Functions, smaller.ReplaceData(wasm.Segment{Content: memory}.Split())
}

// fillFunctab returns a WebAssembly function that writes runtime.functab, and what was taken out of each _func.
func fillFunctab(table *golang.Functab) (locals, code []byte) {
	const index, info, step = 0, 1, 2 // locals: the index of a function, the address of a _func, and what stands there
	entries, size := int64(table.Address), byte(golang.FunctabEntrySize)
	number := func(value int64) { code = wasm.AppendSigned(append(code, op.I32Const), value) }
	store := func(offset int64) { code = binary.AppendUvarint(append(code, op.I32Store, 2), uint64(offset)) }
	put := func(bytes ...byte) { code = append(code, bytes...) }

	// The table index of each function: index*size is where its entry is.
	put(op.Loop, wasm.Void, op.LocalGet, index, op.I32Const, size, op.I32Mul, op.LocalGet, index)
	number(int64(table.First))
	put(op.I32Add)
	store(entries)
	put(op.LocalGet, index, op.I32Const, 1, op.I32Add, op.LocalTee, index)
	number(int64(table.Functions))
	put(op.I32LtU, op.BrIf, 0, op.End)

	// Where the _func are. They begin with how many functions further they are; zeros are between them.
	put(op.I32Const, 0, op.LocalSet, index)
	number(int64(table.Start))
	put(op.LocalSet, info, op.Loop, wasm.Void)
	put(op.LocalGet, info, op.I32Load, 2, 0, op.LocalTee, step, op.If, wasm.Void)
	put(op.LocalGet, index, op.LocalGet, step, op.I32Add, op.LocalTee, index, op.I32Const, size, op.I32Mul)
	put(op.LocalGet, info)
	number(entries)
	put(op.I32Sub)
	store(entries - golang.FunctabEntrySize + golang.FunctabInfo) // of the function before index
	put(op.LocalGet, info, op.LocalGet, index)
	number(int64(table.First) - 1)
	put(op.I32Add)
	store(0)
	put(op.LocalGet, info, op.LocalGet, info, op.I32Load, 2, golang.InfoPCData, op.LocalGet, info, op.I32Load8U, 0, golang.InfoFuncData)
	put(op.I32Add, op.I32Const, 4, op.I32Mul, op.I32Add, op.I32Const, golang.InfoSize-4, op.I32Add, op.LocalSet, info, op.End)
	put(op.LocalGet, info, op.I32Const, 4, op.I32Add, op.LocalTee, info)
	number(int64(table.End))
	put(op.I32LtU, op.BrIf, 0, op.End, op.End)
	return []byte{1, 3, wasm.I32}, code
}
