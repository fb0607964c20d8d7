package postlink_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Programs are compiled, linked by the command and run in Node as processes of their own: the race detector would take minutes
// to start a program in an interpreter.

// scratch is a folder for what all tests share.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "postlink-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// command is the path of the command.
var command = sync.OnceValues(func() (string, error) {
	file := filepath.Join(scratch, "postlink")
	return file, run(exec.Command("go", "build", "-o", file, "./cmd/postlink"))
})

// wasmExec is the path of Go's support for JavaScript.
var wasmExec = sync.OnceValues(func() (string, error) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	return filepath.Join(strings.TrimSpace(string(goroot)), "lib/wasm/wasm_exec.js"), err
})

func run(command *exec.Cmd) error {
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %w\n%s", command.Args, err, output)
	}
	return nil
}

var (
	compiledFiles = make(map[string]string)
	compiling     sync.Mutex
)

// compiled returns the path of the module of a program in testdata, as Go's linker wrote it.
func compiled(t *testing.T, program string) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("testdata", program)) // so that go test knows what the result depends on
	if err != nil || len(entries) == 0 {
		t.Fatal(err, "no program")
	}
	for _, entry := range entries {
		if _, err := os.ReadFile(filepath.Join("testdata", program, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	compiling.Lock()
	defer compiling.Unlock()
	if file, isThere := compiledFiles[program]; isThere {
		return file
	}
	file := filepath.Join(scratch, strings.ReplaceAll(program, "/", "-"), "primary.wasm")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-w", "-o", file, "./testdata/"+program)
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if err := run(build); err != nil {
		t.Fatal(err)
	}
	compiledFiles[program] = file
	return file
}

// linked returns the folder of the modules that the command makes of one.
func linked(t *testing.T, module string, flags ...string) string {
	t.Helper()
	folder := t.TempDir()
	link(t, module, append(flags, "-o", filepath.Join(folder, "primary.wasm"), "-deferred", filepath.Join(folder, "deferred.wasm"))...)
	return folder
}

// link runs the command, and returns what it says.
func link(t *testing.T, module string, flags ...string) string {
	t.Helper()
	output, err := tryLink(module, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

func tryLink(module string, flags ...string) (string, error) {
	file, err := command()
	if err != nil {
		return "", err
	}
	var said, complaints bytes.Buffer
	command := exec.Command(file, append(flags, module)...)
	command.Stdout, command.Stderr = &said, &complaints
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", flags, err, complaints.Bytes())
	}
	return said.String(), nil
}

// outcome is what a run of a program comes to.
type outcome struct {
	output string // and what it complains of
	code   int
}

// ran runs the program in a folder, in Node.
func ran(t *testing.T, folder string, arguments ...string) outcome {
	t.Helper()
	wasmExec, err := wasmExec()
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"testdata/run.mjs", "js/scheduler.js", "js/snapshot.js"} {
		if _, err := os.ReadFile(source); err != nil { // so that go test knows what the result depends on
			t.Fatal(err)
		}
	}
	output, err := exec.Command("node", append([]string{"--stack-size=8192", "testdata/run.mjs", wasmExec, folder, "js"},
		arguments...)...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	result := outcome{output: string(output)}
	if exit != nil {
		result.code = exit.ExitCode()
	}
	return result
}

var (
	plainOutcomes = make(map[string]outcome)
	runningPlain  sync.Mutex
)

// plain returns what a program in testdata comes to as Go's linker wrote it.
func plain(t *testing.T, program string) outcome {
	t.Helper()
	module := compiled(t, program)
	runningPlain.Lock()
	defer runningPlain.Unlock()
	if _, isThere := plainOutcomes[program]; !isThere {
		plainOutcomes[program] = ran(t, filepath.Dir(module))
	}
	return plainOutcomes[program]
}

// rules writes a file of rules, and returns its path.
func rules(t *testing.T, lines ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rules.txt")
	if err := os.WriteFile(file, []byte("Rules.\n\n"+strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// list writes a file of names, and returns its path.
func list(t *testing.T, names ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "names.txt")
	if err := os.WriteFile(file, []byte(strings.Join(names, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
