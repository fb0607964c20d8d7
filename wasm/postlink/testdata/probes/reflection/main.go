// Command reflection calls functions that reflect makes, while stacks grow and are collected: what they have of arguments the runtime
// looks up by their names (golang.NameIsRead).
package main

import (
	"reflect"
	"runtime"
)

type counter struct{ count *int }

func (c counter) Add(numbers []int, name *string) (int, *string) {
	runtime.GC()
	for _, n := range numbers {
		*c.count += n
	}
	return *c.count, name
}

//go:noinline
func deep(n int) int {
	if n == 0 {
		runtime.GC()
		return 0
	}
	var frame [64]int
	frame[n%64] = n
	return deep(n-1) + frame[n%64]
}

func main() {
	kind := reflect.TypeOf(func([]int, *string) (int, *string) { return 0, nil })
	made := reflect.MakeFunc(kind, func(args []reflect.Value) []reflect.Value {
		return []reflect.Value{reflect.ValueOf(deep(300) + args[0].Len()), args[1]}
	}).Interface().(func([]int, *string) (int, *string))
	name := "a name"
	for i := range 3 {
		sum, same := made(make([]int, i), &name)
		println(sum, *same)
	}
	count := 1
	method := reflect.ValueOf(counter{&count}).Method(0).Interface().(func([]int, *string) (int, *string))
	done := make(chan bool)
	go func() {
		sum, same := method([]int{1, 2, 3}, &name)
		println(sum, *same)
		done <- true
	}()
	<-done
	fields := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeOf(1)}, {Name: "B", Type: reflect.TypeOf(&name)}}))
	fields.Elem().Field(1).Set(reflect.ValueOf(&name))
	runtime.GC()
	println(fields.Elem().Field(1).Elem().String(), reflect.DeepEqual(map[string][]int{"a": {1}}, map[string][]int{"a": {1}}))
}
