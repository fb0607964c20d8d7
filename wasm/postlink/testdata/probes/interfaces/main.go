// Command interfaces calls functions by values: of methods in itabs, of closures, of maps and of static data. Where code names a function
// as a value only such words say so (golang.MethodsOf, Program.FunctionAtCounter).
package main

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
)

type shape interface {
	area() float64
	fmt.Stringer
}

type square struct{ side float64 }

type circle struct{ radius float64 }

func (s square) area() float64   { return s.side * s.side }
func (s square) String() string  { return fmt.Sprintf("a square of %g", s.side) }
func (c *circle) area() float64  { return 3 * c.radius * c.radius }
func (c *circle) String() string { return fmt.Sprintf("a circle of %g", c.radius) }

var shapes = map[string]func(float64) shape{
	"square": func(x float64) shape { return square{x} },
	"circle": func(x float64) shape { return &circle{x} },
}

var notFound error = fmt.Errorf("not found: %w", io.EOF)

type byArea []shape

func (b byArea) Len() int           { return len(b) }
func (b byArea) Less(i, j int) bool { return b[i].area() < b[j].area() }
func (b byArea) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

func main() {
	var all byArea
	for i, name := range strings.Fields("square circle square circle") {
		all = append(all, shapes[name](float64(5-i)))
	}
	sort.Sort(all)
	for _, s := range all {
		area, text := s.area, s.String // method values
		fmt.Println(text(), area())
	}
	read, err := io.ReadAll(io.TeeReader(strings.NewReader("text"), io.Discard))
	fmt.Println(string(read), err, errors.Is(notFound, io.EOF), all[0] == shape(square{3}))
	var target *strings.Reader
	switch kind := any(target).(type) {
	case io.Writer:
		fmt.Println("a writer", kind)
	case io.Reader:
		fmt.Println("a reader")
	}
}
