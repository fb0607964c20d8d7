package engine

import (
	"slices"
	"strings"
	"testing"

	"open-payments-wasm/wasm/postlink/internal/fixture"
	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/keep"
	"open-payments-wasm/wasm/postlink/internal/split"
	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

func TestWhatAnEngineRefusesIsNotWritten(t *testing.T) {
	sections := fixture.Module("anything", []fixture.Function{fixture.Loop, fixture.Func("main.a", fixture.KindGo, []byte{op.I32Const, 0}),
		fixture.Func("main.kept", fixture.KindGo, []byte{op.I32Const, 0})},
		wasm.Segment{Address: 64, Content: []byte("text")})
	if err := golang.ExportRegisters(sections); err != nil {
		t.Fatal(err)
	}
	var list keep.List
	list.AddNames("a file", "main.kept")
	choice, err := split.Choose(sections, list, true)
	if err != nil {
		t.Fatal(err)
	}
	primary, deferred, _, err := choice.Modules()
	if err != nil {
		t.Fatal(err)
	}
	memory, err := sections.Memory()
	if err != nil {
		t.Fatal(err)
	}
	with := func(sections wasm.Module, id byte, content []byte) wasm.Module {
		sections = slices.Clone(sections)
		changed, _ := sections.Find(id)
		changed.Content = content
		return sections
	}
	bodies := wasm.EncodeBodies([][]byte{{0, op.I64Const, 1, op.End}}) // an i64, where an i32 is to come
	another := fixture.Module("another", []fixture.Function{fixture.Loop, fixture.Func("main.a", fixture.KindGo, []byte{op.I32Const, 1})})
	anotherChoice, err := split.Choose(another, keep.List{}, true)
	if err != nil {
		t.Fatal(err)
	}
	_, other, _, err := anotherChoice.Modules()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		primary, deferred wasm.Module
		memory            []byte
		want              string
	}{
		"as they are":              {primary, deferred, memory, ""},
		"a primary module broken":  {with(primary, wasm.MemorySection, []byte{1, 0, 0}), deferred, memory, "an engine refuses the primary module"},
		"a deferred module broken": {primary, with(deferred, wasm.CodeSection, bodies), memory, "an engine refuses the deferred module"},
		"that of another build":    {primary, other, memory, "an engine refuses the deferred module"},
		"none deferred":            {sections, nil, memory, ""},
		"another memory": {primary, deferred, append(slices.Clone(memory[:66]), "t!"...),
			"what was linked does not begin with the memory of what it was made from: address 66 differs"},
		"more in the memory": {primary, deferred, memory[:67], "address 67 differs"},
	} {
		err := Check(test.primary, test.deferred, test.memory)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
