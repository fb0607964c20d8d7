package main

import (
	"slices"
	"testing"

	"open-payments-wasm/wasm/postlink"
)

func TestListsCanBeRead(t *testing.T) {
	list, err := keepList(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"encoding_json.Unmarshal": "wasm/npm/needed.txt", "runtime.wbZero": "wasm/npm/anytime.txt"} {
		if list.Names[name] != file {
			t.Errorf("%s is of %q, want %s", name, list.Names[name], file)
		}
	}
	for _, rule := range list.Cut {
		if slices.ContainsFunc(list.Keep, func(kept postlink.Rule) bool { return kept.Pattern == rule.Pattern }) {
			t.Errorf("%s is kept and cut", rule.Pattern)
		}
	}
	faults, err := keepList([]string{"faults"})
	if err != nil || len(faults.Cut) <= len(list.Cut) {
		t.Errorf("the tag faults adds no rules: %v", err)
	}
}
