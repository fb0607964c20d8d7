package main

import (
	_ "embed"
	"encoding/binary"
	"slices"
)

// needed.txt names the functions that ran when every call was made once, with what can go wrong:
// web/test/profile.mjs adds to it.
//
//go:embed needed.txt
var neededNames string

// anytime.txt, which is written by hand, names those that need not run in a profile and may in any call: when a
// collection happens to meet a copy of pointers, an empty pool or a goroutine that waits.
//
//go:embed anytime.txt
var anytimeNames string

// countCalls returns a module that says which of its functions have run: for each that could be deferred,
// an exported global "ran " and its name becomes 1.
func countCalls(sections []section) ([]section, error) {
	s, err := newSplitter(sections)
	if err != nil {
		return nil, err
	}
	if err := s.choose(keepList{}); err != nil {
		return nil, err
	}
	sections = slices.Clone(sections)
	if _, err := addCounter(sections, "deferred"); err != nil { // of which nothing is needed
		return nil, err
	}
	bodies := slices.Clone(s.bodies)
	for _, index := range s.deferred {
		counter, err := addCounter(sections, "ran "+s.names[index])
		if err != nil {
			return nil, err
		}
		locals, instructions, err := readBody(bodies[index-s.imported])
		if err != nil {
			return nil, err
		}
		body := slices.Concat(locals, []byte{opI32Const, 1, opGlobalSet}, counter)
		for _, in := range instructions {
			body = append(body, in.bytes...)
		}
		bodies[index-s.imported] = body
	}
	code, err := find(sections, codeSection)
	if err != nil {
		return nil, err
	}
	code.content = encodeBodies(bodies)
	return sections, nil
}

// addCounter adds a global that is 0 at first and exported, and returns its index as it is encoded.
func addCounter(sections []section, name string) ([]byte, error) {
	index, err := extend(sections, globalSection, typeI32, 1, opI32Const, 0, opEnd)
	if err != nil {
		return nil, err
	}
	_, err = extend(sections, exportSection, binary.AppendUvarint(append(appendVector(nil, []byte(name)), 3), index)...)
	return binary.AppendUvarint(nil, index), err
}
