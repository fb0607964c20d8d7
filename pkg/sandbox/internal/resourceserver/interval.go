package resourceserver

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// interval is a span of time, its start included and its end not. The zero interval is all of time.
type interval struct{ start, end time.Time }

func (i interval) contains(t time.Time) bool {
	return i == interval{} || (!t.Before(i.start) && t.Before(i.end))
}

// currentInterval returns the part of a repeating interval (ISO 8601-1 §5.6) that a time is in; found is false when it is
// in none, or the interval cannot be read. "" is all of time. The error is errUnexpected when it is not three parts.
//
// As in the reference server, Rn has n+1 parts, R and R-1 have no end, P…/end repeats into the past, start/end repeats by
// its length in milliseconds, and each part begins where the one before ended: one month after January 31 is February
// 28, and one month after that March 28.
func currentInterval(text string, now time.Time) (current interval, found bool, err error) {
	if text == "" {
		return interval{}, true, nil
	}
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return interval{}, false, errUnexpected
	}
	repeats, ok := parseRepeats(parts[0])
	if !ok {
		return interval{}, false, nil
	}
	first, step, ok := parseInterval(parts[1], parts[2])
	if !ok {
		return interval{}, false, nil
	}
	current, found = first.repeat(step, repeats, now)
	return current, found, nil
}

const endless = -1

var repeatsPattern = regexp.MustCompile(`^R(-1|[0-9]{0,18})$`)

func parseRepeats(text string) (int64, bool) {
	match := repeatsPattern.FindStringSubmatch(text)
	if match == nil {
		return 0, false
	}
	if match[1] == "" || match[1] == "-1" {
		return endless, true
	}
	repeats, err := strconv.ParseInt(match[1], 10, 64)
	return repeats, err == nil
}

// parseInterval reads start/end, start/duration and duration/end. The step leads from one part to the next.
func parseInterval(from, to string) (first interval, step duration, ok bool) {
	switch {
	case strings.HasPrefix(from, "P"):
		length, ok := parseDuration(from)
		end, err := parseDateTime(to)
		if !ok || err != nil {
			return first, step, false
		}
		step = length.negative()
		first = interval{step.after(end), end}
	case strings.HasPrefix(to, "P"):
		start, err := parseDateTime(from)
		length, ok := parseDuration(to)
		if !ok || err != nil {
			return first, step, false
		}
		step = length
		first = interval{start, step.after(start)}
	default:
		start, err := parseDateTime(from)
		end, err2 := parseDateTime(to)
		if err != nil || err2 != nil {
			return first, step, false
		}
		first, step = interval{start, end}, duration{millis: end.UnixMilli() - start.UnixMilli()}
	}
	return first, step, first.start.Before(first.end)
}

// repeat returns the part that a time is in, among the first and so many more.
func (i interval) repeat(step duration, repeats int64, now time.Time) (interval, bool) {
	backward := step.months < 0 || step.millis < 0
	if (backward && !now.Before(i.end)) || (!backward && now.Before(i.start)) {
		return interval{}, false
	}
	if step.months == 0 {
		return i.jump(step.millis, repeats, now)
	}
	for n := int64(0); repeats == endless || n <= repeats; n++ {
		if i.contains(now) {
			return i, true
		}
		if backward {
			i = interval{step.after(i.start), i.start}
		} else {
			i = interval{i.end, step.after(i.end)}
		}
	}
	return interval{}, false
}

// jump is repeat with a step that always takes as long: so many that they cannot be gone through.
func (i interval) jump(millis, repeats int64, now time.Time) (interval, bool) {
	start, end, at := i.start.UnixMilli(), i.end.UnixMilli(), now.UnixMilli()
	var n int64
	if millis > 0 {
		n = (at - start) / millis
	} else {
		n = (end - 1 - at) / -millis
	}
	if repeats != endless && n > repeats {
		return interval{}, false
	}
	return interval{time.UnixMilli(start + n*millis).UTC(), time.UnixMilli(end + n*millis).UTC()}, true
}

// duration is calendar months, and what always takes as long. Days do: all times are UTC.
type duration struct {
	months int
	millis int64
}

const dayMillis = 24 * 60 * 60 * 1000

var durationPattern = regexp.MustCompile(`^P(?:([0-9.]+)Y)?(?:([0-9.]+)M)?(?:([0-9.]+)W)?(?:([0-9.]+)D)?` +
	`(?:T(?:([0-9.]+)H)?(?:([0-9.]+)M)?(?:([0-9.,]+)S)?)?$`)

// parseDuration reads a duration (ISO 8601-1 §5.5.2) that is longer than nothing. The fraction of a year is of 365 days, and
// that of a month of 30, as in the reference server.
func parseDuration(text string) (d duration, ok bool) {
	match := durationPattern.FindStringSubmatch(text)
	if match == nil {
		return d, false
	}
	for i, field := range []struct {
		months int
		millis float64 // of one, or of the fraction where there are months
	}{
		{12, 365 * dayMillis}, {1, 30 * dayMillis}, {0, 7 * dayMillis}, {0, dayMillis}, {0, 3_600_000}, {0, 60_000}, {0, 1000},
	} {
		if match[i+1] == "" {
			continue
		}
		number, err := strconv.ParseFloat(strings.Replace(match[i+1], ",", ".", 1), 64)
		if err != nil || number*field.millis > maxYears*365*dayMillis {
			return d, false
		}
		if field.months > 0 {
			whole := math.Trunc(number)
			d.months += int(whole) * field.months
			number -= whole
		}
		d.millis += int64(math.Round(number * field.millis))
	}
	return d, d.months > 0 || d.millis > 0
}

// maxYears bounds each part of a duration, so that it stays far from what 64 bits hold.
const maxYears = 10_000

func (d duration) negative() duration { return duration{-d.months, -d.millis} }

// after returns the time that is so much later: first the months, in which a day that is not there becomes the last that
// is, and then the rest.
func (d duration) after(t time.Time) time.Time {
	if d.months != 0 {
		firstOfMonth := time.Date(t.Year(), t.Month(), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC).AddDate(0, d.months, 0)
		last := firstOfMonth.AddDate(0, 1, -1).Day()
		t = firstOfMonth.AddDate(0, 0, min(t.Day(), last)-1)
	}
	return time.UnixMilli(t.UnixMilli() + d.millis).UTC()
}

var dateTimePattern = regexp.MustCompile(`^(?:([0-9]{4})(?:-?([0-9]{2})-?([0-9]{2})|-([0-9]{2})|-?W([0-9]{2})(?:-?([1-7]))?|-?([0-9]{3}))?)` +
	`(?:T([0-9]{2})(?::?([0-9]{2})(?::?([0-9]{2})(?:[.,]([0-9]{1,30}))?)?)?(?:(Z)|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?$`)

// parseDateTime reads a date or a date and a time (ISO 8601-1 §5.2 and §5.4): by month and day, by week or by day of the year,
// in the basic and the extended format, with as much of it left out at the end as ISO 8601 allows. Without a zone it is UTC.
func parseDateTime(text string) (time.Time, error) {
	match := dateTimePattern.FindStringSubmatch(text)
	if match == nil {
		return time.Time{}, errUnexpected
	}
	number := func(i, missing int) int {
		if match[i] == "" {
			return missing
		}
		n, _ := strconv.Atoi(match[i]) // the pattern has digits only
		return n
	}
	date, ok := parseDate(number)
	hour, minute, second := number(8, 0), number(9, 0), number(10, 0)
	endOfDay := hour == 24 && minute == 0 && second == 0 && strings.Trim(match[11], "0") == ""
	if !ok || (hour > 23 && !endOfDay) || minute > 59 || second > 59 || number(15, 0) > 59 {
		return time.Time{}, errUnexpected
	}
	fraction, _ := strconv.Atoi((match[11] + "000")[:3])
	offset := time.Duration(number(14, 0))*time.Hour + time.Duration(number(15, 0))*time.Minute
	if match[13] == "-" {
		offset = -offset
	}
	timeOfDay := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute +
		time.Duration(second)*time.Second + time.Duration(fraction)*time.Millisecond
	return date.Add(timeOfDay - offset), nil
}

// parseDate returns the day that the groups of dateTimePattern name, if there is one.
func parseDate(number func(i, missing int) int) (time.Time, bool) {
	year := number(1, 0)
	newYear := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	if week := number(5, 0); week > 0 {
		_, inLast := time.Date(year, 12, 28, 0, 0, 0, 0, time.UTC).ISOWeek()
		fourth := time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC) // is always in the first week
		monday := fourth.AddDate(0, 0, -int(fourth.Weekday()+6)%7)
		return monday.AddDate(0, 0, 7*(week-1)+number(6, 1)-1), week <= inLast
	}
	if ordinal := number(7, -1); ordinal >= 0 {
		date := newYear.AddDate(0, 0, ordinal-1)
		return date, date.Year() == year && ordinal > 0
	}
	month, dayOfMonth := number(2, number(4, 1)), number(3, 1)
	date := time.Date(year, time.Month(month), dayOfMonth, 0, 0, 0, 0, time.UTC)
	return date, month >= 1 && int(date.Month()) == month && date.Day() == dayOfMonth
}
