// Package protocol has what a linked module and the JavaScript that runs it have to agree on. JavaScript gets it from here: js/protocol.js
// is written by go generate ./wasm/postlink/..., and a test compares it.
package protocol

import (
	"fmt"
	"strings"
)

//go:generate go run ./generate

// PrimaryName is the name under which the other modules import what the primary module exports.
const PrimaryName = "primary"

// What the primary module exports beside what Go's linker does.
const (
	DeferredExport = "deferred" // the state of the deferred module, a global
	EmbeddedExport = "embedded" // the state of the embedded module, a global
	ProceedExport  = "proceed"  // runs the program from where it paused
	TableExport    = "table"    // all functions of the program
)

// The state of the deferred or the embedded module, in the global that the primary module exports.
const (
	StateAbsent = 0 // it is not loaded
	StateNeeded = 1 // Go waits for it
	StateLinked = 2 // JavaScript says so when it has instantiated it
)

// Custom sections.
const (
	// TagSection has a text that the modules of one build have in common, and no others: they only fit each other.
	// A module that was not split has none.
	TagSection = "build"
	// SnapshotSection has, in JSON, what JavaScript has to do for a module to go on: a Snapshot.
	SnapshotSection = "snapshot"
	// EmbeddedSection is the embedded module itself, as it is.
	EmbeddedSection = "embedded"
)

// Snapshot says what a program got from JavaScript before the snapshot, for each instance to get again.
type Snapshot struct {
	Trace  []Access `json:"trace"`
	Random []uint32 `json:"random"` // the addresses of the states of random generators, which get seeds
}

// Access is one access of Go to JavaScript: its kind, and the arguments that js/snapshot.js needs to repeat it.
type Access []any

// The state of a random generator, as internal/chacha8rand keeps it: numbers made at once, the seed, and three
// words of 32 bits: how many of the numbers are used, how many there are, and which block of the seed they are. Sizes in bytes.
const (
	RandomNumbers = 32
	RandomBuffer  = 8 * RandomNumbers
	RandomSeed    = 4 * 8
	RandomState   = RandomBuffer + RandomSeed + 3*4
)

// JavaScript returns js/protocol.js.
func JavaScript() string {
	var text strings.Builder
	text.WriteString(`// What a linked module and the JavaScript that runs it agree on. Written by go generate ./wasm/postlink/... from
// internal/protocol/protocol.go.

`)
	for _, value := range []struct {
		name, comment string
		value         any
	}{
		{"primaryName", "under which the other modules import what the primary module exports", PrimaryName},
		{"deferredExport", "the global that the primary module exports with the state of the deferred module", DeferredExport},
		{"embeddedExport", "the same of the embedded module", EmbeddedExport},
		{"needed", "a state: Go waits for the module", StateNeeded},
		{"linked", "the state that JavaScript sets", StateLinked},
		{"tagSection", "the custom section that says of which build a module is", TagSection},
		{"snapshotSection", "the custom section that says what Go got from JavaScript before the snapshot", SnapshotSection},
		{"embeddedSection", "the custom section that is the embedded module", EmbeddedSection},
		{"randomNumbers", "how many numbers a random generator makes at once", RandomNumbers},
		{"randomBuffer", "where the seed stands in the state of a random generator, after the numbers; in bytes", RandomBuffer},
		{"randomSeed", "how long the seed is, in bytes; three counters follow", RandomSeed},
	} {
		literal := fmt.Sprint(value.value)
		if text, isText := value.value.(string); isText {
			literal = fmt.Sprintf("%q", text)
		}
		fmt.Fprintf(&text, "/** %s. */\nexport const %s = %s;\n", strings.ToUpper(value.comment[:1])+value.comment[1:], value.name, literal)
	}
	return text.String()
}
