// Package pkg_test draws the architecture: what may depend on what.
package pkg_test

import (
	"encoding/json"
	"errors"
	"go/build/constraint"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module  = "open-payments-wasm/"
	root    = ".."
	sandbox = "pkg/sandbox/internal/"

	payments = "pkg/openpayments/payment"

	postlink = "wasm/postlink"
)

// mayImport is the direction of the arrows: what of this module each package may import.
var mayImport = map[string][]string{
	"pkg/httpsig":       {},
	"pkg/keys":          {},
	"pkg/signedhttp":    {"pkg/httpsig"},
	"pkg/gnap":          {"pkg/signedhttp"},
	"pkg/openpayments":  {"pkg/signedhttp"},
	payments:            {"pkg/openpayments", "pkg/gnap", "pkg/signedhttp"},
	"pkg/jsbridge":      {"pkg/httpsig"},
	"pkg/sandbox":       {"pkg/httpsig", "pkg/keys", sandbox + "respond", sandbox + "authserver", sandbox + "resourceserver", sandbox + "ledger"},
	"pkg/internal/fake": {"pkg/httpsig"},

	// The resource server asks the authorization server through an interface of its own, and the ledger knows no HTTP.
	sandbox + "respond":        {},
	sandbox + "ledger":         {},
	sandbox + "resourceserver": {sandbox + "respond", sandbox + "ledger"},
	sandbox + "authserver":     {sandbox + "respond", sandbox + "resourceserver", "pkg/httpsig", "pkg/keys"},

	"wasm/npm": {"wasm/postlink"},
	"wasm":     {payments, "pkg/openpayments", "pkg/gnap", "pkg/signedhttp", "pkg/httpsig", "pkg/keys", "pkg/jsbridge"},
}

// native are the packages that know nothing of JavaScript.
var native = []string{
	"pkg/httpsig", "pkg/keys", "pkg/signedhttp", "pkg/gnap", "pkg/openpayments", payments, "pkg/sandbox",
	sandbox + "respond", sandbox + "ledger", sandbox + "resourceserver", sandbox + "authserver",
}

type goPackage struct {
	ImportPath    string
	Imports, Deps []string
}

// listPackages asks the go command for every package of the module, as it is built for a platform.
func listPackages(t *testing.T, goos, goarch string) map[string]goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Imports,Deps", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string]goPackage{}
	decoder := json.NewDecoder(strings.NewReader(string(output)))
	for {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		if name, ours := strings.CutPrefix(p.ImportPath, module); ours {
			packages[name] = p
		}
	}
}

func TestImports(t *testing.T) {
	for _, platform := range [][2]string{{"linux", "amd64"}, {"js", "wasm"}} {
		t.Run(platform[0], func(t *testing.T) {
			packages := listPackages(t, platform[0], platform[1])
			for _, name := range native[:6] {
				if len(packages[name].Imports) == 0 {
					t.Errorf("%s does not build for %s", name, platform[0])
				}
			}
			for name, p := range packages {
				checkArrows(t, name, p)
				if slices.Contains(native, name) {
					checkNative(t, name, p)
				}
			}
		})
	}
}

func checkArrows(t *testing.T, name string, p goPackage) {
	t.Helper()
	allowed, known := mayImport[name]
	for _, imported := range p.Imports {
		ours, isOurs := strings.CutPrefix(imported, module)
		switch {
		case !isOurs:
		case strings.HasPrefix(name, postlink) && !strings.HasPrefix(ours, postlink):
			t.Errorf("%s imports %s: the post-linker knows nothing of this product", name, ours)
		case known && !slices.Contains(allowed, ours):
			t.Errorf("%s imports %s", name, ours)
		case strings.HasPrefix(name, "pkg/") && !strings.HasPrefix(ours, "pkg/"):
			t.Errorf("%s imports %s, which is above it", name, ours)
		}
	}
}

// checkNative: under js the standard library itself imports syscall/js, so of that only the
// direct import tells.
func checkNative(t *testing.T, name string, p goPackage) {
	t.Helper()
	if slices.Contains(p.Imports, "syscall"+"/js") {
		t.Errorf("%s imports syscall/js", name)
	}
	for _, dependency := range p.Deps {
		if strings.HasPrefix(dependency, "github.com/hack-pad/") || dependency == module+"pkg/jsbridge" {
			t.Errorf("%s depends on %s", name, dependency)
		}
	}
}

// Files for the browser say so in their name and in their constraint, and sit where they belong.
func TestFilesForTheBrowser(t *testing.T) {
	files := 0
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && file != root && (name == "node_modules" || name == "dist" || name == "testdata" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		files++
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if problem := browserFile(filepath.ToSlash(relative), string(source)); problem != "" {
			t.Errorf("%s %s", relative, problem)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Errorf("only %d files were found", files)
	}
}

const browserConstraint = "//go:build js && wasm"

// browserFile says what is wrong with a file, or "".
func browserFile(file, source string) string {
	line := buildLine(source)
	named := strings.HasSuffix(file, "_js.go") || strings.HasSuffix(file, "_js_test.go")
	constrained := line == browserConstraint || strings.HasPrefix(line, browserConstraint+" && ")
	placed := strings.HasPrefix(file, "pkg/jsbridge/") || strings.HasPrefix(file, "wasm/")
	switch {
	case named && !constrained:
		return "must carry " + browserConstraint
	case constrained && !named:
		return "must end in _js.go or _js_test.go"
	case !named && mentions(line, "js", "wasm"):
		return "has a constraint on js or wasm: " + line
	case named && !placed:
		return "is for the browser and belongs into pkg/jsbridge or wasm"
	case strings.HasSuffix(file, "_wasm.go") || strings.HasSuffix(file, "_wasm_test.go"):
		return "is for wasm by its name alone"
	}
	return ""
}

func buildLine(source string) string {
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if constraint.IsGoBuild(line) {
			return line
		}
		if strings.HasPrefix(line, "package ") {
			break
		}
	}
	return ""
}

func mentions(line string, tags ...string) bool {
	expression, err := constraint.Parse(line)
	if err != nil {
		return false
	}
	found := false
	expression.Eval(func(tag string) bool { // of every tag: Eval does not stop early
		found = found || slices.Contains(tags, tag)
		return false
	})
	return found
}

func TestBrowserFileFindsWhatIsWrong(t *testing.T) {
	const plain, browser = "package p\n", browserConstraint + "\n\npackage p\n"
	good := map[string]string{
		"pkg/gnap/a.go": plain, "pkg/gnap/a_test.go": plain, "pkg/jsbridge/a_js.go": browser, "wasm/a_js_test.go": browser,
		"wasm/b_js.go":     "// A comment.\n\n" + browserConstraint + " && faults\n\npackage main\n",
		"pkg/gnap/c.go":    "package p\n\n// text\n" + browserConstraint + "\n",
		"pkg/gnap/unix.go": "//go:build unix\n\npackage p\n",
	}
	for file, source := range good {
		if problem := browserFile(file, source); problem != "" {
			t.Errorf("%s %s", file, problem)
		}
	}
	bad := map[string]string{
		"wasm/a_js.go":          plain,
		"wasm/b_js.go":          "//go:build js\n\npackage p\n",
		"wasm/c_js.go":          "//go:build wasm && js\n\npackage p\n",
		"wasm/d_js.go":          browserConstraint + " || test\n\npackage p\n",
		"wasm/e.go":             browser,
		"wasm/f_wasm.go":        plain,
		"wasm/g_wasm_test.go":   plain,
		"pkg/gnap/h_js.go":      browser,
		"pkg/gnap/i_js_test.go": browser,
		"pkg/gnap/j.go":         "//go:build !js\n\npackage p\n",
		"pkg/gnap/k.go":         "//go:build unix || wasm\n\npackage p\n",
		"pkg/gnap/l.go":         "//go:build unix && wasm\n\npackage p\n",
	}
	for file, source := range bad {
		if browserFile(file, source) == "" {
			t.Errorf("nothing is wrong with %s", file)
		}
	}
}
