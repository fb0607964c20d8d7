package postlink_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The tests of Go's own packages come to the same as they were and linked, with everything deferred that can be.

// nodeFlags say what a program finds that sees the file system of Node on Linux.
var nodeFlags = []string{
	"-global", "fs.constants.O_WRONLY=1", "-global", "fs.constants.O_RDWR=2", "-global", "fs.constants.O_CREAT=64",
	"-global", "fs.constants.O_TRUNC=512", "-global", "fs.constants.O_APPEND=1024", "-global", "fs.constants.O_EXCL=128",
	"-global", "fs.constants.O_DIRECTORY=65536",
}

func TestDifferential(t *testing.T) {
	packages := []string{"errors", "unicode/utf8"}
	if *soak {
		packages = append(packages, "encoding/json", "strings", "math/big", "time", "sync")
	}
	for _, name := range packages {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			module := filepath.Join(folder, "primary.wasm")
			build := exec.Command("go", "test", "-c", "-ldflags=-w", "-o", module, name)
			build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
			if err := run(build); err != nil {
				t.Fatal(err)
			}
			flags := slices.Concat(nodeFlags, []string{"-argument", "js"})
			for _, argument := range testArguments {
				flags = append(flags, "-argument", argument)
			}
			if _, err := tryLink(module, flags...); err != nil && strings.Contains(err.Error(), "snapshot: the module does not start") {
				flags = append(flags, "-off", "snapshot") // of math/big an initialiser asks for random numbers, of time for a file
			} else if err != nil {
				t.Fatal(err)
			}
			want, got := testsIn(t, name, folder), testsIn(t, name, linked(t, module, flags...))
			t.Logf("%d tests", len(want))
			if !slices.Equal(got, want) || len(want) == 0 {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

var testArguments = []string{"-test.v", "-test.short"}

// outcomeOfTest is a line that says what came of a test, but for the time it took.
var outcomeOfTest = regexp.MustCompile(`(?m)^ *--- (?:PASS|FAIL|SKIP): \S+|^(?:PASS|FAIL|ok|panic: .*)$`)

// testsIn runs the tests of a package, and returns what came of each.
func testsIn(t *testing.T, name, folder string) []string {
	t.Helper()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	wasmExec, err := wasmExec()
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/run.mjs")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("node", append([]string{"--stack-size=8192", script, wasmExec, folder, "js"}, testArguments...)...)
	command.Dir = filepath.Join(strings.TrimSpace(string(goroot)), "src", filepath.FromSlash(name))
	command.Env = append(os.Environ(), "FILES=yes")
	output, err := command.CombinedOutput()
	found := outcomeOfTest.FindAllString(string(output), -1)
	if len(found) == 0 {
		t.Fatalf("%v\n%s", err, output)
	}
	slices.Sort(found) // some tests run in the order of a map
	return found
}
