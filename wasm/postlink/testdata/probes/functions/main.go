// Command functions finds functions by their program counters: with runtime.findfunctab, which a start function writes, and names, which
// are in the deferred module.
package main

import (
	"reflect"
	"runtime"
	"sort"
	"strings"
)

type thing struct{}

func (thing) First()   {}
func (*thing) Second() {}

func generic[T any](T) {}

func main() {
	closure := func() int { return len(functions) }
	for _, f := range append(functions, closure, main, thing.First, (*thing).Second, generic[int], generic[string]) {
		println(runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name())
	}
	count := 0
	for pc := uintptr(0x1000 << 16); pc < 0x1400<<16; pc += 1 << 15 { // both halves of what a function takes
		if f := runtime.FuncForPC(pc); f != nil && f.Entry()>>16 == pc>>16 {
			count++
		}
	}
	println(count)
}

var functions = []any{strings.Index, sort.Ints, reflect.TypeOf, runtime.GC, strings.NewReplacer}
