// Command pack finishes the npm package: it makes the module smaller, writes what is made from the
// build (build-info.js and THIRD_PARTY_NOTICES), makes one script of all, and sums it up in
// integrity.json. Arguments: the folder of the package, in which everything else is already, and the
// Go build tags of the module.
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
	if err := pack(os.Args[1], os.Args[2]); err != nil {
		log.Fatal("pack: ", err)
	}
}

func pack(folder, tags string) error {
	if err := shrinkFile(filepath.Join(folder, "open-payments.wasm")); err != nil {
		return err
	}
	linked, err := listLinked(tags)
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

func shrinkFile(file string) error {
	module, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	smaller, err := shrink(module)
	if err != nil {
		return err
	}
	return os.WriteFile(file, smaller, 0o644)
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
	wasm, err := os.ReadFile(filepath.Join(folder, "open-payments.wasm"))
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
	sum := sha256.Sum256(wasm)
	return fmt.Appendf(nil, `// What this package was built from. Written by build.sh.

export const buildInfo = Object.freeze({
  version: %q,
  go: %q,
  modules: Object.freeze(%s),
  wasm: Object.freeze({
    bytes: %d,
    sha256: %q,
    integrity: %q,
  }),
});
`, published.Version, runtime.Version(), list, len(wasm), hex.EncodeToString(sum[:]), "sha256-"+base64.StdEncoding.EncodeToString(sum[:])), nil
}

// integrity returns the Subresource Integrity of every file that a page loads, as JSON.
func integrity(folder string) ([]byte, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.js"))
	if err != nil {
		return nil, err
	}
	sums := make(map[string]string)
	for _, file := range append(files, filepath.Join(folder, "open-payments.wasm")) {
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
