// Package functable takes tables of functions out of a module: a loop writes each of them when it starts.
package functable

import (
	"bytes"
	"encoding/binary"
	"errors"

	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// funcTable is runtime.findfunctab: 320 bytes for each function (golang.BucketRow), about a fifth of a module, which a loop
// writes in a moment.
type funcTable struct {
	address   int64 // of the first bucket of function 1; those of function 0 are zeros
	functions int   // from function 1 on
}

const fewestFunctions = 3 // what is shorter may be anything

// cutFuncTable takes the table out of segments, if it is there.
func cutFuncTable(segments []wasm.Segment) (table funcTable, rest []wasm.Segment, found bool) {
	var probe []byte
	for function := range fewestFunctions {
		probe = append(probe, golang.BucketRow(function+1)...)
	}
	for i, s := range segments {
		start := bytes.Index(s.Content, probe)
		if start < 0 {
			continue
		}
		table = funcTable{address: s.Address + int64(start)}
		end := start
		for bytes.HasPrefix(s.Content[end:], golang.BucketRow(table.functions+1)) {
			table.functions++
			end += golang.BucketRowSize
		}
		rest = append(rest, segments[:i]...)
		for _, part := range []wasm.Segment{
			{Address: s.Address, Content: s.Content[:start]}, {Address: s.Address + int64(end), Content: s.Content[end:]},
		} {
			rest = append(rest, part.Split()...)
		}
		return table, append(rest, segments[i+1:]...), true
	}
	return funcTable{}, segments, false
}

// fill returns a WebAssembly function that writes the table.
func (t funcTable) fill() (locals, code []byte) {
	const bucket = 0 // a local: the index of a bucket
	code = []byte{
		op.Loop, wasm.Void,
		op.LocalGet, bucket, op.I32Const, golang.BucketSize, op.I32Mul, // bucket * bucketSize
		op.LocalGet, bucket, op.I32Const, golang.BucketsPerFunction, op.I32DivU, op.I32Const, 1, op.I32Add, // bucket / bucketsPerFunc + 1
		op.I32Store, 2, // the second, at the table's address and the first
	}
	code = binary.AppendUvarint(code, uint64(t.address))
	code = append(code,
		op.LocalGet, bucket, op.I32Const, 1, op.I32Add, op.LocalTee, bucket, // bucket = bucket + 1
		op.I32Const)
	code = wasm.AppendSigned(code, int64(t.functions)*golang.BucketsPerFunction)
	return []byte{1, 1, wasm.I32}, append(code,
		op.I32LtU, op.BrIf, 0, // while it is less
		op.End, op.End)
}

// CutFindfunctab returns a module with fewer data segments, whose start function writes runtime.findfunctab, which its data had before. It
// fails where the table is not found. It also returns of how many functions that is.
func CutFindfunctab(module wasm.Module) (smaller wasm.Module, functions int, err error) {
	segments, err := module.Data()
	if err != nil {
		return nil, 0, err
	}
	table, segments, found := cutFuncTable(wasm.JoinSegments(segments))
	if !found {
		return nil, 0, errors.New("no runtime.findfunctab is in the data section: this Go lays it out otherwise")
	}
	if smaller, err = module.AddStart(table.fill()); err != nil {
		return nil, 0, err
	}
	return smaller, table.functions, smaller.ReplaceData(segments)
}
