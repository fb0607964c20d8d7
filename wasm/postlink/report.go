package postlink

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"open-payments-wasm/wasm/postlink/internal/wasm"
)

// Report is what each pass did, in the order in which they ran. The first row is what Go's linker wrote.
type Report []ReportRow

// ReportRow is what one pass did, and how large the two modules were after it, in bytes.
type ReportRow struct {
	Pass, Done        string
	Primary, Deferred int
}

func (r *Report) add(pass, done string, primary, deferred wasm.Module) {
	row := ReportRow{Pass: pass, Done: done, Primary: len(primary.Encode())}
	if deferred != nil {
		row.Deferred = len(deferred.Encode())
	}
	*r = append(*r, row)
}

// String returns a table with a line for each pass.
func (r Report) String() string {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "primary\tchange\tdeferred\t  pass\t")
	before := 0
	for i, row := range r {
		change := ""
		if i > 0 {
			change = fmt.Sprintf("%+d", row.Primary-before)
		}
		fmt.Fprintf(table, "%d\t%s\t%d\t  %s: %s\n", row.Primary, change, row.Deferred, row.Pass, row.Done)
		before = row.Primary
	}
	_ = table.Flush() // into a text
	return text.String()
}
