package snapshot

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"open-payments-wasm/wasm/postlink/internal/fixture"
	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// object returns a value as Go holds it.
func object(number uint64) []byte {
	return binary.LittleEndian.AppendUint64(nil, (nanHead|kinds["object"])<<32|number)
}

// starting returns a module whose start calls one imported function, with this on the stack.
func starting(imported string, stack ...[]byte) wasm.Module {
	const sp = 8192
	content := append(make([]byte, 8), bytes.Join(stack, nil)...)
	run := append(wasm.AppendSigned([]byte{op.I32Const}, sp), op.Call, 0)
	return fixture.Module(imported, []fixture.Function{fixture.Func("wasm_export_run", fixture.KindRun, run)}, wasm.Segment{Address: sp,
		Content: content}, wasm.Segment{Address: 16384, Content: []byte("ready_nobody_Object")})
}

func text(offset, length uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 16384+offset), length)
}

func TestSnapshotKnowsWhatItStandsInFor(t *testing.T) {
	number := binary.LittleEndian.AppendUint64(nil, math.Float64bits(7))
	for name, test := range map[string]struct {
		module wasm.Module
		want   string
	}{
		"a property":      {starting("syscall/js.valueGet", object(5), text(6, 6)), "what globalThis.nobody is must be said in Options.Globals"},
		"of no object":    {starting("syscall/js.valueGet", number, text(13, 6)), "is no object"},
		"a method":        {starting("syscall/js.valueCall", object(5), text(6, 6), text(0, 0)), "globalThis.nobody"},
		"a class":         {starting("syscall/js.valueNew", object(6), text(0, 0)), "new go"},
		"a function":      {starting("syscall/js.valueInvoke"), "syscall/js.valueInvoke: no program needs it to start"},
		"waits too early": {starting("syscall/js.valueGet", object(5), text(13, 6)), "waits before it has called ready"},
		"other registers": {withGlobals(starting("syscall/js.valueInvoke")),
			"the registers of Go: the global section, at byte 0: 09 stands here, where 08"},
		"no random numbers": {starting("syscall/js.valueCall", object(5), text(0, 5), text(0, 1)),
			"0 states of ChaCha8 generators are in the memory, where Go's runtime has 2"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Take(test.module, Start{Ready: true}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// withGlobals gives a module a register more.
func withGlobals(sections wasm.Module) wasm.Module {
	if _, err := sections.Extend(wasm.GlobalSection, wasm.I32, 1, op.I32Const, 0, op.End); err != nil {
		panic(err)
	}
	return sections
}
