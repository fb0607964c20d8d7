// Command pack finishes the npm package: it divides the module and makes it smaller, writes what is
// made from the build (build-info.js and THIRD_PARTY_NOTICES), makes one script of all, and sums it
// up in integrity.json. Arguments: the folder of the package, in which everything else is already,
// the Go build tags of the module, and "profile" for a module that says which functions ran.
package main

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
)

func main() {
	log.SetFlags(0)
	if err := pack(os.Args[1], os.Args[2], len(os.Args) > 3 && os.Args[3] == "profile"); err != nil {
		log.Fatal("pack: ", err)
	}
}

func pack(folder, tags string, isProfile bool) error {
	if err := packModule(folder, isProfile); err != nil {
		return err
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

// packModule makes two modules of open-payments.wasm: itself, smaller, and the rest.
func packModule(folder string, isProfile bool) error {
	file := filepath.Join(folder, "open-payments.wasm")
	module, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	sections, err := readSections(module)
	if err != nil {
		return err
	}
	if err := simplify(sections); err != nil {
		return err
	}
	sections, counters, err := takeSnapshot(sections)
	if err != nil {
		return err
	}
	if isProfile {
		if sections, err = countCalls(sections); err != nil {
			return err
		}
		const tag = "profile"
		if err := write(folder, "open-payments.deferred.wasm", encodeSections(withTag(nil, tag))); err != nil {
			return err
		}
		return os.WriteFile(file, encodeSections(withTag(sections, tag)), 0o644)
	}
	list, err := readKeepList()
	if err != nil {
		return err
	}
	first, rest, err := split(sections, list, counters)
	if err != nil {
		return err
	}
	if first, err = shrink(first); err != nil {
		return err
	}
	if err := os.WriteFile(file, encodeSections(first), 0o644); err != nil {
		return err
	}
	return write(folder, "open-payments.deferred.wasm", encodeSections(rest))
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
	var tag string
	files := make(map[string]string)
	for _, name := range []string{"open-payments.wasm", "open-payments.deferred.wasm"} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, err
		}
		files[name] = fileInfo(content)
		sections, err := readSections(content)
		if err != nil {
			return nil, err
		}
		if tag, err = tagOf(sections); err != nil {
			return nil, err
		}
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
  tag: %q, // the two modules have it too, as their custom section "build"
  go: %q,
  modules: Object.freeze(%s),
  wasm: %s,
  deferred: %s,
});
`, published.Version, tag, runtime.Version(), list, files["open-payments.wasm"], files["open-payments.deferred.wasm"]), nil
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
