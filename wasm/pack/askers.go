package main

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// A snapshot holds what the program was told while it started: the time of the build, and random numbers that are the
// same in every instance. Those of Go's runtime are renewed in each instance. Those that a package asked for are not, and it
// may have made a secret, an identifier or a deadline of them. So an initialiser that asks for the clock or for random
// numbers ends the build, unless it is known to do no harm.

// asksFor has the functions through which a program asks, and the word for what it asks for in errors.
var asksFor = map[string]string{
	"gojs.runtime.nanotime1":     "the clock",
	"gojs.runtime.walltime":      "the clock",
	"gojs.runtime.getRandomData": "random numbers",
	"runtime.rand":               "random numbers", // of a generator that was seeded before
	"runtime.cheaprand":          "random numbers",
	"runtime.cheaprand64":        "random numbers",
	"runtime.cheaprandn":         "random numbers",
	"runtime.fastrand":           "random numbers",
	"runtime.fastrand64":         "random numbers",
	"runtime.fastrandn":          "random numbers",
}

// passOn has the functions that ask on behalf of their callers.
var passOn = []string{
	"runtime.nanotime1", "runtime.nanotime", "runtime.walltime", "runtime.getRandomData", "runtime.rand", "runtime.randn",
	"runtime.cheaprand", "runtime.cheaprand64", "runtime.cheaprandn", "runtime.fastrand", "runtime.fastrand64", "runtime.fastrandn",
	"time.now", "time.Now", "time.runtimeNow", "time.runtimeNano", "internal_sync.runtime_nanotime", "sync.runtime_nanotime",
	"syscall.now", "crypto_internal_sysrand.*",
}

// mayAsk has patterns of the functions that may ask, each with its reason.
var mayAsk = map[string]string{
	"runtime.*":                     "renews what it holds: its generators get seeds, and its clock goes on",
	"internal_runtime_maps.*":       "the seeds of maps, which spread keys and are no secret",
	"internal_sync.__HashTrieMap_*": "the same",
	"unique.newCanonMap*":           "the same",
	"time.init":                     "where the monotonic clock begins: any time before the first call will do",
}

// pullRandom has the beginnings of names of functions whose source calls runtime.rand. In all other functions the
// compiler put the call there, for the seed of a map.
var pullRandom = []string{"math/rand", "hash/maphash", "os.", "net.", "math_rand", "hash_maphash"}

// askers finds the first function that asks while a program starts, and must not.
type askers struct {
	sections []section // of the module that runs
	table    *pclntab  // of its memory at first, once it is needed
	first    int64     // the table index of its first function
	err      error     // says who was the first that may not
	inMain   bool
	mainG    uint64
}

func (a *askers) NewFunctionListener(function api.FunctionDefinition) experimental.FunctionListener {
	name := nameOf(function)
	if _, asks := asksFor[name]; asks || name == "main.main" {
		return a
	}
	return nil
}

// nameOf returns a function's name. wazero puts the name of its module and a dot before it, and Go's module has no name.
func nameOf(function api.FunctionDefinition) string {
	return strings.TrimPrefix(function.DebugName(), ".")
}

func (a *askers) Before(_ context.Context, module api.Module, function api.FunctionDefinition, params []uint64, stack experimental.StackIterator) {
	name := nameOf(function)
	if name == "main.main" {
		a.inMain, a.mainG = true, currentG(module)
		return
	}
	if a.err != nil || a.inMain && currentG(module) == a.mainG {
		return // an initialiser, or a goroutine that one began, is not what asks
	}
	var names []string
	for stack.Next() {
		names = append(names, nameOf(stack.Function().Definition()))
	}
	callers := names[1:]
	for len(callers) > 0 && matches(passOn, callers[0]) {
		callers = callers[1:]
	}
	if len(callers) == 0 || isAllowed(callers[0]) {
		return
	}
	if name == "runtime.rand" && len(callers) == len(names)-1 {
		inlined, err := a.inlinedCaller(module)
		if err != nil {
			a.err = err
			return
		}
		if !pullsRandom(callers[0]) && !pullsRandom(inlined) {
			return
		}
		if inlined != "" {
			callers = slices.Concat([]string{inlined}, callers)
		}
	}
	a.err = fmt.Errorf("an initialiser asks for %s, and a snapshot would have every instance get the same: %s (askers.go)",
		asksFor[name], strings.Join(callers[:min(len(callers), 5)], ", called by "))
}

func (a *askers) After(context.Context, api.Module, api.FunctionDefinition, []uint64) {}

func (a *askers) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}

func isAllowed(name string) bool {
	for pattern := range mayAsk {
		if isMatch, _ := path.Match(pattern, name); isMatch {
			return true
		}
	}
	return false
}

func pullsRandom(name string) bool {
	return slices.ContainsFunc(pullRandom, func(start string) bool { return strings.HasPrefix(name, start) })
}

// currentG returns the goroutine that runs, which Go's compiler keeps in a global.
func currentG(module api.Module) uint64 {
	return module.(exporter).ExportedGlobal(globalName(globalG)).Get()
}

type exporter interface{ ExportedGlobal(name string) api.Global }

// inlinedCaller returns the name of the function that called, where it is inlined into another: the return address
// is where the stack pointer points.
func (a *askers) inlinedCaller(module api.Module) (string, error) {
	if err := a.openTable(); err != nil {
		return "", err
	}
	sp := module.(exporter).ExportedGlobal(globalName(globalSP)).Get()
	counter, _ := module.Memory().ReadUint64Le(uint32(sp))
	resumePoint := max(uint32(counter&0xffff), 1) - 1 // that of the call, not of what follows
	return a.table.inlinedAt(int(int64(counter>>16)-a.first), resumePoint), nil
}

func (a *askers) openTable() error {
	if a.table != nil {
		return nil
	}
	s, err := newSplitter(a.sections)
	if err != nil {
		return err
	}
	memory, err := memoryIn(a.sections)
	if err != nil {
		return err
	}
	a.first = s.table
	a.table, err = openPclntab(memory, s.table, len(s.bodies))
	return err
}
