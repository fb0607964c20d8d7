package keep

import (
	"slices"
	"strings"
	"testing"
)

func patterns(rules []Rule) (patterns []string) {
	for _, rule := range rules {
		patterns = append(patterns, rule.Pattern)
	}
	return patterns
}

func TestRules(t *testing.T) {
	var list List
	err := list.AddRules("a.txt", "What this is: keep nothing\n\nkeep a.* # reason\n# text\n\ncut  a.b#reason\n"+
		"cut:x a.x # with the tag\ncut:y a.y # without it\n", []string{"", "x"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(patterns(list.Keep), []string{"a.*"}) || !slices.Equal(patterns(list.Cut), []string{"a.b", "a.x"}) {
		t.Errorf("got %+v", list)
	}
	if want := (Rule{"a.*", "reason", "a.txt"}); list.Keep[0] != want {
		t.Errorf("got %+v", list.Keep[0])
	}
	for rule, want := range map[string]string{
		"keep a.*":           "a.txt, line 3: want keep or cut, one pattern, # and a reason",
		"keep a.* #":         "a.txt, line 3: want",
		"keep a.* b.* # why": "a.txt, line 3: want",
		"keep # why":         "a.txt, line 3: want",
		"leave a.* # why":    `a.txt, line 3: "leave" is neither keep nor cut`,
		"cut a.[ # why":      "a.txt, line 3: syntax error in pattern",
	} {
		if err := list.AddRules("a.txt", "text\n\n"+rule, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", rule, err)
		}
	}
}

func TestListNamesWhatIsThere(t *testing.T) {
	linked := []string{"main.a", "main.b"}
	rule := func(pattern string) []Rule { return []Rule{{pattern, "reason", "keep.txt"}} }
	list := List{Keep: rule("main.*"), Cut: rule("*.b")}
	list.AddNames("needed.txt", "main.a")
	if err := list.Check(linked); err != nil {
		t.Error(err)
	}
	list = List{Cut: rule("other.*")}
	list.AddNames("needed.txt", "main.a main.d\nmain.c\n")
	list.AddNames("anytime.txt", "main.gone")
	want := "anytime.txt names functions that the module does not have (main.gone), and keep.txt names functions " +
		"that the module does not have (other.*), and needed.txt names functions that the module does not have (main.c main.d)"
	if err := list.Check(linked); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
