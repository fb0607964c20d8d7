package postlink_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"open-payments-wasm/wasm/postlink"
)

// soak has tests run everything, which takes a quarter of an hour: make soak.
var soak = flag.Bool("soak", false, "run everything")

func TestHello(t *testing.T) {
	module := compiled(t, "hello")
	want := outcome{"hello, [you and you]\n", 3}
	for name, folder := range map[string]string{
		"as it was": filepath.Dir(module),
		"linked":    linked(t, module, "-argument", "js", "-argument", "you", "-argument", "and you"),
	} {
		if got := ran(t, folder, "you", "and you"); got != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Each pass can be left out, and all of them.
func TestPassesOff(t *testing.T) {
	programs := []string{"stress"}
	if *soak {
		for _, name := range probes(t) {
			programs = append(programs, "probes/"+name)
		}
	}
	for _, program := range programs {
		for _, off := range append(postlink.PassNames(), strings.Join(postlink.PassNames(), ",")) {
			t.Run(program+" without "+off, func(t *testing.T) {
				t.Parallel()
				module := compiled(t, program)
				flags := append(flagsOf[filepath.Base(program)], "-off", off)
				if got, want := ran(t, linked(t, module, flags...)), plain(t, program); got != want {
					t.Errorf("got  %+v\nwant %+v", got, want)
				}
			})
		}
	}
}

// Wherever the program is divided, it comes to the same.
func TestRandomKeepLists(t *testing.T) {
	lists := 2
	if *soak {
		lists = 10
	}
	seed := rand.Uint64()
	if *seedFlag != 0 {
		seed = *seedFlag
	}
	t.Logf("-seed %d repeats this", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range lists {
		share := random.Float64()
		numbers := rand.New(rand.NewPCG(random.Uint64(), 0))
		t.Run(fmt.Sprintf("%d, %.0f%%", i, 100*share), func(t *testing.T) {
			t.Parallel()
			module := compiled(t, "stress")
			var kept, early []string
			for _, name := range namesIn(t, module) {
				if numbers.Float64() < share {
					kept = append(kept, name)
				}
				if numbers.Float64() < share {
					early = append(early, name)
				}
			}
			folder := linked(t, module, "-names", list(t, kept...), "-early", list(t, early...), "-keep", rules(t, "cut * # only the names"))
			if got, want := ran(t, folder), plain(t, "stress"); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// A method that nothing but the description of its type names may be the only function that is deferred.
func TestMethodThatReflectCalls(t *testing.T) {
	module := compiled(t, "probes/reflection")
	folder := linked(t, module, "-keep", rules(t, "keep * # but one", "cut main.counter.Add # which only its type names"))
	if got, want := ran(t, folder), plain(t, "probes/reflection"); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

var seedFlag = flag.Uint64("seed", 0, "repeat a run with random keep-lists")

// namesIn returns the names of the functions of a module: those that a profile counts.
func namesIn(t *testing.T, module string) []string {
	t.Helper()
	content, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	names, err := postlink.FunctionNames(content)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestReport(t *testing.T) {
	module := compiled(t, "hello")
	said := link(t, module, "-report", "-off", "lines,jumps")
	lines := strings.Split(strings.TrimSpace(said), "\n")
	want := []string{"primary", "  Go's linker: "}
	for _, name := range postlink.PassNames() {
		if name != "lines" && name != "jumps" {
			want = append(want, "  "+name+": ")
		}
	}
	if len(lines) != len(want) {
		t.Fatalf("got\n%s", said)
	}
	for i, line := range lines {
		if !strings.Contains(line, want[i]) {
			t.Errorf("line %d is %q, want one of %s", i, line, want[i])
		}
	}
	content, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	if first := strings.Fields(lines[1]); first[0] != fmt.Sprint(len(content)) {
		t.Errorf("got %q of %d bytes", lines[1], len(content))
	}
}

// The table in the README has every pass.
func TestPassesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range postlink.PassNames() {
		if !strings.Contains(string(text), "\n| `"+name+"`: ") {
			t.Errorf("%s is missing", name)
		}
	}
}

// A profile is of the whole program: the passes before the split, and the profile in its place.
func TestProfile(t *testing.T) {
	said := link(t, compiled(t, "hello"), "-report", "-profile")
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if want := "  split: every function that could be deferred says when it has run"; !strings.HasSuffix(lines[len(lines)-1], want) {
		t.Errorf("got\n%s\nwhich does not end with %q", said, want)
	}
}

func TestWhy(t *testing.T) {
	module := compiled(t, "hello")
	keep := rules(t, "keep main.main # the program", "cut fmt.Fprintln # which it calls", "cut fmt.init* # done")
	got := link(t, module, "-keep", keep, "-why", "main.main", "-why", "os.Exit", "-why", "fmt.Fprintln", "-why", "fmt.newPrinter",
		"-why", "runtime.nanotime1", "-why", "runtime.printArgs")
	for _, want := range []string{
		"main.main stays: the keep-list comes to it.\n  main.main: keep main.main in " + keep + ": the program\n",
		"os.Exit stays: the keep-list comes to it.\n  os.Exit: main.main.deferwrap1 calls it\n" +
			"  main.main.deferwrap1: main.main calls it\n  main.main: keep main.main in ",
		"fmt.Fprintln is deferred: it may wait, and cut fmt.Fprintln in " + keep + ": which it calls.\n  main.main calls it, which stays\n",
		"fmt.newPrinter is deferred: it may wait, and no function of the keep-list comes to it.\n",
		"  fmt.Fprintln calls it, which is deferred\n",
		"runtime.nanotime1 stays: it cannot wait for the deferred module.\n  runtime.nanotime1: it calls JavaScript\n",
		"runtime.printArgs is deferred: it may wait, and it reads the line tables, which are deferred: only the text of a panic needs it.\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	embedded := "os.Exit is embedded: it may wait, and is not early. The keep-list comes to it.\n  os.Exit: main.main.deferwrap1 calls it\n"
	if got := link(t, module, "-keep", keep, "-early", list(t, "main.main"), "-why", "os.Exit"); !strings.HasPrefix(got, embedded) {
		t.Errorf("got %s", got)
	}
	for _, test := range []struct{ off, name, want string }{
		{"", "main.none", "the module has no function main.none"},
		{"split", "main.main", "the pass split is left out: every function stays"},
	} {
		if _, err := tryLink(module, "-off", test.off, "-why", test.name); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %q", err, test.want)
		}
	}
}

func TestUnknownPassIsRefused(t *testing.T) {
	_, err := postlink.Link(nil, postlink.Options{Off: []string{"jump"}})
	if err == nil || !strings.HasPrefix(err.Error(), `there is no pass "jump", but jumps, `) {
		t.Error(err)
	}
}
