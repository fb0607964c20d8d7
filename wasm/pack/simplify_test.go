package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
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
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer runtime.Close(ctx)
	content := make([]byte, 512)
	for i := range content {
		content[i] = byte(i * 7)
	}
	module := []section{
		{typeSection, []byte{1, typeFunc, 1, typeI32, 1, typeI32}},
		{functionSection, []byte{1, 0}},
		{memorySection, []byte{1, 0, 1}},
		{globalSection, slices.Concat([]byte{2, typeI32, 1}, appendSigned([]byte{opI32Const}, int64(pointer)),
			[]byte{opEnd, typeI32, 1, opI32Const, 0, opEnd})},
		{exportSection, slices.Concat([]byte{3}, appendVector(nil, []byte("run")), []byte{0, 0}, appendVector(nil, []byte("mem")), []byte{2, 0},
			appendVector(nil, []byte("sp")), []byte{3, 0})},
		{codeSection, encodeBodies([][]byte{body})},
		{dataSection, encodeSegments([]segment{{0, content}})},
	}
	instance, err := runtime.Instantiate(ctx, encodeSections(module))
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
func instructionsOf(t *testing.T, code ...byte) []instruction {
	t.Helper()
	_, instructions, err := readBody(slices.Concat([]byte{0}, code, []byte{opEnd}))
	if err != nil {
		t.Fatalf("%x: %v", code, err)
	}
	return instructions[:len(instructions)-1]
}

// goLocals declares those of a function: two i32, the first of which is its argument, and two i64.
var goLocals = []byte{2, 1, typeI32, 2, typeI64}

// trace adds a number to a list at the stack pointer, which it moves.
func trace(number byte) []byte {
	return []byte{opLocalGet, 1, opI32Const, number, opI32Store, 2, 0, opLocalGet, 1, opI32Const, 4, opI32Add, opLocalTee, 1, opGlobalSet, globalSP}
}

// jump goes on with a part, by way of the loop that is so many blocks outside.
func jump(part, outside byte) []byte {
	return []byte{opI32Const, part, opLocalSet, localResume, opBr, outside}
}

// fromStack returns a condition: whether a byte near the first stack pointer is odd.
func fromStack(at byte) []byte {
	return []byte{opI32Const, at, opI32Load, 0, 0, opI32Const, 1, opI32And}
}

// dispatch begins a function of four parts, which the numbers 0 to 5 stand for, as Go's compiler does.
var dispatch = []byte{
	opGlobalGet, globalSP, opLocalSet, 1, opBlock, typeVoid, opLoop, typeVoid,
	opBlock, typeVoid, opBlock, typeVoid, opBlock, typeVoid, opBlock, typeVoid,
	opLocalGet, localResume, opBrTable, 5, 0, 1, 1, 2, 2, 3, opEnd,
}

func ifThen(condition []byte, then ...byte) []byte {
	return slices.Concat(condition, []byte{opIf, typeVoid}, then, []byte{opEnd})
}

func TestJumpsForwardAreDirect(t *testing.T) {
	end := []byte{opEnd}
	parts := func(second []byte) []byte {
		return slices.Concat(dispatch,
			trace(10), ifThen(fromStack(3), jump(3, 4)...), ifThen(fromStack(4), slices.Concat(trace(11), jump(5, 4))...), end,
			trace(20), second, end,
			trace(30), jump(5, 1), end,
			trace(40), ifThen(fromStack(5), jump(9, 1)...), []byte{opI32Const, 0, opReturn},
			end, []byte{opUnreachable}, end, []byte{opI32Const, 1})
	}
	backward := ifThen([]byte{opLocalGet, 1, opI32Const, 96, opI32LtU}, jump(0, 3)...)
	before := parts(slices.Concat(backward, ifThen(fromStack(6), slices.Concat(jump(5, 3), trace(21))...), jump(3, 2)))
	after := slices.Concat(dispatch,
		trace(10), fromStack(3), []byte{opBrIf, 1}, ifThen(fromStack(4), slices.Concat(trace(11), []byte{opBr, 3})...), end,
		trace(20), backward, ifThen(fromStack(6), slices.Concat([]byte{opBr, 2}, trace(21))...), []byte{opBr, 0}, end,
		trace(30), []byte{opBr, 0}, end,
		trace(40), ifThen(fromStack(5), jump(9, 1)...), []byte{opI32Const, 0, opReturn},
		end, []byte{opUnreachable}, end, []byte{opI32Const, 1})
	got := shortenJumps(instructionsOf(t, before...))
	if want := instructionsOf(t, after...); !bytes.Equal(encodeBody(nil, got), encodeBody(nil, want)) {
		t.Fatalf("got  %x\nwant %x", encodeBody(nil, got), encodeBody(nil, want))
	}
	for part := range uint64(7) {
		for pointer := uint64(60); pointer < 100; pointer += 4 {
			one := runBody(t, slices.Concat(goLocals, before, end), part, pointer)
			other := runBody(t, slices.Concat(goLocals, encodeBody(nil, got), end), part, pointer)
			if one != other {
				t.Errorf("from part %d with %d they differ: %+v %+v", part, pointer, one, other)
			}
		}
	}
}

func TestJumpsStayWhereTheFormIsAnother(t *testing.T) {
	end := []byte{opEnd, opEnd, opEnd, opEnd, opEnd, opUnreachable, opEnd, opI32Const, 1}
	for name, code := range map[string][]byte{
		"no loop":                   {opBlock, typeVoid, opBlock, typeVoid, opI32Const, 0, opLocalSet, 0, opBr, 0, opEnd, opEnd, opI32Const, 0},
		"the number is used":        slices.Concat(dispatch, jump(5, 3), []byte{opLocalGet, 0, opDrop}, end[1:]),
		"a way out, not the loop":   slices.Concat(dispatch, jump(5, 2), end[1:]),
		"the number was set before": slices.Concat(dispatch, jump(5, 3), []byte{opI32Const, 2, opLocalSet, 0, opEnd, opLocalGet, 0, opDrop}, end[2:]),
		"another local":             slices.Concat(dispatch, []byte{opI32Const, 5, opLocalSet, 1, opBr, 3}, end[1:]),
		"a number that is counted":  slices.Concat(dispatch, []byte{opLocalGet, 1, opLocalSet, 0, opBr, 3}, end[1:]),
		"only a loop":               {opLoop, typeVoid, opEnd, opI32Const, 0},
		"no blocks":                 {opLoop, typeVoid, opI32Const, 0, opLocalSet, 0, opBr, 0, opEnd, opI32Const, 0},
	} {
		got := encodeBody(nil, shortenJumps(instructionsOf(t, code...)))
		if !bytes.Equal(got, code) {
			t.Errorf("%s: %x\nwas %x", name, got, code)
		}
	}
	// A number that is set and asked for at once does not matter.
	scratch := []byte{opLocalGet, 1, opLocalSet, 0, opI32Const, 0, opLocalGet, 0, opDrop, opDrop}
	got := encodeBody(nil, shortenJumps(instructionsOf(t, slices.Concat(dispatch, scratch, jump(5, 3), end[1:])...)))
	if want := slices.Concat(dispatch, scratch, []byte{opBr, 2}, end[1:]); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

func TestJumpsWithinBlocks(t *testing.T) {
	end := []byte{opEnd, opEnd, opEnd, opEnd, opUnreachable, opEnd, opI32Const, 1}
	for name, test := range map[string]struct{ before, after []byte }{
		"before an else": {slices.Concat(fromStack(3), []byte{opIf, typeVoid}, jump(5, 4), []byte{opElse}, trace(2), []byte{opEnd}),
			slices.Concat(fromStack(3), []byte{opIf, typeVoid, opBr, 3, opElse}, trace(2), []byte{opEnd})},
		"after an else": {slices.Concat(fromStack(3), []byte{opIf, typeVoid}, trace(2), []byte{opElse}, jump(3, 4), []byte{opEnd}),
			slices.Concat(fromStack(3), []byte{opIf, typeVoid}, trace(2), []byte{opElse, opBr, 2, opEnd})},
		"in a loop": {slices.Concat([]byte{opLoop, typeVoid}, trace(2), ifThen(fromStack(3), jump(1, 5)...), jump(5, 4), []byte{opEnd}),
			slices.Concat([]byte{opLoop, typeVoid}, trace(2), fromStack(3), []byte{opBrIf, 1, opBr, 3, opEnd})},
		"to what follows": {ifThen(fromStack(3), jump(1, 4)...), slices.Concat(fromStack(3), []byte{opBrIf, 0})},
	} {
		t.Run(name, func(t *testing.T) {
			got := encodeBody(nil, shortenJumps(instructionsOf(t, slices.Concat(dispatch, test.before, end)...)))
			if want := slices.Concat(dispatch, test.after, end); !bytes.Equal(got, want) {
				t.Fatalf("got  %x\nwant %x", got, want)
			}
			for part := range uint64(4) {
				before := runBody(t, slices.Concat(goLocals, dispatch, test.before, end, []byte{opEnd}), part, 64)
				if after := runBody(t, slices.Concat(goLocals, got, []byte{opEnd}), part, 64); before != after {
					t.Errorf("from part %d they differ: %+v %+v", part, before, after)
				}
			}
		})
	}
}

func TestStepsAreFewer(t *testing.T) {
	sp := []byte{opLocalGet, 1}
	far := appendSigned([]byte{opI64Const}, 200)
	rise := func(from, by, to, global byte) []byte {
		return []byte{opLocalGet, from, opI32Const, by, opI32Add, opLocalTee, to, opGlobalSet, global}
	}
	up := func(by byte) []byte { return rise(1, by, 1, 0) }
	unchanged := func(parts ...[]byte) (same struct{ before, after []byte }) {
		same.before = append(slices.Concat(parts...), opI32Const, 0)
		same.after = same.before
		return same
	}
	wide := func(by byte) []byte {
		return []byte{opLocalGet, 1, opI64ExtendI32, opI64Const, by, opI64Add, opI32Wrap}
	}
	for name, test := range map[string]struct{ before, after []byte }{
		"an address": {wide(8), []byte{opLocalGet, 1, opI32Const, 8, opI32Add}},
		"an address below": {slices.Concat(wide(0x78), []byte{opI32Load, 2, 0}),
			[]byte{opLocalGet, 1, opI32Const, 0x78, opI32Add, opI32Load, 2, 0}},
		"a load": {slices.Concat(wide(8), []byte{opI64Load, 0, 3, opI64Eqz}), []byte{opLocalGet, 1, opI64Load, 0, 11, opI64Eqz}},
		"a store": {slices.Concat(wide(8), []byte{opI64Const, 5, opI64Store, 3, 0, opI32Const, 1}),
			[]byte{opLocalGet, 1, opI64Const, 5, opI64Store, 3, 8, opI32Const, 1}},
		"a byte stored": {slices.Concat(wide(8), []byte{opI64Const, 5, 0x3c, 0, 1, opI32Const, 1}),
			[]byte{opLocalGet, 1, opI64Const, 5, 0x3c, 0, 9, opI32Const, 1}},
		"what is loaded is stored": {slices.Concat(wide(8), wide(16), []byte{opI64Load, 3, 0, opLocalGet, 2, opI64Add, opI64Store, 3, 0, opI32Const, 1}),
			[]byte{opLocalGet, 1, opLocalGet, 1, opI64Load, 3, 16, opLocalGet, 2, opI64Add, opI64Store, 3, 8, opI32Const, 1}},
		"a store of what is not easy": {slices.Concat(wide(8), []byte{opI64Const, 7, opLocalTee, 2, opI64Store, 3, 0, opI32Const, 1}),
			[]byte{opLocalGet, 1, opI32Const, 8, opI32Add, opI64Const, 7, opLocalTee, 2, opI64Store, 3, 0, opI32Const, 1}},
		"an address of a constant": {slices.Concat(far, []byte{opI32Wrap, opI32Load, 2, 0}),
			slices.Concat(appendSigned([]byte{opI32Const}, 200), []byte{opI32Load, 2, 0})},
		"half of what is loaded": {slices.Concat(sp, []byte{opI64Load, 3, 4, opI32Wrap}), slices.Concat(sp, []byte{opI32Load, 2, 4})},
		"as much as is loaded":   {slices.Concat(sp, []byte{opI64Load32U, 2, 4, opI32Wrap}), slices.Concat(sp, []byte{opI32Load, 2, 4})},
		"a byte that is loaded":  {slices.Concat(sp, []byte{0x31, 0, 4, opI32Wrap}), slices.Concat(sp, []byte{0x31, 0, 4, opI32Wrap})},
		"a condition": {slices.Concat(sp, []byte{opI32Const, 80, opI32LtU, opI64ExtendI32, opI64Eqz, opI32Eqz}),
			slices.Concat(sp, []byte{opI32Const, 80, opI32LtU})},
		"a number that is no 0":     {slices.Concat(sp, []byte{opI32Eqz, opI32Eqz, opI32Eqz}), slices.Concat(sp, []byte{opI32Eqz})},
		"a number, not a condition": {slices.Concat(sp, []byte{opI32Eqz, opI32Eqz}), slices.Concat(sp, []byte{opI32Eqz, opI32Eqz})},
		"the end of a function":     {slices.Concat(up(16), up(8), []byte{opI32Const, 0}), slices.Concat(up(24), []byte{opI32Const, 0})},
		"after a block":             unchanged([]byte{opBlock, typeVoid, opLocalGet, 1, opI32Eqz, opDrop, opEnd, opLocalGet, 1, opI32Eqz, opDrop}),
		"of another local":          unchanged(up(16), rise(0, 8, 1, 0)),
		"into another local":        unchanged(up(16), rise(1, 8, 0, 0)),
		"from another local":        unchanged(rise(1, 16, 0, 0), up(8)),
		"of another register":       unchanged(rise(1, 16, 1, 1), up(8)),
	} {
		t.Run(name, func(t *testing.T) {
			got := encodeBody(nil, peephole(instructionsOf(t, test.before...)))
			if !bytes.Equal(got, test.after) {
				t.Fatalf("got  %x\nwant %x", got, test.after)
			}
			begin, end := slices.Concat(goLocals, []byte{opGlobalGet, 0, opLocalSet, 1, opI64Const, 9, opLocalSet, 2}), []byte{opEnd}
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
	for _, kind := range []struct{ first, constant byte }{{opI32Eq, opI32Const}, {opI64Eq, opI64Const}} {
		for opcode := kind.first; opcode < kind.first+10; opcode++ {
			t.Run(fmt.Sprintf("%#x", opcode), func(t *testing.T) {
				for _, a := range values {
					for _, b := range values {
						compare := appendSigned([]byte{kind.constant}, a)
						compare = appendSigned(append(compare, kind.constant), b)
						compare = append(compare, opcode, opI32Eqz)
						shorter := encodeBody(nil, peephole(instructionsOf(t, compare...)))
						if len(shorter) != len(compare)-1 {
							t.Fatalf("%x from %x", shorter, compare)
						}
						one := runBody(t, slices.Concat([]byte{0}, compare, []byte{opEnd}), 0, 0)
						if other := runBody(t, slices.Concat([]byte{0}, shorter, []byte{opEnd}), 0, 0); one != other {
							t.Errorf("%d and %d: %d, %d", a, b, one.result, other.result)
						}
					}
				}
			})
		}
	}
}

func TestModuleIsSimplified(t *testing.T) {
	short := goFunction{"main.short", kindGo, []byte{opI64Const, 5, opI32Wrap}}
	direct := goFunction{"main.direct", kindGo, slices.Concat(dispatch[6:], jump(5, 3), []byte{opEnd, opEnd, opEnd, opEnd, opI32Const, 1})}
	sections := goModule("anything", []goFunction{short, direct})
	var said report
	if err := simplify(sections, &said); err != nil {
		t.Fatal(err)
	}
	code, _ := find(sections, codeSection)
	if want := []byte{2, 4, 0, opI32Const, 5, opEnd}; !bytes.HasPrefix(code.content, want) {
		t.Errorf("got %x, want %x", code.content, want)
	}
	text := said.String()
	for _, want := range []string{"jumps: 1 functions jump forward past their br_table", "peephole: 1 functions have fewer instructions"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for want, functions := range map[string][]goFunction{
		"no function jumps forward by way of its br_table": {short},
		"the peephole pass found nothing":                  {direct},
		"function 1: a function is not as":                 {{"main.main", kindGo, []byte{opI32Const}}},
	} {
		if err := simplify(goModule("anything", functions), &report{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
