package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// report is what each pass did, and how large the two modules were after it.
type report struct{ rows []reportRow }

type reportRow struct {
	pass, done        string
	primary, deferred int // bytes
}

// add notes a pass after which the modules are these.
func (r *report) add(pass, done string, primary, deferred []section) {
	row := reportRow{pass: pass, done: done, primary: len(encodeSections(primary))}
	if deferred != nil {
		row.deferred = len(encodeSections(deferred))
	}
	r.rows = append(r.rows, row)
}

func (r *report) String() string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "primary\tchange\tdeferred\t  pass\t")
	before := 0
	for i, row := range r.rows {
		change := ""
		if i > 0 {
			change = fmt.Sprintf("%+d", row.primary-before)
		}
		fmt.Fprintf(table, "%d\t%s\t%d\t  %s: %s\n", row.primary, change, row.deferred, row.pass, row.done)
		before = row.primary
	}
	_ = table.Flush() // into a text
	return text.String()
}
