// Command postlink takes a module that Go's linker wrote for js/wasm, and writes one that starts faster and loads in two parts.
// With -h it says how.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"strings"

	"open-payments-wasm/wasm/postlink"
)

const usage = `Usage: go run ./wasm/postlink/cmd/postlink [flags] program.wasm

Takes a module that Go's linker wrote (GOOS=js GOARCH=wasm, with -ldflags=-w or not) and writes one that starts faster, and a
deferred module with the functions that no other needs at once. With -early, those of the others that do not run at once are
embedded: they lie in the primary module and are compiled later. js/scheduler.js and js/snapshot.js run them beside wasm_exec.js.

Without -keep and -names all that can wait is deferred. Rules are lines of "keep" or "cut", a pattern of names and, after "#", why;
what stands before the first empty line is text.

Passes, in the order in which they run:
%s
Flags:
`

func main() {
	log.SetFlags(0)
	log.SetPrefix("postlink: ")
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		log.Fatal(err)
	}
}

// arguments are what the command line says.
type arguments struct {
	options           postlink.Options
	primary, deferred string
	report            bool
	why               []string
	program           string
	passes            bool
}

func run(args []string, output, messages io.Writer) error {
	a, err := parse(args, messages)
	if err != nil {
		return err
	}
	if a.passes {
		_, err := fmt.Fprintln(output, strings.Join(postlink.PassNames(), "\n"))
		return err
	}
	module, err := os.ReadFile(a.program)
	if err != nil {
		return err
	}
	linked, err := postlink.Link(module, a.options)
	if err != nil {
		return err
	}
	if a.report {
		fmt.Fprint(output, linked.Report)
	}
	for _, name := range a.why {
		why, err := linked.Why(name)
		if err != nil {
			return err
		}
		fmt.Fprint(output, why)
	}
	if a.primary != "" {
		if err := os.WriteFile(a.primary, linked.Primary, 0o644); err != nil {
			return err
		}
	}
	if a.deferred != "" && linked.Deferred != nil {
		return os.WriteFile(a.deferred, linked.Deferred, 0o644)
	}
	return nil
}

func parse(args []string, messages io.Writer) (arguments, error) {
	var a arguments
	flags := flag.NewFlagSet("postlink", flag.ExitOnError)
	flags.SetOutput(messages)
	flags.Usage = func() {
		fmt.Fprintf(messages, usage, postlink.Passes())
		flags.PrintDefaults()
	}
	flags.StringVar(&a.primary, "o", "", "the `file` to write the primary module into")
	flags.StringVar(&a.deferred, "deferred", "", "the `file` to write the deferred module into, if there is one")
	flags.BoolVar(&a.report, "report", false, "say what each pass did, and how many bytes it gave")
	flags.Func("why", "say why the function of this `name` stays, is embedded or is deferred; more than once for more of them", func(name string) error {
		a.why = append(a.why, name)
		return nil
	})
	flags.BoolVar(&a.options.Profile, "profile", false, "write a module that says which functions ran, instead of a split")
	flags.BoolVar(&a.options.Start.Ready, "ready", false, "main calls globalThis.ready when it has started: take the snapshot there, not before main")
	flags.BoolVar(&a.passes, "passes", false, "say the names of the passes, and link nothing")
	off := flags.String("off", "", "leave out these `passes`, separated by commas")
	tables := flags.String("tables", "", "constants of Go's standard library that must leave, by `name`, separated by commas")
	tags := flags.String("tags", "", "`tags` for rules such as cut:tag, separated by commas")
	var rules []string
	flags.Func("keep", "a `file` of rules: which functions stay", func(file string) error {
		rules = append(rules, file)
		return nil
	})
	flags.Func("names", "a `file` of names of functions that stay", func(file string) error {
		text, err := os.ReadFile(file)
		a.options.Keep.AddNames(file, string(text))
		return err
	})
	flags.Func("early", "a `file` of names of functions that run at once: the others of the keep-list are embedded", func(file string) error {
		text, err := os.ReadFile(file)
		a.options.Early = append(a.options.Early, strings.Fields(string(text))...)
		return err
	})
	flags.Func("argument", "an `argument` of the program that its start finds; the first is its name", func(text string) error {
		a.options.Start.Arguments = append(a.options.Start.Arguments, text)
		return nil
	})
	flags.Func("global", "what the start finds below globalThis, as `path=value`: a number, or what typeof says", func(text string) error {
		return addGlobal(&a.options.Start, text)
	})
	if err := flags.Parse(args); err != nil {
		return a, err
	}
	a.options.Off, a.options.Tables = list(*off), list(*tables)
	for _, file := range rules {
		text, err := os.ReadFile(file)
		if err != nil {
			return a, err
		}
		if err := a.options.Keep.AddRules(file, string(text), list(*tags)); err != nil {
			return a, err
		}
	}
	a.program = flags.Arg(0)
	if flags.NArg() != 1 && !a.passes {
		return a, fmt.Errorf("want one program, and got %d; -h says more", flags.NArg())
	}
	return a, nil
}

func list(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}

func addGlobal(start *postlink.Start, text string) error {
	path, value, isWhole := strings.Cut(text, "=")
	if !isWhole {
		return fmt.Errorf("%q has no =", text)
	}
	if start.Globals == nil {
		start.Globals = make(map[string]any)
	}
	start.Globals[path] = value
	if number, err := strconv.Atoi(value); err == nil {
		start.Globals[path] = number
	}
	return nil
}
