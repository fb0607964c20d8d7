package postlink_test

import (
	"bytes"
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
