package main

import (
	"slices"
	"strings"
	"testing"
)

// producers returns the section in which a version of Go names itself.
func producers(version string) section {
	text := func(text string) []byte { return appendVector(nil, []byte(text)) }
	content := slices.Concat(text("producers"), []byte{2},
		text("language"), []byte{1}, text("Go"), text(version),
		text("processed-by"), []byte{1}, text("Go cmd/compile"), text(version))
	return section{customSection, content}
}

func TestOnlyCheckedVersionsOfGo(t *testing.T) {
	if err := checkGo([]section{producers(checkedGo[0])}); err != nil {
		t.Error(err)
	}
	for want, sections := range map[string][]section{
		"go1.27.4 compiled the module, and it was never checked with this program: go1.": {producers("go1.27.4")},
		"does not say which Go compiled it":                                              {{typeSection, nil}},
		"the producers section is not as":                                                {{customSection, producers("go1.26.8").content[:30]}},
	} {
		if err := checkGo(sections); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

func TestDivideRefusesOtherModules(t *testing.T) {
	sections := append(goModule("anything", []goFunction{loop}), producers(checkedGo[0]))
	for want, module := range map[string][]byte{
		"the module is not as Go's linker wrote it before, at byte 0": []byte("text"),
		"wasm/pack/keep.txt names functions that the module does not": encodeSections(sections),
		"it was never checked": encodeSections(append(sections[:len(sections)-1:len(sections)-1], producers("go1.27.4"))),
	} {
		if _, err := divide(module, nil, false, &report{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
