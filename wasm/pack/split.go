package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Half of what Go links is never called: algorithms that other users of a package need, what only a
// broken program prints. A browser downloads, checks and keeps it all the same. So it goes into a deferred
// module, and in the primary module a placeholder stands for each function that went.
//
// Go's code can wait at any call. A function that returns 1 tells its callers to return as well,
// down to the loop that runs the program (wasm_pc_f_loop), which goes on where the stack in memory
// says: that is how goroutines switch. A placeholder leaves its function as the one to go on with, as gogo
// does in Go's runtime, and has the loop pause, as in waiting for an event. JavaScript loads the deferred
// module (wasm/sdk/runtime.js) and calls `proceed`, which is that loop.

// The state of the deferred module, in the global that the primary module exports as "deferred".
const (
	deferredAbsent = 0 // it is not loaded
	deferredNeeded = 1 // Go waits for it
	deferredLoaded = 2 // JavaScript says so when it has instantiated it
)

// goGlobals are the types of the globals that Go's compiler uses as registers.
var goGlobals = []byte{typeI32, typeI64, typeI64, typeI64, typeI64, typeI64, typeI64, typeI32}

const (
	globalSP       = 0
	globalG        = 2
	globalPause    = 7
	globalDeferred = 8 // ours
)

// deferredImports is the name under which the deferred module imports what the primary module exports.
const deferredImports = "open-payments"

// splitter holds a module while it is divided.
type splitter struct {
	functions
	sections []section
	names    map[uint64]string
	goType   uint64   // the type of functions as Go's compiler writes them: an i32 in, an i32 out
	table    int64    // the table index of the first function
	memory   []byte   // the limits of the memory
	deferred []uint64 // the function indices of those that move into the deferred module

	// By function, once choose has read them:
	calls     map[uint64][]uint64 // which others it calls
	constants map[uint64][]uint64 // the constants that stand in it, addresses among them
}

// divided is a module in two.
type divided struct{ primary, deferred []section }

// split divides a module. The functions that the list comes to stay in the primary module, as do those that cannot
// wait. The program counters are those in the memory: of functions that are on a stack.
func split(sections []section, list keepList, counters []uint64, said *report) (divided, error) {
	s, err := newSplitter(sections)
	if err != nil {
		return divided{}, err
	}
	if err := s.choose(list); err != nil {
		return divided{}, err
	}
	if len(s.deferred) == 0 {
		return divided{}, errors.New("no function can be deferred: the keep-list comes to all of them, or none may wait")
	}
	tag := s.tag()
	var parts divided
	if parts.deferred, err = s.deferredModule(tag); err != nil {
		return divided{}, err
	}
	if parts.primary, err = s.primaryModule(tag); err != nil {
		return divided{}, err
	}
	said.add("splitting", fmt.Sprintf("%d of %d functions are deferred", len(s.deferred), len(s.bodies)), parts.primary, parts.deferred)
	memory, err := memoryIn(parts.primary)
	if err != nil {
		return divided{}, err
	}
	descriptions, err := s.deferDescriptions(memory, counters)
	if err != nil {
		return divided{}, err
	}
	if parts, err = parts.moved(memory, descriptions); err != nil {
		return divided{}, err
	}
	said.add("pclntab", fmt.Sprintf("%d bytes describe functions beyond what a stack is read with", sizeOf(descriptions)), parts.primary, parts.deferred)
	tables, err := s.deferTables(memory, list.tables)
	if err != nil {
		return divided{}, err
	}
	if parts, err = parts.moved(memory, slices.Concat(descriptions, tables)); err != nil {
		return divided{}, err
	}
	done := fmt.Sprintf("%d bytes of %d tables belong to deferred functions alone", sizeOf(tables), len(tables))
	said.add("tables", done, parts.primary, parts.deferred)
	return divided{withTag(parts.primary, tag), withTag(parts.deferred, tag)}, nil
}

// tagName is the custom section with the tag of a build. JavaScript reads it before it instantiates a module,
// and compares it with that of build-info.js.
const tagName = "build"

func withTag(sections []section, tag string) []section {
	return append(sections, section{customSection, append(appendVector(nil, []byte(tagName)), tag...)})
}

// tagOf returns the tag of a module, or "" for a plain one, which has none.
func tagOf(sections []section) string {
	head := appendVector(nil, []byte(tagName))
	for _, s := range sections {
		if tag, isTag := bytes.CutPrefix(s.content, head); isTag && s.id == customSection {
			return string(tag)
		}
	}
	return ""
}

// moved returns the modules with these parts of the memory in the deferred one.
func (d divided) moved(memory []byte, parts []segment) (divided, error) {
	parts = slices.SortedFunc(slices.Values(parts), func(a, b segment) int { return cmp.Compare(a.address, b.address) })
	rest := bytes.Clone(memory)
	for _, part := range parts {
		clear(rest[part.address:part.end()])
	}
	primary := slices.Clone(d.primary)
	data, err := find(primary, dataSection)
	if err != nil {
		return divided{}, err
	}
	data.content = encodeSegments(segment{0, rest}.split())
	deferred := slices.DeleteFunc(slices.Clone(d.deferred), func(s section) bool { return s.id == dataSection })
	return divided{primary, append(deferred, section{dataSection, encodeSegments(closeGaps(parts, memory))})}, nil
}

func sizeOf(segments []segment) (size int) {
	for _, s := range segments {
		size += len(s.content)
	}
	return size
}

// deferDescriptions returns the parts of the memory that describe functions beyond what they keep.
func (s *splitter) deferDescriptions(memory []byte, counters []uint64) ([]segment, error) {
	if err := s.checkDescribers(); err != nil {
		return nil, err
	}
	table, err := openPclntab(memory, s.table, len(s.bodies))
	if err != nil {
		return nil, err
	}
	keeps := s.keptDescriptions(memory, counters)
	parts, err := table.deferredDescriptions(s.table, func(tableIndex int64) kept { return keeps[tableIndex] })
	if err == nil && len(parts) == 0 {
		err = errors.New("runtime.pclntab: nothing of it can be deferred")
	}
	return parts, err
}

// describers are the functions of Go's runtime through which it reads the lines, the inlined calls and the
// arguments of functions, and the names of those where no stack began. They are deferred even where they are needed.
var describers = []string{"runtime.funcline1", "runtime.newInlineUnwinder", "runtime.pcdatavalue1", "runtime.printArgs", "runtime.panicwrap"}

// checkDescribers fails unless there are functions of these names, and all of them are deferred.
func (s *splitter) checkDescribers() error {
	for _, name := range describers {
		index, err := s.find(name)
		if err != nil {
			return fmt.Errorf("what reads runtime.pclntab: %w", err)
		}
		if !s.isDeferred(index) {
			return fmt.Errorf("%s reads runtime.pclntab, and cannot be deferred: it calls JavaScript, or what cannot wait calls it", name)
		}
	}
	return nil
}

func (s *splitter) isDeferred(index uint64) bool {
	_, isDeferred := slices.BinarySearch(s.deferred, index)
	return isDeferred
}

// keptDescriptions returns what functions keep of their description, by table index. Those of the primary module keep
// their frame. So do those that may be on a stack without having been called, wherever they are: where a goroutine
// may begin. Their program counters stand in functions of the primary module, in static data, or in what was
// written by the time of the snapshot, where those of the stacks are too. Some keep their name as well.
func (s *splitter) keptDescriptions(memory []byte, counters []uint64) map[int64]kept {
	keeps := make(map[int64]kept)
	keep := func(tableIndex int64) {
		if !s.isTableIndex(tableIndex) {
			return
		}
		keeps[tableIndex] = max(keeps[tableIndex], keepsFrame)
		if isReadByName.MatchString(s.names[s.imported+uint64(tableIndex-s.table)]) {
			keeps[tableIndex] = keepsName
		}
	}
	for i := range s.bodies {
		index := s.imported + uint64(i)
		if s.isDeferred(index) {
			continue // once it runs all of it is there
		}
		keep(s.tableIndex(index))
		for _, constant := range s.constants[index] {
			keep(int64(constant >> 16)) // the lower bits are the resume point
		}
	}
	for _, tableIndex := range s.functionValues(memory) {
		keep(tableIndex)
	}
	for _, counter := range counters {
		keep(int64(counter >> 16))
	}
	return keeps
}

// isReadByName matches the functions whose names the runtime reads: a goroutine that begins in one of its own is a
// system goroutine (isSystemGoroutine), and those two of reflect have arguments that it looks up (getArgInfo).
var isReadByName = regexp.MustCompile(`^(runtime\.|reflect\.(makeFuncStub|methodValueCall)$)`)

// functionValues returns the table indices of the functions that static data names as values: a word is a program
// counter where no method stands. Of initialisers, of what compares and hashes types, and of packages that compute and have
// no go statement, no goroutine begins: what names them as values calls them.
func (s *splitter) functionValues(memory []byte) []int64 {
	var found []int64
	for at := uint64(0); at+8 <= uint64(len(memory)); at += 8 {
		counter := binary.LittleEndian.Uint64(memory[at:])
		tableIndex := int64(counter >> 16)
		if counter&0xffff != 0 || !s.isTableIndex(tableIndex) {
			continue
		}
		if methods := methodsOfItab(at-itabHead, memory); methods > 0 {
			at += 8 * (methods - 1)
			continue
		}
		if !isNoGoroutine.MatchString(s.names[s.imported+uint64(tableIndex-s.table)]) {
			found = append(found, tableIndex)
		}
	}
	return found
}

var isNoGoroutine = regexp.MustCompile(
	`^type_\.|\.init(\.\d+)?$|^(crypto_(ecdh|elliptic|hpke|internal_fips140|md5|sha)|hash_|math_big\.|encoding_json\.|runtime\.initMetrics\.)`)

const itabHead = 24 // bytes before the methods of an itab: the type of the interface, a type, and its hash

// methodsOfItab returns how many methods the itab of Go's runtime has that begins at an address, or 0 for what is none.
func methodsOfItab(at uint64, memory []byte) uint64 {
	const kindInterface, kindMask = 20, 31
	var itab struct {
		Interface, Type uint64
		Hash, _         uint32
	}
	type abiType struct {
		_, _          uint64
		Hash          uint32
		_, _, _, Kind uint8
		_             [3]uint64
	}
	var value abiType
	var interfaceType struct {
		abiType
		_, _, Methods uint64 // the path of its package, and of a slice where it is and how long
	}
	isItab := decodeAt(memory, at, &itab) && decodeAt(memory, itab.Interface, &interfaceType) && decodeAt(memory, itab.Type, &value) &&
		interfaceType.Kind&kindMask == kindInterface && value.Hash == itab.Hash && itab.Hash != 0 && interfaceType.Methods < 1000
	if !isItab {
		return 0
	}
	return interfaceType.Methods
}

func (s *splitter) isTableIndex(value int64) bool {
	return value >= s.table && value < s.table+int64(len(s.bodies))
}

// tag returns a text that the two modules have in common, and no others: they only fit each other.
func (s *splitter) tag() string {
	sum := sha256.Sum256(fmt.Append(encodeSections(s.sections), s.deferred))
	return hex.EncodeToString(sum[:8])
}

func newSplitter(sections []section) (*splitter, error) {
	s := &splitter{sections: sections}
	var err error
	if s.functions, err = readFunctions(sections); err != nil {
		return nil, err
	}
	if s.names, err = readNames(sections); err != nil {
		return nil, err
	}
	types, err := find(sections, typeSection)
	if err != nil {
		return nil, err
	}
	if s.goType, err = findType(types.content, []byte{typeFunc, 1, typeI32, 1, typeI32}); err != nil {
		return nil, err
	}
	elements, err := find(sections, elementSection)
	if err != nil {
		return nil, err
	}
	if s.table, err = readTable(elements.content, s.imported, uint64(len(s.bodies))); err != nil {
		return nil, err
	}
	memory, err := find(sections, memorySection)
	if err != nil {
		return nil, err
	}
	s.memory = memory.content[1:]
	if err := checkGlobals(sections); err != nil {
		return nil, err
	}
	return s, s.checkLoop()
}

// findType returns the index of a type.
func findType(content, want []byte) (uint64, error) {
	r := readFrom("the type section", content)
	for index := range r.unsigned() {
		start := r.unread
		r.expect(typeFunc)
		r.bytes(r.unsigned()) // parameters
		r.bytes(r.unsigned()) // results
		if r.err != nil {
			return 0, r.err
		}
		if bytes.Equal(start[:len(start)-len(r.unread)], want) {
			return index, nil
		}
	}
	return 0, errors.New("the type section has no type of Go's functions: an i32 in, an i32 out")
}

// readTable returns the table index of the first function that the module defines. Go puts all of them into
// the table, in their order.
func readTable(content []byte, imported, defined uint64) (int64, error) {
	r := readFrom("the element section", content)
	r.expect(1, 0x00, opI32Const) // one list, active
	start := r.signed()
	r.expect(opEnd)
	if count := r.unsigned(); r.err == nil && count != defined {
		return 0, fmt.Errorf("the table holds %d functions, and the module defines %d", count, defined)
	}
	for i := range defined {
		if index := r.unsigned(); r.err == nil && index != imported+i {
			return 0, fmt.Errorf("the table holds function %d, where %d was expected", index, imported+i)
		}
	}
	return start, r.end()
}

func checkGlobals(sections []section) error {
	globals, err := find(sections, globalSection)
	if err != nil {
		return err
	}
	r := readFrom("the global section (Go's registers)", globals.content)
	r.expect(byte(len(goGlobals)))
	for _, kind := range goGlobals {
		r.expect(kind, 1) // mutable
		r.instruction()   // its first value
		r.expect(opEnd)
	}
	return r.end()
}

// loopCode is what wasm_pc_f_loop does, as far as placeholders depend on it: it goes on with the function and the
// resume point that stand below the stack pointer, until Go pauses.
var loopCode = []instruction{
	{opcode: opGlobalGet, immediate: globalPause}, {opcode: opI32Eqz}, {opcode: opIf}, {opcode: opLoop},
	{opcode: opGlobalGet, immediate: globalSP}, {opcode: opI32Const, immediate: 8}, {opcode: opI32Sub}, {opcode: opI32Load16U, immediate: 0},
	{opcode: opGlobalGet, immediate: globalSP}, {opcode: opI32Const, immediate: 8}, {opcode: opI32Sub}, {opcode: opI32Load, immediate: 2},
	{opcode: opCallIndirect}, {opcode: opDrop},
	{opcode: opGlobalGet, immediate: globalPause}, {opcode: opI32Eqz}, {opcode: opBrIf}, {opcode: opEnd}, {opcode: opEnd},
	{opcode: opI32Const}, {opcode: opGlobalSet, immediate: globalPause},
}

func (s *splitter) checkLoop() error {
	index, err := s.find(loopName)
	if err != nil {
		return err
	}
	_, instructions, err := readBody(s.bodies[index-s.imported])
	if err != nil {
		return fmt.Errorf("%s: %w", loopName, err)
	}
	for i, want := range loopCode {
		if i >= len(instructions) {
			return fmt.Errorf("%s ends at instruction %d, before it has done what it did", loopName, i)
		}
		got := instructions[i]
		isCall := want.opcode == opCallIndirect && got.immediate == s.goType
		if got.opcode != want.opcode || !isCall && hasImmediate(want.opcode) && got.immediate != want.immediate {
			return fmt.Errorf("%s is another: instruction %d has opcode %#x and immediate %d, where %#x and %d were expected",
				loopName, i, got.opcode, got.immediate, want.opcode, want.immediate)
		}
	}
	return nil
}

const loopName = "wasm_pc_f_loop"

func hasImmediate(opcode byte) bool { return opcode != opIf && opcode != opLoop }

// choose finds the functions to defer: those that the list does not come to and that may wait to be called.
func (s *splitter) choose(list keepList) error {
	stays, err := s.cannotWait()
	if err != nil {
		return err
	}
	_, segments, err := dataOf(s.sections)
	if err != nil {
		return err
	}
	reached := s.reached(list, memoryOf(segments))
	for i, kind := range s.types {
		index := s.imported + uint64(i)
		name, isNamed := s.names[index]
		if kind == s.goType && isNamed && !stays[index] && (!reached[index] || slices.Contains(describers, name)) {
			s.deferred = append(s.deferred, index)
		}
	}
	return nil
}

// cannotWait returns the functions that call JavaScript, and those that some caller does not return
// from when they ask it to (CALLNORESUME in Go's assembler), with all that each of them calls. Such a
// caller is the write barrier; what starts the runtime is done when a module is divided.
func (s *splitter) cannotWait() (map[uint64]bool, error) {
	var todo []uint64
	s.calls, s.constants = make(map[uint64][]uint64), make(map[uint64][]uint64)
	for i, body := range s.bodies {
		index := s.imported + uint64(i)
		_, instructions, err := readBody(body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.names[index], err)
		}
		for at, in := range instructions {
			if in.opcode == opI32Const || in.opcode == opI64Const || isLoad(in.opcode) || isStore(in.opcode) {
				s.constants[index] = append(s.constants[index], in.immediate)
			}
			if in.opcode != opCall {
				continue
			}
			if in.immediate < s.imported {
				todo = append(todo, index)
				continue
			}
			s.calls[index] = append(s.calls[index], in.immediate)
			if !returnsOnRequest(instructions[at+1:]) && s.names[index] != "runtime.rt0_go" {
				todo = append(todo, in.immediate)
			}
		}
	}
	literals := s.literals()
	found := make(map[uint64]bool)
	for len(todo) > 0 {
		last := len(todo) - 1
		index := todo[last]
		todo = todo[:last]
		if !found[index] && !endsProgram.MatchString(s.names[index]) {
			found[index] = true
			todo = append(append(todo, s.calls[index]...), literals[index]...)
		}
	}
	return found, nil
}

// endsProgram matches the functions of Go's runtime after which a program does not go on where it cannot
// wait: the instance traps, which comes to the same. (More stack is refused there.)
var endsProgram = regexp.MustCompile(`^runtime\.(morestack.*|throw|fatal|abort|sigpanic|gopanic|goPanic.*|panic.*|bad.*|print.*)$`)

// literals returns the functions that stand inside others and are called by their address, such as
// those that run on the system stack, by the index of the other.
func (s *splitter) literals() map[uint64][]uint64 {
	indices := make(map[string]uint64)
	for index, name := range s.names {
		indices[name] = index
	}
	literals := make(map[uint64][]uint64)
	for index, name := range s.names {
		for outer := beforeLast(name, ".func", ".gowrap"); outer != ""; outer = beforeLast(outer, ".") {
			if outer, isKnown := indices[outer]; isKnown { // one that is inlined has none
				literals[outer] = append(literals[outer], index)
				break
			}
		}
	}
	if recordSpan, isKnown := indices["runtime.recordspan"]; isKnown {
		literals[indices["runtime.__fixalloc_.alloc"]] = []uint64{recordSpan} // in a field of it
	}
	return literals
}

// beforeLast returns what stands before the last of any of the separators.
func beforeLast(text string, separators ...string) string {
	at := 0
	for _, separator := range separators {
		at = max(at, strings.LastIndex(text, separator))
	}
	return text[:at]
}

// returnsOnRequest tells whether what follows a call returns where the call gave 1, maybe after it has
// got the stack pointer again, or is what JavaScript calls and has the loop take over.
func returnsOnRequest(following []instruction) bool {
	if len(following) > 2 && following[0].opcode == opGlobalGet && following[0].immediate == globalSP && following[1].opcode == opLocalSet {
		following = following[2:]
	}
	return len(following) > 0 && slices.Contains([]byte{opBrIf, opReturn, opDrop}, following[0].opcode)
}

// deferredModule returns the module with the deferred functions.
func (s *splitter) deferredModule(tag string) ([]section, error) {
	imports := [][]byte{
		slices.Concat(importName("mem"), []byte{2}, s.memory),
		slices.Concat(importName("table"), []byte{1, 0x70, 0, 0}),
	}
	for i, kind := range goGlobals {
		imports = append(imports, slices.Concat(importName(globalName(i)), []byte{3, kind, 1}))
	}
	imports = append(imports, append(importName(tagName+" "+tag), 3, typeI32, 1))
	types, _ := find(s.sections, typeSection)
	var declared, bodies, elements [][]byte
	for i, index := range s.deferred {
		body, err := s.deferredBody(s.bodies[index-s.imported])
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
		declared = append(declared, binary.AppendUvarint(nil, s.goType))
		element := appendSigned([]byte{0x00, opI32Const}, s.tableIndex(index))
		element = binary.AppendUvarint(append(element, opEnd, 1), uint64(i))
		elements = append(elements, element)
	}
	return []section{
		{typeSection, types.content},
		{importSection, encodeList(imports)},
		{functionSection, encodeList(declared)},
		{elementSection, encodeList(elements)},
		{codeSection, encodeBodies(bodies)},
	}, nil
}

func importName(name string) []byte {
	return appendVector(appendVector(nil, []byte(deferredImports)), []byte(name))
}

func encodeList(entries [][]byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(entries))), bytes.Join(entries, nil)...)
}

// tableIndex returns that of a function, which Go calls its PC_F.
func (s *splitter) tableIndex(index uint64) int64 { return s.table + int64(index-s.imported) }

// deferredBody returns the body of a function as it stands in the deferred module: calls of what is in the primary
// module go through the table.
func (s *splitter) deferredBody(body []byte) ([]byte, error) {
	locals, instructions, err := readBody(body)
	if err != nil {
		return nil, err
	}
	result := bytes.Clone(locals)
	for _, in := range instructions {
		if in.opcode != opCall {
			result = append(result, in.bytes...)
			continue
		}
		if i, isDeferred := slices.BinarySearch(s.deferred, in.immediate); isDeferred {
			result = binary.AppendUvarint(append(result, opCall), uint64(i))
			continue
		}
		result = appendSigned(append(result, opI32Const), s.tableIndex(in.immediate))
		result = binary.AppendUvarint(append(result, opCallIndirect), s.types[in.immediate-s.imported])
		result = append(result, 0) // the table
	}
	return result, nil
}

// primaryModule returns the module with a placeholder for each of them.
func (s *splitter) primaryModule(tag string) ([]section, error) {
	sections := slices.Clone(s.sections)
	sections = slices.DeleteFunc(sections, func(s section) bool {
		return s.id == customSection && !bytes.HasPrefix(s.content, appendVector(nil, []byte(snapshotName)))
	})
	waiting, err := extend(sections, typeSection, typeFunc, 2, typeI32, typeI32, 1, typeI32)
	if err != nil {
		return nil, err
	}
	if _, err := extend(sections, functionSection, binary.AppendUvarint(nil, waiting)...); err != nil {
		return nil, err
	}
	wait := s.imported + uint64(len(s.bodies))
	bodies := append(slices.Clone(s.bodies), s.wait())
	for _, index := range s.deferred {
		placeholder := appendSigned([]byte{0, opI32Const}, s.tableIndex(index))
		placeholder = append(placeholder, opLocalGet, 0, opCall)
		bodies[index-s.imported] = append(binary.AppendUvarint(placeholder, wait), opEnd)
	}
	code, _ := find(sections, codeSection)
	code.content = encodeBodies(bodies)
	if _, err := extend(sections, globalSection, typeI32, 1, opI32Const, deferredAbsent, opEnd); err != nil {
		return nil, err
	}
	return sections, s.export(sections, tag)
}

// export adds what the deferred module and JavaScript need to what the primary module exports. The registers are
// among it already.
func (s *splitter) export(sections []section, tag string) error {
	loop, err := s.find(loopName)
	if err != nil {
		return err
	}
	exports := [][]byte{
		append(appendVector(nil, []byte("table")), 1, 0),
		binary.AppendUvarint(append(appendVector(nil, []byte("proceed")), 0), loop),
		append(appendVector(nil, []byte("deferred")), 3, globalDeferred),
		append(appendVector(nil, []byte(tagName+" "+tag)), 3, globalDeferred),
	}
	for _, entry := range exports {
		if _, err := extend(sections, exportSection, entry...); err != nil {
			return err
		}
	}
	return nil
}

// exportGlobals exports what Go's compiler uses as registers.
func exportGlobals(sections []section) error {
	if err := checkGlobals(sections); err != nil {
		return err
	}
	for i := range goGlobals {
		if _, err := extend(sections, exportSection, append(appendVector(nil, []byte(globalName(i))), 3, byte(i))...); err != nil {
			return err
		}
	}
	return nil
}

func globalName(index int) string { return fmt.Sprint("global", index) }

func (s *splitter) find(name string) (uint64, error) {
	for index, candidate := range s.names {
		if candidate == name {
			return index, nil
		}
	}
	return 0, fmt.Errorf("the module has no function %s", name)
}

// wait returns the body of the function that placeholders call: with their table index and the resume point (PC_B)
// that they were called with. Once the deferred module is loaded its function stands there; until then Go pauses.
func (s *splitter) wait() []byte {
	const tableIndex, resumePoint = 0, 1
	body := []byte{
		0, // no locals
		opGlobalGet, globalDeferred, opI32Const, deferredLoaded, opI32Eq,
		opIf, typeVoid,
		opLocalGet, resumePoint, opLocalGet, tableIndex, opCallIndirect,
	}
	body = append(binary.AppendUvarint(body, s.goType), 0, opReturn, opEnd)
	return append(body,
		opGlobalGet, globalSP, opI32Const, 8, opI32Sub, // the program counter goes where the loop looks for it
		opLocalGet, tableIndex, opI64ExtendI32, opI64Const, 16, opI64Shl, opLocalGet, resumePoint, opI64ExtendI32, opI64Or,
		opI64Store, 3, 0,
		opI32Const, deferredNeeded, opGlobalSet, globalDeferred,
		opI32Const, 1, opGlobalSet, globalPause,
		opI32Const, 1, // so that the callers return too
		opEnd)
}
