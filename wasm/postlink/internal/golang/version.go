// Package golang is everything that is known about Go's compiler, linker and runtime: how they write modules for js/wasm and what
// they keep in memory. No promise of Go's covers any of it, so each piece is checked where it is read, and
// the versions of Go with which all of it was checked are in CheckedVersions. A piece that is not checked by its
// form has a probe in wasm/postlink/testdata/probes.
package golang

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// CheckedVersions are the versions of Go whose modules can be linked: with each of them all tests passed.
var CheckedVersions = []string{"go1.26.8"}

// CheckVersion refuses a module that another version of Go compiled.
func CheckVersion(module wasm.Module) error {
	version, err := version(module)
	if err != nil {
		return err
	}
	if !slices.Contains(CheckedVersions, version) {
		return fmt.Errorf("%s compiled the module, and the post-linker was never checked with it, but with %s (internal/golang/version.go)",
			version, strings.Join(CheckedVersions, ", "))
	}
	return nil
}

var errNoVersion = errors.New(`the module does not say which Go compiled it, in a custom section "producers"`)

// version returns which Go compiled a module, as its custom section "producers" says.
func version(module wasm.Module) (string, error) {
	content, isThere := module.Custom("producers")
	if !isThere {
		return "", errNoVersion
	}
	r := wasm.NewReader("the producers section", content)
	text := func() string { return string(r.Bytes(r.Unsigned())) }
	for range r.Unsigned() {
		text() // the kind of producer
		for range r.Unsigned() {
			name, version := text(), text()
			if r.Err() == nil && name == "Go cmd/compile" {
				return version, nil
			}
		}
		if r.Err() != nil {
			return "", r.Err()
		}
	}
	return "", errNoVersion
}
