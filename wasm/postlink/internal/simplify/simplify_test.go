package simplify

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"open-payments-wasm/wasm/postlink/internal/fixture"
	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// Opcodes that only these tests write.
const (
	opUnreachable = 0x00
	opElse        = 0x05
	opI32And      = 0x71
)

// outcome is what comes of a function: its result, or that it traps, and what it leaves behind.
type outcome struct {
	result  uint64
	isTrap  bool
	pointer uint64
	memory  string
}

// runBody runs a function that takes the number of a part, with a stack pointer.
func runBody(t *testing.T, body []byte, part, pointer uint64) outcome {
	t.Helper()
	ctx := context.Background()
	engine := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer engine.Close(ctx)
	content := make([]byte, 512)
	for i := range content {
		content[i] = byte(i * 7)
	}
	module := wasm.Module{
		{ID: wasm.TypeSection, Content: []byte{1, wasm.Func, 1, wasm.I32, 1, wasm.I32}},
		{ID: wasm.FunctionSection, Content: []byte{1, 0}},
		{ID: wasm.MemorySection, Content: []byte{1, 0, 1}},
		{ID: wasm.GlobalSection, Content: slices.Concat([]byte{2, wasm.I32, 1}, wasm.AppendSigned([]byte{op.I32Const}, int64(pointer)),
			[]byte{op.End, wasm.I32, 1, op.I32Const, 0, op.End})},
		{ID: wasm.ExportSection, Content: slices.Concat([]byte{3}, wasm.AppendVector(nil, []byte("run")), []byte{0, 0}, wasm.AppendVector(nil,
			[]byte("mem")), []byte{2, 0},
			wasm.AppendVector(nil, []byte("sp")), []byte{3, 0})},
		{ID: wasm.CodeSection, Content: wasm.EncodeBodies([][]byte{body})},
		{ID: wasm.DataSection, Content: wasm.EncodeSegments([]wasm.Segment{{Address: 0, Content: content}})},
	}
	instance, err := engine.Instantiate(ctx, module.Encode())
	if err != nil {
		t.Fatalf("%x: %v", body, err)
	}
	results, err := instance.ExportedFunction("run").Call(ctx, part)
	if len(results) == 0 {
		results = []uint64{0}
	}
	memory, _ := instance.Memory().Read(0, 1024)
	return outcome{results[0], err != nil, instance.ExportedGlobal("sp").Get(), string(memory)}
}

// instructionsOf reads instructions from their bytes.
func instructionsOf(t *testing.T, code ...byte) []wasm.Instruction {
	t.Helper()
	functions := wasm.Functions{Bodies: [][]byte{slices.Concat([]byte{0}, code, []byte{op.End})}}
	_, instructions, err := functions.Read(0)
	if err != nil {
		t.Fatalf("%x: %v", code, err)
	}
	return instructions[:len(instructions)-1]
}

// goLocals declares those of a function: two i32, the first of which is its argument, and two i64.
var goLocals = []byte{2, 1, wasm.I32, 2, wasm.I64}

// trace adds a number to a list at the stack pointer, which it moves.
func trace(number byte) []byte {
	return []byte{op.LocalGet, 1, op.I32Const, number, op.I32Store, 2, 0, op.LocalGet, 1, op.I32Const, 4, op.I32Add, op.LocalTee, 1,
		op.GlobalSet, golang.SP}
}

// jump goes on with a part, by way of the loop that is so many blocks outside.
func jump(part, outside byte) []byte {
	return []byte{op.I32Const, part, op.LocalSet, golang.LocalResume, op.Br, outside}
}

// fromStack returns a condition: whether a byte near the first stack pointer is odd.
func fromStack(at byte) []byte {
	return []byte{op.I32Const, at, op.I32Load, 0, 0, op.I32Const, 1, opI32And}
}

// dispatch begins a function of four parts, which the numbers 0 to 5 stand for, as Go's compiler does.
var dispatch = []byte{
	op.GlobalGet, golang.SP, op.LocalSet, 1, op.Block, wasm.Void, op.Loop, wasm.Void,
	op.Block, wasm.Void, op.Block, wasm.Void, op.Block, wasm.Void, op.Block, wasm.Void,
	op.LocalGet, golang.LocalResume, op.BrTable, 5, 0, 1, 1, 2, 2, 3, op.End,
}

func ifThen(condition []byte, then ...byte) []byte {
	return slices.Concat(condition, []byte{op.If, wasm.Void}, then, []byte{op.End})
}

func TestJumpsForwardAreDirect(t *testing.T) {
	end := []byte{op.End}
	parts := func(second []byte) []byte {
		return slices.Concat(dispatch,
			trace(10), ifThen(fromStack(3), jump(3, 4)...), ifThen(fromStack(4), slices.Concat(trace(11), jump(5, 4))...), end,
			trace(20), second, end,
			trace(30), jump(5, 1), end,
			trace(40), ifThen(fromStack(5), jump(9, 1)...), []byte{op.I32Const, 0, op.Return},
			end, []byte{opUnreachable}, end, []byte{op.I32Const, 1})
	}
	backward := ifThen([]byte{op.LocalGet, 1, op.I32Const, 96, op.I32LtU}, jump(0, 3)...)
	before := parts(slices.Concat(backward, ifThen(fromStack(6), slices.Concat(jump(5, 3), trace(21))...), jump(3, 2)))
	after := slices.Concat(dispatch,
		trace(10), fromStack(3), []byte{op.BrIf, 1}, ifThen(fromStack(4), slices.Concat(trace(11), []byte{op.Br, 3})...), end,
		trace(20), backward, ifThen(fromStack(6), slices.Concat([]byte{op.Br, 2}, trace(21))...), []byte{op.Br, 0}, end,
		trace(30), []byte{op.Br, 0}, end,
		trace(40), ifThen(fromStack(5), jump(9, 1)...), []byte{op.I32Const, 0, op.Return},
		end, []byte{opUnreachable}, end, []byte{op.I32Const, 1})
	got := shortenJumps(instructionsOf(t, before...))
	if want := instructionsOf(t, after...); !bytes.Equal(wasm.EncodeBody(nil, got), wasm.EncodeBody(nil, want)) {
		t.Fatalf("got  %x\nwant %x", wasm.EncodeBody(nil, got), wasm.EncodeBody(nil, want))
	}
	for part := range uint64(7) {
		for pointer := uint64(60); pointer < 100; pointer += 4 {
			one := runBody(t, slices.Concat(goLocals, before, end), part, pointer)
			other := runBody(t, slices.Concat(goLocals, wasm.EncodeBody(nil, got), end), part, pointer)
			if one != other {
				t.Errorf("from part %d with %d they differ: %+v %+v", part, pointer, one, other)
			}
		}
	}
}

func TestJumpsStayWhereTheFormIsAnother(t *testing.T) {
	end := []byte{op.End, op.End, op.End, op.End, op.End, opUnreachable, op.End, op.I32Const, 1}
	for name, code := range map[string][]byte{
		"no loop":                   {op.Block, wasm.Void, op.Block, wasm.Void, op.I32Const, 0, op.LocalSet, 0, op.Br, 0, op.End, op.End, op.I32Const, 0},
		"the number is used":        slices.Concat(dispatch, jump(5, 3), []byte{op.LocalGet, 0, op.Drop}, end[1:]),
		"a way out, not the loop":   slices.Concat(dispatch, jump(5, 2), end[1:]),
		"the number was set before": slices.Concat(dispatch, jump(5, 3), []byte{op.I32Const, 2, op.LocalSet, 0, op.End, op.LocalGet, 0, op.Drop}, end[2:]),
		"another local":             slices.Concat(dispatch, []byte{op.I32Const, 5, op.LocalSet, 1, op.Br, 3}, end[1:]),
		"a number that is counted":  slices.Concat(dispatch, []byte{op.LocalGet, 1, op.LocalSet, 0, op.Br, 3}, end[1:]),
		"only a loop":               {op.Loop, wasm.Void, op.End, op.I32Const, 0},
		"no blocks":                 {op.Loop, wasm.Void, op.I32Const, 0, op.LocalSet, 0, op.Br, 0, op.End, op.I32Const, 0},
	} {
		got := wasm.EncodeBody(nil, shortenJumps(instructionsOf(t, code...)))
		if !bytes.Equal(got, code) {
			t.Errorf("%s: %x\nwas %x", name, got, code)
		}
	}
	// A number that is set and asked for at once does not matter.
	scratch := []byte{op.LocalGet, 1, op.LocalSet, 0, op.I32Const, 0, op.LocalGet, 0, op.Drop, op.Drop}
	got := wasm.EncodeBody(nil, shortenJumps(instructionsOf(t, slices.Concat(dispatch, scratch, jump(5, 3), end[1:])...)))
	if want := slices.Concat(dispatch, scratch, []byte{op.Br, 2}, end[1:]); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestJumpsWithinBlocks(t *testing.T) {
	end := []byte{op.End, op.End, op.End, op.End, opUnreachable, op.End, op.I32Const, 1}
	for name, test := range map[string]struct{ before, after []byte }{
		"before an else": {slices.Concat(fromStack(3), []byte{op.If, wasm.Void}, jump(5, 4), []byte{opElse}, trace(2), []byte{op.End}),
			slices.Concat(fromStack(3), []byte{op.If, wasm.Void, op.Br, 3, opElse}, trace(2), []byte{op.End})},
		"after an else": {slices.Concat(fromStack(3), []byte{op.If, wasm.Void}, trace(2), []byte{opElse}, jump(3, 4), []byte{op.End}),
			slices.Concat(fromStack(3), []byte{op.If, wasm.Void}, trace(2), []byte{opElse, op.Br, 2, op.End})},
		"in a loop": {slices.Concat([]byte{op.Loop, wasm.Void}, trace(2), ifThen(fromStack(3), jump(1, 5)...), jump(5, 4), []byte{op.End}),
			slices.Concat([]byte{op.Loop, wasm.Void}, trace(2), fromStack(3), []byte{op.BrIf, 1, op.Br, 3, op.End})},
		"to what follows": {ifThen(fromStack(3), jump(1, 4)...), slices.Concat(fromStack(3), []byte{op.BrIf, 0})},
	} {
		t.Run(name, func(t *testing.T) {
			got := wasm.EncodeBody(nil, shortenJumps(instructionsOf(t, slices.Concat(dispatch, test.before, end)...)))
			if want := slices.Concat(dispatch, test.after, end); !bytes.Equal(got, want) {
				t.Fatalf("got  %x\nwant %x", got, want)
			}
			for part := range uint64(4) {
				before := runBody(t, slices.Concat(goLocals, dispatch, test.before, end, []byte{op.End}), part, 64)
				if after := runBody(t, slices.Concat(goLocals, got, []byte{op.End}), part, 64); before != after {
					t.Errorf("from part %d they differ: %+v %+v", part, before, after)
				}
			}
		})
	}
}

func TestStepsAreFewer(t *testing.T) {
	sp := []byte{op.LocalGet, 1}
	far := wasm.AppendSigned([]byte{op.I64Const}, 200)
	rise := func(from, by, to, global byte) []byte {
		return []byte{op.LocalGet, from, op.I32Const, by, op.I32Add, op.LocalTee, to, op.GlobalSet, global}
	}
	up := func(by byte) []byte { return rise(1, by, 1, 0) }
	unchanged := func(parts ...[]byte) (same struct{ before, after []byte }) {
		same.before = append(slices.Concat(parts...), op.I32Const, 0)
		same.after = same.before
		return same
	}
	wide := func(by byte) []byte {
		return []byte{op.LocalGet, 1, op.I64ExtendI32, op.I64Const, by, op.I64Add, op.I32Wrap}
	}
	for name, test := range map[string]struct{ before, after []byte }{
		"an address": {wide(8), []byte{op.LocalGet, 1, op.I32Const, 8, op.I32Add}},
		"an address below": {slices.Concat(wide(0x78), []byte{op.I32Load, 2, 0}),
			[]byte{op.LocalGet, 1, op.I32Const, 0x78, op.I32Add, op.I32Load, 2, 0}},
		"a load": {slices.Concat(wide(8), []byte{op.I64Load, 0, 3, op.I64Eqz}), []byte{op.LocalGet, 1, op.I64Load, 0, 11, op.I64Eqz}},
		"a store": {slices.Concat(wide(8), []byte{op.I64Const, 5, op.I64Store, 3, 0, op.I32Const, 1}),
			[]byte{op.LocalGet, 1, op.I64Const, 5, op.I64Store, 3, 8, op.I32Const, 1}},
		"a byte stored": {slices.Concat(wide(8), []byte{op.I64Const, 5, 0x3c, 0, 1, op.I32Const, 1}),
			[]byte{op.LocalGet, 1, op.I64Const, 5, 0x3c, 0, 9, op.I32Const, 1}},
		"what is loaded is stored": {slices.Concat(wide(8), wide(16), []byte{op.I64Load, 3, 0, op.LocalGet, 2, op.I64Add, op.I64Store, 3, 0,
			op.I32Const, 1}),
			[]byte{op.LocalGet, 1, op.LocalGet, 1, op.I64Load, 3, 16, op.LocalGet, 2, op.I64Add, op.I64Store, 3, 8, op.I32Const, 1}},
		"a store of what is not easy": {slices.Concat(wide(8), []byte{op.I64Const, 7, op.LocalTee, 2, op.I64Store, 3, 0, op.I32Const, 1}),
			[]byte{op.LocalGet, 1, op.I32Const, 8, op.I32Add, op.I64Const, 7, op.LocalTee, 2, op.I64Store, 3, 0, op.I32Const, 1}},
		"an address of a constant": {slices.Concat(far, []byte{op.I32Wrap, op.I32Load, 2, 0}),
			slices.Concat(wasm.AppendSigned([]byte{op.I32Const}, 200), []byte{op.I32Load, 2, 0})},
		"half of what is loaded": {slices.Concat(sp, []byte{op.I64Load, 3, 4, op.I32Wrap}), slices.Concat(sp, []byte{op.I32Load, 2, 4})},
		"as much as is loaded":   {slices.Concat(sp, []byte{op.I64Load32U, 2, 4, op.I32Wrap}), slices.Concat(sp, []byte{op.I32Load, 2, 4})},
		"a byte that is loaded":  {slices.Concat(sp, []byte{0x31, 0, 4, op.I32Wrap}), slices.Concat(sp, []byte{0x31, 0, 4, op.I32Wrap})},
		"a condition": {slices.Concat(sp, []byte{op.I32Const, 80, op.I32LtU, op.I64ExtendI32, op.I64Eqz, op.I32Eqz}),
			slices.Concat(sp, []byte{op.I32Const, 80, op.I32LtU})},
		"a number that is no 0":     {slices.Concat(sp, []byte{op.I32Eqz, op.I32Eqz, op.I32Eqz}), slices.Concat(sp, []byte{op.I32Eqz})},
		"a number, not a condition": {slices.Concat(sp, []byte{op.I32Eqz, op.I32Eqz}), slices.Concat(sp, []byte{op.I32Eqz, op.I32Eqz})},
		"the end of a function":     {slices.Concat(up(16), up(8), []byte{op.I32Const, 0}), slices.Concat(up(24), []byte{op.I32Const, 0})},
		"after a block":             unchanged([]byte{op.Block, wasm.Void, op.LocalGet, 1, op.I32Eqz, op.Drop, op.End, op.LocalGet, 1, op.I32Eqz, op.Drop}),
		"of another local":          unchanged(up(16), rise(0, 8, 1, 0)),
		"into another local":        unchanged(up(16), rise(1, 8, 0, 0)),
		"from another local":        unchanged(rise(1, 16, 0, 0), up(8)),
		"of another register":       unchanged(rise(1, 16, 1, 1), up(8)),
	} {
		t.Run(name, func(t *testing.T) {
			got := wasm.EncodeBody(nil, peephole(instructionsOf(t, test.before...)))
			if !bytes.Equal(got, test.after) {
				t.Fatalf("got  %x\nwant %x", got, test.after)
			}
			begin, end := slices.Concat(goLocals, []byte{op.GlobalGet, 0, op.LocalSet, 1, op.I64Const, 9, op.LocalSet, 2}), []byte{op.End}
			for _, pointer := range []uint64{0, 8, 80, 300} {
				one, other := runBody(t, slices.Concat(begin, test.before, end), 0, pointer), runBody(t, slices.Concat(begin, got, end), 0, pointer)
				if one != other {
					t.Errorf("with %d they differ: %+v %+v", pointer, one, other)
				}
			}
		})
	}
}

func TestOppositesAreTrueWhereOthersAreFalse(t *testing.T) {
	values := []int64{-2, -1, 0, 1, 2}
	for _, kind := range []struct{ first, constant byte }{{op.I32Eq, op.I32Const}, {op.I64Eq, op.I64Const}} {
		for opcode := kind.first; opcode < kind.first+10; opcode++ {
			t.Run(fmt.Sprintf("%#x", opcode), func(t *testing.T) {
				for _, a := range values {
					for _, b := range values {
						compare := wasm.AppendSigned([]byte{kind.constant}, a)
						compare = wasm.AppendSigned(append(compare, kind.constant), b)
						compare = append(compare, opcode, op.I32Eqz)
						shorter := wasm.EncodeBody(nil, peephole(instructionsOf(t, compare...)))
						if len(shorter) != len(compare)-1 {
							t.Fatalf("%x from %x", shorter, compare)
						}
						one := runBody(t, slices.Concat([]byte{0}, compare, []byte{op.End}), 0, 0)
						if other := runBody(t, slices.Concat([]byte{0}, shorter, []byte{op.End}), 0, 0); one != other {
							t.Errorf("%d and %d: %d, %d", a, b, one.result, other.result)
						}
					}
				}
			})
		}
	}
}

func TestModuleIsSimplified(t *testing.T) {
	short := fixture.Func("main.short", fixture.KindGo, []byte{op.I64Const, 5, op.I32Wrap})
	direct := fixture.Func("main.direct", fixture.KindGo, slices.Concat(dispatch[6:], jump(5, 3), []byte{op.End, op.End, op.End, op.End,
		op.I32Const, 1}))
	sections := fixture.Module("anything", []fixture.Function{short, direct})
	if functions, err := Jumps(sections); err != nil || functions != 1 {
		t.Errorf("%d functions jump, %v", functions, err)
	}
	if functions, err := Peephole(sections); err != nil || functions != 1 {
		t.Errorf("%d functions have fewer instructions, %v", functions, err)
	}
	code, _ := sections.Find(wasm.CodeSection)
	if want := []byte{2, 4, 0, op.I32Const, 5, op.End}; !bytes.HasPrefix(code.Content, want) {
		t.Errorf("got %x, want %x", code.Content, want)
	}
}

func TestWhatNeverChangesIsRefused(t *testing.T) {
	module := func(body ...byte) wasm.Module {
		return fixture.Module("anything", []fixture.Function{fixture.Func("main.main", fixture.KindGo, body)})
	}
	for want, test := range map[string]struct {
		pass   func(wasm.Module) (int, error)
		module wasm.Module
	}{
		"no function jumps forward by way of its br_table":                         {Jumps, module(op.I64Const, 5, op.I32Wrap)},
		"nothing was found in any function":                                        {Peephole, module(op.I32Const, 5)},
		"the code section, function 1 (main.main), at byte 3: the body has no end": {Jumps, module(op.I32Const)},
		"the code section, function 1 (main.main), at byte 1: opcode 0xfd, whi":    {Peephole, module(0xfd)},
	} {
		if _, err := test.pass(test.module); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
