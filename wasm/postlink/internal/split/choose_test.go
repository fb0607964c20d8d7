package split

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"open-payments-wasm/wasm/postlink/internal/fixture"
	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/keep"
	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

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
	counter := func(name string) int64 { return (fixture.FirstGo + int64(number[name]) - 1) << 16 }
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
	constant := func(value int64) []byte { return append(wasm.AppendSigned([]byte{op.I64Const}, value), op.Drop) }
	bodies := map[string][]byte{
		"main.caller": slices.Concat(fixture.Call(number["main.called"], fixture.Returns...), []byte{op.Drop}, fixture.Call(number["main.cut"],
			fixture.Returns...), []byte{op.Drop},
			fixture.Call(number["runtime.gopanic"], fixture.Returns...), []byte{op.Drop},
			constant(counter("main.byCounter")), constant(value), constant(table), constant(holder), constant(noTable), constant(counter("main.noMethod")+1)),
		"main.cut":     fixture.Call(number["main.belowCut"], fixture.Returns...),
		"main.T.first": fixture.Call(number["main.belowFirst"], fixture.Returns...),
	}
	var functions []fixture.Function
	for _, name := range names[1:] {
		body := bodies[name]
		if body == nil {
			body = []byte{op.I32Const, 0}
		}
		functions = append(functions, fixture.Func(name, fixture.KindGo, body))
	}
	list := keep.List{Names: map[string]string{"main.caller": "a file"}, Keep: rules("main.pattern*"), Cut: rules("main.cut", "main.patternCut")}
	c, err := Choose(fixture.Module("anything", append(functions, fixture.Loop), wasm.Segment{Address: 0, Content: memory}), list, true)
	if err != nil {
		t.Fatal(err)
	}
	var staying []string
	for i, name := range names[1:] {
		if !c.isDeferred(uint64(i + 1)) {
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

// only returns the list of these functions, and of none that they come to.
func only(names ...string) keep.List {
	list := keep.List{Cut: rules("*")}
	list.AddNames("a file", strings.Join(names, " "))
	return list
}

// rules returns the rules of some patterns.
func rules(patterns ...string) (rules []keep.Rule) {
	for _, pattern := range patterns {
		rules = append(rules, keep.Rule{Pattern: pattern, Reason: "a reason", From: "rules.txt"})
	}
	return rules
}

func TestSplitKeepsWhatCannotWait(t *testing.T) {
	functions := []fixture.Function{
		fixture.Func("main.caller", fixture.KindGo, slices.Concat(fixture.Call(2, fixture.Returns...), fixture.Call(3, fixture.ReturnsLater...),
			fixture.Call(4, op.Return))),
		fixture.Func("main.a", fixture.KindGo, []byte{op.I32Const, 0}),
		fixture.Func("main.b", fixture.KindGo, fixture.Call(9, op.Return)),
		fixture.Func("main.c", fixture.KindGo, fixture.Call(5, fixture.NeverReturns...)),
		fixture.Func("main.unrequested", fixture.KindGo, fixture.Call(6, fixture.Returns...)),
		fixture.Func("main.below", fixture.KindGo, []byte{op.I32Const, 0}),
		fixture.Func("main.importing", fixture.KindGo, slices.Concat([]byte{op.I32Const, 0, op.Call, 0}, fixture.Call(8, op.Return))),
		fixture.Func("main.belowImporting", fixture.KindGo, []byte{op.I32Const, 0}),
		fixture.Func("main.needed", fixture.KindGo, []byte{op.I32Const, 0}),
		fixture.Loop,
	}
	sections := fixture.Module("anything", functions)
	c, err := Choose(sections, only("main.needed"), true)
	if err != nil {
		t.Fatal(err)
	}
	var deferred []string
	for _, index := range c.Deferred {
		deferred = append(deferred, c.Names[index])
	}
	if want := []string{"main.caller", "main.a", "main.b", "main.c"}; !slices.Equal(deferred, want) {
		t.Errorf("%v are deferred, want %v", deferred, want)
	}

	primary, moved, tag, err := c.Modules()
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range []wasm.Module{primary, moved} {
		if content, _ := module.Custom("build"); string(content) != tag || tag == "" {
			t.Errorf("the tag is %q, want %q", content, tag)
		}
	}
	before, err := sections.Functions()
	if err != nil {
		t.Fatal(err)
	}
	after, err := primary.Functions()
	if err != nil {
		t.Fatal(err)
	}
	for i := range functions {
		if isDeferred := i < 4; isDeferred == bytes.Equal(before.Bodies[i], after.Bodies[i]) {
			t.Errorf("%s is deferred: %v, and its body is %x, was %x", functions[i].Name, isDeferred, after.Bodies[i], before.Bodies[i])
		}
	}
	code, err := moved.Find(wasm.CodeSection)
	if err != nil {
		t.Fatal(err)
	}
	// b calls what is needed, which stays, through the table; the caller calls its neighbours directly.
	throughTable := slices.Concat([]byte{0, op.I32Const, 0}, wasm.AppendSigned([]byte{op.I32Const}, fixture.FirstGo+8),
		[]byte{op.CallIndirect, fixture.KindGo, 0, op.Return, op.End})
	if !bytes.Contains(code.Content, throughTable) {
		t.Errorf("no %x in %x", throughTable, code.Content)
	}
	if direct := fixture.Call(2, fixture.ReturnsLater...); !bytes.Contains(code.Content, direct) {
		t.Errorf("no %x in %x", direct, code.Content)
	}
}

func TestSplitRefuses(t *testing.T) {
	plain := fixture.Func("main.main", fixture.KindGo, []byte{op.I32Const, 0})
	with := func(id byte, content ...byte) wasm.Module {
		sections := fixture.Module("anything", []fixture.Function{fixture.Loop})
		s, err := sections.Find(id)
		if err != nil {
			t.Fatal(err)
		}
		s.Content = content
		return sections
	}
	without := func(id byte) wasm.Module {
		return slices.DeleteFunc(fixture.Module("anything", []fixture.Function{fixture.Loop}), func(s wasm.Section) bool { return s.ID == id })
	}
	another := func(old, new []byte) wasm.Module {
		return fixture.Module("anything", []fixture.Function{fixture.Func(golang.LoopName, fixture.KindRun, bytes.Replace(fixture.Loop.Body, old, new, 1))})
	}
	everything := keep.List{Keep: rules("*")}
	for name, test := range map[string]struct {
		module wasm.Module
		want   string
	}{
		"no names":           {with(wasm.CustomSection), "the module has no names of functions"},
		"no type of Go's":    {with(wasm.TypeSection, 0), "the type section has no type of Go's functions"},
		"no table":           {without(wasm.ElementSection), "the module has no element section"},
		"no memory":          {without(wasm.MemorySection), "the module has no memory section"},
		"no registers":       {without(wasm.GlobalSection), "the module has no global section"},
		"no imports":         {without(wasm.ImportSection), "the module has no import section"},
		"no code":            {without(wasm.CodeSection), "the module has no code section"},
		"no data":            {without(wasm.DataSection), "the module has no data section"},
		"no loop":            {fixture.Module("anything", []fixture.Function{plain}), "the module has no function wasm_pc_f_loop"},
		"a loop by br_table": {another(fixture.Loop.Body[7:9], []byte{op.BrTable, 0, 0}), "wasm_pc_f_loop is another: instruction 4 has opcode 0xe"},
		"a loop of other bits": {another([]byte{op.I32Load, 2, 2}, []byte{op.I32Load, 2, 4}),
			"wasm_pc_f_loop is another: instruction 11 has opcode 0x28 and immediate 4, where 0x28 and 2"},
		"a loop of other calls": {another([]byte{op.CallIndirect, fixture.KindGo}, []byte{op.CallIndirect, 1}),
			"wasm_pc_f_loop is another: instruction 12"},
		"a loop that ends": {another(fixture.Loop.Body[7:], nil), "wasm_pc_f_loop is another: instruction 4 has opcode 0xb"},
		"an instruction unknown": {fixture.Module("anything", []fixture.Function{fixture.Loop, fixture.Func("main.main", fixture.KindGo, []byte{0xfd})}),
			"the code section, function 2 (main.main), at byte 1: opcode 0xfd"},
		"a function that is cut": {fixture.Module("anything", []fixture.Function{fixture.Loop, fixture.Func("main.main", fixture.KindGo,
			[]byte{op.I32Const})}),
			"the code section, function 2 (main.main), at byte 3: the body has no end"},
		"another table":   {with(wasm.ElementSection, 1, 0, op.I32Const, 0x80, 0x20, op.End, 1, 0), "the table holds function 0, where 1 was expected"},
		"a shorter table": {with(wasm.ElementSection, 1, 0, op.I32Const, 0x80, 0x20, op.End, 0), "the table holds 0 functions, and the module defines 1"},
		"two tables": {with(wasm.ElementSection, 2, 0, op.I32Const, 0x80, 0x20, op.End, 1, 1),
			"the element section, at byte 0: 020041 stands here, where 010041 was expected"},
		"other registers": {with(wasm.GlobalSection, 1, wasm.I32, 1, op.I32Const, 0, op.End),
			"the registers of Go: the global section, at byte 0: 01 stands here, where 08"},
		"an import of no function": {with(wasm.ImportSection, 1, 1, 'a', 1, 'b', 2, 0, 1), "the import section, at byte 5: 02 stands here, where 00"},
		"fewer bodies":             {with(wasm.CodeSection, 0), "the code section has 0 functions, and the function section 1"},
		"nothing to defer":         {fixture.Module("anything", []fixture.Function{fixture.Loop, plain}), "no function can be deferred"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Choose(test.module, everything, true); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
