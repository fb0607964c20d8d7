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
	"os"
	"path/filepath"
	"runtime"

	"open-payments-wasm/wasm/postlink"
)

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
	tag, err = postlink.Tag(content)
	return fileInfo(content), tag, err
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
