package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// compiled returns the module of a program in testdata.
func compiled(t *testing.T, name string) []section {
	t.Helper()
	for _, source := range []string{filepath.Join("testdata", name, "main.go"), "testdata/run.mjs"} {
		if _, err := os.ReadFile(source); err != nil { // so that go test knows what the result depends on
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "program.wasm")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-w", "-o", file, "./testdata/"+name)
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	module, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sections, err := readSections(module)
	if err != nil {
		t.Fatal(err)
	}
	return sections
}

// A collection may meet a goroutine before it has run. What its function may be is not only what code names.
func TestGoroutineOfADeferredFunctionIsCollected(t *testing.T) {
	parts, err := divideBy(compiled(t, "jobs"), keepList{keep: []string{"*"}, cut: []string{"main.job"}}, &report{})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, sections := range map[string][]section{primaryFile: parts.primary, deferredFile: parts.deferred} {
		if err := write(folder, name, encodeSections(sections)); err != nil {
			t.Fatal(err)
		}
	}
	goroot, err := goEnv("GOROOT")
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	run := exec.Command("node", "testdata/run.mjs", folder, filepath.Join(goroot, "lib/wasm/wasm_exec.js"))
	run.Stderr = &said
	if output, err := run.Output(); err != nil || string(output) != "the job ran" {
		t.Errorf("%v: %s\n%s", err, output, said.Bytes())
	}
}

func TestInitialisersAskForNothing(t *testing.T) {
	for program, want := range map[string]string{
		"clock":     "an initialiser asks for the clock, and a snapshot would have every instance get the same: main.init, called by ",
		"hash":      "an initialiser asks for random numbers, and a snapshot would have every instance get the same: hash/maphash.",
		"seeded":    "an initialiser asks for random numbers, and a snapshot would have every instance get the same: math/rand/v2.",
		"generator": "3 states of ChaCha8 generators are in the memory, where Go's runtime has 2",
	} {
		if _, _, err := takeSnapshot(compiled(t, program), &report{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", program, err)
		}
	}
}
