// Package split divides a program into a primary module and a deferred one, and the primary one into what runs at once and what is
// compiled later, the embedded module.
//
// Half of what Go links is never called: algorithms that other users of a package need, what only a
// broken program prints. A browser downloads, checks and keeps it all the same. So it goes into a deferred
// module, and in the primary module a placeholder stands for each function that went.
//
// Go's code can wait at any call. A function that returns 1 tells its callers to return as well,
// down to the loop that runs the program, which goes on where the stack in memory says: that is how goroutines switch
// (golang.Program). A placeholder leaves its function as the one to go on with, as gogo does in Go's runtime, and has the loop
// pause, as in waiting for an event. JavaScript loads the module that has it (js/scheduler.js) and calls the loop again.
package split

import (
	"errors"
	"slices"

	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/keep"
	"open-payments-wasm/wasm/postlink/internal/wasm"
	"open-payments-wasm/wasm/postlink/internal/wasm/op"
)

// Choice says which functions of a program are deferred, and why the others stay.
type Choice struct {
	*golang.Program
	Deferred []uint64 // the function indices of those that move into the deferred module, in their order
	Embedded []uint64 // those of the others that move into the embedded module

	list      keep.List
	calls     map[uint64][]uint64 // by function: which others it calls
	constants map[uint64][]uint64 // by function: the constants that stand in it, addresses among them
	cannot    map[uint64]reason   // cannot wait
	reached   map[uint64]reason   // by the list
}

// Choose finds the functions to defer: those that the list does not come to and that may wait to be called. Where the program has
// not started yet, what starts its runtime cannot wait either.
func Choose(module wasm.Module, list keep.List, hasStarted bool) (*Choice, error) {
	c, err := choose(module, list, hasStarted)
	if err == nil && len(c.Deferred) == 0 {
		err = errors.New("no function can be deferred: the keep-list comes to all of them, or none may wait")
	}
	return c, err
}

func choose(module wasm.Module, list keep.List, hasStarted bool) (*Choice, error) {
	program, err := golang.Open(module)
	if err != nil {
		return nil, err
	}
	c := &Choice{Program: program, list: list}
	if err := c.findWhatCannotWait(hasStarted); err != nil {
		return nil, err
	}
	memory, err := module.Memory()
	if err != nil {
		return nil, err
	}
	c.follow(memory)
	for i, kind := range c.Types {
		index := c.Imported + uint64(i)
		if kind == c.Type && c.mayBeDeferred(index) {
			c.Deferred = append(c.Deferred, index)
		}
	}
	return c, nil
}

// mayBeDeferred tells whether neither the list nor a caller keeps a function. The Describers leave even where they are needed.
func (c *Choice) mayBeDeferred(index uint64) bool {
	name, isNamed := c.Names[index]
	_, cannotWait := c.cannot[index]
	_, isReached := c.reached[index]
	return isNamed && !cannotWait && (!isReached || slices.Contains(golang.Describers, name))
}

// ChooseEmbedded finds the functions to embed: those that the keep-list comes to, and that may wait and are not early.
func (c *Choice) ChooseEmbedded(early []string) {
	isEarly := make(map[string]bool)
	for _, name := range early {
		isEarly[name] = true
	}
	for i, kind := range c.Types {
		index := c.Imported + uint64(i)
		_, cannotWait := c.cannot[index]
		_, isReached := c.reached[index]
		if kind == c.Type && isReached && !cannotWait && !c.isDeferred(index) && !isEarly[c.Names[index]] {
			c.Embedded = append(c.Embedded, index)
		}
	}
}

func (c *Choice) isDeferred(index uint64) bool {
	_, isDeferred := slices.BinarySearch(c.Deferred, index)
	return isDeferred
}

func (c *Choice) isEmbedded(index uint64) bool {
	_, isEmbedded := slices.BinarySearch(c.Embedded, index)
	return isEmbedded
}

// search goes from some functions to all that they lead to, and remembers on which way it came to each first.
type search struct {
	found map[uint64]reason
	todo  []uint64
}

func (s *search) add(index uint64, why reason) {
	if _, isFound := s.found[index]; !isFound {
		s.found[index] = why
		s.todo = append(s.todo, index)
	}
}

func (s *search) next() (index uint64, isOne bool) {
	last := len(s.todo) - 1
	if last < 0 {
		return 0, false
	}
	index = s.todo[last]
	s.todo = s.todo[:last]
	return index, true
}

// findWhatCannotWait finds the functions that call JavaScript, and those that some caller does not return from when they ask it to
// (CALLNORESUME in Go's assembler), with all that each of them calls. Such a caller is the write barrier; what
// starts the runtime is done where the program has started.
func (c *Choice) findWhatCannotWait(hasStarted bool) error {
	found := search{found: make(map[uint64]reason)}
	c.calls, c.constants = make(map[uint64][]uint64), make(map[uint64][]uint64)
	for i := range c.Bodies {
		index := c.Imported + uint64(i)
		_, instructions, err := c.Read(index)
		if err != nil {
			return err
		}
		returns := hasStarted && c.Names[index] == golang.StartName
		for at, in := range instructions {
			if in.Opcode == op.I32Const || in.Opcode == op.I64Const || wasm.IsLoad(in.Opcode) || wasm.IsStore(in.Opcode) {
				c.constants[index] = append(c.constants[index], in.Immediate)
			}
			switch {
			case in.Opcode != op.Call:
			case in.Immediate < c.Imported:
				found.addUnlessItEnds(c, index, reason{how: "it calls JavaScript"})
			default:
				c.calls[index] = append(c.calls[index], in.Immediate)
				if !returns && !golang.ReturnsOnRequest(instructions[at+1:]) {
					found.addUnlessItEnds(c, in.Immediate, reason{how: "does not return on its request", from: index})
				}
			}
		}
	}
	literals := c.Literals()
	for index, isOne := found.next(); isOne; index, isOne = found.next() {
		for _, next := range c.calls[index] {
			found.addUnlessItEnds(c, next, reason{how: "calls it", from: index})
		}
		for _, next := range literals[index] {
			found.addUnlessItEnds(c, next, reason{how: "has it in itself", from: index})
		}
	}
	c.cannot = found.found
	return nil
}

func (s *search) addUnlessItEnds(c *Choice, index uint64, why reason) {
	if !golang.EndsProgram(c.Names[index]) {
		s.add(index, why)
	}
}

// follow finds the functions of the list, and those that they can come to.
func (c *Choice) follow(memory []byte) {
	found := search{found: make(map[uint64]reason)}
	for i := range c.Bodies {
		index := c.Imported + uint64(i)
		if why, isListed := c.listed(c.Names[index]); isListed {
			found.add(index, why)
		}
	}
	add := func(index uint64, why reason) {
		if _, isCut := keep.Match(c.list.Cut, c.Names[index]); !isCut {
			found.addUnlessItEnds(c, index, why)
		}
	}
	literals := c.Literals()
	for index, isOne := found.next(); isOne; index, isOne = found.next() {
		for _, next := range c.calls[index] {
			add(next, reason{how: "calls it", from: index})
		}
		for _, next := range literals[index] {
			add(next, reason{how: "has it in itself", from: index})
		}
		for _, next := range c.named(index, memory) {
			add(next, reason{how: "names it as a value", from: index})
		}
	}
	c.reached = found.found
}

// listed tells whether the list itself keeps a function.
func (c *Choice) listed(name string) (why reason, isListed bool) {
	if file, isNamed := c.list.Names[name]; isNamed {
		return reason{how: "it is in " + file}, true
	}
	rule, isKept := keep.Match(c.list.Keep, name)
	_, isCut := keep.Match(c.list.Cut, name)
	return reason{how: "keep " + rule.Pattern + " in " + rule.From + ": " + rule.Reason}, isKept && !isCut
}

// named returns the functions that the constants of another name: by their program counter, as a value in
// memory, or as the methods of a type that is used as an interface.
func (c *Choice) named(index uint64, memory []byte) []uint64 {
	var found []uint64
	add := func(counter uint64) bool {
		named, isOne := c.FunctionAtCounter(counter)
		if isOne {
			found = append(found, named)
		}
		return isOne
	}
	for _, constant := range c.constants[index] {
		var value uint64
		if add(constant) || constant%8 != 0 || !wasm.DecodeAt(memory, constant, &value) {
			continue
		}
		add(value)
		for _, table := range []uint64{constant, value} { // named itself, or by a variable, such as an error
			at, counter := golang.MethodsOf(table, memory), uint64(0)
			for at > 0 && wasm.DecodeAt(memory, at, &counter) && add(counter) {
				at += 8
			}
		}
	}
	return found
}
