// Command pack finishes the npm package: it divides the module and makes it smaller, writes what is
// made from the build (build-info.js and THIRD_PARTY_NOTICES), makes one script of all, and sums it
// up in integrity.json. Arguments: the folder of the package, in which everything else is already,
// the Go build tags of the module, and maybe "profile", for a module that says which functions ran, or "plain", for
// the module as Go's linker wrote it, without a deferred one.
package main

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("pack: ")
	if err := pack(os.Args[1], os.Args[2], slices.Concat(os.Args[3:], []string{""})[0]); err != nil {
		log.Fatal(err)
	}
}

func pack(folder, tags, how string) error {
	if how != "plain" {
		if err := packModule(folder, strings.Split(tags, ","), how == "profile"); err != nil {
			return fmt.Errorf("%w; meanwhile PLAIN=yes ./build.sh builds a plain module, larger and slower to start but otherwise the same", err)
		}
	}
	linked, err := listLinked("./wasm", tags)
	if err != nil {
		return err
	}
	notices, err := thirdPartyNotices(linked)
	if err != nil {
		return err
	}
	info, err := buildInfo(folder, linked)
	if err != nil {
		return err
	}
	if err := write(folder, "THIRD_PARTY_NOTICES", notices); err != nil {
		return err
	}
	if err := write(folder, "build-info.js", info); err != nil {
		return err
	}
	if err := bundle(folder, tags); err != nil {
		return err
	}
	sums, err := integrity(folder)
	if err != nil {
		return err
	}
	return write(folder, "integrity.json", sums)
}

// The files of the two modules.
const (
	primaryFile  = "open-payments.wasm"
	deferredFile = "open-payments.deferred.wasm"
)

// packModule makes the primary and the deferred module of what Go's linker wrote, or says why it cannot.
func packModule(folder string, tags []string, isProfile bool) error {
	module, err := os.ReadFile(filepath.Join(folder, primaryFile))
	if err != nil {
		return err
	}
	var said report
	parts, err := divide(module, tags, isProfile, &said)
	if err != nil {
		return err
	}
	fmt.Fprint(os.Stderr, &said)
	if err := write(folder, primaryFile, encodeSections(parts.primary)); err != nil {
		return err
	}
	return write(folder, deferredFile, encodeSections(parts.deferred))
}

// divide takes a module through all passes, and has an engine look at what comes of it.
func divide(module []byte, tags []string, isProfile bool, said *report) (divided, error) {
	sections, err := readSections(module)
	if err != nil {
		return divided{}, err
	}
	said.add("Go's linker", "wrote the module", sections, nil)
	if err := checkGo(sections); err != nil {
		return divided{}, err
	}
	if isProfile {
		return profiled(sections, said)
	}
	list, err := readKeepList(tags)
	if err != nil {
		return divided{}, err
	}
	names, err := readNames(sections)
	if err != nil {
		return divided{}, err
	}
	if err := list.check(names); err != nil {
		return divided{}, err
	}
	return divideBy(sections, list, said)
}

// divideBy divides a module by a keep-list.
func divideBy(sections []section, list keepList, said *report) (divided, error) {
	if err := simplify(sections, said); err != nil {
		return divided{}, err
	}
	sections, counters, err := takeSnapshot(sections, said)
	if err != nil {
		return divided{}, err
	}
	parts, err := split(sections, list, counters, said)
	if err != nil {
		return divided{}, err
	}
	memory, err := memoryIn(sections)
	if err != nil {
		return divided{}, err
	}
	primary, done, err := shrink(parts.primary)
	if err != nil {
		return divided{}, err
	}
	said.add("findfunctab", done, primary, parts.deferred)
	return divided{primary, parts.deferred}, validate(primary, parts.deferred, memory)
}

// profiled returns a module that says which functions ran, and a deferred one with nothing in it.
func profiled(sections []section, said *report) (divided, error) {
	const tag = "profile"
	if err := simplify(sections, said); err != nil {
		return divided{}, err
	}
	sections, _, err := takeSnapshot(sections, said)
	if err != nil {
		return divided{}, err
	}
	if sections, err = countCalls(sections); err != nil {
		return divided{}, err
	}
	return divided{withTag(sections, tag), withTag(nil, tag)}, nil
}

func write(folder, name string, content []byte) error {
	return os.WriteFile(filepath.Join(folder, name), content, 0o644)
}

// buildInfo returns the ES module that says what the package was built from.
func buildInfo(folder string, linked []goPackage) ([]byte, error) {
	manifest, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		return nil, err
	}
	var published struct{ Version string }
	if err := json.Unmarshal(manifest, &published); err != nil {
		return nil, err
	}
	primary, tag, err := moduleInfo(folder, primaryFile)
	if err != nil {
		return nil, err
	}
	deferred, _, err := moduleInfo(folder, deferredFile)
	if errors.Is(err, fs.ErrNotExist) {
		deferred, err = "undefined", nil // the module is plain
	}
	if err != nil {
		return nil, err
	}
	modules := make(map[string]string)
	for _, p := range linked {
		if p.isThirdParty() {
			modules[p.Module.Path] = p.Module.Version
		}
	}
	list, err := json.MarshalIndent(modules, "  ", "  ")
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `// What this package was built from. Written by build.sh.

export const buildInfo = Object.freeze({
  version: %q,
  tag: %q, // the two modules have it too, as their custom section "build"; a plain one has none
  go: %q,
  modules: Object.freeze(%s),
  wasm: %s,
  deferred: %s,
});
`, published.Version, tag, runtime.Version(), list, primary, deferred), nil
}

// moduleInfo returns what build-info.js says of a module, and its tag.
func moduleInfo(folder, name string) (info, tag string, err error) {
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return "", "", err
	}
	sections, err := readSections(content)
	return fileInfo(content), tagOf(sections), err
}

func fileInfo(content []byte) string {
	sum := sha256.Sum256(content)
	return fmt.Sprintf(`Object.freeze({
    bytes: %d,
    sha256: %q,
    integrity: %q,
  })`, len(content), hex.EncodeToString(sum[:]), "sha256-"+base64.StdEncoding.EncodeToString(sum[:]))
}

// integrity returns the Subresource Integrity of every file that a page loads, as JSON.
func integrity(folder string) ([]byte, error) {
	scripts, _ := filepath.Glob(filepath.Join(folder, "*.js"))
	modules, _ := filepath.Glob(filepath.Join(folder, "*.wasm"))
	sums := make(map[string]string)
	for _, file := range append(scripts, modules...) {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		sum := sha512.Sum384(content)
		sums["./"+filepath.Base(file)] = "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
	}
	text, err := json.MarshalIndent(sums, "", "  ")
	return append(text, '\n'), err
}
