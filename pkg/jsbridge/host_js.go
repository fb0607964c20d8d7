//go:build js && wasm

package jsbridge

import (
	"context"
	"sync"

	"github.com/hack-pad/safejs"
)

// hosts are the functions of wasm/sdk/host.js, which are among the globals of this program: they
// do in one step what would be many between Go and JavaScript.
var hosts = map[string]safejs.Value{}

// mu guards hosts and questions: there is one thread, but goroutines may take turns wherever Go
// allocates. It is never held while JavaScript runs, which may answer at once.
var mu sync.Mutex

func host(name string) safejs.Value {
	mu.Lock()
	defer mu.Unlock()
	function, known := hosts[name]
	if !known {
		function = must(global.Get(name))
		hosts[name] = function
	}
	return function
}

// answer is what a host function calls back with: values, or an *Error with what was thrown.
type answer struct {
	values []safejs.Value
	err    error
}

// questions are those that JavaScript has not answered yet, by number.
var (
	questions    = map[int]chan answer{}
	lastQuestion int
)

// answered is called by JavaScript with the number of a question and the answer: one function for
// all of them, because to make one and to let go of it costs more than to call it.
var answered = must(safejs.FuncOf(func(_ safejs.Value, args []safejs.Value) any {
	number, err := args[0].Int()
	if answers, waits := endQuestion(number); err == nil && waits {
		answers <- settle(args[1:])
	}
	return nil
}))

// newQuestion returns the number of a question and where its answer will be.
func newQuestion() (number int, answers chan answer) {
	mu.Lock()
	defer mu.Unlock()
	answers = make(chan answer, 1)
	lastQuestion++
	questions[lastQuestion] = answers
	return lastQuestion, answers
}

// endQuestion forgets a question: nothing is answered twice, or after it was given up.
func endQuestion(number int) (answers chan answer, waits bool) {
	mu.Lock()
	defer mu.Unlock()
	answers, waits = questions[number]
	delete(questions, number)
	return answers, waits
}

// ask has ask of wasm/sdk/host.js call a host function with args and a function for its answer, and
// waits for it. When ctx ends it gives the question up, and returns the cause. It must run in a
// goroutine, never inside a function that JavaScript called: the event loop would stand still.
func ask(ctx context.Context, function safejs.Value, args ...any) ([]safejs.Value, error) {
	number, answers := newQuestion()
	if _, err := host("ask").Invoke(append([]any{answered, number, function}, args...)...); err != nil {
		endQuestion(number)
		return nil, caught(err)
	}
	select {
	case a := <-answers:
		return a.values, a.err
	case <-ctx.Done():
		_, _ = host("giveUp").Invoke(number)
		endQuestion(number)
		return nil, context.Cause(ctx)
	}
}

func settle(values []safejs.Value) answer {
	fulfilled, values := values[0], values[1:]
	if fulfilled.Equal(trueValue) {
		return answer{values: values}
	}
	return answer{err: &Error{values[0]}}
}
