package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// bundle makes one script of index.js and the modules that it imports. A page would discover them
// one level after the other, each with a round trip of its own, before it asks for the WebAssembly.
// With the tag faults the script also exports what tests call those by.
func bundle(folder, tags string) error {
	entry := `export * from "./index.js";`
	if strings.Contains(tags, "faults") {
		entry += `export { call, start } from "./runtime.js";`
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: folder, // comments name files from here
		Stdin:         &api.StdinOptions{Contents: entry, ResolveDir: folder},
		Bundle:        true,
		Format:        api.FormatESModule,
		Charset:       api.CharsetUTF8,
		Banner:        map[string]string{"js": "// open-payments-wasm: Open Payments grants in the browser. index.d.ts documents what is exported."},
	})
	if problems := append(result.Errors, result.Warnings...); len(problems) > 0 {
		return errors.New("index.js cannot be bundled: " + problems[0].Text)
	}
	modules, err := filepath.Glob(filepath.Join(folder, "*.js"))
	if err != nil {
		return err
	}
	for _, module := range modules {
		if err := os.Remove(module); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "index.js"), result.OutputFiles[0].Contents, 0o644)
}
