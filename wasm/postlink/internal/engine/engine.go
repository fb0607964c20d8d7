// Package engine has an engine look at what comes of linking.
package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"open-payments-wasm/wasm/postlink/internal/protocol"
	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// Check has an engine validate the modules and link them, and compares the memory that they make together with the
// one that they were made from. The deferred module is nil where there is none. No function of Go runs.
func Check(primary, deferred wasm.Module, memory []byte) error {
	ctx := context.Background()
	engine := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer engine.Close(ctx)
	if err := offerNothing(ctx, engine, primary); err != nil {
		return err
	}
	config := wazero.NewModuleConfig().WithStartFunctions()
	linked, err := engine.InstantiateWithConfig(ctx, primary.Encode(), config.WithName(protocol.PrimaryName))
	if err != nil {
		return fmt.Errorf("an engine refuses the primary module: %w", err)
	}
	others := make(map[string][]byte)
	if deferred != nil {
		others["deferred"] = deferred.Encode()
	}
	if embedded, isThere := primary.Custom(protocol.EmbeddedSection); isThere {
		others["embedded"] = embedded
	}
	for name, module := range others {
		if _, err := engine.InstantiateWithConfig(ctx, module, config.WithName(name)); err != nil {
			return fmt.Errorf("an engine refuses the %s module: %w", name, err)
		}
	}
	return checkMemory(linked.Memory(), memory)
}

func checkMemory(memory api.Memory, want []byte) error {
	got, _ := memory.Read(0, memory.Size())
	got, beyond := got[:min(len(got), len(want))], got[min(len(got), len(want)):]
	if bytes.Equal(got, want) && len(bytes.Trim(beyond, "\x00")) == 0 {
		return nil
	}
	at := 0
	for at < len(got) && got[at] == want[at] {
		at++
	}
	return fmt.Errorf("what was linked does not begin with the memory of what it was made from: address %d differs", at)
}

// offerNothing offers what a module imports, none of which may be called.
func offerNothing(ctx context.Context, engine wazero.Runtime, module wasm.Module) error {
	names, err := module.Imports()
	if err != nil {
		return err
	}
	builder := engine.NewHostModuleBuilder("gojs")
	for _, name := range names {
		never := api.GoModuleFunc(func(context.Context, api.Module, []uint64) { panic(errors.New(name + " is called")) })
		builder.NewFunctionBuilder().WithGoModuleFunction(never, []api.ValueType{api.ValueTypeI32}, nil).Export(name)
	}
	_, err = builder.Instantiate(ctx)
	return err
}
