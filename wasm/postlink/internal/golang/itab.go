package golang

import (
	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// ItabHead is how many bytes stand before the methods of an itab: the type of the interface, a type, and its hash.
const ItabHead = 24

// MethodsOfItab returns how many methods the itab of Go's runtime has that begins at an address, or 0 for what is none.
func MethodsOfItab(at uint64, memory []byte) uint64 {
	const kindInterface, kindMask = 20, 31
	var itab struct {
		Interface, Type uint64
		Hash, _         uint32
	}
	type abiType struct {
		_, _          uint64
		Hash          uint32
		_, _, _, Kind uint8
		_             [3]uint64
	}
	var value abiType
	var interfaceType struct {
		abiType
		_, _, Methods uint64 // the path of its package, and of a slice where it is and how long
	}
	isItab := wasm.DecodeAt(memory, at, &itab) && wasm.DecodeAt(memory, itab.Interface, &interfaceType) && wasm.DecodeAt(memory, itab.Type, &value) &&
		interfaceType.Kind&kindMask == kindInterface && value.Hash == itab.Hash && itab.Hash != 0 && interfaceType.Methods < 1000
	if !isItab {
		return 0
	}
	return interfaceType.Methods
}

// MethodsOf returns where the methods begin in what may be an itab of Go's runtime: after the types of the
// interface and of the value, and a hash. It returns 0 for what is none.
func MethodsOf(table uint64, memory []byte) uint64 {
	var types struct{ Interface, Value uint64 }
	if table%8 != 0 || !wasm.DecodeAt(memory, table, &types) {
		return 0
	}
	isAddress := func(value uint64) bool { return value > 0 && value < uint64(len(memory)) }
	if !isAddress(types.Interface) || !isAddress(types.Value) {
		return 0
	}
	return table + ItabHead
}
