package wasm

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// smallestGap is how many zero bytes stand between two data segments at least. Go's linker starts
// another at every eighth, and arrives at a hundred thousand: to read and to copy each of them costs
// a browser more than the zeros do, and their headers compress worse.
const smallestGap = 128

// Segment is an active data segment: what stands at an address of the memory when it starts.
type Segment struct {
	Address int64
	Content []byte
}

func readSegments(content []byte) ([]Segment, error) {
	r := NewReader("the data section", content)
	var segments []Segment
	for range r.Unsigned() {
		r.Expect(0x00, op.I32Const) // active, in the first memory, at
		address := r.Signed()
		r.Expect(op.End)
		segments = append(segments, Segment{address, r.Bytes(r.Unsigned())})
		if address < 0 {
			r.Fail("a segment at address %d", address)
		}
		if r.err != nil {
			return nil, r.Err()
		}
	}
	slices.SortFunc(segments, func(a, b Segment) int { return cmp.Compare(a.Address, b.Address) })
	for i := 1; i < len(segments); i++ {
		if segments[i-1].End() > segments[i].Address {
			return nil, fmt.Errorf("the data segments at %d and %d overlap", segments[i-1].Address, segments[i].Address)
		}
	}
	return segments, r.End()
}

// Data returns the data segments of the module, in the order of their addresses.
func (m Module) Data() ([]Segment, error) {
	data, err := m.Find(DataSection)
	if err != nil {
		return nil, err
	}
	return readSegments(data.Content)
}

// ReplaceData replaces the data segments of the module, in place.
func (m Module) ReplaceData(segments []Segment) error {
	data, err := m.Find(DataSection)
	if err == nil {
		data.Content = EncodeSegments(segments)
	}
	return err
}

// JoinSegments closes the small gaps between segments, and opens the large ones within them.
func JoinSegments(segments []Segment) []Segment {
	var joined []Segment
	for _, whole := range segments {
		for _, s := range whole.Split() {
			last := len(joined) - 1
			if last < 0 || s.Address-joined[last].End() >= smallestGap {
				joined = append(joined, Segment{s.Address, bytes.Clone(s.Content)})
				continue
			}
			zeros := make([]byte, s.Address-joined[last].End())
			joined[last].Content = append(append(joined[last].Content, zeros...), s.Content...)
		}
	}
	return joined
}

// CloseGaps joins segments of a memory that are so near to each other that what is between them takes
// no more than another segment would. That is written again with them: nothing may have changed it.
func CloseGaps(segments []Segment, memory []byte) []Segment {
	const header = 8
	var joined []Segment
	for _, s := range segments {
		last := len(joined) - 1
		if last < 0 || s.Address-joined[last].End() > header {
			joined = append(joined, s)
			continue
		}
		joined[last].Content = memory[joined[last].Address:s.End()]
	}
	return joined
}

// End returns the address after its last byte.
func (s Segment) End() int64 { return s.Address + int64(len(s.Content)) }

// Split cuts large gaps out of a segment.
func (s Segment) Split() []Segment {
	gap := make([]byte, smallestGap)
	var parts []Segment
	for len(s.Content) > 0 {
		length := bytes.Index(s.Content, gap)
		if length < 0 {
			return append(parts, s)
		}
		if length > 0 {
			parts = append(parts, Segment{s.Address, s.Content[:length]})
		}
		rest := bytes.TrimLeft(s.Content[length:], "\x00")
		s = Segment{s.End() - int64(len(rest)), rest}
	}
	return parts
}

// Memory returns the memory that the module begins with, up to the last byte that is given.
func (m Module) Memory() ([]byte, error) {
	segments, err := m.Data()
	var memory []byte
	for _, s := range segments {
		memory = append(memory, make([]byte, s.Address-int64(len(memory)))...)
		memory = append(memory, s.Content...)
	}
	return memory, err
}

// EncodeSegments returns the content of a data section.
func EncodeSegments(segments []Segment) []byte {
	section := binary.AppendUvarint(nil, uint64(len(segments)))
	for _, s := range segments {
		section = append(section, 0x00, op.I32Const)
		section = AppendSigned(section, s.Address)
		section = AppendVector(append(section, op.End), s.Content)
	}
	return section
}
