package golang

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

func TestDescriptionsAreDeferred(t *testing.T) {
	l := describe()
	keeps := map[int64]Kept{firstIndex: KeepsName, firstIndex + 1: KeepsFrame}
	table, err := OpenPclntab(nil, l.memory, firstIndex, 3)
	if err != nil {
		t.Fatal(err)
	}
	segments, err := table.Deferrable(firstIndex, func(tableIndex int64) Kept { return keeps[tableIndex] })
	if err != nil {
		t.Fatal(err)
	}
	leaves := make([]bool, len(l.memory))
	for _, s := range segments {
		fill(leaves, uint64(s.Address), uint64(len(s.Content)))
		if string(s.Content) != string(l.memory[s.Address:s.End()]) {
			t.Errorf("%v is not what is there", s)
		}
	}
	// Of the functions that stay what a stack is read with, and the name of the one where a stack begins.
	texts := []string{"units", "files", "no name", "inlined name", "abc lines", "b inlined calls", "b tree", "b name", "b title", "c pointers"}
	isText := func(name string) bool { return strings.Contains(name, " text ") || slices.Contains(texts, name) }
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

func TestAnotherPclntabIsRefused(t *testing.T) {
	whole := describe()
	where := func(name string) int { return slices.Index(whole.names, name) }
	for name, test := range map[string]struct {
		change func(memory []byte)
		want   string
	}{
		"another version":         {func(m []byte) { m[64]++ }, "no runtime.pcHeader is in the data section"},
		"fewer functions":         {func(m []byte) { m[64+8]-- }, "runtime.pcHeader counts 2 functions, and the module has 3"},
		"functions elsewhere":     {func(m []byte) { m[where("list")]++ }, "functab says table index 4097, where 4096 was expected"},
		"infos that name another": {func(m []byte) { m[where("b info entry")]++ }, "the _func at table index 4097 is of another form"},
		"infos outside":           {func(m []byte) { m[where("b info where")+3] = 0xff }, "the _func at table index 4097 is of another form"},
		"a name outside":          {func(m []byte) { m[where("b title")+3] = 0xff }, "the _func at table index 4097 names what is not in it"},
		"a table outside":         {func(m []byte) { m[where("b info frame")+3] = 0xff }, "the _func at table index 4097 names what is not in it"},
		"a table without an end": {
			func(m []byte) { copy(m[where("a stack map"):where("list")], slices.Repeat([]byte{0x80}, 99)) },
			"the _func at table index 4096 names what is not in it",
		},
		"many tables":        {func(m []byte) { m[where("c info tables")+1] = 1 }, "the _func at table index 4098 is of another form"},
		"no module data":     {func(m []byte) { m[where("module")]++ }, "no runtime.moduledata points to runtime.pcHeader"},
		"funcdata elsewhere": {func(m []byte) { m[len(m)-7] = 0 }, "no runtime.moduledata points to runtime.pcHeader"},
	} {
		l := describe()
		test.change(l.memory)
		table, err := OpenPclntab(nil, l.memory, firstIndex, 3)
		if err == nil {
			_, err = table.Deferrable(firstIndex, func(int64) Kept { return KeepsNothing })
		}
		if err == nil || !strings.HasPrefix(err.Error(), "runtime.pclntab: "+test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
