package functable

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/wasm"
)

func table(functions int) []byte {
	var rows []byte
	for function := range functions {
		rows = append(rows, golang.BucketRow(function+1)...)
	}
	return rows
}

func TestCutFuncTable(t *testing.T) {
	before, after := wasm.Segment{Address: 64, Content: []byte("before")}, wasm.Segment{Address: 1 << 20, Content: []byte("after")}
	content := append(append([]byte("x"), table(40)...), "y"...)
	found, rest, ok := cutFuncTable([]wasm.Segment{before, {Address: 4096, Content: content}, after})
	if want := (funcTable{address: 4097, functions: 40}); !ok || found != want {
		t.Errorf("found %v, %v, want %v", found, ok, want)
	}
	memory := make([]byte, 1<<21)
	for _, s := range rest {
		copy(memory[s.Address:], s.Content)
	}
	want := make([]byte, 1<<21)
	copy(want[64:], "before")
	copy(want[4096:], "x")
	copy(want[4097+len(table(40)):], "y")
	copy(want[1<<20:], "after")
	if !bytes.Equal(memory, want) {
		t.Error("something else is gone, or still there")
	}
}

func TestCutFuncTableLeavesTheRest(t *testing.T) {
	for name, content := range map[string][]byte{
		"nothing":            nil,
		"too few functions":  table(fewestFunctions - 1),
		"another function 2": bytes.Replace(table(9), golang.BucketRow(2), golang.BucketRow(3), 1),
	} {
		given := []wasm.Segment{{Address: 64, Content: content}}
		if _, rest, found := cutFuncTable(given); found || len(rest) != 1 || !bytes.Equal(rest[0].Content, content) {
			t.Errorf("%s: %v", name, rest)
		}
	}
}

// A module starts with the same memory, in a real engine, when its table was cut out: what stands
// next to the table too.
func TestShrunkModuleWritesTheTable(t *testing.T) {
	const address, functions = 4096, 70 // more than one byte of LEB128 each
	content := slices.Concat([]byte{0xff}, table(functions), bytes.Repeat([]byte{0xff}, golang.BucketRowSize))
	module := encode(moduleWith(wasm.Segment{Address: address, Content: content}))
	smaller, err := shrunk(module)
	if err != nil {
		t.Fatal(err)
	}
	if len(smaller) > len(module)/2 {
		t.Errorf("%d bytes became %d", len(module), len(smaller))
	}
	if before, after := memoryInNode(t, module), memoryInNode(t, smaller); before != after {
		t.Error("the memory starts with something else")
	}
}

// memoryInNode returns the memory of an instance in base64.
func memoryInNode(t *testing.T, module []byte) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is needed for the tests of this project: ", err)
	}
	command := exec.Command(node, "--input-type=module", "-e", `
		const chunks = [];
		for await (const chunk of process.stdin) chunks.push(chunk);
		const { instance } = await WebAssembly.instantiate(Buffer.concat(chunks));
		console.log(Buffer.from(instance.exports.mem.buffer).toString("base64"));`)
	command.Stdin = bytes.NewReader(module)
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(output)
}

func TestShrinkAddsStart(t *testing.T) {
	module := encode(wasm.Module{
		{ID: wasm.TypeSection, Content: []byte{1, 0x60, 1, 0x7f, 0}},
		{ID: wasm.ImportSection, Content: []byte{2, 1, 'a', 1, 'b', 0, 0, 1, 'a', 1, 'c', 0, 0}},
		{ID: wasm.FunctionSection, Content: []byte{1, 0}},
		{ID: wasm.ElementSection, Content: []byte{0}},
		{ID: wasm.CodeSection, Content: []byte{1, 2, 0, 0x0b}},
		{ID: wasm.DataSection, Content: wasm.EncodeSegments([]wasm.Segment{{Address: 64, Content: table(fewestFunctions)}})},
	})
	smaller, err := shrunk(module)
	if err != nil {
		t.Fatal(err)
	}
	body := slices.Concat(funcTable{address: 64, functions: fewestFunctions}.fill())
	want := encode(wasm.Module{
		{ID: wasm.TypeSection, Content: []byte{2, 0x60, 1, 0x7f, 0, 0x60, 0, 0}},
		{ID: wasm.ImportSection, Content: []byte{2, 1, 'a', 1, 'b', 0, 0, 1, 'a', 1, 'c', 0, 0}},
		{ID: wasm.FunctionSection, Content: []byte{2, 0, 1}},
		{ID: wasm.StartSection, Content: []byte{3}}, // after two that are imported and one that was there
		{ID: wasm.ElementSection, Content: []byte{0}},
		{ID: wasm.CodeSection, Content: append([]byte{2, 2, 0, 0x0b, byte(len(body))}, body...)},
		{ID: wasm.DataSection, Content: []byte{0}},
	})
	if !bytes.Equal(smaller, want) {
		t.Errorf("got\n%x, want\n%x", smaller, want)
	}
}

func TestShrinkRefuses(t *testing.T) {
	whole := moduleOf(wasm.Segment{Address: 64, Content: []byte("content")})
	for name, test := range map[string]struct {
		module []byte
		want   string
	}{
		"no module":     {[]byte("\x00asm"), "the module, at byte 0: 0061736d stands here, where 0061736d01000000 was expected"},
		"a cut section": {whole[:len(whole)-6], "the module, at byte 15: 14 bytes should follow, and 12 do"},
		"another kind": {bytes.Replace(whole, []byte{0x00, 0x41, 0xc0}, []byte{0x01, 0x41, 0xc0}, 1),
			"the data section, at byte 1: 0141 stands here, where 0041"},
		"an endless number": {append([]byte("\x00asm\x01\x00\x00\x00\x0b"), bytes.Repeat([]byte{0xff}, 12)...),
			"the module, at byte 9: no number of 32 bits"},
		"no data": {[]byte("\x00asm\x01\x00\x00\x00"), "the module has no data section"},
		"a data count": {append(moduleOf(wasm.Segment{Address: 64, Content: table(fewestFunctions)}), wasm.DataCountSection, 1,
			1), "the module has a data count section, which"},
		"a table, no imports to count": {moduleOf(wasm.Segment{Address: 64, Content: table(fewestFunctions)}), "the module has no import section"},
		"a negative address":           {moduleOf(wasm.Segment{Address: -64, Content: []byte("content")}), "a segment at address -64"},
		"bytes left over": {encode(wasm.Module{{ID: wasm.DataSection, Content: []byte{0, 0}}}),
			"the data section, at byte 1: 1 bytes are left over"},
		"an overlap": {moduleOf(wasm.Segment{Address: 64, Content: []byte("ab")}, wasm.Segment{Address: 65, Content: []byte("c")}),
			"the data segments at 64 and 65 overlap"},
		"no table": {whole, "no runtime.findfunctab is in the data section"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := shrunk(test.module); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// shrunk shrinks a module from bytes to bytes.
func shrunk(module []byte) ([]byte, error) {
	sections, err := wasm.Read(module)
	if err != nil {
		return nil, err
	}
	sections, _, err = CutFindfunctab(sections)
	return sections.Encode(), err
}

func encode(module wasm.Module) []byte { return module.Encode() }

// moduleOf returns a module with a memory of a page, and these in it.
func moduleOf(segments ...wasm.Segment) []byte {
	return encode(wasm.Module{
		{ID: wasm.MemorySection, Content: []byte{1, 0, 1}}, {ID: wasm.DataSection, Content: wasm.EncodeSegments(segments)},
		{ID: wasm.CustomSection, Content: []byte{1, 'x'}},
	})
}
