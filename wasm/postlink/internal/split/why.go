package split

import (
	"fmt"
	"slices"
	"strings"

	"open-payments-wasm/wasm/postlink/internal/golang"
	"open-payments-wasm/wasm/postlink/internal/keep"
)

// reason is why a search came to a function: what another does, or where from is 0, what is true of itself. No function that
// a module of Go defines has the index 0.
type reason struct {
	how  string
	from uint64
}

// Why explains in lines of text why a function stays in the primary module, or is embedded or deferred.
func (c *Choice) Why(name string) (string, error) {
	index, err := c.Find(name)
	if err != nil {
		return "", err
	}
	if c.isDeferred(index) {
		return c.whyDeferred(index), nil
	}
	if _, cannotWait := c.cannot[index]; cannotWait {
		return name + " stays: it cannot wait for the deferred module.\n" + c.way(c.cannot, index), nil
	}
	if c.isEmbedded(index) {
		return name + " is embedded: it may wait, and is not early. The keep-list comes to it.\n" + c.way(c.reached, index), nil
	}
	if _, isReached := c.reached[index]; isReached {
		return name + " stays: the keep-list comes to it.\n" + c.way(c.reached, index), nil
	}
	return name + " stays: it is not of the form of Go's functions, which return 1 to wait.\n", nil
}

// way returns how a search came to a function, a line for each step back to where it began.
func (c *Choice) way(found map[uint64]reason, index uint64) string {
	var lines strings.Builder
	for {
		why := found[index]
		if why.from == 0 {
			fmt.Fprintf(&lines, "  %s: %s\n", c.Names[index], why.how)
			return lines.String()
		}
		fmt.Fprintf(&lines, "  %s: %s %s\n", c.Names[index], c.Names[why.from], why.how)
		index = why.from
	}
}

func (c *Choice) whyDeferred(index uint64) string {
	name := c.Names[index]
	var lines strings.Builder
	fmt.Fprintf(&lines, "%s is deferred: it may wait, and ", name)
	rule, isCut := keep.Match(c.list.Cut, name)
	switch {
	case slices.Contains(golang.Describers, name):
		lines.WriteString("it reads the line tables, which are deferred: only the text of a panic needs it.\n")
	case isCut:
		fmt.Fprintf(&lines, "cut %s in %s: %s.\n", rule.Pattern, rule.From, rule.Reason)
	default:
		lines.WriteString("no function of the keep-list comes to it.\n")
	}
	callers := 0
	for i := range c.Bodies {
		caller := c.Imported + uint64(i)
		if slices.Contains(c.calls[caller], index) {
			callers++
			where := "stays"
			if c.isDeferred(caller) {
				where = "is deferred"
			} else if c.isEmbedded(caller) {
				where = "is embedded"
			}
			fmt.Fprintf(&lines, "  %s calls it, which %s\n", c.Names[caller], where)
		}
	}
	if callers == 0 {
		lines.WriteString("  no function calls it directly\n")
	}
	return lines.String()
}
