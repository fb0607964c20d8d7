package main

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

func TestKeepRules(t *testing.T) {
	list, err := parseKeepRules("What this is: keep nothing\n\nkeep a.* # reason\n# text\n\ncut  a.b#reason\n"+
		"cut:x a.x # with the tag\ncut:y a.y # without it\n", []string{"", "x"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(list.keep, []string{"a.*"}) || !slices.Equal(list.cut, []string{"a.b", "a.x"}) {
		t.Errorf("got %+v", list)
	}
	for rule, want := range map[string]string{
		"keep a.*":           "line 3: want keep or cut, one pattern, # and a reason",
		"keep a.* #":         "line 3: want",
		"keep a.* b.* # why": "line 3: want",
		"keep # why":         "line 3: want",
		"leave a.* # why":    `line 3: "leave" is neither keep nor cut`,
		"cut a.[ # why":      "line 3: syntax error in pattern",
	} {
		if _, err := parseKeepRules("text\n\n"+rule, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", rule, err)
		}
	}
}

func TestListsCanBeRead(t *testing.T) {
	list, err := readKeepList(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"encoding_json.Unmarshal", "runtime.wbZero"} { // of needed.txt, of anytime.txt
		if !list.names[name] {
			t.Errorf("%s is missing", name)
		}
	}
	for _, rule := range list.cut {
		if slices.Contains(list.keep, rule) {
			t.Errorf("%s is kept and cut", rule)
		}
	}
}

func TestKeepListNamesWhatIsThere(t *testing.T) {
	linked := map[uint64]string{1: "main.a", 2: "main.b"}
	list := keepList{names: map[string]bool{"main.a": true}, keep: []string{"main.*"}, cut: []string{"*.b"}}
	if err := list.check(linked); err != nil {
		t.Error(err)
	}
	list = keepList{
		names: map[string]bool{"main.a": true, "main.gone": true, "main.d": true, "main.c": true},
		from:  map[string]string{"main.a": "needed.txt", "main.gone": "anytime.txt", "main.d": "needed.txt", "main.c": "needed.txt"},
		cut:   []string{"other.*"},
	}
	want := "wasm/pack/anytime.txt names functions that the module does not have (main.gone), and wasm/pack/keep.txt names functions " +
		"that the module does not have (other.*), and wasm/pack/needed.txt names functions that the module does not have (main.c main.d): " +
		"take them out, or make profile"
	if err := list.check(linked); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestWhatAListComesTo(t *testing.T) {
	const (
		value   = 64  // of a function, in memory
		table   = 128 // of methods
		holder  = 192 // a variable whose type is an interface
		noTable = 256
	)
	number := map[string]byte{}
	names := []string{"", "main.called", "main.caller", "main.caller.func1", "main.byCounter", "main.byValue",
		"main.T.first", "main.T.second",
		"main.U.method", "main.cut", "main.belowCut", "main.belowFirst", "runtime.gopanic",
		"main.alone", "main.pattern", "main.patternCut", "main.noMethod"}
	for i, name := range names {
		number[name] = byte(i)
	}
	counter := func(name string) int64 { return (firstGo + int64(number[name]) - 1) << 16 }
	memory := make([]byte, 512)
	put := func(at int, values ...int64) {
		for i, value := range values {
			binary.LittleEndian.PutUint64(memory[at+8*i:], uint64(value))
		}
	}
	put(value, counter("main.byValue"))
	put(table, 8, 16, 0x1234, counter("main.T.first"), counter("main.T.second"), 5)
	put(holder, holder+16, 0, 24, 32, 0x5678, counter("main.U.method"))
	put(noTable, counter("main.alone"), counter("main.alone"), counter("main.alone"), counter("main.noMethod"))
	constant := func(value int64) []byte { return append(appendSigned([]byte{opI64Const}, value), opDrop) }
	bodies := map[string][]byte{
		"main.caller": slices.Concat(call(number["main.called"], returns...), []byte{opDrop}, call(number["main.cut"], returns...), []byte{opDrop},
			call(number["runtime.gopanic"], returns...), []byte{opDrop},
			constant(counter("main.byCounter")), constant(value), constant(table), constant(holder), constant(noTable), constant(counter("main.noMethod")+1)),
		"main.cut":     call(number["main.belowCut"], returns...),
		"main.T.first": call(number["main.belowFirst"], returns...),
	}
	var functions []goFunction
	for _, name := range names[1:] {
		body := bodies[name]
		if body == nil {
			body = []byte{opI32Const, 0}
		}
		functions = append(functions, goFunction{name, kindGo, body})
	}
	s, err := newSplitter(goModule("anything", append(functions, loop), segment{0, memory}))
	if err != nil {
		t.Fatal(err)
	}
	list := keepList{names: map[string]bool{"main.caller": true}, keep: []string{"main.pattern*"}, cut: []string{"main.cut", "main.patternCut"}}
	if err := s.choose(list); err != nil {
		t.Fatal(err)
	}
	var staying []string
	for i, name := range names[1:] {
		if !s.isDeferred(uint64(i + 1)) {
			staying = append(staying, name)
		}
	}
	// Of the words at noTable the first is a counter itself; what follows would be methods if it were an itab.
	want := []string{"main.called", "main.caller", "main.caller.func1", "main.byCounter", "main.byValue", "main.T.first", "main.T.second",
		"main.U.method", "main.belowFirst", "main.alone", "main.pattern"}
	if !slices.Equal(staying, want) {
		t.Errorf("%v stay, want %v", staying, want)
	}
}
