package golang

// Globals says what Go's runtime and standard library look for below globalThis while a program starts: what typeof says of it, or a
// number. It is what wasm_exec.js sees to where there is no file system, no process and no fetch.
var Globals = map[string]any{
	"Object":                   "function",
	"Array":                    "function",
	"Uint8Array":               "function",
	"Reflect":                  "object",
	"fetch":                    "undefined",
	"process":                  "object",
	"process.argv0":            "undefined",
	"path":                     "object",
	"fs":                       "object",
	"fs.constants":             "object",
	"fs.constants.O_WRONLY":    -1,
	"fs.constants.O_RDWR":      -1,
	"fs.constants.O_CREAT":     -1,
	"fs.constants.O_TRUNC":     -1,
	"fs.constants.O_APPEND":    -1,
	"fs.constants.O_EXCL":      -1,
	"fs.constants.O_DIRECTORY": -1,
}
