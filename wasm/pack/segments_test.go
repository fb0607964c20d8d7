package main

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func moduleOf(segments ...segment) []byte {
	data := encodeSegments(segments)
	module := []byte("\x00asm\x01\x00\x00\x00")
	module = append(module, 5, 3, 1, 0, 1) // one memory of a page
	module = append(module, dataSection)
	module = binary.AppendUvarint(module, uint64(len(data)))
	module = append(module, data...)
	return append(module, 0, 2, 1, 'x') // a custom section
}

// memoryAfter returns the segments of a module that is known to be sound, and its memory at the start.
func memoryAfter(t *testing.T, module []byte) (segments []segment, memory []byte) {
	t.Helper()
	r := &wasmReader{unread: module[8:]}
	for len(r.unread) > 0 {
		id, content := r.bytes(1)[0], r.bytes(r.unsigned())
		if id == dataSection {
			var err error
			if segments, err = readSegments(content); err != nil {
				t.Fatal(err)
			}
		}
	}
	memory = make([]byte, 1<<16)
	for _, s := range segments {
		copy(memory[s.address:], s.content)
	}
	return segments, memory
}

func TestJoinSegments(t *testing.T) {
	zeros := make([]byte, smallestGap)
	inside := slices.Concat([]byte("before"), zeros, []byte("after"), zeros)
	tests := map[string]struct {
		given []segment
		want  int
	}{
		"none":                         {nil, 0},
		"one":                          {[]segment{{8, []byte("a")}}, 1},
		"next to each other":           {[]segment{{64, []byte("a")}, {65, []byte("b")}}, 1},
		"a small gap":                  {[]segment{{64, []byte("a")}, {64 + smallestGap, []byte("b")}}, 1},
		"a large gap":                  {[]segment{{64, []byte("a")}, {65 + smallestGap, []byte("b")}}, 2},
		"in another order":             {[]segment{{4096, []byte("b")}, {64, []byte("a")}}, 2},
		"large gaps within":            {[]segment{{4096, inside}}, 2},
		"nothing but zeros":            {[]segment{{64, zeros}}, 0},
		"addresses of every LEB128":    {[]segment{{63, []byte("a")}, {8191, []byte("b")}, {16384, []byte("c")}, {40000, []byte("d")}}, 4},
		"many, as Go's linker does it": {every(24, 1000), 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			module := moduleOf(test.given...)
			merged := joined(t, module)
			_, before := memoryAfter(t, module)
			segments, after := memoryAfter(t, merged)
			if !bytes.Equal(before, after) {
				t.Error("the memory starts with something else")
			}
			if len(segments) != test.want {
				t.Errorf("got %d segments, want %d", len(segments), test.want)
			}
			if start, end := merged[:13], merged[len(merged)-4:]; !bytes.Equal(start, module[:13]) || !bytes.Equal(end, module[len(module)-4:]) {
				t.Error("the other sections are not what they were")
			}
		})
	}
}

// every returns count segments of two bytes at so many bytes from each other.
func every(distance int64, count int) []segment {
	segments := make([]segment, count)
	for i := range segments {
		segments[i] = segment{int64(i) * distance, []byte{1, byte(i)}}
	}
	return segments
}

func TestShrinkRefuses(t *testing.T) {
	whole := moduleOf(segment{64, []byte("content")})
	for name, test := range map[string]struct {
		module []byte
		want   string
	}{
		"no module":                    {[]byte("\x00asm"), "the module is not as Go's linker wrote it before, at byte 0"},
		"a cut section":                {whole[:len(whole)-6], "the module is not as Go's linker wrote it before, at byte 15"},
		"another kind":                 {bytes.Replace(whole, []byte{0x00, 0x41, 0xc0}, []byte{0x01, 0x41, 0xc0}, 1), "the data section is not as"},
		"an endless number":            {append([]byte("\x00asm\x01\x00\x00\x00\x0b"), bytes.Repeat([]byte{0xff}, 12)...), "the module is not as"},
		"no data":                      {[]byte("\x00asm\x01\x00\x00\x00"), "the module has no data section"},
		"a start section":              {append(bytes.Clone(whole), startSection, 1, 0), "the module has a start section, which"},
		"a data count":                 {append(bytes.Clone(whole), dataCount, 1, 1), "the module has a data count section, which"},
		"a table, no imports to count": {moduleOf(segment{64, table(fewestFunctions)}), "the module has no import section"},
		"a negative address":           {moduleOf(segment{-64, []byte("content")}), "the data section is not as"},
		"bytes left over": {encodeSections([]section{{dataSection, []byte{0, 0}}}),
			"the data section is not as Go's linker wrote it before, at byte 1"},
		"an overlap": {moduleOf(segment{64, []byte("ab")}, segment{65, []byte("c")}), "the data segments at 64 and 65 overlap"},
		"no table":   {whole, "no runtime.findfunctab is in the data section"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := shrunk(test.module); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSignedLEB128(t *testing.T) {
	for _, value := range []int64{0, 1, 63, 64, 127, 128, 8191, 8192, 1 << 20, 1<<31 - 1, -1, -64, -65, -1 << 31} {
		r := &wasmReader{unread: appendSigned(nil, value)}
		if got := r.signed(); got != value || r.err != nil || len(r.unread) > 0 {
			t.Errorf("%d reads as %d, %v", value, got, r.err)
		}
	}
}

// shrunk shrinks a module from bytes to bytes.
func shrunk(module []byte) ([]byte, error) {
	sections, err := readSections(module)
	if err != nil {
		return nil, err
	}
	sections, _, err = shrink(sections)
	return encodeSections(sections), err
}

// joined returns a module with its data segments joined.
func joined(t *testing.T, module []byte) []byte {
	t.Helper()
	sections, err := readSections(module)
	if err != nil {
		t.Fatal(err)
	}
	data, segments, err := dataOf(sections)
	if err != nil {
		t.Fatal(err)
	}
	data.content = encodeSegments(joinSegments(segments))
	return encodeSections(sections)
}

func TestSmallGapsAreWrittenAgain(t *testing.T) {
	memory := []byte("abcdefghijklmnopqrstuvwxyz0123456789")
	part := func(start, end int64) segment { return segment{start, bytes.Clone(memory[start:end])} }
	got := closeGaps([]segment{part(1, 3), part(11, 12), part(13, 14), part(23, 24)}, memory)
	if want := []segment{part(1, 14), part(23, 24)}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := closeGaps(nil, memory); got != nil {
		t.Errorf("got %v of nothing", got)
	}
}
