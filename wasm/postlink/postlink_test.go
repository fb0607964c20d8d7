package postlink_test

import (
	"strings"
	"testing"

	"open-payments-wasm/wasm/postlink"
)

func TestOtherModulesAreRefused(t *testing.T) {
	for want, module := range map[string]string{
		"the module, at byte 0: 74657874 stands here, where 0061736d01000000 was expected": "text",
		"the module does not say which Go compiled it":                                     "\x00asm\x01\x00\x00\x00",
	} {
		if _, err := postlink.Link([]byte(module), postlink.Options{}); err == nil || !strings.Contains(err.Error(), want) {
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
