package snapshot

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/protocol"
)

// javascript stands in for wasm_exec.js while a module starts. It knows the few things that Go asks
// for on the way, and keeps a trace of what was asked; anything else ends the build. js/snapshot.js
// replays that trace with the values of a browser, and checks that they are of the same kind.
type javascript struct {
	values  []string // where each that Go knows comes from, by its id
	trace   []protocol.Access
	isReady bool
	globals map[string]any // what is given, before known
	time    uint64
	random  *rand.ChaCha8
}

// The values that every program of Go knows from the start, by id, as in wasm_exec.js.
var firstValues = []string{"NaN", "0", "null", "true", "false", global, goObject}

const (
	global   = "globalThis"
	goObject = "go" // the object of wasm_exec.js that runs the program
)

// How a value is written to Go: a number as it is, undefined as 0, all others as a NaN with their
// id and kind in it.
const (
	undefined = 0
	nanHead   = 0x7ff80000
)

var kinds = map[string]uint64{"object": 1, "function": 4}

func newJavaScript(globals map[string]any) *javascript {
	return &javascript{values: slices.Clone(firstValues), random: rand.NewChaCha8([32]byte{}), globals: globals}
}

// known says what a property is that Go gets, if that is known.
func (j *javascript) known(path string) (is any, isKnown bool) {
	if is, isKnown = j.globals[strings.TrimPrefix(path, global+".")]; isKnown {
		return is, true
	}
	is, isKnown = golang.Globals[strings.TrimPrefix(path, global+".")]
	return is, isKnown
}

// offer makes the functions for a module to import.
func (j *javascript) offer(ctx context.Context, engine wazero.Runtime, names []string) error {
	functions := map[string]func(*frame) error{
		"runtime.resetMemoryDataView": func(*frame) error { return nil },
		"runtime.nanotime1":           j.nanotime,
		"runtime.walltime":            walltime,
		"runtime.getRandomData":       j.randomData,
		"syscall/js.valueGet":         j.get,
		"syscall/js.valueSet":         j.set,
		"syscall/js.valueCall":        j.call,
		"syscall/js.valueNew":         j.new,
	}
	builder := engine.NewHostModuleBuilder("gojs")
	for _, name := range names {
		function := functions[name]
		if function == nil {
			function = func(*frame) error { return errors.New("no program needs it to start") }
		}
		builder.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, module api.Module, stack []uint64) {
			if err := function(&frame{module.Memory(), api.DecodeU32(stack[0])}); err != nil {
				panic(fmt.Errorf("%s: %w", name, err)) // wazero returns it from the call of the module
			}
		}), []api.ValueType{api.ValueTypeI32}, nil).Export(name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

// Time begins with the program, and is the same in every build. In a browser it goes on from a later
// one.
func (j *javascript) nanotime(f *frame) error {
	j.time += 1000
	f.memory.WriteUint64Le(f.sp+8, j.time)
	return nil
}

func walltime(f *frame) error {
	f.write(8, 0) // seconds since 1970
	f.memory.WriteUint32Le(f.sp+16, 0)
	return nil
}

func (j *javascript) randomData(f *frame) error {
	data := make([]byte, f.uint64(16))
	_, _ = j.random.Read(data)
	f.memory.Write(uint32(f.uint64(8)), data)
	return nil
}

func (j *javascript) get(f *frame) error {
	of, name := f.uint64(8), f.text(16)
	path, err := j.path(of)
	if err != nil {
		return err
	}
	is, isKnown := j.known(path + "." + name)
	if !isKnown {
		return fmt.Errorf("what %s.%s is must be said in Options.Globals", path, name)
	}
	if !slices.Contains(j.values, path+"."+name) {
		j.trace = append(j.trace, protocol.Access{"get", uint32(of), name, is})
	}
	f.write(32, j.valueOf(path+"."+name))
	return nil
}

func (j *javascript) set(f *frame) error {
	if _, err := j.path(f.uint64(8)); err != nil {
		return err
	}
	if _, err := j.path(f.uint64(32)); err != nil {
		return err
	}
	j.trace = append(j.trace, protocol.Access{"set", uint32(f.uint64(8)), f.text(16), uint32(f.uint64(32))})
	return nil
}

// call knows two methods: that which makes functions of Go callable, and that which the program calls
// when it is ready.
func (j *javascript) call(f *frame) error {
	path, err := j.path(f.uint64(8))
	if err != nil {
		return err
	}
	argument := f.argument(32)
	switch path + "." + f.text(16) {
	case goObject + "._makeFuncWrapper":
		id := math.Float64frombits(argument)
		j.trace = append(j.trace, protocol.Access{"wrap", id})
		f.write(56, j.newValue(fmt.Sprint("function ", id), "function"))
	case global + ".ready":
		j.trace = append(j.trace, protocol.Access{"ready", uint32(argument)})
		j.isReady = true
		f.write(56, undefined)
	default:
		return fmt.Errorf("%s.%s", path, f.text(16))
	}
	f.memory.WriteByte(f.sp+64, 1)
	return nil
}

func (j *javascript) new(f *frame) error {
	path, err := j.path(f.uint64(8))
	if err != nil {
		return err
	}
	if path != global+".Object" || f.uint64(24) != 0 {
		return fmt.Errorf("new %s", path)
	}
	j.trace = append(j.trace, protocol.Access{"new", uint32(f.uint64(8))})
	f.write(40, j.newValue(fmt.Sprint("object ", len(j.values)), "object"))
	f.memory.WriteByte(f.sp+48, 1)
	return nil
}

// path returns where a value comes from.
func (j *javascript) path(value uint64) (string, error) {
	if id := uint32(value); value>>48 == nanHead>>16 && int(id) < len(j.values) {
		return j.values[id], nil
	}
	return "", fmt.Errorf("%#x is no object", value)
}

// valueOf returns a property as Go sees it.
func (j *javascript) valueOf(path string) uint64 {
	is, _ := j.known(path)
	switch is := is.(type) {
	case int:
		return math.Float64bits(float64(is))
	case string:
		if is == "undefined" {
			return undefined
		}
		return j.newValue(path, is)
	}
	return undefined
}

// newValue gives a value an id, unless it has one.
func (j *javascript) newValue(path, kind string) uint64 {
	id := slices.Index(j.values, path)
	if id < 0 {
		id = len(j.values)
		j.values = append(j.values, path)
	}
	return (nanHead|kinds[kind])<<32 | uint64(id)
}

// frame is what a function that Go calls gets: the stack in memory, with its arguments and the
// addresses of its results.
type frame struct {
	memory api.Memory
	sp     uint32
}

func (f *frame) uint64(offset uint32) uint64 {
	value, _ := f.memory.ReadUint64Le(f.sp + offset)
	return value
}

func (f *frame) write(offset uint32, value uint64) { f.memory.WriteUint64Le(f.sp+offset, value) }

func (f *frame) text(offset uint32) string {
	content, _ := f.memory.Read(uint32(f.uint64(offset)), uint32(f.uint64(offset+8)))
	return string(content)
}

// argument returns the first of a list.
func (f *frame) argument(offset uint32) uint64 {
	value, _ := f.memory.ReadUint64Le(uint32(f.uint64(offset)))
	return value
}
