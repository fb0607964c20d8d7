package golang

import (
	"regexp"
	"slices"
	"strings"

	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// What is known of functions by their names. Go's linker writes a package path with _ for each / and ., and * and
// parentheses as _ too: "encoding_json.__Decoder_.Decode".

// MainName is the name of the function in which a program begins, once its packages are initialised.
const MainName = "main.main"

// StartName is the name of the function that starts the runtime. Of its calls it does not return when they ask it to
// (CALLNORESUME in Go's assembler).
const StartName = "runtime.rt0_go"

// EndsProgram tells whether a function of Go's runtime is one after which a program does not go on where it cannot
// wait: the instance traps, which comes to the same. (More stack is refused there.)
func EndsProgram(name string) bool { return endsProgram.MatchString(name) }

var endsProgram = regexp.MustCompile(`^runtime\.(morestack.*|throw|fatal|abort|sigpanic|gopanic|goPanic.*|panic.*|bad.*|print.*)$`)

// Describers are the functions of Go's runtime through which it reads the lines, the inlined calls and the
// arguments of functions, and the names of those where no stack began.
var Describers = []string{"runtime.funcline1", "runtime.newInlineUnwinder", "runtime.pcdatavalue1", "runtime.printArgs", "runtime.panicwrap"}

// NameIsRead tells whether the runtime reads the name of a function: a goroutine that begins in one of its own is a
// system goroutine (isSystemGoroutine), and two of reflect have arguments that it looks up (getArgInfo).
func NameIsRead(name string) bool { return nameIsRead.MatchString(name) }

var nameIsRead = regexp.MustCompile(`^(runtime\.|reflect\.(makeFuncStub|methodValueCall)$)`)

// BeginsNoGoroutine tells whether no goroutine begins in a function, though data names it: an initialiser, what compares and
// hashes types, and packages that compute and have no go statement. What names them as values calls them.
func BeginsNoGoroutine(name string) bool { return beginsNoGoroutine.MatchString(name) }

var beginsNoGoroutine = regexp.MustCompile(
	`^type_\.|\.init(\.\d+)?$|^(crypto_(ecdh|elliptic|hpke|internal_fips140|md5|sha)|hash_|math_big\.|encoding_json\.|runtime\.initMetrics\.)`)

// Literals returns the functions that stand inside others and are called by their address, such as
// those that run on the system stack, by the index of the other.
func (p *Program) Literals() map[uint64][]uint64 {
	indices := make(map[string]uint64)
	for index, name := range p.Names {
		indices[name] = index
	}
	literals := make(map[uint64][]uint64)
	for index, name := range p.Names {
		for outer := beforeLast(name, ".func", ".gowrap"); outer != ""; outer = beforeLast(outer, ".") {
			if outer, isKnown := indices[outer]; isKnown { // one that is inlined has none
				literals[outer] = append(literals[outer], index)
				break
			}
		}
	}
	if recordSpan, isKnown := indices["runtime.recordspan"]; isKnown {
		literals[indices["runtime.__fixalloc_.alloc"]] = []uint64{recordSpan} // in a field of it
	}
	return literals
}

// beforeLast returns what stands before the last of any of the separators.
func beforeLast(text string, separators ...string) string {
	at := 0
	for _, separator := range separators {
		at = max(at, strings.LastIndex(text, separator))
	}
	return text[:at]
}

// ReturnsOnRequest tells whether what follows a call returns where the call gave 1, maybe after it has
// got the stack pointer again, or is what JavaScript calls and has the loop take over.
func ReturnsOnRequest(following []wasm.Instruction) bool {
	if len(following) > 2 && following[0].Opcode == op.GlobalGet && following[0].Immediate == SP && following[1].Opcode == op.LocalSet {
		following = following[2:]
	}
	return len(following) > 0 && slices.Contains([]byte{op.BrIf, op.Return, op.Drop}, following[0].Opcode)
}

// LocalResume is the local in which a function keeps its resume point: its parameter.
const LocalResume = 0
