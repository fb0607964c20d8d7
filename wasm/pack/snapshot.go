package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// A Go program initialises its runtime and all its packages before main. A browser compiles every
// function for that first: it was most of the time that a start took. But it comes to the same each
// time, so it happens here, once: the module runs until it waits for its first call, and starts in the
// browser as what its memory and its globals are then. What it got from JavaScript on the way is
// written down, for wasm/sdk/snapshot.js to get again; and Go's generators of random numbers get seeds
// of their own in every instance. The key that all maps mix into their hashes stays that of the build, and
// is no secret: each map that is made later has a seed besides.

// snapshotName is the custom section with what JavaScript has to do for a module to go on.
const snapshotName = "snapshot"

// snapshot is the content of that section, in JSON.
type snapshot struct {
	Trace  []traceEntry `json:"trace"`
	Random []uint32     `json:"random"` // addresses of the states of random generators
}

// takeSnapshot returns a module that is where the given one is once it waits, and the program counters
// that Go wrote into its memory by then: those of functions that are on a stack are among them.
func takeSnapshot(sections []section, said *report) (taken []section, counters []uint64, err error) {
	sections = slices.Clone(sections)
	if err := exportGlobals(sections); err != nil {
		return nil, nil, err
	}
	before, err := memoryIn(sections)
	if err != nil {
		return nil, nil, err
	}
	started, err := startModule(sections)
	if err != nil {
		return nil, nil, fmt.Errorf("the module does not start: %w", err)
	}
	if err := started.replace(sections); err != nil {
		return nil, nil, err
	}
	content, err := started.forJavaScript()
	if err != nil {
		return nil, nil, err
	}
	taken = append(sections, section{customSection, append(appendVector(nil, []byte(snapshotName)), content...)})
	said.add("snapshot", fmt.Sprintf("%d accesses to JavaScript, then it waits for its first call", len(started.trace)), taken, nil)
	return taken, written(before, started.memory), nil
}

// written returns the words that are in the memory after something, and were not there before.
func written(before, after []byte) []uint64 {
	var words []uint64
	for at := 0; at+8 <= len(after); at += 8 {
		word := after[at : at+8]
		if at+8 > len(before) || !bytes.Equal(word, before[at:at+8]) {
			words = append(words, binary.LittleEndian.Uint64(word))
		}
	}
	return words
}

const pageSize = 1 << 16

func encodeGlobals(values []uint64) []byte {
	content := []byte{byte(len(values))}
	for i, kind := range goGlobals {
		content = append(content, kind, 1)
		if kind == typeI32 {
			content = appendSigned(append(content, opI32Const), int64(int32(values[i])))
		} else {
			content = appendSigned(append(content, opI64Const), int64(values[i]))
		}
		content = append(content, opEnd)
	}
	return content
}

// started is a program of Go that has initialised itself and waits for an event.
type started struct {
	memory  []byte
	globals []uint64
	trace   []traceEntry
}

// replace makes a module begin where the program is.
func (s *started) replace(sections []section) error {
	for id, content := range map[byte][]byte{
		memorySection: binary.AppendUvarint([]byte{1, 0}, uint64(len(s.memory)/pageSize)),
		globalSection: encodeGlobals(s.globals),
		dataSection:   encodeSegments(segment{0, s.memory}.split()),
	} {
		section, err := find(sections, id)
		if err != nil {
			return err
		}
		section.content = content
	}
	return nil
}

// runtimeGenerators is how many generators Go's runtime has: the one that it starts with, and that of its only thread.
const runtimeGenerators = 2

// forJavaScript returns what it has to do in every instance.
func (s *started) forJavaScript() ([]byte, error) {
	random := findRandomStates(s.memory)
	if len(random) != runtimeGenerators {
		return nil, fmt.Errorf("%d states of ChaCha8 generators are in the memory, where Go's runtime has %d: "+
			"every instance gives those seeds of its own, and one that a package seeded on purpose, or that this Go "+
			"keeps otherwise, cannot be told from them", len(random), runtimeGenerators)
	}
	return json.Marshal(snapshot{s.trace, random})
}

// startModule runs a module until it waits.
func startModule(sections []section) (*started, error) {
	imported, err := find(sections, importSection)
	if err != nil {
		return nil, err
	}
	imports, err := readImports(imported.content)
	if err != nil {
		return nil, err
	}
	asked := &askers{sections: sections}
	ctx := experimental.WithFunctionListenerFactory(context.Background(), asked)
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer runtime.Close(ctx)
	script := &javascript{}
	if err := script.offer(ctx, runtime, imports); err != nil {
		return nil, err
	}
	instance, err := runtime.InstantiateWithConfig(ctx, encodeSections(sections), wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		return nil, err
	}
	// The arguments, as wasm_exec.js writes them: the name of the program, nothing else, no environment.
	const name, list = 4096, 4104
	instance.Memory().WriteString(name, "js\x00")
	instance.Memory().WriteUint64Le(list, name)
	if _, err := instance.ExportedFunction("run").Call(ctx, 1, list); err != nil {
		return nil, err
	}
	if asked.err != nil {
		return nil, asked.err
	}
	if !script.isReady {
		return nil, fmt.Errorf("it waits before it has called ready")
	}
	content, _ := instance.Memory().Read(0, instance.Memory().Size())
	result := &started{memory: bytes.Clone(content), trace: script.trace}
	for i := range goGlobals {
		result.globals = append(result.globals, instance.ExportedGlobal(globalName(i)).Get())
	}
	return result, nil
}

// The state of a generator as internal/chacha8rand keeps it: 32 numbers made at once, the seed, how
// many of the numbers are used, how many may be, and which block of the seed they are.
const (
	randomBuffer = 32 * 8
	randomSeed   = 4 * 8
	randomState  = randomBuffer + randomSeed + 3*4
)

// findRandomStates returns the addresses in memory of the states of ChaCha8 generators: wherever the
// numbers are those that come from the seed beside them.
func findRandomStates(memory []byte) []uint32 {
	var found []uint32
	for at := 0; at+randomState <= len(memory); at += 8 {
		state := memory[at : at+randomState]
		counters := state[randomBuffer+randomSeed:]
		used, filled := binary.LittleEndian.Uint32(counters), binary.LittleEndian.Uint32(counters[4:])
		block := binary.LittleEndian.Uint32(counters[8:])
		if used > filled || filled == 0 || filled > 32 || block > 12 || block%4 != 0 {
			continue
		}
		if isRandomState(state, block) {
			found = append(found, uint32(at))
		}
	}
	return found
}

func isRandomState(state []byte, block uint32) bool {
	// The form in which math/rand/v2 reads a state: how many numbers of the seed are used, and the seed.
	text := binary.BigEndian.AppendUint64([]byte("chacha8:"), uint64(block/4*32))
	var generator rand.ChaCha8
	if generator.UnmarshalBinary(append(text, state[randomBuffer:randomBuffer+randomSeed]...)) != nil {
		return false
	}
	for i := range 4 {
		if generator.Uint64() != binary.LittleEndian.Uint64(state[i*8:]) {
			return false
		}
	}
	return true
}
