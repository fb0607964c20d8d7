package main

import (
	"fmt"
	"slices"
	"strings"
)

// checkedGo are the versions of Go whose modules this program takes apart: with each of them all tests passed. It knows
// the form in which Go writes code, stacks, maps and its own descriptions, which no promise of Go's covers.
var checkedGo = []string{"go1.26.8"}

// checkGo refuses a module that another version of Go compiled.
func checkGo(sections []section) error {
	version, err := goVersion(sections)
	if err != nil {
		return err
	}
	if !slices.Contains(checkedGo, version) {
		return fmt.Errorf("%s compiled the module, and it was never checked with this program: %s was (goversion.go)",
			version, strings.Join(checkedGo, ", "))
	}
	return nil
}

// goVersion returns which Go compiled a module, as its custom section "producers" says.
func goVersion(sections []section) (string, error) {
	for _, s := range sections {
		r := readFrom("the producers section", s.content)
		if s.id != customSection || string(r.bytes(r.unsigned())) != "producers" {
			continue
		}
		for range r.unsigned() {
			r.bytes(r.unsigned()) // the kind of producer
			for range r.unsigned() {
				name, version := string(r.bytes(r.unsigned())), string(r.bytes(r.unsigned()))
				if r.err == nil && name == "Go cmd/compile" {
					return version, nil
				}
			}
			if r.err != nil {
				return "", r.err
			}
		}
	}
	return "", fmt.Errorf(`the module does not say which Go compiled it, in a custom section "producers"`)
}
