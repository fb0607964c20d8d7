package main

import (
	"bytes"
	"os/exec"
	"slices"
	"testing"
)

func table(functions int) []byte {
	var rows []byte
	for function := range functions {
		rows = append(rows, tableRow(function+1)...)
	}
	return rows
}

func TestCutFuncTable(t *testing.T) {
	before, after := segment{64, []byte("before")}, segment{1 << 20, []byte("after")}
	content := append(append([]byte("x"), table(40)...), "y"...)
	found, rest, ok := cutFuncTable([]segment{before, {4096, content}, after})
	if want := (funcTable{address: 4097, functions: 40}); !ok || found != want {
		t.Errorf("found %v, %v, want %v", found, ok, want)
	}
	memory := make([]byte, 1<<21)
	for _, s := range rest {
		copy(memory[s.address:], s.content)
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
		"another function 2": bytes.Replace(table(9), tableRow(2), tableRow(3), 1),
	} {
		given := []segment{{64, content}}
		if _, rest, found := cutFuncTable(given); found || len(rest) != 1 || !bytes.Equal(rest[0].content, content) {
			t.Errorf("%s: %v", name, rest)
		}
	}
}

// A module starts with the same memory, in a real engine, when its table was cut out: what stands
// next to the table too.
func TestShrunkModuleWritesTheTable(t *testing.T) {
	const address, functions = 4096, 70 // more than one byte of LEB128 each
	content := slices.Concat([]byte{0xff}, table(functions), bytes.Repeat([]byte{0xff}, tableRowSize))
	module := encodeSections([]section{
		{typeSection, []byte{0}},
		{importSection, []byte{0}},
		{functionSection, []byte{0}},
		{5, []byte{1, 0, 1}},                   // a memory of a page
		{7, []byte{1, 3, 'm', 'e', 'm', 2, 0}}, // under this name
		{elementSection, []byte{0}},
		{codeSection, []byte{0}},
		{dataSection, encodeSegments([]segment{{address, content}})},
	})
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
	module := encodeSections([]section{
		{typeSection, []byte{1, 0x60, 1, 0x7f, 0}},
		{importSection, []byte{2, 1, 'a', 1, 'b', 0, 0, 1, 'a', 1, 'c', 0, 0}},
		{functionSection, []byte{1, 0}},
		{elementSection, []byte{0}},
		{codeSection, []byte{1, 2, 0, 0x0b}},
		{dataSection, encodeSegments([]segment{{64, table(fewestFunctions)}})},
	})
	smaller, err := shrunk(module)
	if err != nil {
		t.Fatal(err)
	}
	body := funcTable{address: 64, functions: fewestFunctions}.fill()
	want := encodeSections([]section{
		{typeSection, []byte{2, 0x60, 1, 0x7f, 0, 0x60, 0, 0}},
		{importSection, []byte{2, 1, 'a', 1, 'b', 0, 0, 1, 'a', 1, 'c', 0, 0}},
		{functionSection, []byte{2, 0, 1}},
		{startSection, []byte{3}}, // after two that are imported and one that was there
		{elementSection, []byte{0}},
		{codeSection, append([]byte{2, 2, 0, 0x0b, byte(len(body))}, body...)},
		{dataSection, []byte{0}},
	})
	if !bytes.Equal(smaller, want) {
		t.Errorf("got\n%x, want\n%x", smaller, want)
	}
}
