package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// smallestGap is how many zero bytes stand between two data segments at least. Go's linker starts
// another at every eighth, and arrives at a hundred thousand: to read and to copy each of them costs
// a browser more than the zeros do, and their headers compress worse.
const smallestGap = 128

// segment is an active data segment: what stands at an address of the memory when it starts.
type segment struct {
	address int64
	content []byte
}

func readSegments(content []byte) ([]segment, error) {
	r := readFrom("the data section", content)
	var segments []segment
	for range r.unsigned() {
		r.expect(0x00, opI32Const) // active, in the first memory, at
		address := r.signed()
		r.expect(opEnd)
		segments = append(segments, segment{address, r.bytes(r.unsigned())})
		if address < 0 {
			r.fail()
		}
		if r.err != nil {
			return nil, r.err
		}
	}
	slices.SortFunc(segments, func(a, b segment) int { return cmp.Compare(a.address, b.address) })
	for i := 1; i < len(segments); i++ {
		if segments[i-1].end() > segments[i].address {
			return nil, fmt.Errorf("the data segments at %d and %d overlap", segments[i-1].address, segments[i].address)
		}
	}
	return segments, r.end()
}

// dataOf returns the data section of a module, and what is in it.
func dataOf(sections []section) (*section, []segment, error) {
	data, err := find(sections, dataSection)
	if err != nil {
		return nil, nil, err
	}
	segments, err := readSegments(data.content)
	return data, segments, err
}

// joinSegments closes the small gaps between segments, and opens the large ones within them.
func joinSegments(segments []segment) []segment {
	var joined []segment
	for _, whole := range segments {
		for _, s := range whole.split() {
			last := len(joined) - 1
			if last < 0 || s.address-joined[last].end() >= smallestGap {
				joined = append(joined, segment{s.address, bytes.Clone(s.content)})
				continue
			}
			zeros := make([]byte, s.address-joined[last].end())
			joined[last].content = append(append(joined[last].content, zeros...), s.content...)
		}
	}
	return joined
}

// closeGaps joins segments of a memory that are so near to each other that what is between them takes
// no more than another segment would. That is written again with them: nothing may have changed it.
func closeGaps(segments []segment, memory []byte) []segment {
	const header = 8
	var joined []segment
	for _, s := range segments {
		last := len(joined) - 1
		if last < 0 || s.address-joined[last].end() > header {
			joined = append(joined, s)
			continue
		}
		joined[last].content = memory[joined[last].address:s.end()]
	}
	return joined
}

func (s segment) end() int64 { return s.address + int64(len(s.content)) }

// split cuts large gaps out of a segment.
func (s segment) split() []segment {
	gap := make([]byte, smallestGap)
	var parts []segment
	for len(s.content) > 0 {
		length := bytes.Index(s.content, gap)
		if length < 0 {
			return append(parts, s)
		}
		if length > 0 {
			parts = append(parts, segment{s.address, s.content[:length]})
		}
		rest := bytes.TrimLeft(s.content[length:], "\x00")
		s = segment{s.end() - int64(len(rest)), rest}
	}
	return parts
}

// memoryOf returns a memory as segments make it.
func memoryOf(segments []segment) []byte {
	var memory []byte
	for _, s := range segments {
		memory = append(memory, make([]byte, s.address-int64(len(memory)))...)
		memory = append(memory, s.content...)
	}
	return memory
}

// memoryIn returns the memory that a module begins with.
func memoryIn(sections []section) ([]byte, error) {
	_, segments, err := dataOf(sections)
	return memoryOf(segments), err
}

func encodeSegments(segments []segment) []byte {
	section := binary.AppendUvarint(nil, uint64(len(segments)))
	for _, s := range segments {
		section = append(section, 0x00, opI32Const)
		section = appendSigned(section, s.address)
		section = appendVector(append(section, opEnd), s.content)
	}
	return section
}
