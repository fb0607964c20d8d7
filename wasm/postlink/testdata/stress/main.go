// Command stress does at once what the runtime does in the background of every program: goroutines, select, timers, stack growth,
// finalizers, panics, reflection, maps. It comes to the same each time, wherever a collection or a switch happens.
package main

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"
)

type job struct {
	kind, number int
	result       chan string
}

var kinds = []func(int) string{grow, throw, reflects, tables, formats, selects, leaves} // static data that names functions

func grow(n int) string {
	var frame [32]*int
	for i := range frame {
		frame[i] = &n
	}
	if n == 0 {
		runtime.GC()
		return "grown"
	}
	below := grow(n - 1)
	for _, pointer := range frame {
		if *pointer != n {
			return "another frame"
		}
	}
	return below
}

func throw(n int) (text string) {
	defer func() {
		if err, isError := recover().(error); isError {
			text = err.Error()
		}
	}()
	switch n % 3 {
	case 0:
		panic(fmt.Errorf("%d: %w", n, errors.ErrUnsupported))
	case 1:
		return make([]string, n/2)[n]
	default:
		var none map[int]*job
		return string(rune(none[n].number))
	}
}

func (kinds listed) Len() int               { return len(kinds) }
func (kinds listed) Text(i int) string      { return kinds[i%len(kinds)] }
func (kinds *listed) Append(names []string) { *kinds = append(*kinds, names...) }

type listed []string

func reflects(n int) string {
	list := &listed{"a"}
	value := reflect.ValueOf(list)
	for i := range n {
		value.MethodByName("Append").Call([]reflect.Value{reflect.ValueOf([]string{fmt.Sprint(i), "x"})})
	}
	sum := reflect.MakeFunc(reflect.TypeOf(func(...int) int { return 0 }), func(args []reflect.Value) []reflect.Value {
		runtime.Gosched()
		return []reflect.Value{reflect.ValueOf(args[0].Len() + list.Len())}
	})
	text := value.MethodByName("Text").Interface().(func(int) string)
	return text(n) + fmt.Sprint(sum.Interface().(func(...int) int)(1, 2, n))
}

func tables(n int) string {
	words := make(map[string][]int)
	for i := range n * 20 {
		word := fmt.Sprint(i * i % (n + 3))
		words[word] = append(words[word], i)
		if i%7 == 0 {
			delete(words, fmt.Sprint(i%5))
		}
	}
	var names []string
	for word, at := range words {
		names = append(names, fmt.Sprint(word, len(at)))
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}

func formats(n int) string {
	type point struct {
		X, Y any
		At   *time.Duration
	}
	duration := time.Duration(n) * time.Millisecond
	return strings.ReplaceAll(fmt.Sprintf("%+v %T %q %x %8.3f", point{n, []string{"a"}, nil}, duration, duration, "text", 1/float64(n+1)), "e", "E")
}

func selects(n int) string {
	ticks, done, lost := make(chan int), make(chan struct{}), make(chan int)
	var wait sync.WaitGroup
	for i := range 3 {
		wait.Go(func() {
			time.Sleep(time.Duration((n+i)%3) * time.Millisecond)
			select {
			case ticks <- i:
			case <-done:
			}
		})
	}
	got := 0
	for got < 3 {
		select {
		case <-ticks:
			got++
		case <-lost:
		case <-time.After(time.Minute):
			return "late"
		}
	}
	close(done)
	wait.Wait()
	return "selected"
}

func leaves(n int) string {
	cleaned := make(chan int, 1)
	for i := range n%4 + 1 {
		value := &[512]int{i}
		if i == 0 {
			runtime.AddCleanup(value, func(n int) { cleaned <- n }, n)
		}
	}
	for {
		runtime.GC()
		select {
		case n := <-cleaned:
			return fmt.Sprint("cleaned ", n)
		case <-time.After(time.Millisecond):
		}
	}
}

func work(jobs chan job, wait *sync.WaitGroup) {
	defer wait.Done()
	for j := range jobs {
		j.result <- kinds[j.kind](j.number)
	}
}

func main() {
	jobs := make(chan job)
	var wait sync.WaitGroup
	for range 5 {
		wait.Add(1)
		go work(jobs, &wait)
	}
	results := make([]chan string, 49)
	for i := range results {
		results[i] = make(chan string, 1)
	}
	go func() {
		for i, result := range results {
			jobs <- job{i % len(kinds), i * 5 % 61, result}
		}
		close(jobs)
	}()
	for i, result := range results {
		fmt.Println(i, <-result)
	}
	wait.Wait()
}
