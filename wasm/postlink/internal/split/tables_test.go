package split

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"open-payments-wasm/wasm/postlink/internal/fixture"
	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

func TestTableLeavesWithWhatNamesIt(t *testing.T) {
	const start, variable = 64, 32
	content := bytes.Repeat([]byte("numbers at random "), 4)
	end := start + int64(len(content))
	sum := sha256.Sum256(content)
	table := golang.Table{
		Name: "nistec.p256PrecomputedEmbed", Head: hex.EncodeToString(content[:8]), Size: len(content), Sum: hex.EncodeToString(sum[:]),
	}
	memory := append(make([]byte, start), content...)
	memory = append(memory, 1, 2, 3)
	binary.LittleEndian.PutUint64(memory[variable:], start)
	constant := func(value int64) []byte { return append(wasm.AppendSigned([]byte{op.I64Const}, value), op.Drop) }
	for name, test := range map[string]struct {
		memory []byte
		stays  []byte
		want   string
	}{
		"only what leaves names it":     {memory, slices.Concat(constant(start-1), constant(end), constant(variable-8)), ""},
		"what stays names it":           {memory, constant(start), "nistec.p256PrecomputedEmbed stays, because main.stays may name it"},
		"what stays names its last":     {memory, constant(end - 1), "because main.stays may"},
		"what stays names its variable": {memory, constant(variable), "because main.stays may"},
		"what stays adds it":            {memory, []byte{op.I32Const, 0, op.I64Load, 3, variable, op.Drop}, "because main.stays may"},
		"it is another": {bytes.Replace(memory, []byte("s at random"), []byte("s in a row "), 1), nil,
			"nistec.p256PrecomputedEmbed at address 64 of the data section is another"},
		"it is cut":     {memory[:end-1], nil, "nistec.p256PrecomputedEmbed is not in the data section"},
		"there is none": {make([]byte, 512), nil, "nistec.p256PrecomputedEmbed is not in the data section"},
	} {
		functions := []fixture.Function{
			fixture.Func("main.leaves", fixture.KindGo, slices.Concat(constant(start), constant(variable), []byte{op.I32Const, 0})),
			fixture.Func("main.stays", fixture.KindGo, slices.Concat(test.stays, []byte{op.I32Const, 0})),
		}
		c, err := Choose(fixture.Module("anything", append(functions, fixture.Loop)), only("main.stays"), true)
		if err != nil {
			t.Fatal(err)
		}
		found, staying, err := c.Tables(test.memory, []golang.Table{table})
		if test.want != "" {
			if said := fmt.Sprint(err, staying); !strings.Contains(said, test.want) || len(found) > 0 {
				t.Errorf("%s: %s, and %d tables leave", name, said, len(found))
			}
			continue
		}
		if err != nil || len(found) != 1 || found[0].Address != start || !bytes.Equal(found[0].Content, content) {
			t.Errorf("%s: %v, %v, %v", name, found, staying, err)
		}
	}
}
