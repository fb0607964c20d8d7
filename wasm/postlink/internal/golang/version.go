// Package golang is everything that is known about Go's compiler, linker and runtime: how they write modules for js/wasm and what
// they keep in memory. No promise of Go's covers any of it, so each piece is checked where it is read, and
// the versions of Go with which all of it was checked are in version.go. A piece that is not checked by its
// form has a probe in wasm/postlink/testdata/probes.
package golang

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// form is what differs between versions of Go.
type form struct {
	funcdataWord int // of runtime.moduledata, which has the address of go:func.*
}

// forms are those of the versions of Go whose modules can be linked: with each of them all tests passed.
var forms = map[string]form{
	"go1.26.8": {funcdataWord: 40},
	"go1.27.0": {funcdataWord: 43}, // after the lengths of type descriptors and itabs
}

// CheckedVersions returns the versions of Go whose modules can be linked.
func CheckedVersions() []string { return slices.Sorted(maps.Keys(forms)) }

// formOf returns the form of a module, or that of the oldest version where it does not say which one it is of.
func formOf(module wasm.Module) form {
	version, _ := version(module)
	if form, isKnown := forms[version]; isKnown {
		return form
	}
	return forms[CheckedVersions()[0]]
}

// CheckVersion refuses a module that another version of Go compiled.
func CheckVersion(module wasm.Module) error {
	version, err := version(module)
	if err != nil {
		return err
	}
	if !slices.Contains(CheckedVersions(), version) {
		return fmt.Errorf("%s compiled the module, and the post-linker was never checked with it, but with %s (internal/golang/version.go)",
			version, strings.Join(CheckedVersions(), " and "))
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
