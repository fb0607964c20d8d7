// Package snapshot starts a program, and makes a module that is the program once it has started.
//
// A Go program initialises its runtime and all its packages before main. A browser compiles every
// function for that first: it was most of the time that a start took. But it comes to the same each
// time, so it happens here, once: the module runs until it waits, and starts in the
// browser as what its memory and its globals are then. What it got from JavaScript on the way is
// written down, for js/snapshot.js to get again; and Go's generators of random numbers get seeds
// of their own in every instance. The key that all maps mix into their hashes stays that of the build, and
// is no secret: each map that is made later has a seed besides.
package snapshot

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/protocol"
	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// Start says how a program starts, and where the snapshot is taken.
type Start struct {
	// Ready tells that main calls globalThis.ready, once, when all is set up, and then waits for events: the snapshot is taken there.
	// Without it the snapshot is taken before main.
	Ready bool
	// Arguments are those of the program. The first is its name.
	Arguments []string
	// Globals says what a program that starts finds below globalThis: by a path such as "fs.constants.O_EXCL", what typeof says of it,
	// or a number. It comes before what Go's own packages are known to look for.
	Globals map[string]any
}

// Taken is what comes of a snapshot.
type Taken struct {
	Module   wasm.Module
	Written  []uint64 // the words of the memory that the program has written
	Accesses int      // to JavaScript
}

// Take returns a module that is where the given one is once it has started.
func Take(module wasm.Module, start Start) (Taken, error) {
	module = slices.Clone(module)
	if err := golang.ExportRegisters(module); err != nil {
		return Taken{}, err
	}
	before, err := module.Memory()
	if err != nil {
		return Taken{}, err
	}
	started, err := run(module, start)
	if err != nil {
		return Taken{}, fmt.Errorf("the module does not start: %w", err)
	}
	if !start.Ready {
		if err := golang.ExportLoop(module, protocol.ProceedExport); err != nil {
			return Taken{}, err
		}
		started.trace = append(started.trace, protocol.Access{"proceed"})
	}
	if err := started.replace(module); err != nil {
		return Taken{}, err
	}
	content, err := started.forJavaScript()
	if err != nil {
		return Taken{}, err
	}
	return Taken{module.WithCustom(protocol.SnapshotSection, content), written(before, started.memory), len(started.trace)}, nil
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

// started is a program of Go that has started.
type started struct {
	memory  []byte
	globals []uint64
	trace   []protocol.Access
}

// replace makes a module begin where the program is.
func (s *started) replace(module wasm.Module) error {
	memory, err := module.Find(wasm.MemorySection)
	if err != nil {
		return err
	}
	memory.Content = binary.AppendUvarint([]byte{1, 0}, uint64(len(s.memory)/pageSize))
	globals, err := module.Find(wasm.GlobalSection)
	if err != nil {
		return err
	}
	globals.Content = golang.EncodeRegisters(s.globals)
	return module.ReplaceData(wasm.Segment{Address: 0, Content: s.memory}.Split())
}

// forJavaScript returns what it has to do in every instance.
func (s *started) forJavaScript() ([]byte, error) {
	random := golang.FindRandomStates(s.memory)
	if len(random) != golang.RuntimeGenerators {
		return nil, fmt.Errorf("%d states of ChaCha8 generators are in the memory, where Go's runtime has %d: "+
			"every instance gives those seeds of its own, and one that a package seeded on purpose, or that this Go "+
			"keeps otherwise, cannot be told from them", len(random), golang.RuntimeGenerators)
	}
	return json.Marshal(protocol.Snapshot{Trace: s.trace, Random: random})
}

// run runs a module until it has started.
func run(module wasm.Module, start Start) (*started, error) {
	imports, err := module.Imports()
	if err != nil {
		return nil, err
	}
	program := module
	if !start.Ready {
		if program, err = pauseBeforeMain(module); err != nil {
			return nil, err
		}
	}
	asked := &askers{module: module}
	ctx := experimental.WithFunctionListenerFactory(context.Background(), asked)
	engine := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer engine.Close(ctx)
	script := newJavaScript(start.Globals)
	if err := script.offer(ctx, engine, imports); err != nil {
		return nil, err
	}
	instance, err := engine.InstantiateWithConfig(ctx, program.Encode(), wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		return nil, err
	}
	count, list := writeArguments(instance.Memory(), start.Arguments)
	if _, err := instance.ExportedFunction("run").Call(ctx, count, list); err != nil {
		return nil, err
	}
	if asked.err != nil {
		return nil, asked.err
	}
	if start.Ready && !script.isReady {
		return nil, errors.New("it waits before it has called ready")
	}
	content, _ := instance.Memory().Read(0, instance.Memory().Size())
	result := &started{memory: bytes.Clone(content), trace: script.trace}
	for i := range golang.Registers {
		result.globals = append(result.globals, instance.ExportedGlobal(golang.RegisterName(i)).Get())
	}
	return result, nil
}

// pauseBeforeMain returns a module that pauses where main would begin: with main as what to go on with.
func pauseBeforeMain(module wasm.Module) (wasm.Module, error) {
	program, err := golang.Open(module)
	if err != nil {
		return nil, err
	}
	main, err := program.Find(golang.MainName)
	if err != nil {
		return nil, err
	}
	body := wasm.AppendSigned([]byte{0, op.GlobalGet, golang.SP, op.I32Const, 8, op.I32Sub, op.I64Const}, program.TableIndex(main)<<16)
	body = append(body, op.I64Store, 3, 0, op.I32Const, 1, op.GlobalSet, golang.Pause, op.I32Const, 1, op.End)
	bodies := slices.Clone(program.Bodies)
	bodies[main-program.Imported] = body
	module = slices.Clone(module)
	return module, module.ReplaceBodies(bodies)
}

// memory is that of an instance, as far as the arguments of a program need it.
type memory interface {
	WriteString(offset uint32, text string) bool
	WriteUint64Le(offset uint32, value uint64) bool
}

// writeArguments writes the arguments of a program, and no environment, as wasm_exec.js does. It returns how many there are,
// and the address of their addresses.
func writeArguments(memory memory, arguments []string) (count, list uint64) {
	const first = 4096
	at := uint64(first)
	var addresses []uint64
	for _, argument := range arguments {
		memory.WriteString(uint32(at), argument+"\x00")
		addresses = append(addresses, at)
		at = (at + uint64(len(argument)) + 8) &^ 7
	}
	list = at
	for _, address := range append(addresses, 0, 0) { // after the arguments, and after the environment
		memory.WriteUint64Le(uint32(at), address)
		at += 8
	}
	return uint64(len(arguments)), list
}
