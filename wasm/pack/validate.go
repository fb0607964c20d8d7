package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// validate has an engine check both modules and link them, and compares the memory that they make together with the
// one that they were made from.
func validate(primary, deferred []section, memory []byte) error {
	ctx := context.Background()
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer runtime.Close(ctx)
	if err := offerNothing(ctx, runtime, primary); err != nil {
		return err
	}
	config := wazero.NewModuleConfig().WithStartFunctions()
	linked, err := runtime.InstantiateWithConfig(ctx, encodeSections(primary), config.WithName(deferredImports))
	if err != nil {
		return fmt.Errorf("an engine refuses the primary module: %w", err)
	}
	if _, err := runtime.InstantiateWithConfig(ctx, encodeSections(deferred), config.WithName("deferred")); err != nil {
		return fmt.Errorf("an engine refuses the deferred module: %w", err)
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
	return fmt.Errorf("the two modules together do not make the memory that they were made from: address %d differs", at)
}

// offerNothing offers what a module imports, none of which may be called.
func offerNothing(ctx context.Context, runtime wazero.Runtime, sections []section) error {
	imports, err := find(sections, importSection)
	if err != nil {
		return err
	}
	names, err := readImports(imports.content)
	if err != nil {
		return err
	}
	builder := runtime.NewHostModuleBuilder("gojs")
	for _, name := range names {
		never := api.GoModuleFunc(func(context.Context, api.Module, []uint64) { panic(errors.New(name + " is called")) })
		builder.NewFunctionBuilder().WithGoModuleFunction(never, []api.ValueType{api.ValueTypeI32}, nil).Export(name)
	}
	_, err = builder.Instantiate(ctx)
	return err
}
