package main

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"open-payments-wasm/wasm/postlink"
)

// What stays in the primary module is what any response, key, callback or stored record can make Go run.

// keep.txt says by patterns of names which functions stay whatever is seen to run, and which are not followed.
//
//go:embed keep.txt
var keepRules string

// needed.txt names the functions that ran when every call was made once, with what can go wrong:
// web/test/profile.mjs adds to it.
//
//go:embed needed.txt
var neededNames string

// anytime.txt, which is written by hand, names those that need not run in a profile and may in any call: when a
// collection happens to meet a copy of pointers, an empty pool or a goroutine that waits.
//
//go:embed anytime.txt
var anytimeNames string

// keepList returns the list that these three files are together, for a build with these tags.
func keepList(tags []string) (postlink.KeepList, error) {
	var list postlink.KeepList
	list.AddNames("wasm/npm/needed.txt", neededNames)
	list.AddNames("wasm/npm/anytime.txt", anytimeNames)
	if err := list.AddRules("wasm/npm/keep.txt", keepRules, tags); err != nil {
		return list, fmt.Errorf("the keep-list: %w", err)
	}
	return list, nil
}

// early.txt names the functions that run in the calls that pages make first: web/test/profile.mjs writes it. The others of the keep-list
// are compiled later. It is about speed alone: what it lacks takes a little longer once.
//
//go:embed early.txt
var earlyNames string

// checkLists fails where the lists name what a module does not have, whose functions have these names.
func checkLists(keep postlink.KeepList, early, names []string) error {
	var named postlink.KeepList
	named.AddNames("wasm/npm/early.txt", strings.Join(early, " "))
	return errors.Join(keep.Check(names), named.Check(names))
}
