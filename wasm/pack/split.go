package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Half of what Go links is never called: algorithms that other users of a package need, what only a
// broken program prints. A browser downloads, checks and keeps it all the same. So it goes into a
// module of its own, and in the first one stands a stub in its place that asks for it.
//
// Go's code can wait at any call. A function that returns 1 tells its callers to return as well,
// down to the loop that runs the program (wasm_pc_f_loop), which goes on where the stack in memory
// says: that is how goroutines switch. A stub leaves its function as the one to go on with, as gogo
// does in Go's runtime, and has the loop pause, as in waiting for an event. JavaScript loads the rest
// (wasm/sdk/runtime.js) and calls `proceed`, which is that loop.

// The state of the rest, in the global that the first module exports as "deferred".
const (
	deferredAbsent = 0 // it is not loaded
	deferredNeeded = 1 // Go waits for it
	deferredLoaded = 2 // JavaScript says so when it has instantiated it
)

// goGlobals are the types of the globals that Go's compiler uses as registers.
var goGlobals = []byte{typeI32, typeI64, typeI64, typeI64, typeI64, typeI64, typeI64, typeI32}

const (
	globalSP       = 0
	globalPause    = 7
	globalDeferred = 8 // ours
)

// deferredImports is the name under which the rest imports what the first module exports.
const deferredImports = "open-payments"

// splitter holds a module while it is divided.
type splitter struct {
	functions
	sections []section
	names    map[uint64]string
	goType   uint64   // of functions as Go's compiler writes them: an i32 in, an i32 out
	table    int64    // where in the table the first function stands
	memory   []byte   // the limits of the memory
	deferred []uint64 // the function indices of those that move into the deferred module

	// By function, once choose has read them:
	calls     map[uint64][]uint64 // which others it calls
	constants map[uint64][]uint64 // the numbers that stand in it, addresses among them
}

// split divides a module. The functions that the list comes to stay, as do those that cannot wait. The
// program counters are those in the memory: of functions that are on a stack.
func split(sections []section, list keepList, counters []uint64) (first, rest []section, err error) {
	s, err := newSplitter(sections)
	if err != nil {
		return nil, nil, err
	}
	if err := s.choose(list); err != nil {
		return nil, nil, err
	}
	tag := s.tag()
	if rest, err = s.deferredModule(tag); err != nil {
		return nil, nil, err
	}
	if first, err = s.primaryModule(tag); err != nil {
		return nil, nil, err
	}
	if rest, err = s.moveData(first, rest, counters); err != nil {
		return nil, nil, err
	}
	return withTag(first, tag), withTag(rest, tag), nil
}

// tagName is the custom section with the tag of a build. JavaScript reads it before it instantiates a module,
// and compares it with that of build-info.js.
const tagName = "build"

func withTag(sections []section, tag string) []section {
	return append(sections, section{customSection, append(appendVector(nil, []byte(tagName)), tag...)})
}

// tagOf returns the tag of a module.
func tagOf(sections []section) (string, error) {
	head := appendVector(nil, []byte(tagName))
	for _, s := range sections {
		if tag, isTag := bytes.CutPrefix(s.content, head); isTag && s.id == customSection {
			return string(tag), nil
		}
	}
	return "", fmt.Errorf("the module has no section %q", tagName)
}

// moveData moves what the memory holds only for functions that leave.
func (s *splitter) moveData(first, rest []section, counters []uint64) ([]section, error) {
	data, segments, err := dataOf(first)
	if err != nil {
		return nil, err
	}
	memory := memoryOf(segments)
	keeps := s.keptDescriptions(memory, counters)
	var leaving []segment
	if s.allLeave(describers) {
		leaving = deferredDescriptions(memory, s.table, len(s.bodies), func(place int64) kept { return keeps[place] })
	}
	leaving = append(leaving, s.deferredTable(memory, p256Table)...)
	slices.SortFunc(leaving, func(a, b segment) int { return cmp.Compare(a.address, b.address) })
	whole := bytes.Clone(memory)
	for _, part := range leaving {
		clear(memory[part.address:part.end()])
	}
	data.content = encodeSegments(segment{0, memory}.split())
	return append(rest, section{dataSection, encodeSegments(closeGaps(leaving, whole))}), nil
}

// describers are the functions of Go's runtime through which it reads the lines, the inlined calls and the
// arguments of functions, and the names of those where no stack began. They leave even where they are needed.
var describers = []string{"runtime.funcline1", "runtime.newInlineUnwinder", "runtime.pcdatavalue1", "runtime.printArgs", "runtime.panicwrap"}

// allLeave tells whether there are functions of these names, and all of them leave.
func (s *splitter) allLeave(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		number, err := s.find(name)
		return err != nil || !s.isDeferred(number)
	})
}

func (s *splitter) isDeferred(number uint64) bool {
	_, leaves := slices.BinarySearch(s.deferred, number)
	return leaves
}

// keptDescriptions returns what functions keep of their description, by place. Those that stay keep their frame.
// Frame and name keep those that may be on a stack without having been called: where a goroutine may begin,
// as functions that stay name them, and whose program counters are in the memory or are written there
// by others (runtime.systemstack).
func (s *splitter) keptDescriptions(memory []byte, counters []uint64) map[int64]kept {
	keeps := make(map[int64]kept)
	begin := func(counter uint64) {
		if place := int64(counter >> 16); s.isTableIndex(place) { // the rest of it is the part of the function
			keeps[place] = keepsName
		}
	}
	for i := range s.bodies {
		number := s.imported + uint64(i)
		if s.isDeferred(number) {
			continue // once it runs all of it is there
		}
		place := s.tableIndex(number)
		keeps[place] = max(keeps[place], keepsFrame)
		for _, constant := range s.constants[number] {
			if constant>>16 != uint64(place) { // its own are where it goes on after a call
				begin(constant)
			}
			var value uint64 // of a function: what stands there is where it begins
			if decodeAt(memory, constant, &value) && value&0xffff == 0 {
				begin(value)
			}
		}
	}
	for _, counter := range counters {
		begin(counter)
	}
	return keeps
}

func (s *splitter) isTableIndex(place int64) bool {
	return place >= s.table && place < s.table+int64(len(s.bodies))
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
	return s, checkGlobals(sections)
}

// findType returns the number of a type.
func findType(content, want []byte) (uint64, error) {
	r := &wasmReader{unread: content}
	for number := range r.unsigned() {
		start := r.unread
		r.expect(typeFunc)
		r.bytes(r.unsigned()) // parameters
		r.bytes(r.unsigned()) // results
		if r.err != nil {
			return 0, r.err
		}
		if bytes.Equal(start[:len(start)-len(r.unread)], want) {
			return number, nil
		}
	}
	return 0, errModule
}

// readTable returns the index in the table of the first function that the module defines. Go puts
// all of them there, in their order.
func readTable(content []byte, imported, defined uint64) (int64, error) {
	r := &wasmReader{unread: content}
	r.expect(1, 0x00, opI32Const) // one list, active
	start := r.signed()
	r.expect(opEnd)
	if r.unsigned() != defined {
		return 0, errModule
	}
	for i := range defined {
		if r.unsigned() != imported+i {
			return 0, errModule
		}
	}
	return start, r.end()
}

func checkGlobals(sections []section) error {
	globals, err := find(sections, globalSection)
	if err != nil {
		return err
	}
	r := &wasmReader{unread: globals.content}
	r.expect(byte(len(goGlobals)))
	for _, kind := range goGlobals {
		r.expect(kind, 1) // mutable
		r.instruction()   // its first value
		r.expect(opEnd)
	}
	return r.end()
}

// choose finds the functions that leave: those that the list does not come to and that may wait to be called.
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
		number := s.imported + uint64(i)
		name, isNamed := s.names[number]
		if kind == s.goType && isNamed && !stays[number] && (!reached[number] || slices.Contains(describers, name)) {
			s.deferred = append(s.deferred, number)
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
		number := s.imported + uint64(i)
		_, instructions, err := readBody(body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.names[number], err)
		}
		for at, in := range instructions {
			if in.opcode == opI32Const || in.opcode == opI64Const || isLoad(in.opcode) || isStore(in.opcode) {
				s.constants[number] = append(s.constants[number], in.immediate)
			}
			if in.opcode != opCall {
				continue
			}
			if in.immediate < s.imported {
				todo = append(todo, number)
				continue
			}
			s.calls[number] = append(s.calls[number], in.immediate)
			if !returnsOnRequest(instructions[at+1:]) && s.names[number] != "runtime.rt0_go" {
				todo = append(todo, in.immediate)
			}
		}
	}
	literals := s.literals()
	found := make(map[uint64]bool)
	for len(todo) > 0 {
		last := len(todo) - 1
		number := todo[last]
		todo = todo[:last]
		if !found[number] && !endsProgram.MatchString(s.names[number]) {
			found[number] = true
			todo = append(append(todo, s.calls[number]...), literals[number]...)
		}
	}
	return found, nil
}

// endsProgram matches the functions of Go's runtime after which a program does not go on where it cannot
// wait: the instance traps, which comes to the same. (More stack is refused there.)
var endsProgram = regexp.MustCompile(`^runtime\.(morestack.*|throw|fatal|abort|sigpanic|gopanic|goPanic.*|panic.*|bad.*|print.*)$`)

// literals returns the functions that stand inside others and are called by their address, such as
// those that run on the system stack, by the number of the other.
func (s *splitter) literals() map[uint64][]uint64 {
	numbers := make(map[string]uint64)
	for number, name := range s.names {
		numbers[name] = number
	}
	literals := make(map[uint64][]uint64)
	for number, name := range s.names {
		for outer := beforeLast(name, ".func", ".gowrap"); outer != ""; outer = beforeLast(outer, ".") {
			if outer, isKnown := numbers[outer]; isKnown { // one that is inlined has no number
				literals[outer] = append(literals[outer], number)
				break
			}
		}
	}
	if recordSpan, isKnown := numbers["runtime.recordspan"]; isKnown {
		literals[numbers["runtime.__fixalloc_.alloc"]] = []uint64{recordSpan} // in a field of it
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

// rest returns the module with the functions that leave.
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
	for i, number := range s.deferred {
		body, err := s.moved(s.bodies[number-s.imported])
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
		declared = append(declared, binary.AppendUvarint(nil, s.goType))
		element := appendSigned([]byte{0x00, opI32Const}, s.tableIndex(number))
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

// place returns a function's index in the table, which Go calls its PC_F.
func (s *splitter) tableIndex(number uint64) int64 { return s.table + int64(number-s.imported) }

// moved returns the body of a function as it stands in the rest: calls of what is in the first module
// go through the table.
func (s *splitter) moved(body []byte) ([]byte, error) {
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
		if i, leaves := slices.BinarySearch(s.deferred, in.immediate); leaves {
			result = binary.AppendUvarint(append(result, opCall), uint64(i))
			continue
		}
		result = appendSigned(append(result, opI32Const), s.tableIndex(in.immediate))
		result = binary.AppendUvarint(append(result, opCallIndirect), s.types[in.immediate-s.imported])
		result = append(result, 0) // the table
	}
	return result, nil
}

// first returns the module without the functions that leave.
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
	for _, number := range s.deferred {
		stub := appendSigned([]byte{0, opI32Const}, s.tableIndex(number))
		stub = append(stub, opLocalGet, 0, opCall)
		bodies[number-s.imported] = append(binary.AppendUvarint(stub, wait), opEnd)
	}
	code, _ := find(sections, codeSection)
	code.content = encodeBodies(bodies)
	if _, err := extend(sections, globalSection, typeI32, 1, opI32Const, deferredAbsent, opEnd); err != nil {
		return nil, err
	}
	return sections, s.export(sections, tag)
}

// export adds what the rest and JavaScript need to what the first module exports. The registers are
// among it already.
func (s *splitter) export(sections []section, tag string) error {
	loop, err := s.find("wasm_pc_f_loop")
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

func globalName(number int) string { return fmt.Sprint("global", number) }

func (s *splitter) find(name string) (uint64, error) {
	for number, candidate := range s.names {
		if candidate == name {
			return number, nil
		}
	}
	return 0, errModule
}

// wait returns the body of the function that stubs call: with the place of their own in the table,
// and the part of it (PC_B) to go on with. Once the rest is loaded it is there; until then Go pauses.
func (s *splitter) wait() []byte {
	const place, part = 0, 1
	body := []byte{
		0, // no locals
		opGlobalGet, globalDeferred, opI32Const, deferredLoaded, opI32Eq,
		opIf, typeVoid,
		opLocalGet, part, opLocalGet, place, opCallIndirect,
	}
	body = append(binary.AppendUvarint(body, s.goType), 0, opReturn, opEnd)
	return append(body,
		opGlobalGet, globalSP, opI32Const, 8, opI32Sub, // the program counter goes where the loop looks for it
		opLocalGet, place, opI64ExtendI32, opI64Const, 16, opI64Shl, opLocalGet, part, opI64ExtendI32, opI64Or,
		opI64Store, 3, 0,
		opI32Const, deferredNeeded, opGlobalSet, globalDeferred,
		opI32Const, 1, opGlobalSet, globalPause,
		opI32Const, 1, // so that the callers return too
		opEnd)
}
