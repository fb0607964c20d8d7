package postlink_test

import (
	"os"
	"path"
	"strings"
	"testing"

	"open-payments-wasm/wasm/postlink/internal/golang"
)

// The programs in testdata/probes do what the passes assume something about. Linked, they come to the same as they were. A probe
// of an assumption that does not hold with some Go fails; CONTRIBUTING.md has the table.

// probes returns the names of the programs that come to the same each time.
func probes(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("testdata/probes")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.Name() != "random" {
			names = append(names, entry.Name())
		}
	}
	return names
}

// flagsOf are what a probe is linked with.
var flagsOf = map[string][]string{
	"tables": {"-tables", "nistec.p256PrecomputedEmbed,aes.te0,aes.te1,aes.te2,aes.te3,aes.td0,aes.td1,aes.td2,aes.td3,aes.sbox0,aes.sbox1"},
}

// With nothing on the keep-list all that can wait is deferred.
func TestProbes(t *testing.T) {
	for _, name := range probes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			module := compiled(t, "probes/"+name)
			if got, want := ran(t, linked(t, module, flagsOf[name]...)), plain(t, "probes/"+name); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// The table in CONTRIBUTING.md has every probe, and every version of Go.
func TestProbesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../.github/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(probes(t), "random") {
		if !strings.Contains(string(text), "\n| `"+name+"` | ") {
			t.Errorf("%s is missing", name)
		}
	}
	for _, version := range golang.CheckedVersions() {
		if !strings.Contains(string(text), "Go "+strings.TrimPrefix(version, "go")) {
			t.Errorf("%s is missing", version)
		}
	}
}

// With all of it on the keep-list the deferred module is not there when a stack is read, and nothing else waits when lines are.
func TestProbesWithOneModule(t *testing.T) {
	for _, name := range []string{"stacks", "reflection", "collector", "panics"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			module := compiled(t, "probes/"+name)
			if got, want := ran(t, linked(t, module, "-keep", rules(t, "keep * # all of it"))), plain(t, "probes/"+name); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// With all of it on the keep-list and next to nothing early, all that can wait is in the embedded module.
func TestProbesEmbedded(t *testing.T) {
	for _, name := range append(probes(t), "../stress") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := path.Join("probes", name)
			module := compiled(t, program)
			folder := linked(t, module, "-keep", rules(t, "keep * # all of it"), "-early", list(t, "main.main"))
			if got, want := ran(t, folder), plain(t, program); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestEveryInstanceHasItsOwnRandomNumbers(t *testing.T) {
	folder := linked(t, compiled(t, "probes/random"))
	if one, other := ran(t, folder), ran(t, folder); one.code != 0 || one.output == other.output {
		t.Errorf("got %+v, and %+v", one, other)
	}
}

// A collection may meet a goroutine before it has run. What its function may be is not only what code names.
func TestGoroutineOfADeferredFunctionIsCollected(t *testing.T) {
	folder := linked(t, compiled(t, "probes/jobs"), "-keep", rules(t, "keep * # but one", "cut main.job # runs first after a collection has met it"))
	if got, want := ran(t, folder), (outcome{output: "the job ran\n"}); got != want {
		t.Errorf("got %+v", got)
	}
}
