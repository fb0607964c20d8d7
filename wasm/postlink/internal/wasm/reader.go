package wasm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// FormatError says where something is not of the form in which Go's linker writes it.
type FormatError struct {
	Where  string // "the code section", "the code section, function 812 (main.main)"
	Offset int    // in bytes, from where its content begins: of the function's body where Where names one
	Why    string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s, at byte %d: %s", e.Where, e.Offset, e.Why)
}

// Reader reads the binary format. After an error everything reads as empty: the first error is the one that counts.
type Reader struct {
	where  string
	size   int
	unread []byte
	err    *FormatError
}

// NewReader returns a reader of what is at a place that errors name.
func NewReader(where string, content []byte) *Reader {
	return &Reader{where: where, size: len(content), unread: content}
}

// Len returns how many bytes are unread.
func (r *Reader) Len() int { return len(r.unread) }

// Err returns the first error.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil // and not a *FormatError that is nil
	}
	return r.err
}

// End returns the first error. Bytes that are unread are one.
func (r *Reader) End() error {
	if len(r.unread) > 0 {
		r.Fail("%d bytes are left over", len(r.unread))
	}
	return r.Err()
}

// Fail ends the reading here, for a reason.
func (r *Reader) Fail(format string, args ...any) {
	if r.err == nil {
		r.err = &FormatError{Where: r.where, Offset: r.size - len(r.unread), Why: fmt.Sprintf(format, args...)}
	}
	r.unread = nil
}

// Bytes reads so many bytes.
func (r *Reader) Bytes(count uint64) []byte {
	if count > uint64(len(r.unread)) {
		r.Fail("%d bytes should follow, and %d do", count, len(r.unread))
		return nil
	}
	taken := r.unread[:count]
	r.unread = r.unread[count:]
	return taken
}

// Expect reads these bytes.
func (r *Reader) Expect(want ...byte) {
	if r.err == nil && !bytes.HasPrefix(r.unread, want) {
		r.Fail("%x stands here, where %x was expected", r.unread[:min(len(want), len(r.unread))], want)
	}
	r.Bytes(uint64(len(want)))
}

// Unsigned reads a number of at most 32 bits in unsigned LEB128, which encoding/binary calls a uvarint.
func (r *Reader) Unsigned() uint64 {
	value, length := binary.Uvarint(r.unread)
	if length <= 0 || value > math.MaxUint32 {
		r.Fail("no number of 32 bits stands here")
		return 0
	}
	r.unread = r.unread[length:]
	return value
}

// Signed reads a number of at most 64 bits in signed LEB128, which encoding/binary does not have.
func (r *Reader) Signed() int64 {
	var value int64
	for shift := 0; shift < 70; shift += 7 {
		next := r.Bytes(1)
		if r.err != nil {
			return 0
		}
		value |= int64(next[0]&0x7f) << shift
		if next[0]&0x80 == 0 {
			unused := max(57-shift, 0)
			return value << unused >> unused // the sign is its highest bit
		}
	}
	r.Fail("no number of 64 bits stands here")
	return 0
}

// AppendSigned appends a number in signed LEB128.
func AppendSigned(buffer []byte, value int64) []byte {
	for {
		next := byte(value & 0x7f)
		value >>= 7
		if value == 0 && next&0x40 == 0 || value == -1 && next&0x40 != 0 {
			return append(buffer, next)
		}
		buffer = append(buffer, next|0x80)
	}
}

// AppendVector appends a length and as many bytes.
func AppendVector(content, vector []byte) []byte {
	return append(binary.AppendUvarint(content, uint64(len(vector))), vector...)
}

// DecodeAt reads a value of fixed size at an address of a memory, and tells whether it is within it.
func DecodeAt(memory []byte, at uint64, value any) bool {
	if at > uint64(len(memory)) {
		return false
	}
	_, err := binary.Decode(memory[at:], binary.LittleEndian, value)
	return err == nil
}
