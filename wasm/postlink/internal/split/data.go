package split

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// Move returns the modules with these parts of the memory in the data of the deferred one, and the rest in that of the primary one.
// Nothing may write to these parts, nor to what lies between two that are near to each other.
func Move(primary, deferred wasm.Module, memory []byte, parts []wasm.Segment) (lighter, heavier wasm.Module, err error) {
	parts = slices.SortedFunc(slices.Values(parts), func(a, b wasm.Segment) int { return cmp.Compare(a.Address, b.Address) })
	rest := bytes.Clone(memory)
	for _, part := range parts {
		clear(rest[part.Address:part.End()])
	}
	lighter = slices.Clone(primary)
	if err := lighter.ReplaceData(wasm.Segment{Address: 0, Content: rest}.Split()); err != nil {
		return nil, nil, err
	}
	heavier = slices.DeleteFunc(slices.Clone(deferred), func(s wasm.Section) bool { return s.ID == wasm.DataSection })
	data := wasm.Section{ID: wasm.DataSection, Content: wasm.EncodeSegments(wasm.CloseGaps(parts, memory))}
	afterCode := 1 + slices.IndexFunc(heavier, func(s wasm.Section) bool { return s.ID == wasm.CodeSection })
	return lighter, slices.Insert(heavier, afterCode, data), nil
}

// Lines returns the parts of the memory that describe functions beyond what a stack is read with. `written` are the words
// that the program has written by now: the program counters of the stacks are among them.
func (c *Choice) Lines(memory []byte, written []uint64) ([]wasm.Segment, error) {
	if err := c.checkDescribers(); err != nil {
		return nil, err
	}
	table, err := golang.OpenPclntab(c.Module, memory, c.Table, len(c.Bodies))
	if err != nil {
		return nil, err
	}
	keeps := c.keptDescriptions(memory, written)
	parts, err := table.Deferrable(c.Table, func(tableIndex int64) golang.Kept { return keeps[tableIndex] })
	if err == nil && len(parts) == 0 {
		err = errors.New("runtime.pclntab: nothing of it can be deferred")
	}
	return parts, err
}

// checkDescribers fails unless what reads the line tables is there, and deferred with them.
func (c *Choice) checkDescribers() error {
	for _, name := range golang.Describers {
		index, err := c.Find(name)
		if err != nil {
			return fmt.Errorf("what reads runtime.pclntab: %w", err)
		}
		if !c.isDeferred(index) {
			return fmt.Errorf("%s reads runtime.pclntab, and cannot be deferred: it calls JavaScript, or what cannot wait calls it", name)
		}
	}
	return nil
}

// keptDescriptions returns what functions keep of their description, by table index. Those of the primary module keep
// their frame. So do those that may be on a stack without having been called, wherever they are: where a goroutine
// may begin. Their program counters stand in functions of the primary module, in static data, or in what was
// written by now. Some keep their name as well.
func (c *Choice) keptDescriptions(memory []byte, written []uint64) map[int64]golang.Kept {
	keeps := make(map[int64]golang.Kept)
	keep := func(tableIndex int64) {
		index, isThere := c.FunctionAt(tableIndex)
		if !isThere {
			return
		}
		keeps[tableIndex] = max(keeps[tableIndex], golang.KeepsFrame)
		if golang.NameIsRead(c.Names[index]) {
			keeps[tableIndex] = golang.KeepsName
		}
	}
	for i := range c.Bodies {
		index := c.Imported + uint64(i)
		if c.isDeferred(index) {
			continue // once it runs all of it is there
		}
		keep(c.TableIndex(index))
		for _, constant := range c.constants[index] {
			keep(int64(constant >> 16)) // the lower bits are the resume point
		}
	}
	for _, index := range c.functionValues(memory) {
		keep(c.TableIndex(index))
	}
	for _, word := range written {
		keep(int64(word >> 16))
	}
	return keeps
}

// functionValues returns the functions that static data names as values and in which goroutines may begin: a word is a program
// counter where no method of an itab stands.
func (c *Choice) functionValues(memory []byte) []uint64 {
	var found []uint64
	for at := uint64(0); at+8 <= uint64(len(memory)); at += 8 {
		index, isOne := c.FunctionAtCounter(binary.LittleEndian.Uint64(memory[at:]))
		if !isOne {
			continue
		}
		if methods := golang.MethodsOfItab(at-golang.ItabHead, memory); methods > 0 {
			at += 8 * (methods - 1)
			continue
		}
		if !golang.BeginsNoGoroutine(c.Names[index]) {
			found = append(found, index)
		}
	}
	return found
}

// Tables returns where these tables are in memory, and why others stay. It fails where one is not there.
func (c *Choice) Tables(memory []byte, tables []golang.Table) (found []wasm.Segment, staying []string, _ error) {
	for _, known := range tables {
		table, err := tableIn(memory, known)
		if err != nil {
			return nil, nil, err
		}
		if user := c.userOf(memory, table); user != "" {
			staying = append(staying, fmt.Sprintf("%s stays, because %s may name it", known.Name, user))
			continue
		}
		found = append(found, table)
	}
	return found, staying, nil
}

// tableIn returns where a table is in memory.
func tableIn(memory []byte, table golang.Table) (wasm.Segment, error) {
	head, err := hex.DecodeString(table.Head)
	if err != nil {
		return wasm.Segment{}, fmt.Errorf("%s: %w", table.Name, err)
	}
	start := bytes.Index(memory, head)
	end := start + table.Size
	if start < 0 || end > len(memory) {
		return wasm.Segment{}, fmt.Errorf("%s is not in the data section", table.Name)
	}
	if sum := sha256.Sum256(memory[start:end]); hex.EncodeToString(sum[:]) != table.Sum {
		return wasm.Segment{}, fmt.Errorf("%s at address %d of the data section is another", table.Name, start)
	}
	return wasm.Segment{Address: int64(start), Content: bytes.Clone(memory[start:end])}, nil
}

// userOf returns a function of the primary module that names a table, or a variable that points to it, "" where there is
// none. A number that happens to be one of its addresses looks the same.
func (c *Choice) userOf(memory []byte, table wasm.Segment) string {
	start, end := uint64(table.Address), uint64(table.Address)+uint64(len(table.Content))
	names := func(constant uint64) bool {
		var value uint64
		isPointer := wasm.DecodeAt(memory, constant, &value) && value == start
		return isPointer || constant >= start && constant < end
	}
	for i := range c.Bodies {
		index := c.Imported + uint64(i)
		if !c.isDeferred(index) && slices.ContainsFunc(c.constants[index], names) {
			return c.Names[index]
		}
	}
	return ""
}
