// Command panics prints what only the line tables know: where a panic came from, through inlined functions and arguments. They are in the
// deferred module, and so are the functions of the runtime that read them (golang.Describers).
package main

import (
	"errors"
	"runtime"
)

type list []int

func inlined(l list, i int) int { return l[i] }

//go:noinline
func throws(what string) (result string) {
	defer func() {
		switch thrown := recover().(type) {
		case runtime.Error:
			result = thrown.Error()
		case error:
			result = thrown.Error()
		case string:
			result = thrown
		}
	}()
	var none map[string]int
	var nowhere *list
	switch what {
	case "index":
		return string(rune(inlined(list{1, 2}, len(what))))
	case "map":
		none[what] = 1
	case "nil":
		return string(rune((*nowhere)[0]))
	case "division":
		return string(rune(1 / len(none)))
	case "type":
		return any(what).(error).Error()
	case "error":
		panic(errors.New("an error"))
	}
	defer func() { panic(recover().(string) + ", again") }()
	panic(what)
}

//go:noinline
func outer(depth int, name string) {
	if depth > 0 {
		outer(depth-1, name)
		return
	}
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		println(frame.Function, frame.Line)
	}
	panic(name)
}

func main() {
	for _, what := range []string{"index", "map", "nil", "division", "type", "error", "text"} {
		println(throws(what))
	}
	outer(2, "the end")
}
