// Command maps has maps that were made before the snapshot, and grow and shrink after it: their seeds are those of the build.
package main

import (
	"sort"
	"strconv"
)

type key struct {
	text   string
	number int
	any    any
}

var before = map[string]int{"a": 1, "b": 2, "c": 3}

var filled = make(map[key][]int)

func init() {
	for i := range 100 {
		filled[key{strconv.Itoa(i), i, i % 7}] = []int{i}
	}
}

func main() {
	for i := range 5000 {
		before[strconv.Itoa(i)] = i
		filled[key{"later", i, float64(i)}] = append(filled[key{"1", 1, 1}], i)
	}
	for name := range before {
		if before[name]%3 == 0 {
			delete(before, name)
		}
	}
	names := make([]string, 0, len(before))
	for name, value := range before {
		if value != 1 && name != "1" && before[name] != value {
			println("another value", name)
		}
		names = append(names, name)
	}
	sort.Strings(names)
	println(len(before), names[0], names[len(names)-1], len(filled), len(filled[key{"later", 7, 7.0}]), filled[key{"50", 50, 1}][0])
	clear(filled)
	println(len(filled))
}
