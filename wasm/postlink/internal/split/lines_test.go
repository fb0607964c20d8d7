package split

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"open-payments-wasm/wasm/postlink/internal/fixture"
	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/keep"
	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

func TestWhatDescriptionsAreKept(t *testing.T) {
	const (
		caller, closure, gone, running, both, value, method, second = 1, 2, 3, 4, 5, 6, 7, 8
		after, initialiser, equal, system, stub, begun, computes    = 9, 10, 11, 12, 13, 14, 15
	)
	names := []string{
		caller: "main.caller", closure: "main.closure", gone: "main.gone", running: "main.running", both: "main.both", value: "main.value",
		method: "main.T.first", second: "main.T.second", after: "main.after", initialiser: "main.init.0", equal: "type_.eq.main.T",
		system: "runtime.system", stub: "reflect.makeFuncStub", begun: "runtime.begun",
		computes: "crypto_ecdh.init.func1",
	}
	counter := func(index int) uint64 { return uint64(fixture.FirstGo+int64(index)-1) << 16 }
	memory := make([]byte, 512)
	put := func(at int, values ...uint64) {
		for i, value := range values {
			binary.LittleEndian.PutUint64(memory[at+8*i:], value)
		}
	}
	put(32, counter(value), 1, counter(initialiser), counter(equal), counter(system), counter(gone)+0x10, counter(computes))
	const interfaceType, valueType, itab = 128, 256, 384
	put(interfaceType+16, 0x14<<56) // its kind
	put(interfaceType+64, 2)        // methods
	put(valueType+16, 0x1234)       // its hash
	put(itab, interfaceType, valueType, 0x1234, counter(method), counter(second), counter(after))
	constant := func(value uint64) []byte {
		return append(wasm.AppendSigned([]byte{op.I64Const}, int64(value)), op.Drop)
	}
	bodies := map[int][]byte{
		caller: slices.Concat(constant(counter(closure)), constant(counter(both)), constant(counter(caller)+3), constant(1<<64-8)),
		gone:   constant(counter(gone)),
	}
	var functions []fixture.Function
	for i, name := range names[1:] {
		functions = append(functions, fixture.Func(name, fixture.KindGo, append(bodies[i+1], op.I32Const, 0)))
	}
	c, err := Choose(fixture.Module("anything", append(functions, fixture.Loop)), only("main.caller", "main.both", "reflect.makeFuncStub"), true)
	if err != nil {
		t.Fatal(err)
	}
	got := c.keptDescriptions(memory, []uint64{counter(running) + 2, 5, counter(begun) + 1})
	want := map[int64]golang.Kept{
		caller: golang.KeepsFrame, closure: golang.KeepsFrame, running: golang.KeepsFrame, both: golang.KeepsFrame, value: golang.KeepsFrame,
		after:  golang.KeepsFrame,
		system: golang.KeepsName, stub: golang.KeepsName, begun: golang.KeepsName, 16: golang.KeepsFrame, // 16 is the loop
	}
	for i := range int64(len(names) + 1) {
		if keeps := got[fixture.FirstGo+i-1]; keeps != want[i] {
			t.Errorf("%d keeps %d, want %d", i, keeps, want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v has others", got)
	}
}

func TestDescribersAreDeferred(t *testing.T) {
	everything := keep.List{Keep: rules("*")}
	functions := []fixture.Function{fixture.Func("main.main", fixture.KindGo, []byte{op.I32Const, 0}), fixture.Loop}
	for _, name := range golang.Describers {
		functions = append(functions, fixture.Func(name, fixture.KindGo, []byte{op.I32Const, 0}))
	}
	for name, test := range map[string]struct {
		change fixture.Function
		want   string
	}{
		"all there": {fixture.Func(golang.Describers[1], fixture.KindGo, []byte{op.I32Const, 0}), "runtime.pclntab: no runtime.pcHeader"},
		"one cannot wait": {fixture.Func(golang.Describers[1], fixture.KindGo, []byte{op.I32Const, 0, op.Call, 0, op.I32Const, 0}),
			golang.Describers[1] + " reads runtime.pclntab, and cannot be deferred"},
		"one is not linked": {fixture.Func("main.other", fixture.KindGo, []byte{op.I32Const, 0}),
			"what reads runtime.pclntab: the module has no function " + golang.Describers[1]},
	} {
		functions[3] = test.change
		c, err := Choose(fixture.Module("anything", functions), everything, true)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Lines([]byte("nothing"), nil)
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
