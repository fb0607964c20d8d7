// Package postlink takes a module that Go's linker wrote for js/wasm, and makes one that starts faster: functions that no program needs at
// once are in a deferred module, or in an embedded one, which is downloaded with the primary module and compiled later.
//
// It is a row of passes (passes.go), each of which can be left out. Everything else is below internal/, in rooms with one door:
//
//	wasm       reads and writes modules
//	golang     what is known about Go's compiler, linker and runtime, and the versions it was checked with
//	simplify   makes functions shorter: jumps, peephole
//	snapshot   starts the program and keeps where it got to
//	keep       the keep-list: which functions stay in the primary module
//	split      divides the program: which functions leave, the surgery, the data that leaves with them
//	functable  has loops write two tables of functions, which take a fifth of the module
//	engine     has an engine validate what comes of it
//	protocol   what the modules and the JavaScript in js/ have to agree on
//
// It knows nothing of the program that it links. js/ has the JavaScript that runs what it makes, beside Go's own wasm_exec.js.
package postlink

import (
	"fmt"
	"slices"
	"strings"

	"open-payments-wasm/wasm/postlink/internal/engine"
	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/keep"
	"open-payments-wasm/wasm/postlink/internal/protocol"
	"open-payments-wasm/wasm/postlink/internal/snapshot"
	"open-payments-wasm/wasm/postlink/internal/split"
	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// KeepList says which functions stay in the primary module. An empty one defers all that can wait.
type KeepList = keep.List

// Rule is a pattern of names in a keep-list.
type Rule = keep.Rule

// Start says how the program starts, for the snapshot.
type Start = snapshot.Start

// Options say how a module is linked. The zero value does everything, and defers all that can wait.
type Options struct {
	// Off has the names of passes that are left out. A pass that works on what comes of another is left out with it.
	Off []string
	// Keep is the keep-list. Every name and pattern in it must be that of a function of the module.
	Keep KeepList
	// Early has the names of functions that the program runs at once. Those that the keep-list comes to and that are not among them
	// move into the embedded module, which is compiled later; without names none do. They are about speed alone: whatever they are,
	// the program does the same.
	Early []string
	// Tables are constants of Go's standard library that must leave with the functions that use them, by the names in
	// internal/golang/tables.go: an error where one is not linked, or a function of the primary module names it.
	Tables []string
	Start  Start
	// Profile makes a module that says which functions have run, in globals that it exports, instead of a split.
	Profile bool
}

// Result is what comes of a module.
type Result struct {
	Primary  []byte
	Deferred []byte // nil where nothing is deferred
	Tag      string // a text that both have in their custom section "build"; empty where nothing is deferred
	Report   Report
	why      func(name string) (string, error)
}

// Why explains in lines of text why a function stays in the primary module, or is embedded or deferred, on which way the search for what
// stays came to it.
func (r Result) Why(name string) (string, error) { return r.why(name) }

// Link takes a module through all passes, and has an engine look at what comes of it. It fails where the module is not of the form
// in which the versions of Go that were checked write it. Errors name the pass, and the section, function and offset in bytes.
func Link(module []byte, options Options) (Result, error) {
	l, err := newLinking(module, options)
	if err != nil {
		return Result{}, err
	}
	for _, p := range passes {
		if l.isOff(p) {
			continue
		}
		done, err := p.run(l)
		if err != nil {
			return Result{}, fmt.Errorf("%s: %w", p.name, err)
		}
		l.report.add(p.name, done, l.primary, l.deferred)
	}
	if err := engine.Check(l.primary, l.deferred, l.memory); err != nil {
		return Result{}, err
	}
	result := Result{Primary: l.primary.Encode(), Tag: l.tag, Report: l.report, why: l.why}
	if l.deferred != nil {
		result.Deferred = l.deferred.Encode()
	}
	return result, nil
}

// Tag returns the tag of a module, or "" for one that was not split.
func Tag(module []byte) (string, error) {
	sections, err := wasm.Read(module)
	tag, _ := sections.Custom(protocol.TagSection)
	return string(tag), err
}

// FunctionNames returns the names of the functions that a module defines, in their order, as Go's linker writes them. A KeepList can
// be checked with them.
func FunctionNames(module []byte) ([]string, error) {
	sections, err := wasm.Read(module)
	if err != nil {
		return nil, err
	}
	return functionNames(sections)
}

func functionNames(module wasm.Module) ([]string, error) {
	functions, err := module.Functions()
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range functions.Bodies {
		names = append(names, functions.Names[functions.Imported+uint64(i)])
	}
	return names, functions.NeedNames()
}

// linking is a module on its way through the passes.
type linking struct {
	options  Options
	report   Report
	primary  wasm.Module // the whole program, until it is split
	deferred wasm.Module // nil where nothing is deferred
	tag      string

	hasStarted bool           // the snapshot was taken
	written    []uint64       // the words that the program has written into memory by then
	memory     []byte         // what an instance begins with, and must in the end
	choice     *split.Choice  // which functions are deferred
	moved      []wasm.Segment // what of the memory the deferred module brings
}

func newLinking(module []byte, options Options) (*linking, error) {
	for _, name := range options.Off {
		if !slices.ContainsFunc(passes, func(p pass) bool { return p.name == name }) {
			return nil, fmt.Errorf("there is no pass %q, but %s", name, strings.Join(PassNames(), ", "))
		}
	}
	sections, err := wasm.Read(module)
	if err != nil {
		return nil, err
	}
	l := &linking{options: options, primary: sections}
	l.report = Report{{Pass: "Go's linker", Done: "wrote the module", Primary: len(module)}}
	if err := golang.CheckVersion(sections); err != nil {
		return nil, err
	}
	names, err := functionNames(sections)
	if err != nil {
		return nil, err
	}
	if err := options.Keep.Check(names); err != nil {
		return nil, fmt.Errorf("the keep-list: %w", err)
	}
	var early KeepList
	early.AddNames("the list of what is early", strings.Join(options.Early, " "))
	if err := early.Check(names); err != nil {
		return nil, err
	}
	l.memory, err = sections.Memory()
	return l, err
}

func (l *linking) why(name string) (string, error) {
	if l.choice == nil {
		return "", fmt.Errorf("the pass %s is left out: every function stays", passSplit)
	}
	return l.choice.Why(name)
}
