package payment

import (
	"strings"
	"time"

	"open-payments-wasm/pkg/signedhttp"
)

func intervalProblem(interval string) string {
	if interval != "" && (interval[0] != 'R' || strings.Count(interval, "/") != 2) {
		return "must be a repeating interval (ISO 8601), such as R11/2026-12-01T00:00:00Z/P1M: a month twelve times"
	}
	return ""
}

// opensAt returns when the next part of a repeating interval (ISO 8601-1 §5.6) begins, after a time; found is false where
// there is none, or the interval is of a kind that is not read here: with fractions, weeks of years or days of years.
//
// As the reference server reads it: Rn has n+1 parts, R and R-1 have no end, P…/end repeats into the past, and each part
// begins where the one before ended: one month after January 31 is February 28, and one month after that March 28.
func opensAt(interval string, now time.Time) (at time.Time, found bool) {
	parts := strings.Split(interval, "/")
	if len(parts) != 3 {
		return at, false
	}
	repeats, isCount := readRepeats(parts[0])
	from, isFrom := readTime(parts[1])
	to, isTo := readTime(parts[2])
	switch {
	case !isCount:
		return at, false
	case isFrom && isTo:
		return forward(from, step{millis: to.UnixMilli() - from.UnixMilli()}, repeats, now)
	case isFrom:
		return forward(from, readDuration(parts[2]), repeats, now)
	case isTo:
		return backward(to, readDuration(parts[1]), repeats, now)
	}
	return at, false
}

// forward goes through parts from the first on.
func forward(at time.Time, length step, repeats int, now time.Time) (_ time.Time, found bool) {
	if !length.isLength() {
		return at, false
	}
	n := 0
	if passed := now.UnixMilli() - at.UnixMilli(); length.months == 0 && passed > 0 { // there may be too many to go through
		n = int(passed / length.millis)
		at = time.UnixMilli(at.UnixMilli() + int64(n)*length.millis).UTC()
	}
	for ; !at.After(now); n++ {
		at = length.after(at)
	}
	return at, repeats == endless || n <= repeats
}

// backward goes through parts from the last on: end is its end.
func backward(end time.Time, length step, repeats int, now time.Time) (_ time.Time, found bool) {
	if !length.isLength() || !now.Before(end) {
		return end, false
	}
	back := step{-length.months, -length.millis}
	n := 0
	if left := end.UnixMilli() - now.UnixMilli(); length.months == 0 {
		n = int((left - 1) / length.millis)
		if repeats != endless {
			n = min(n, repeats+1)
		}
		end = time.UnixMilli(end.UnixMilli() - int64(n)*length.millis).UTC()
	}
	for before := back.after(end); before.After(now) && (repeats == endless || n <= repeats); before = back.after(end) {
		end = before
		n++
	}
	return end, n > 0
}

const endless = -1

func readRepeats(text string) (repeats int, isCount bool) {
	digits, isRepeating := strings.CutPrefix(text, "R")
	switch {
	case !isRepeating:
		return 0, false
	case digits == "" || digits == "-1":
		return endless, true
	}
	n, rest := readNumber(digits)
	return n, n >= 0 && rest == ""
}

// readTime reads a date, or a date and a time. Without a zone it is UTC.
func readTime(text string) (t time.Time, isTime bool) {
	for _, rest := range []string{"", "Z", ":00Z", "T00:00:00Z"} {
		if t, isTime = signedhttp.ParseTime(text + rest); isTime {
			return t, true
		}
	}
	return t, false
}

// step leads from one part to the next: calendar months, and what always takes as long. Days do: all times are UTC.
type step struct {
	months int
	millis int64
}

func (s step) isLength() bool { return s.months > 0 || s.millis > 0 }

// after returns the time that is so much later: first the months, and then the rest.
func (s step) after(t time.Time) time.Time {
	return time.UnixMilli(signedhttp.AddMonths(t, s.months).UnixMilli() + s.millis).UTC()
}

const dayMillis = 24 * 3_600_000

// unitOf is what a letter of a duration says: before or after its T.
func unitOf(letter byte, isTime bool) (unit step) {
	switch {
	case letter == 'Y' && !isTime:
		unit.months = 12
	case letter == 'M' && !isTime:
		unit.months = 1
	case letter == 'W' && !isTime:
		unit.millis = 7 * dayMillis
	case letter == 'D' && !isTime:
		unit.millis = dayMillis
	case letter == 'H' && isTime:
		unit.millis = 3_600_000
	case letter == 'M' && isTime:
		unit.millis = 60_000
	case letter == 'S' && isTime:
		unit.millis = 1000
	}
	return unit
}

// readDuration reads a duration (ISO 8601-1 §5.5.2) of whole numbers. Of what is none it returns zero.
func readDuration(text string) (length step) {
	rest, isDuration := strings.CutPrefix(text, "P")
	isTime := false
	for isDuration && rest != "" {
		if rest[0] == 'T' {
			isTime, rest = true, rest[1:]
			continue
		}
		var n int
		if n, rest = readNumber(rest); n < 0 || rest == "" {
			return step{}
		}
		unit := unitOf(rest[0], isTime)
		if unit == (step{}) {
			return step{}
		}
		length.months += n * unit.months
		length.millis += int64(n) * unit.millis
		rest = rest[1:]
	}
	return length
}

// readNumber reads up to six digits at the beginning of a text. Where there are none, or more, it returns -1.
func readNumber(text string) (n int, rest string) {
	digits := 0
	for ; digits < len(text) && text[digits] >= '0' && text[digits] <= '9'; digits++ {
		n = n*10 + int(text[digits]-'0')
	}
	if digits == 0 || digits > 6 {
		return -1, ""
	}
	return n, text[digits:]
}
