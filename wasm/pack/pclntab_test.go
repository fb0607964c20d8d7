package main

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// layout is a memory in which every part has a name.
type layout struct {
	memory []byte
	names  []string // of the part that each byte belongs to
}

func (l *layout) put(name string, content ...byte) (at uint32) {
	at = uint32(len(l.memory))
	l.memory = append(l.memory, content...)
	for range content {
		l.names = append(l.names, name)
	}
	return at
}

func (l *layout) word(name string, value uint32) uint32 {
	return l.put(name, binary.LittleEndian.AppendUint32(nil, value)...)
}

func (l *layout) long(name string, value uint32) uint32 {
	return l.put(name, binary.LittleEndian.AppendUint64(nil, uint64(value))...)
}

func (l *layout) align() {
	for len(l.memory)%8 != 0 {
		l.put("alignment", 0)
	}
}

const firstIndex = 4096

// describe returns a memory with what Go's linker writes of three functions. They share the table of their
// frames with one another, and the second and third one more table and one blob. Names of parts begin
// with those of the functions to which they belong.
func describe() *layout {
	l := &layout{}
	l.put("before", make([]byte, 64)...)
	header := l.put("header", pclntabHead...)
	fields := l.put("header", make([]byte, 64)...)
	set := func(field, value uint32) { binary.LittleEndian.PutUint32(l.memory[fields+8*field:], value) }
	offset := func(at uint32) uint32 { return at - header }

	set(0, 3)
	set(3, offset(l.put("no name", 0)))
	nameOf := map[string]uint32{}
	for _, function := range []string{"a", "b", "c", "inlined"} {
		nameOf[function] = offset(l.put(function+" name", []byte("main."+function+"\x00")...)) - offset(uint32(64+72))
	}
	l.align()
	set(4, offset(l.word("units", 7)))
	set(5, offset(l.put("files", []byte("file.go\x00")...)))
	l.align()
	tables := l.put("no table", 0)
	set(6, offset(tables))
	table := func(name string, content ...byte) uint32 { return l.put(name, content...) - tables }
	frames := table("abc frame", 2, 1, 4, 0x81, 0x01, 0)
	files := table("abc lines", 0, 5, 6, 7, 0) // a first change of 0 is no end
	stackMap := map[string]uint32{
		"a": table("a stack map", 0x8a, 0x80, 0x80, 0x80, 0x10, 1, 0),
		"b": table("bc stack map", 8, 9, 0),
	}
	stackMap["c"] = stackMap["b"]
	inlined := table("b inlined calls", 3, 3, 0)
	l.align()
	list := l.put("list", make([]byte, 3*8)...)
	set(7, offset(list))
	blobOffsets := map[string]uint32{"a pointers": 0, "bc pointers": 8, "b tree": 16, "c pointers": 24, "last": 32}
	for i, function := range []string{"a", "b", "c"} {
		field := func(name string, value uint32) uint32 { return l.word(function+" "+name, value) }
		info := field("info entry", uint32(firstIndex+i))
		binary.LittleEndian.PutUint32(l.memory[list+8*uint32(i):], uint32(firstIndex+i))
		binary.LittleEndian.PutUint32(l.memory[list+8*uint32(i)+4:], info-list)
		for at := list + 8*uint32(i) + 4; at < list+8*uint32(i)+8; at++ {
			l.names[at] = function + " info where"
		}
		field("title", nameOf[function])
		field("info arguments", 16)
		field("info defer", 0)
		field("info frame", frames)
		field("text file", files)
		field("text line", files)
		field("info tables", 3)
		field("text unit", 1)
		field("text first line", 12)
		l.put(function+" info flags", 0, 0, 0, 4)
		field("text unsafe points", 0)
		field("info stack map", stackMap[function])
		field("text inlined calls", map[string]uint32{"b": inlined}[function])
		field("info arguments' pointers", noFuncdata)
		field("info locals' pointers", blobOffsets[map[string]string{"a": "a pointers", "b": "bc pointers", "c": "bc pointers"}[function]])
		field("info objects", map[string]uint32{"a": noFuncdata, "b": noFuncdata, "c": blobOffsets["c pointers"]}[function])
		field("text tree", map[string]uint32{"a": noFuncdata, "b": blobOffsets["b tree"], "c": blobOffsets["last"]}[function])
	}
	l.align()
	funcdata := l.long("a pointers", 1)
	l.long("bc pointers", 1)
	l.long("b tree", 1)
	l.long("c pointers", 1)
	l.long("last", 1)
	l.long("module", header)
	l.long("module", 64+72)
	l.put("module", make([]byte, 38*8)...)
	l.long("module", funcdata)
	return l
}

func TestLinesLeave(t *testing.T) {
	l := describe()
	keeps := map[int64]kept{firstIndex: keepsName, firstIndex + 1: keepsFrame}
	segments := deferredDescriptions(l.memory, firstIndex, 3, func(place int64) kept { return keeps[place] })
	leaves := make([]bool, len(l.memory))
	for _, s := range segments {
		fill(leaves, uint64(s.address), uint64(len(s.content)))
		if string(s.content) != string(l.memory[s.address:s.end()]) {
			t.Errorf("%v is not what is there", s)
		}
	}
	// Of the functions that stay what a stack is read with, and the name of the one where a stack begins.
	isText := func(name string) bool {
		return strings.Contains(name, " text ") || slices.Contains([]string{"units", "files", "no name", "inlined name", "abc lines", "b inlined calls", "b tree", "b name", "b title", "c pointers"}, name)
	}
	for at, name := range l.names {
		isTerminator := strings.HasSuffix(name, " name") && l.memory[at] == 0
		if name == "alignment" || isTerminator {
			continue // either will do
		}
		if want := isText(name) || strings.HasPrefix(name, "c "); leaves[at] != want {
			t.Fatalf("%q at %d leaves: %v", name, at, leaves[at])
		}
	}
}

func TestLinesStayWhereTheyAreNotKnown(t *testing.T) {
	whole := describe()
	where := func(name string) int { return slices.Index(whole.names, name) }
	for name, change := range map[string]func(memory []byte){
		"another version":         func(m []byte) { m[64]++ },
		"fewer functions":         func(m []byte) { m[64+8]-- },
		"functions elsewhere":     func(m []byte) { m[where("list")]++ },
		"infos that name another": func(m []byte) { m[where("b info entry")]++ },
		"infos outside":           func(m []byte) { m[where("b info where")+3] = 0xff },
		"a name outside":          func(m []byte) { m[where("b title")+3] = 0xff },
		"a table outside":         func(m []byte) { m[where("b info frame")+3] = 0xff },
		"a table without an end":  func(m []byte) { copy(m[where("a stack map"):where("list")], slices.Repeat([]byte{0x80}, 99)) },
		"many tables":             func(m []byte) { m[where("c info tables")+1] = 1 },
		"no module data":          func(m []byte) { m[where("module")]++ },
		"funcdata elsewhere":      func(m []byte) { m[len(m)-7] = 0 },
	} {
		l := describe()
		change(l.memory)
		if segments := deferredDescriptions(l.memory, firstIndex, 3, func(int64) kept { return keepsNothing }); segments != nil {
			t.Errorf("%s: %v", name, segments)
		}
	}
}

func TestWhatLinesAreKept(t *testing.T) {
	const caller, called, closure, gone, running, both = 1, 2, 3, 4, 5, 6
	names := []string{caller: "main.caller", called: "main.called", closure: "main.closure", gone: "main.gone", running: "main.running", both: "main.both"}
	counter := func(number int) int64 { return (firstGo + int64(number) - 1) << 16 }
	memory := make([]byte, 64)
	binary.LittleEndian.PutUint64(memory[32:], uint64(counter(called)))    // the value of a function
	binary.LittleEndian.PutUint64(memory[40:], uint64(counter(gone)))      // one that nothing names
	binary.LittleEndian.PutUint64(memory[48:], uint64(counter(gone)+0x10)) // what is none
	constant := func(value int64) []byte { return append(appendSigned([]byte{opI64Const}, value), opDrop) }
	bodies := map[int][]byte{
		caller: slices.Concat(constant(32), constant(48), constant(counter(closure)), constant(counter(both)), constant(counter(caller)+3), constant(-8)),
		gone:   slices.Concat(constant(40), constant(counter(gone))),
	}
	var functions []goFunction
	for i, name := range names[1:] {
		functions = append(functions, goFunction{name, kindGo, append(bodies[i+1], opI32Const, 0)})
	}
	s, err := newSplitter(goModule("anything", functions))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.choose(only("main.caller", "main.both")); err != nil {
		t.Fatal(err)
	}
	got := s.keptDescriptions(memory, []uint64{uint64(counter(running)) + 2, 5})
	want := map[int64]kept{caller: keepsFrame, called: keepsName, closure: keepsName, running: keepsName, both: keepsName}
	for number, name := range names {
		if keeps := got[firstGo+int64(number)-1]; keeps != want[int64(number)] {
			t.Errorf("%s keeps %d, want %d", name, keeps, want[int64(number)])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v has others", got)
	}
}

func TestLinesLeaveWithWhatReadsThem(t *testing.T) {
	everything := keepList{keep: []string{"*"}}
	functions := []goFunction{{"main.main", kindGo, []byte{opI32Const, 0}}}
	for _, name := range describers {
		functions = append(functions, goFunction{name, kindGo, []byte{opI32Const, 0}})
	}
	for name, test := range map[string]struct {
		change func()
		want   bool
	}{
		"all there":         {func() {}, true},
		"one cannot wait":   {func() { functions[2].body = []byte{opI32Const, 0, opCall, 0, opI32Const, 0} }, false},
		"one is not linked": {func() { functions[2].name = "main.other" }, false},
	} {
		functions[2] = goFunction{describers[1], kindGo, []byte{opI32Const, 0}}
		test.change()
		s, err := newSplitter(goModule("anything", functions))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.choose(everything); err != nil {
			t.Fatal(err)
		}
		if got := s.allLeave(describers); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}

	whole := describe().memory
	three := []goFunction{{"main.a", kindGo, []byte{opI32Const, 0}}, {"main.b", kindGo, []byte{opI32Const, 0}}, {"wasm_pc_f_loop", kindRun, nil}}
	first, _, err := split(goModule("anything", three, segment{0, whole}), keepList{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, segments, err := dataOf(first); err != nil || !slices.Equal(memoryOf(segments), whole[:len(memoryOf(segments))]) {
		t.Errorf("lines have left although nothing that reads them has: %v", err)
	}
}
