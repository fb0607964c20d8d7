package golang

import (
	"errors"
	"fmt"

	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// functabEntry is one of runtime.functab: which function it is, and where its _func is, as an offset from the functab.
type functabEntry struct{ Index, Info uint32 }

// The form of both, in bytes: sizes, and where their fields are.
const (
	FunctabEntrySize = 8
	FunctabInfo      = 4
	InfoSize         = funcInfoSize
	InfoPCData       = 28
	InfoFuncData     = 43
)

// Functab is runtime.functab as it lies in memory, where a _func that is deferred has no offset, and zeros in its place.
type Functab struct {
	Address   uint64
	First     uint32 // the table index of its first function
	Functions uint64
	Infos     map[uint64]uint64 // the addresses of the _func, by function
	Start     uint64            // of the first _func
	End       uint64            // of the last
}

// FindFunctab finds it in a memory. It fails where it is of another form, or no _func is there.
func FindFunctab(memory []byte) (*Functab, error) {
	reason := errNoPclntab
	for start, header := range pcHeaders(memory) {
		table := &Functab{Address: start + header.Infos, Functions: header.Functions, Infos: make(map[uint64]uint64)}
		if reason = table.read(memory); reason == nil {
			return table, nil
		}
	}
	return nil, fmt.Errorf("runtime.functab: %w", reason)
}

func (t *Functab) read(memory []byte) error {
	wasm.DecodeAt(memory, t.Address, &t.First)
	t.End = t.Address + FunctabEntrySize*t.Functions
	for i := range t.Functions {
		var entry functabEntry
		if !wasm.DecodeAt(memory, t.Address+FunctabEntrySize*i, &entry) || uint64(entry.Index) != uint64(t.First)+i {
			return fmt.Errorf("function %d has table index %d, where %d was expected", i, entry.Index, uint64(t.First)+i)
		}
		if entry.Info == 0 {
			continue
		}
		var info funcInfo
		at := t.Address + uint64(entry.Info)
		if !wasm.DecodeAt(memory, at, &info) || at < t.End || info.Entry != entry.Index || info.PCData > 0xff {
			return fmt.Errorf("the _func at table index %d is of another form, or before that of another", entry.Index)
		}
		t.Infos[i], t.End = at, at+info.size()
		if t.Start == 0 {
			t.Start = at
		}
	}
	if len(t.Infos) == 0 {
		return errors.New("no function has a _func")
	}
	return nil
}

// size returns that of a _func and of what follows it.
func (info funcInfo) size() uint64 {
	return funcInfoSize + 4*(uint64(info.PCData)+uint64(info.FuncData))
}
