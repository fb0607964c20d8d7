package wasm

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"slices"
	"testing"
)

func moduleOf(segments ...Segment) []byte {
	data := EncodeSegments(segments)
	module := []byte("\x00asm\x01\x00\x00\x00")
	module = append(module, 5, 3, 1, 0, 1) // one memory of a page
	module = append(module, DataSection)
	module = binary.AppendUvarint(module, uint64(len(data)))
	module = append(module, data...)
	return append(module, 0, 2, 1, 'x') // a custom section
}

// memoryAfter returns the segments of a module that is known to be sound, and its memory at the start.
func memoryAfter(t *testing.T, module []byte) (segments []Segment, memory []byte) {
	t.Helper()
	r := &Reader{unread: module[8:]}
	for len(r.unread) > 0 {
		id, content := r.Bytes(1)[0], r.Bytes(r.Unsigned())
		if id == DataSection {
			var err error
			if segments, err = readSegments(content); err != nil {
				t.Fatal(err)
			}
		}
	}
	memory = make([]byte, 1<<16)
	for _, s := range segments {
		copy(memory[s.Address:], s.Content)
	}
	return segments, memory
}

func TestJoinSegments(t *testing.T) {
	zeros := make([]byte, smallestGap)
	inside := slices.Concat([]byte("before"), zeros, []byte("after"), zeros)
	tests := map[string]struct {
		given []Segment
		want  int
	}{
		"none":                         {nil, 0},
		"one":                          {[]Segment{{8, []byte("a")}}, 1},
		"next to each other":           {[]Segment{{64, []byte("a")}, {65, []byte("b")}}, 1},
		"a small gap":                  {[]Segment{{64, []byte("a")}, {64 + smallestGap, []byte("b")}}, 1},
		"a large gap":                  {[]Segment{{64, []byte("a")}, {65 + smallestGap, []byte("b")}}, 2},
		"in another order":             {[]Segment{{4096, []byte("b")}, {64, []byte("a")}}, 2},
		"large gaps within":            {[]Segment{{4096, inside}}, 2},
		"nothing but zeros":            {[]Segment{{64, zeros}}, 0},
		"addresses of every LEB128":    {[]Segment{{63, []byte("a")}, {8191, []byte("b")}, {16384, []byte("c")}, {40000, []byte("d")}}, 4},
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
func every(distance int64, count int) []Segment {
	segments := make([]Segment, count)
	for i := range segments {
		segments[i] = Segment{int64(i) * distance, []byte{1, byte(i)}}
	}
	return segments
}

func TestSignedLEB128(t *testing.T) {
	for _, value := range []int64{0, 1, 63, 64, 127, 128, 8191, 8192, 1 << 20, 1<<31 - 1, -1, -64, -65, -1 << 31} {
		r := NewReader("a number", AppendSigned(nil, value))
		if got := r.Signed(); got != value || r.err != nil || len(r.unread) > 0 {
			t.Errorf("%d reads as %d, %v", value, got, r.err)
		}
	}
}

// joined returns a module with its data segments joined.
func joined(t *testing.T, module []byte) []byte {
	t.Helper()
	sections, err := Read(module)
	if err != nil {
		t.Fatal(err)
	}
	segments, err := sections.Data()
	if err != nil {
		t.Fatal(err)
	}
	if err := sections.ReplaceData(JoinSegments(segments)); err != nil {
		t.Fatal(err)
	}
	return sections.Encode()
}

func TestSmallGapsAreWrittenAgain(t *testing.T) {
	memory := []byte("abcdefghijklmnopqrstuvwxyz0123456789")
	part := func(start, end int64) Segment { return Segment{start, bytes.Clone(memory[start:end])} }
	got := CloseGaps([]Segment{part(1, 3), part(11, 12), part(13, 14), part(23, 24)}, memory)
	if want := []Segment{part(1, 14), part(23, 24)}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := CloseGaps(nil, memory); got != nil {
		t.Errorf("got %v of nothing", got)
	}
}
