package main

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// What stays in the primary module is what any response, key, callback or stored record can make Go run: a call
// that waits for a download in its middle loses what came. That is more than what tests were seen to run, so it
// is worked out: from the functions in the lists, along what each of them calls or names, up to those that
// keep.txt cuts off.

// keep.txt says by patterns of names which functions stay whatever is seen to run, and which are not followed.
//
//go:embed keep.txt
var keepRules string

// keepList says which functions stay in the primary module.
type keepList struct {
	names  map[string]bool   // were seen to run, or may at any time
	from   map[string]string // the file that a name or a pattern stands in
	keep   []string          // patterns, as of path.Match
	tables []knownTable      // of data, which go with the functions that use them
	cut    []string          // patterns of what does not stay because another function reaches it
}

// readKeepList returns the list that needed.txt, anytime.txt and keep.txt are together, for a build with these tags.
func readKeepList(tags []string) (keepList, error) {
	list, err := parseKeepRules(keepRules, tags)
	if err != nil {
		return keepList{}, err
	}
	list.tables = unusedTables
	list.names = make(map[string]bool)
	for file, names := range map[string]string{"needed.txt": neededNames, "anytime.txt": anytimeNames} {
		for name := range strings.FieldsSeq(names) {
			list.names[name], list.from[name] = true, file
		}
	}
	return list, nil
}

// check fails where the list names what a module does not have: a name that has changed, or gone, is no longer kept,
// and a pattern that matches nothing does not cut what it was to cut.
func (list keepList) check(names map[uint64]string) error {
	linked := make(map[string]bool)
	for _, name := range names {
		linked[name] = true
	}
	missing := make(map[string][]string) // by file
	for name := range list.names {
		if !linked[name] {
			missing[list.from[name]] = append(missing[list.from[name]], name)
		}
	}
	for _, pattern := range slices.Concat(list.keep, list.cut) {
		isLinked := slices.ContainsFunc(slices.Collect(maps.Keys(linked)), func(name string) bool { return matches([]string{pattern}, name) })
		if !isLinked {
			missing["keep.txt"] = append(missing["keep.txt"], pattern)
		}
	}
	var reasons []string
	for _, file := range sorted(missing) {
		slices.Sort(missing[file])
		reasons = append(reasons, fmt.Sprintf("wasm/pack/%s names functions that the module does not have (%s)", file, strings.Join(missing[file], " ")))
	}
	if len(reasons) > 0 {
		return errors.New(strings.Join(reasons, ", and ") + ": take them out, or make profile")
	}
	return nil
}

// parseKeepRules reads lines of "keep" or "cut", a pattern and, after "#", why. What stands before the first empty
// line, and after "#", is text. "keep:faults" and "cut:faults" hold in builds with that tag.
func parseKeepRules(text string, tags []string) (keepList, error) {
	list := keepList{from: make(map[string]string)}
	head, rules, _ := strings.Cut(text, "\n\n")
	first := strings.Count(head, "\n") + 3
	for i, line := range strings.Split(rules, "\n") {
		rule, reason, _ := strings.Cut(line, "#")
		words := strings.Fields(rule)
		if len(words) == 0 {
			continue
		}
		if len(words) != 2 || strings.TrimSpace(reason) == "" {
			return keepList{}, fmt.Errorf("keep.txt, line %d: want keep or cut, one pattern, # and a reason", first+i)
		}
		if _, err := path.Match(words[1], ""); err != nil {
			return keepList{}, fmt.Errorf("keep.txt, line %d: %w", first+i, err)
		}
		verb, tag, isTagged := strings.Cut(words[0], ":")
		if isTagged && !slices.Contains(tags, tag) {
			continue
		}
		switch verb {
		case "keep":
			list.keep = append(list.keep, words[1])
		case "cut":
			list.cut = append(list.cut, words[1])
		default:
			return keepList{}, fmt.Errorf("keep.txt, line %d: %q is neither keep nor cut", first+i, words[0])
		}
	}
	return list, nil
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		isMatch, _ := path.Match(pattern, name) // which was checked when it was read
		return isMatch
	})
}

// reached returns the functions of the list, and those that they can come to.
func (s *splitter) reached(list keepList, memory []byte) map[uint64]bool {
	found := make(map[uint64]bool)
	var todo []uint64
	add := func(index uint64) {
		if !found[index] {
			found[index] = true
			todo = append(todo, index)
		}
	}
	for i := range s.bodies {
		index := s.imported + uint64(i)
		name := s.names[index]
		if list.names[name] || matches(list.keep, name) && !matches(list.cut, name) {
			add(index)
		}
	}
	literals := s.literals()
	for len(todo) > 0 {
		last := len(todo) - 1
		index := todo[last]
		todo = todo[:last]
		for _, next := range slices.Concat(s.calls[index], literals[index], s.named(index, memory)) {
			if name := s.names[next]; !endsProgram.MatchString(name) && !matches(list.cut, name) {
				add(next)
			}
		}
	}
	return found
}

// named returns the functions that the constants of another name: by their program counter, as a value in
// memory, or as the methods of a type that is used as an interface.
func (s *splitter) named(index uint64, memory []byte) []uint64 {
	var found []uint64
	add := func(counter uint64) bool {
		tableIndex := int64(counter >> 16)
		if counter&0xffff != 0 || !s.isTableIndex(tableIndex) {
			return false
		}
		found = append(found, s.imported+uint64(tableIndex-s.table))
		return true
	}
	for _, constant := range s.constants[index] {
		var value uint64
		if add(constant) || constant%8 != 0 || !decodeAt(memory, constant, &value) {
			continue
		}
		add(value)
		for _, table := range []uint64{constant, value} { // named itself, or by a variable, such as an error
			at, counter := methodsOf(table, memory), uint64(0)
			for at > 0 && decodeAt(memory, at, &counter) && add(counter) {
				at += 8
			}
		}
	}
	return found
}

// methodsOf returns where the methods begin in what may be an itab of Go's runtime: after the types of the
// interface and of the value, and a hash. It returns 0 for what is none.
func methodsOf(table uint64, memory []byte) uint64 {
	var types struct{ Interface, Value uint64 }
	if table%8 != 0 || !decodeAt(memory, table, &types) {
		return 0
	}
	isAddress := func(value uint64) bool { return value > 0 && value < uint64(len(memory)) }
	if !isAddress(types.Interface) || !isAddress(types.Value) {
		return 0
	}
	return table + 24
}
