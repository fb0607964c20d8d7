// Package keep has the keep-list: which functions stay in the primary module.
//
// What stays is what any input can make Go run: a call that waits for a download in its middle may lose what came. That is
// more than what tests are seen to run, so it is worked out: from the functions that are named, along what each of them
// calls or names, up to those that are cut off.
package keep

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// List says which functions stay. Patterns are those of path.Match.
type List struct {
	Names map[string]string // by name, where it was read: the name of a file
	Keep  []Rule            // patterns of what stays, unless it is cut
	Cut   []Rule            // patterns of what does not stay because another function reaches it; Names stay all the same
}

// Rule is a pattern of names, and why it is there.
type Rule struct {
	Pattern, Reason string
	From            string // where it was read: the name of a file
}

// Match returns the first rule that a name matches.
func Match(rules []Rule, name string) (rule Rule, isMatch bool) {
	i := slices.IndexFunc(rules, func(rule Rule) bool {
		isMatch, _ := path.Match(rule.Pattern, name) // the pattern was checked when it was read
		return isMatch
	})
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}

// AddNames adds the names in a text, which was read from a file.
func (list *List) AddNames(file, text string) {
	if list.Names == nil {
		list.Names = make(map[string]string)
	}
	for name := range strings.FieldsSeq(text) {
		list.Names[name] = file
	}
}

// AddRules adds lines of "keep" or "cut", a pattern and, after "#", why. What stands before the first empty
// line of the text, and after "#", is prose. "keep:faults" and "cut:faults" hold where that is one of the tags.
func (list *List) AddRules(file, text string, tags []string) error {
	head, rules, _ := strings.Cut(text, "\n\n")
	first := strings.Count(head, "\n") + 3
	for i, line := range strings.Split(rules, "\n") {
		if err := list.addRule(file, line, tags); err != nil {
			return fmt.Errorf("%s, line %d: %w", file, first+i, err)
		}
	}
	return nil
}

func (list *List) addRule(file, line string, tags []string) error {
	text, reason, _ := strings.Cut(line, "#")
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil
	}
	rule := Rule{Reason: strings.TrimSpace(reason), From: file}
	if len(words) != 2 || rule.Reason == "" {
		return errors.New("want keep or cut, one pattern, # and a reason")
	}
	rule.Pattern = words[1]
	if _, err := path.Match(rule.Pattern, ""); err != nil {
		return err
	}
	verb, tag, isTagged := strings.Cut(words[0], ":")
	if isTagged && !slices.Contains(tags, tag) {
		return nil
	}
	switch verb {
	case "keep":
		list.Keep = append(list.Keep, rule)
	case "cut":
		list.Cut = append(list.Cut, rule)
	default:
		return fmt.Errorf("%q is neither keep nor cut", words[0])
	}
	return nil
}

// Check fails where the list names what a module does not have: a name that has changed, or gone, is no longer kept,
// and a pattern that matches nothing does not cut what it was to cut. It takes the names of the module's functions.
func (list List) Check(names []string) error {
	linked := make(map[string]bool)
	for _, name := range names {
		linked[name] = true
	}
	missing := make(map[string][]string) // by file
	for name, file := range list.Names {
		if !linked[name] {
			missing[file] = append(missing[file], name)
		}
	}
	for _, rule := range slices.Concat(list.Keep, list.Cut) {
		isLinked := false
		for name := range linked {
			_, isMatch := Match([]Rule{rule}, name)
			isLinked = isLinked || isMatch
		}
		if !isLinked {
			missing[rule.From] = append(missing[rule.From], rule.Pattern)
		}
	}
	var reasons []string
	for _, file := range slices.Sorted(maps.Keys(missing)) {
		slices.Sort(missing[file])
		reasons = append(reasons, fmt.Sprintf("%s names functions that the module does not have (%s)", file, strings.Join(missing[file], " ")))
	}
	if len(reasons) > 0 {
		return errors.New(strings.Join(reasons, ", and "))
	}
	return nil
}
