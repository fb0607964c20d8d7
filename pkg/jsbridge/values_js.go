//go:build js && wasm

package jsbridge

import "github.com/hack-pad/safejs"

var (
	global     = safejs.Global()
	uint8Array = must(global.Get("Uint8Array"))
	object     = must(global.Get("Object"))
	reflect    = must(global.Get("Reflect"))
)

// get reads a property of a value that JavaScript chose. safejs.Value.Get would end the whole
// program where a getter throws: wasm_exec.js catches what functions throw, and nothing else.
func get(object safejs.Value, name string) (safejs.Value, error) {
	value, err := reflect.Call("get", object, nameOf(name))
	if err != nil {
		return safejs.Value{}, caught(err)
	}
	return value, nil
}

// names are property names as JavaScript strings: to bring one over at every read costs more than
// the read. They are few, and all from this package.
var names = map[string]safejs.Value{}

func nameOf(name string) safejs.Value {
	value, known := names[name]
	if !known {
		value = must(safejs.ValueOf(name))
		names[name] = value
	}
	return value
}

// typeOf returns the type of a value. A bigint, at which safejs panics, counts as a number.
func typeOf(value safejs.Value) (kind safejs.Type) {
	defer func() {
		if recover() != nil {
			kind = safejs.TypeNumber
		}
	}()
	return value.Type()
}

// NewObject makes a plain object of what safejs takes as a value.
func NewObject(members map[string]any) (safejs.Value, error) {
	result, err := object.New()
	if err != nil {
		return safejs.Value{}, caught(err)
	}
	for name, member := range members {
		if err := result.Set(name, member); err != nil {
			return safejs.Value{}, caught(err)
		}
	}
	return result, nil
}
