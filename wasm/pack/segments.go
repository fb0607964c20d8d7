package main

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
)

// smallestGap is how many zero bytes stand between two data segments at least. Go's linker starts
// another at every eighth, and arrives at a hundred thousand: to read and to copy each of them costs
// a browser more than the zeros do, and their headers compress worse.
const smallestGap = 128

const dataSection = 11

// segment is an active data segment: what stands at an address of the memory when it starts.
type segment struct {
	address int64
	content []byte
}

// mergeSegments returns a WebAssembly module whose memory starts as that of the one given, from
// fewer and larger data segments.
func mergeSegments(module []byte) ([]byte, error) {
	r := &wasmReader{rest: module}
	merged := bytes.Clone(r.bytes(8)) // magic number and version
	for len(r.rest) > 0 && r.err == nil {
		id := r.bytes(1)
		content := r.bytes(r.unsigned())
		if r.err != nil {
			break
		}
		if id[0] == dataSection {
			segments, err := readSegments(content)
			if err != nil {
				return nil, err
			}
			content = encodeSegments(joinSegments(segments))
		}
		merged = append(merged, id[0])
		merged = binary.AppendUvarint(merged, uint64(len(content)))
		merged = append(merged, content...)
	}
	return merged, r.err
}

func readSegments(section []byte) ([]segment, error) {
	r := &wasmReader{rest: section}
	var segments []segment
	for range r.unsigned() {
		r.expect(0x00, 0x41) // active, in the first memory, at i32.const
		address := r.signed()
		r.expect(0x0b) // end
		segments = append(segments, segment{address, r.bytes(r.unsigned())})
		if r.err != nil {
			return nil, r.err
		}
	}
	slices.SortFunc(segments, func(a, b segment) int { return cmp.Compare(a.address, b.address) })
	for i := 1; i < len(segments); i++ {
		if segments[i-1].end() > segments[i].address {
			return nil, errors.New("data segments overlap")
		}
	}
	return segments, r.err
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

func encodeSegments(segments []segment) []byte {
	section := binary.AppendUvarint(nil, uint64(len(segments)))
	for _, s := range segments {
		section = append(section, 0x00, 0x41)
		section = appendSigned(section, s.address)
		section = append(section, 0x0b)
		section = binary.AppendUvarint(section, uint64(len(s.content)))
		section = append(section, s.content...)
	}
	return section
}

// wasmReader reads the binary format of WebAssembly. After an error everything reads as empty.
type wasmReader struct {
	rest []byte
	err  error
}

var errModule = errors.New("open-payments.wasm is not a module as Go's linker writes it")

func (r *wasmReader) bytes(count uint64) []byte {
	if count > uint64(len(r.rest)) {
		r.rest, r.err = nil, errModule
		return nil
	}
	taken := r.rest[:count]
	r.rest = r.rest[count:]
	return taken
}

func (r *wasmReader) expect(want ...byte) {
	if !bytes.Equal(r.bytes(uint64(len(want))), want) {
		r.rest, r.err = nil, errModule
	}
}

// unsigned reads unsigned LEB128, which encoding/binary calls a uvarint.
func (r *wasmReader) unsigned() uint64 {
	value, length := binary.Uvarint(r.rest)
	if length <= 0 || value > 1<<32 {
		r.rest, r.err = nil, errModule
		return 0
	}
	r.rest = r.rest[length:]
	return value
}

// signed reads signed LEB128, which encoding/binary does not have.
func (r *wasmReader) signed() int64 {
	var value int64
	for shift := 0; shift < 35; shift += 7 {
		next := r.bytes(1)
		if r.err != nil {
			return 0
		}
		value |= int64(next[0]&0x7f) << shift
		if next[0]&0x80 == 0 {
			return value << (57 - shift) >> (57 - shift) // the sign is its highest bit
		}
	}
	r.rest, r.err = nil, errModule
	return 0
}

func appendSigned(buffer []byte, value int64) []byte {
	for {
		next := byte(value & 0x7f)
		value >>= 7
		if value == 0 && next&0x40 == 0 || value == -1 && next&0x40 != 0 {
			return append(buffer, next)
		}
		buffer = append(buffer, next|0x80)
	}
}
