package postlink_test

import (
	"slices"
	"strings"
	"testing"

	"open-payments-wasm/wasm/postlink"
	"open-payments-wasm/wasm/postlink/internal/fixture"
	"open-payments-wasm/wasm/postlink/internal/golang"
)

// Errors say which pass could not read what: the section, the function, and where in it.
func TestOtherModulesAreRefused(t *testing.T) {
	checked := golang.CheckedVersions()[0]
	module := func(version string, body ...byte) string {
		functions := []fixture.Function{fixture.Loop, fixture.Func("main.main", fixture.KindGo, body)}
		return string(fixture.By(version, fixture.Module("anything", functions)).Encode())
	}
	whole := module(checked, 0x41, 0)
	for want, test := range map[string]struct {
		module  string
		options postlink.Options
	}{
		"the module, at byte 0: 74657874 stands here, where 0061736d01000000 was expected":                 {module: "text"},
		"the module does not say which Go compiled it":                                                     {module: "\x00asm\x01\x00\x00\x00"},
		"go1.99.1 compiled the module, and the post-linker was never checked with it, but with " + checked: {module: module("go1.99.1")},
		"jumps: the code section, function 2 (main.main), at byte 1: opcode 0xfd, which Go's":              {module: module(checked, 0xfd)},
		"the module, at byte ": {module: whole[:len(whole)-9]},
		"the keep-list: a file names functions that the module does not have (main.none)": {
			module: whole, options: postlink.Options{Keep: postlink.KeepList{Names: map[string]string{"main.none": "a file"}}},
		},
		"findfunctab: no runtime.findfunctab is in the data section": {
			module: whole, options: postlink.Options{Off: slices.DeleteFunc(postlink.PassNames(), func(name string) bool { return name == "findfunctab" })},
		},
	} {
		if _, err := postlink.Link([]byte(test.module), test.options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

func TestInitialisersAskForNothing(t *testing.T) {
	for program, want := range map[string]string{
		"clock":     "an initialiser asks for the clock, and a snapshot would have every instance get the same: main.init, called by ",
		"hash":      "an initialiser asks for random numbers, and a snapshot would have every instance get the same: hash/maphash.",
		"seeded":    "an initialiser asks for random numbers, and a snapshot would have every instance get the same: math/rand/v2.",
		"generator": "3 states of ChaCha8 generators are in the memory, where Go's runtime has 2",
	} {
		if _, err := tryLink(compiled(t, "refused/"+program)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", program, err)
		}
	}
}
