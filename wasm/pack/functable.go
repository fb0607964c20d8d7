package main

import (
	"bytes"
	"encoding/binary"
)

// funcTable is runtime.findfunctab, with which Go finds the function of a program counter. For each
// 4 KiB of code it has a bucket: the index of the function that is there, and sixteen bytes for
// those that begin in between. On wasm every function takes 64 KiB of program counters, so it has
// sixteen buckets with its index and zeros: 320 bytes each, about a fifth of the module, which a loop
// writes in a moment. Where another Go lays it out otherwise it is not found, and stays.
type funcTable struct {
	address   int64 // of the first bucket of function 1; those of function 0 are zeros
	functions int   // from function 1 on
}

const (
	bucketSize      = 20
	bucketsPerFunc  = 16
	tableRowSize    = bucketSize * bucketsPerFunc
	fewestFunctions = 3 // what is shorter may be anything
)

// cutFuncTable takes the table out of segments, if it is there.
func cutFuncTable(segments []segment) (table funcTable, rest []segment, found bool) {
	var probe []byte
	for function := range fewestFunctions {
		probe = append(probe, tableRow(function+1)...)
	}
	for i, s := range segments {
		start := bytes.Index(s.content, probe)
		if start < 0 {
			continue
		}
		table = funcTable{address: s.address + int64(start)}
		end := start
		for bytes.HasPrefix(s.content[end:], tableRow(table.functions+1)) {
			table.functions++
			end += tableRowSize
		}
		rest = append(rest, segments[:i]...)
		for _, part := range []segment{{s.address, s.content[:start]}, {s.address + int64(end), s.content[end:]}} {
			rest = append(rest, part.split()...)
		}
		return table, append(rest, segments[i+1:]...), true
	}
	return funcTable{}, segments, false
}

// tableRow returns the buckets of a function.
func tableRow(function int) []byte {
	row := make([]byte, tableRowSize)
	for at := 0; at < tableRowSize; at += bucketSize {
		binary.LittleEndian.PutUint32(row[at:], uint32(function))
	}
	return row
}

// fill returns the body of a WebAssembly function that writes the table.
func (t funcTable) fill() []byte {
	const bucket = 0 // a local: the index of a bucket
	body := []byte{
		1, 1, typeI32, // one local
		opLoop, typeVoid,
		opLocalGet, bucket, opI32Const, bucketSize, opI32Mul, // bucket * bucketSize
		opLocalGet, bucket, opI32Const, bucketsPerFunc, opI32DivU, opI32Const, 1, opI32Add, // bucket / bucketsPerFunc + 1
		opI32Store, 2, // the second, at the table's address and the first
	}
	body = binary.AppendUvarint(body, uint64(t.address))
	body = append(body,
		opLocalGet, bucket, opI32Const, 1, opI32Add, opLocalTee, bucket, // bucket = bucket + 1
		opI32Const)
	body = appendSigned(body, int64(t.functions)*bucketsPerFunc)
	return append(body,
		opI32LtU, opBrIf, 0, // while it is less
		opEnd, opEnd)
}
