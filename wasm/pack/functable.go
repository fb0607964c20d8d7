package main

import (
	"bytes"
	"encoding/binary"
)

// funcTable is runtime.findfunctab, with which Go finds the function of a program counter. For each
// 4 KiB of code it has a bucket: the number of the function that is there, and sixteen bytes for
// those that begin in between. On wasm every function takes 64 KiB of program counters, so it has
// sixteen buckets with its number and zeros: 320 bytes each, about a fifth of the module, which a loop
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
	body := []byte{
		1, 1, 0x7f, // one local, an i32: the number of a bucket
		0x03, 0x40, // loop
		0x20, 0, 0x41, bucketSize, 0x6c, // bucket * bucketSize
		0x20, 0, 0x41, bucketsPerFunc, 0x6e, 0x41, 1, 0x6a, // bucket / bucketsPerFunc + 1
		0x36, 2, // i32.store of the second, at the table's address and the first
	}
	body = binary.AppendUvarint(body, uint64(t.address))
	body = append(body,
		0x20, 0, 0x41, 1, 0x6a, 0x22, 0, // bucket = bucket + 1
		0x41)
	body = appendSigned(body, int64(t.functions)*bucketsPerFunc)
	return append(body,
		0x49, 0x0d, 0, // while it is less
		0x0b, 0x0b)
}
