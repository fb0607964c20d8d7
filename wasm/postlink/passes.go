package postlink

import (
	"fmt"
	"slices"
	"strings"

	"open-payments-wasm/wasm/postlink/internal/functable"
	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/protocol"
	"open-payments-wasm/wasm/postlink/internal/simplify"
	"open-payments-wasm/wasm/postlink/internal/snapshot"
	"open-payments-wasm/wasm/postlink/internal/split"
	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// pass is one step of linking: a method that changes l.primary or l.deferred, and says in a few words what it did. CONTRIBUTING.md
// says how to add one.
type pass struct {
	name  string
	does  string   // for whom asks what passes there are
	after []string // the passes without which this one has nothing to do, or cannot be
	run   func(*linking) (done string, err error)
}

// Names of passes that others depend on.
const (
	passSnapshot = "snapshot"
	passSplit    = "split"
	passEmbed    = "embed"
)

// passes are all of them, in the order in which they run. It matters where the split and the data are concerned:
//
//   - Until the split l.primary is the whole program in the form in which Go's linker writes it (golang.Open). The snapshot and the
//     split need its names, and one table of all its functions, and no other function.
//   - The split, and what chooses by it, reads from the code which functions call which, what follows a call (golang.ReturnsOnRequest),
//     and each constant and offset that may be an address or a program counter. A pass that rewrites code keeps them: an address
//     stays one number, and does not become a sum.
//   - lines and tables write all data anew, from l.memory: of what another pass did to the data before them nothing is left.
//   - l.memory is what an instance has when it is there, whichever data and start function bring it: engine.Check compares.
var passes = []pass{
	{"jumps", "jumps forward past the table of jumps that each function begins with", nil, (*linking).jumps},
	{"peephole", "fewer instructions for the same", nil, (*linking).peephole},
	{passSnapshot, "the module begins where the program has started", nil, (*linking).snapshot},
	{passSplit, "functions that the keep-list does not come to move into a deferred module", nil, (*linking).split},
	{passEmbed, "functions of the keep-list that are not early move into a module in a custom section, to be compiled later",
		[]string{passSplit}, (*linking).embed},
	{"lines", "line tables, and what else describes deferred functions, move into the deferred module",
		[]string{passSplit, passSnapshot}, (*linking).lines},
	{"tables", "constants that only deferred functions name move into the deferred module", []string{passSplit}, (*linking).tables},
	{"names", "names of functions, and other custom sections that nothing at run time reads, are left out", nil, (*linking).names},
	{"findfunctab", "a loop writes runtime.findfunctab, which the data had; fewer data segments", nil, (*linking).findfunctab},
	{"functab", "loops write runtime.functab, which the data had", nil, (*linking).functab},
}

// PassNames returns the names of all passes, in the order in which they run.
func PassNames() []string {
	var names []string
	for _, p := range passes {
		names = append(names, p.name)
	}
	return names
}

// Passes returns a line for each pass: its name and what it does.
func Passes() string {
	var lines strings.Builder
	for _, p := range passes {
		fmt.Fprintf(&lines, "  %-12s %s\n", p.name, p.does)
	}
	return lines.String()
}

// isOff tells whether a pass is left out. A profile is of the whole program, with its names: nothing follows the split.
func (l *linking) isOff(p pass) bool {
	if names := PassNames(); l.options.Profile && slices.Index(names, p.name) > slices.Index(names, passSplit) {
		return true
	}
	return slices.ContainsFunc(append([]string{p.name}, p.after...), func(name string) bool { return slices.Contains(l.options.Off, name) })
}

func (l *linking) jumps() (string, error) {
	functions, err := simplify.Jumps(l.primary)
	return fmt.Sprintf("%d functions jump forward past their br_table", functions), err
}

func (l *linking) peephole() (string, error) {
	functions, err := simplify.Peephole(l.primary)
	return fmt.Sprintf("%d functions have fewer instructions", functions), err
}

func (l *linking) snapshot() (string, error) {
	start := l.options.Start
	if len(start.Arguments) == 0 {
		start.Arguments = []string{"js"} // as in wasm_exec.js
	}
	taken, err := snapshot.Take(l.primary, start)
	if err != nil {
		return "", err
	}
	l.primary, l.written, l.hasStarted = taken.Module, taken.Written, true
	l.memory, err = l.primary.Memory()
	return fmt.Sprintf("the program has started, with %d accesses to JavaScript", taken.Accesses), err
}

func (l *linking) split() (done string, err error) {
	if l.options.Profile {
		return l.profile()
	}
	if err := golang.ExportRegisters(l.primary); err != nil {
		return "", err
	}
	if l.choice, err = split.Choose(l.primary, l.options.Keep, l.hasStarted); err != nil {
		return "", err
	}
	if len(l.options.Early) > 0 && !slices.Contains(l.options.Off, passEmbed) {
		l.choice.ChooseEmbedded(l.options.Early)
	}
	l.primary, l.deferred, l.tag, err = l.choice.Modules()
	return fmt.Sprintf("%d of %d functions are deferred", len(l.choice.Deferred), len(l.choice.Bodies)), err
}

func (l *linking) embed() (done string, err error) {
	if len(l.choice.Embedded) == 0 {
		return "nothing is embedded: it takes a list of what is early", nil
	}
	l.primary, err = l.choice.Embed(l.primary, l.tag)
	return fmt.Sprintf("%d functions are embedded", len(l.choice.Embedded)), err
}

// lines needs a program that has started: what starts the runtime may throw, which reads the line tables, and cannot wait.
func (l *linking) lines() (string, error) {
	parts, err := l.choice.Lines(l.memory, l.written)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d bytes describe functions beyond what a stack is read with", sizeOf(parts)), l.move(parts)
}

func (l *linking) tables() (string, error) {
	tables, err := golang.TablesOf(l.options.Tables)
	if err != nil {
		return "", err
	}
	parts, staying, err := l.choice.Tables(l.memory, tables)
	if err != nil {
		return "", err
	}
	did := fmt.Sprintf("%d bytes of %d tables belong to deferred functions alone", sizeOf(parts), len(parts))
	return strings.Join(append([]string{did}, staying...), "; "), l.move(parts)
}

// move has the deferred module bring these parts of the memory too.
func (l *linking) move(parts []wasm.Segment) (err error) {
	l.moved = slices.Concat(l.moved, parts)
	l.primary, l.deferred, err = split.Move(l.primary, l.deferred, l.memory, l.moved)
	return err
}

func sizeOf(segments []wasm.Segment) (size int) {
	for _, s := range segments {
		size += len(s.Content)
	}
	return size
}

func (l *linking) names() (string, error) {
	before := len(l.primary)
	l.primary = l.primary.WithoutCustom(protocol.SnapshotSection, protocol.TagSection, protocol.EmbeddedSection)
	return fmt.Sprintf("%d custom sections are left out", before-len(l.primary)), nil
}

func (l *linking) findfunctab() (done string, err error) {
	var functions int
	l.primary, functions, err = functable.CutFindfunctab(l.primary)
	return fmt.Sprintf("a loop writes the buckets of %d functions", functions), err
}

func (l *linking) functab() (done string, err error) {
	var functions uint64
	l.primary, functions, err = functable.CutFunctab(l.primary)
	return fmt.Sprintf("loops write the entries of %d functions", functions), err
}

// profile makes a module that says which functions ran, and a deferred one with nothing in it.
func (l *linking) profile() (done string, err error) {
	l.tag = "profile"
	l.primary, err = split.CountCalls(l.primary, l.hasStarted)
	l.primary = l.primary.WithCustom(protocol.TagSection, []byte(l.tag))
	l.deferred = wasm.Module{}.WithCustom(protocol.TagSection, []byte(l.tag))
	return "every function that could be deferred says when it has run", err
}
