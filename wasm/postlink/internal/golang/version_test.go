package golang

import (
	"slices"
	"strings"
	"testing"

	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// producers returns a module in which a version of Go names itself.
func producers(version string) wasm.Module {
	text := func(text string) []byte { return wasm.AppendVector(nil, []byte(text)) }
	return wasm.Module{}.WithCustom("producers", slices.Concat([]byte{2}, text("language"), []byte{1}, text("Go"), text(version),
		text("processed-by"), []byte{1}, text("Go cmd/compile"), text(version)))
}

func TestOnlyCheckedVersionsOfGo(t *testing.T) {
	for _, version := range CheckedVersions() {
		if err := CheckVersion(producers(version)); err != nil {
			t.Error(err)
		}
	}
	for want, sections := range map[string]wasm.Module{
		"go1.99.4 compiled the module, and the post-linker was never checked with it, but with go1.": producers("go1.99.4"),
		"does not say which Go compiled it": {},
		"the producers section, at byte ":   {{ID: wasm.CustomSection, Content: producers("go1.26.8")[0].Content[:30]}},
	} {
		if err := CheckVersion(sections); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
