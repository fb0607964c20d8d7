package signedhttp

import (
	"strconv"
	"time"
)

// Times of RFC 3339 are read and written here: package time does that for every layout and time zone, which takes 12 kB
// of a program for browsers, and 4 kB more for months.

const secondsOfDay = 24 * 60 * 60

// ParseTime reads a time of RFC 3339, in UTC: zero and false of what is none. What is finer than a nanosecond is dropped.
func ParseTime(text string) (t time.Time, isTime bool) {
	// 2006-01-02T15:04:05
	if len(text) < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' {
		return t, false
	}
	year, month, day := number(text[0:4], 0, 9999), number(text[5:7], 1, 12), number(text[8:10], 1, 31)
	hour, minute, second := number(text[11:13], 0, 23), number(text[14:16], 0, 59), number(text[17:19], 0, 59)
	nanoseconds, rest := fraction(text[19:])
	offset, isOffset := zone(rest)
	if min(year, month, day, hour, minute, second, nanoseconds) < 0 || !isOffset {
		return t, false
	}
	days := daysOf(year, month, day)
	if y, m, d := dateOf(days); y != year || m != month || d != day { // the 30th of February
		return t, false
	}
	return time.Unix(int64(days*secondsOfDay+hour*3600+minute*60+second-offset), int64(nanoseconds)).UTC(), true
}

// number reads digits. It returns -1 where there is something else, or a number out of range.
func number(digits string, least, most int) int {
	n := 0
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int(c-'0')
	}
	if n < least || n > most {
		return -1
	}
	return n
}

// fraction reads what may follow the seconds, as nanoseconds. It returns -1 where a point has no digits.
func fraction(text string) (nanoseconds int, rest string) {
	if text[0] != '.' {
		return 0, text
	}
	end, unit := 1, 100_000_000
	for ; end < len(text) && text[end] >= '0' && text[end] <= '9'; end++ {
		nanoseconds += int(text[end]-'0') * unit
		unit /= 10
	}
	if end == 1 {
		return -1, ""
	}
	return nanoseconds, text[end:]
}

// zone reads "Z" or an offset like "+01:00", in seconds.
func zone(text string) (offset int, isZone bool) {
	if text == "Z" {
		return 0, true
	}
	if len(text) != 6 || text[3] != ':' || text[0] != '+' && text[0] != '-' {
		return 0, false
	}
	hours, minutes := number(text[1:3], 0, 23), number(text[4:6], 0, 59)
	offset = hours*3600 + minutes*60
	if text[0] == '-' {
		offset = -offset
	}
	return offset, min(hours, minutes) >= 0
}

// appendTime appends a time as JSON text, if it is UTC and has whole seconds.
func appendTime(out []byte, t time.Time) (_ []byte, isWritten bool) {
	seconds := int(t.Unix())
	days := (seconds - modulo(seconds, secondsOfDay)) / secondsOfDay
	year, month, day := dateOf(days)
	if t.Location() != time.UTC || t.Nanosecond() != 0 || year < 1000 || year > 9999 {
		return out, false
	}
	seconds -= days * secondsOfDay
	out = strconv.AppendInt(append(out, '"'), int64(year), 10)
	for i, n := range []int{month, day, seconds / 3600, seconds / 60 % 60, seconds % 60} {
		out = append(out, "--T::"[i], byte('0'+n/10), byte('0'+n%10))
	}
	return append(out, 'Z', '"'), true
}

// AddMonths returns the time so many calendar months later, or earlier, in UTC, at the same time of day. Where the month has no
// such day it is the last of that month: one month after January 31 is February 28.
func AddMonths(t time.Time, months int) time.Time {
	seconds := int(t.Unix())
	ofDay := modulo(seconds, secondsOfDay)
	year, month, day := dateOf((seconds - ofDay) / secondsOfDay)
	first := year*12 + month - 1 + months
	year, month = (first-modulo(first, 12))/12, modulo(first, 12)+1
	days := daysOf(year, month, day)
	for _, m, _ := dateOf(days); m != month; _, m, _ = dateOf(days) {
		days--
	}
	return time.Unix(int64(days*secondsOfDay+ofDay), int64(t.Nanosecond())).UTC()
}

// The calendar of RFC 3339 repeats itself after 400 years. Its years begin in March here, so that the leap day is the last.
const (
	daysOf400Years = 146097
	marchOfYear0   = -719468 // in days since 1970
)

func daysOf(year, month, day int) int {
	month -= 3
	if month < 0 {
		year, month = year-1, month+12
	}
	ofYear := (153*month+2)/5 + day - 1
	cycle := (year - modulo(year, 400)) / 400
	year -= cycle * 400
	return marchOfYear0 + cycle*daysOf400Years + year*365 + year/4 - year/100 + ofYear
}

func dateOf(days int) (year, month, day int) {
	days -= marchOfYear0
	inCycle := modulo(days, daysOf400Years)
	year = (inCycle - inCycle/1460 + inCycle/36524 - inCycle/146096) / 365
	ofYear := inCycle - (365*year + year/4 - year/100)
	year += (days - inCycle) / daysOf400Years * 400
	month = (5*ofYear + 2) / 153
	day = ofYear - (153*month+2)/5 + 1
	if month += 3; month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}

// modulo is never negative.
func modulo(n, m int) int { return (n%m + m) % m }
