// Package protocol has what a linked module and the JavaScript that runs it have to agree on: ../../js. JavaScript gets the
// numbers from here (cmd/protocol), in protocol.js.
package protocol

// DeferredImports is the name under which the deferred module imports what the primary module exports.
const DeferredImports = "open-payments"

// What the primary module exports beside what Go's linker does.
const (
	DeferredExport = "deferred" // the state of the deferred module, a global
	ProceedExport  = "proceed"  // runs the program from where it paused
	TableExport    = "table"    // all functions of the program
)

// The state of the deferred module, in the global that the primary module exports.
const (
	DeferredAbsent = 0 // it is not loaded
	DeferredNeeded = 1 // Go waits for it
	DeferredLinked = 2 // JavaScript says so when it has instantiated it
)

// Custom sections.
const (
	// TagSection has a text that the two modules of one build have in common, and no others: they only fit each other.
	// A module that was not split has none.
	TagSection = "build"
	// SnapshotSection has, in JSON, what JavaScript has to do for a module to go on: a Snapshot.
	SnapshotSection = "snapshot"
)

// Snapshot says what a program got from JavaScript before the snapshot, for each instance to get again.
type Snapshot struct {
	Trace  []Access `json:"trace"`
	Random []uint32 `json:"random"` // the addresses of the states of random generators, which get seeds
}

// Access is one access of Go to JavaScript: its kind, and the arguments that js/snapshot.js needs to repeat it.
type Access []any
