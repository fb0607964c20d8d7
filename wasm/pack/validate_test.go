package main

import (
	"slices"
	"strings"
	"testing"
)

func TestWhatAnEngineRefusesIsNotWritten(t *testing.T) {
	sections := goModule("anything", []goFunction{loop, {"main.a", kindGo, []byte{opI32Const, 0}}, {"main.kept", kindGo, []byte{opI32Const, 0}}},
		segment{64, []byte("text")})
	if err := exportGlobals(sections); err != nil {
		t.Fatal(err)
	}
	s, err := newSplitter(sections)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.choose(only("main.kept")); err != nil {
		t.Fatal(err)
	}
	primary, err := s.primaryModule("tag")
	if err != nil {
		t.Fatal(err)
	}
	deferred, err := s.deferredModule("tag")
	if err != nil {
		t.Fatal(err)
	}
	memory, err := memoryIn(sections)
	if err != nil {
		t.Fatal(err)
	}
	with := func(sections []section, id byte, content []byte) []section {
		sections = slices.Clone(sections)
		changed, _ := find(sections, id)
		changed.content = content
		return sections
	}
	bodies := encodeBodies([][]byte{{0, opI64Const, 1, opEnd}}) // an i64, where an i32 is to come
	other, err := s.deferredModule("another tag")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		primary, deferred []section
		memory            []byte
		want              string
	}{
		"as they are":              {primary, deferred, memory, ""},
		"a primary module broken":  {with(primary, memorySection, []byte{1, 0, 0}), deferred, memory, "an engine refuses the primary module"},
		"a deferred module broken": {primary, with(deferred, codeSection, bodies), memory, "an engine refuses the deferred module"},
		"that of another build":    {primary, other, memory, "an engine refuses the deferred module"},
		"another memory": {primary, deferred, append(slices.Clone(memory[:66]), "t!"...),
			"do not make the memory that they were made from: address 66 differs"},
		"more in the memory": {primary, deferred, memory[:67], "address 67 differs"},
	} {
		err := validate(test.primary, test.deferred, test.memory)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
