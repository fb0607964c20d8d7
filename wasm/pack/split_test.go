package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// goModule returns a module as Go's linker writes it: with one imported function, and these. Bodies
// are given without the locals before and the end after them.
func goModule(imported string, functions []goFunction, data ...segment) []section {
	var declared, bodies, names []byte
	elements := []byte{1, 0, opI32Const, 0x80, 0x20, opEnd, byte(len(functions))} // in the table from 4096 on
	for i, f := range functions {
		number := byte(i + 1)
		declared = append(declared, f.kind)
		bodies = appendVector(bodies, slices.Concat([]byte{0}, f.body, []byte{opEnd}))
		elements = append(elements, number)
		names = appendVector(append(names, number), []byte(f.name))
	}
	count := byte(len(functions))
	names = append([]byte{count}, names...)
	return []section{
		{typeSection, []byte{3, typeFunc, 1, typeI32, 1, typeI32, typeFunc, 1, typeI32, 0, typeFunc, 2, typeI32, typeI32, 0}},
		{importSection, slices.Concat([]byte{1}, appendVector(nil, []byte("gojs")), appendVector(nil, []byte(imported)), []byte{0, 1})},
		{functionSection, append([]byte{count}, declared...)},
		{4, []byte{1, 0x70, 0, 0x80, 0x40}}, // a table
		{memorySection, []byte{1, 0, 2}},
		{globalSection, encodeGlobals(make([]uint64, len(goGlobals)))},
		{exportSection, slices.Concat([]byte{2}, appendVector(nil, []byte("mem")), []byte{2, 0}, appendVector(nil, []byte("run")), []byte{0, 1})},
		{elementSection, elements},
		{codeSection, append([]byte{count}, bodies...)},
		{dataSection, encodeSegments(data)},
		{customSection, slices.Concat(appendVector(nil, []byte("name")), []byte{1}, appendVector(nil, names))},
	}
}

// goFunction is one of them. Its kind is the number of its type.
type goFunction struct {
	name string
	kind byte
	body []byte
}

// loop is wasm_pc_f_loop, as Go's linker writes it.
var loop = goFunction{loopName, kindRun, slices.Concat(
	[]byte{opGlobalGet, globalPause, opI32Eqz, opIf, typeVoid, opLoop, typeVoid},
	[]byte{opGlobalGet, globalSP, opI32Const, 8, opI32Sub, opI32Load16U, 1, 0},
	[]byte{opGlobalGet, globalSP, opI32Const, 8, opI32Sub, opI32Load, 2, 2},
	[]byte{opCallIndirect, kindGo, 0, opDrop, opGlobalGet, globalPause, opI32Eqz, opBrIf, 0, opEnd, opEnd},
	[]byte{opI32Const, 0, opGlobalSet, globalPause, opReturn},
)}

const (
	kindGo  = 0 // an i32 in, an i32 out
	kindRun = 2 // two in, none out
	firstGo = 4096
)

func call(number byte, following ...byte) []byte {
	return append([]byte{opI32Const, 0, opCall, number}, following...)
}

var (
	returns      = []byte{opBrIf, 0, opI32Const, 0}
	returnsLater = append([]byte{opGlobalGet, globalSP, opLocalSet, 0}, returns...)
	neverReturns = []byte{opIf, typeVoid, 0, opEnd, opI32Const, 0} // traps
)

// only returns the list of these functions, and of none that they come to.
func only(names ...string) keepList {
	list := keepList{names: make(map[string]bool), cut: []string{"*"}}
	for _, name := range names {
		list.names[name] = true
	}
	return list
}

func TestSplitKeepsWhatCannotWait(t *testing.T) {
	functions := []goFunction{
		{"main.caller", kindGo, slices.Concat(call(2, returns...), call(3, returnsLater...), call(4, opReturn))},
		{"main.a", kindGo, []byte{opI32Const, 0}},
		{"main.b", kindGo, call(9, opReturn)},
		{"main.c", kindGo, call(5, neverReturns...)},
		{"main.unrequested", kindGo, call(6, returns...)},
		{"main.below", kindGo, []byte{opI32Const, 0}},
		{"main.importing", kindGo, slices.Concat([]byte{opI32Const, 0, opCall, 0}, call(8, opReturn))},
		{"main.belowImporting", kindGo, []byte{opI32Const, 0}},
		{"main.needed", kindGo, []byte{opI32Const, 0}},
		loop,
	}
	sections := goModule("anything", functions)
	s, err := newSplitter(sections)
	if err != nil {
		t.Fatal(err)
	}
	list := only("main.needed")
	if err := s.choose(list); err != nil {
		t.Fatal(err)
	}
	var deferred []string
	for _, index := range s.deferred {
		deferred = append(deferred, s.names[index])
	}
	if want := []string{"main.caller", "main.a", "main.b", "main.c"}; !slices.Equal(deferred, want) {
		t.Errorf("%v are deferred, want %v", deferred, want)
	}

	parts := divided{}
	if parts.primary, err = s.primaryModule(s.tag()); err != nil {
		t.Fatal(err)
	}
	if parts.deferred, err = s.deferredModule(s.tag()); err != nil {
		t.Fatal(err)
	}
	if one := tagOf(withTag(parts.primary, s.tag())); one != s.tag() || one == "" {
		t.Errorf("the tag is %q", one)
	}
	if tag := tagOf(sections); tag != "" {
		t.Errorf("a module that was not divided has the tag %q", tag)
	}
	before, err := readFunctions(sections)
	if err != nil {
		t.Fatal(err)
	}
	after, err := readFunctions(parts.primary)
	if err != nil {
		t.Fatal(err)
	}
	for i := range functions {
		if isDeferred := i < 4; isDeferred == bytes.Equal(before.bodies[i], after.bodies[i]) {
			t.Errorf("%s is deferred: %v, and its body is %x, was %x", functions[i].name, isDeferred, after.bodies[i], before.bodies[i])
		}
	}
	code, err := find(parts.deferred, codeSection)
	if err != nil {
		t.Fatal(err)
	}
	// b calls what is needed, which stays, through the table; the caller calls its neighbours directly.
	throughTable := slices.Concat([]byte{0, opI32Const, 0}, appendSigned([]byte{opI32Const}, firstGo+8),
		[]byte{opCallIndirect, kindGo, 0, opReturn, opEnd})
	if !bytes.Contains(code.content, throughTable) {
		t.Errorf("no %x in %x", throughTable, code.content)
	}
	if direct := call(2, returnsLater...); !bytes.Contains(code.content, direct) {
		t.Errorf("no %x in %x", direct, code.content)
	}
}

func TestSplitRefuses(t *testing.T) {
	plain := goFunction{"main.main", kindGo, []byte{opI32Const, 0}}
	with := func(id byte, content ...byte) []section {
		sections := goModule("anything", []goFunction{loop})
		s, err := find(sections, id)
		if err != nil {
			t.Fatal(err)
		}
		s.content = content
		return sections
	}
	without := func(id byte) []section {
		return slices.DeleteFunc(goModule("anything", []goFunction{loop}), func(s section) bool { return s.id == id })
	}
	another := func(old, new []byte) []section {
		return goModule("anything", []goFunction{{loopName, kindRun, bytes.Replace(loop.body, old, new, 1)}})
	}
	everything := keepList{keep: []string{"*"}}
	for name, test := range map[string]struct {
		module []section
		want   string
	}{
		"no names":           {with(customSection), "the module has no names of functions"},
		"no type of Go's":    {with(typeSection, 0), "the type section has no type of Go's functions"},
		"no table":           {without(elementSection), "the module has no element section"},
		"no memory":          {without(memorySection), "the module has no memory section"},
		"no registers":       {without(globalSection), "the module has no global section"},
		"no imports":         {without(importSection), "the module has no import section"},
		"no code":            {without(codeSection), "the module has no code section"},
		"no data":            {without(dataSection), "the module has no data section"},
		"no loop":            {goModule("anything", []goFunction{plain}), "the module has no function wasm_pc_f_loop"},
		"a loop by br_table": {another(loop.body[7:9], []byte{opBrTable, 0, 0}), "wasm_pc_f_loop is another: instruction 4 has opcode 0xe"},
		"a loop of other bits": {another([]byte{opI32Load, 2, 2}, []byte{opI32Load, 2, 4}),
			"wasm_pc_f_loop is another: instruction 11 has opcode 0x28 and immediate 4, where 0x28 and 2"},
		"a loop of other calls": {another([]byte{opCallIndirect, kindGo}, []byte{opCallIndirect, 1}), "wasm_pc_f_loop is another: instruction 12"},
		"a loop that ends":      {another(loop.body[7:], nil), "wasm_pc_f_loop is another: instruction 4 has opcode 0xb"},
		"an instruction unknown": {goModule("anything", []goFunction{loop, {"main.main", kindGo, []byte{0xfd}}}),
			"main.main: a function is not as Go's linker wrote it before, at byte 2"},
		"a function that is cut": {goModule("anything", []goFunction{loop, {"main.main", kindGo, []byte{opI32Const}}}),
			"main.main: a function is not as"},
		"another table":   {with(elementSection, 1, 0, opI32Const, 0x80, 0x20, opEnd, 1, 0), "the table holds function 0, where 1 was expected"},
		"a shorter table": {with(elementSection, 1, 0, opI32Const, 0x80, 0x20, opEnd, 0), "the table holds 0 functions, and the module defines 1"},
		"two tables": {with(elementSection, 2, 0, opI32Const, 0x80, 0x20, opEnd, 1, 1),
			"the element section is not as Go's linker wrote it before, at byte 3"},
		"other registers":          {with(globalSection, 1, typeI32, 1, opI32Const, 0, opEnd), "the global section (Go's registers) is not as"},
		"an import of no function": {with(importSection, 1, 1, 'a', 1, 'b', 2, 0, 1), "the import section is not as"},
		"fewer bodies":             {with(codeSection, 0), "the code section has 0 functions, and the function section 1"},
		"nothing to defer":         {goModule("anything", []goFunction{loop, plain}), "no function can be deferred"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := split(test.module, everything, nil, &report{}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// randomStateOf returns the memory of a generator that has made so many blocks of numbers.
func randomStateOf(blocks int) []byte {
	generator := rand.NewChaCha8([32]byte([]byte("a seed of thirty-two bytes, as is")[:32]))
	for range (blocks - 1) * 32 {
		generator.Uint64()
	}
	text, _ := generator.MarshalBinary()
	var state []byte
	for range 32 {
		state = binary.LittleEndian.AppendUint64(state, generator.Uint64())
	}
	state = append(state, text[len(text)-randomSeed:]...)
	for _, counter := range []uint32{3, 32, uint32(blocks-1) * 4} {
		state = binary.LittleEndian.AppendUint32(state, counter)
	}
	return state
}

func TestFindRandomStates(t *testing.T) {
	memory := make([]byte, 8192)
	copy(memory[8:], randomStateOf(1))
	copy(memory[1024:], randomStateOf(3))
	for at, change := range map[int]int{2048: 0, 3072: randomBuffer, 4096: randomState - 4} { // a number, the seed, the block
		copy(memory[at:], randomStateOf(2))
		memory[at+change] ^= 0x10
	}
	copy(memory[len(memory)-randomState+8:], randomStateOf(1)) // cut off
	if found := findRandomStates(memory); !slices.Equal(found, []uint32{8, 1024}) {
		t.Errorf("found at %v", found)
	}
}

// object returns a value as Go holds it.
func object(number uint64) []byte {
	return binary.LittleEndian.AppendUint64(nil, (nanHead|kinds["object"])<<32|number)
}

// starting returns a module whose start calls one imported function, with this on the stack.
func starting(imported string, stack ...[]byte) []section {
	const sp = 8192
	content := append(make([]byte, 8), bytes.Join(stack, nil)...)
	run := append(appendSigned([]byte{opI32Const}, sp), opCall, 0)
	return goModule(imported, []goFunction{{"wasm_export_run", kindRun, run}}, segment{sp, content}, segment{16384, []byte("ready_nobody_Object")})
}

func text(offset, length uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 16384+offset), length)
}

func TestSnapshotKnowsWhatItStandsInFor(t *testing.T) {
	number := binary.LittleEndian.AppendUint64(nil, math.Float64bits(7))
	for name, test := range map[string]struct {
		module []section
		want   string
	}{
		"a property":      {starting("syscall/js.valueGet", object(5), text(6, 6)), "what globalThis.nobody is must be said in known"},
		"of no object":    {starting("syscall/js.valueGet", number, text(13, 6)), "is no object"},
		"a method":        {starting("syscall/js.valueCall", object(5), text(6, 6), text(0, 0)), "globalThis.nobody"},
		"a class":         {starting("syscall/js.valueNew", object(6), text(0, 0)), "new go"},
		"a function":      {starting("syscall/js.valueInvoke"), "syscall/js.valueInvoke: no program needs it to start"},
		"waits too early": {starting("syscall/js.valueGet", object(5), text(13, 6)), "waits before it has called ready"},
		"other registers": {withGlobals(starting("syscall/js.valueInvoke")), "the global section (Go's registers) is not as Go's linker wrote it before"},
		"no random numbers": {starting("syscall/js.valueCall", object(5), text(0, 5), text(0, 1)),
			"0 states of ChaCha8 generators are in the memory, where Go's runtime has 2"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := takeSnapshot(test.module, &report{}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// withGlobals gives a module a register more.
func withGlobals(sections []section) []section {
	if _, err := extend(sections, globalSection, typeI32, 1, opI32Const, 0, opEnd); err != nil {
		panic(err)
	}
	return sections
}

func TestLiteralsBelongToWhatTheyStandIn(t *testing.T) {
	s := splitter{names: map[uint64]string{
		1: "main.run", 2: "main.run.func1", 3: "main.run.inlined.func2", 4: "main.run.gowrap1", 5: "main.T.funcs", 6: "other.func1",
	}}
	for range 10 {
		literals := s.literals()[1]
		slices.Sort(literals)
		if !slices.Equal(literals, []uint64{2, 3, 4}) {
			t.Fatal(literals)
		}
	}
}
