package openpayments

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Errors of ParseAmount and FormatAmount. They are wrapped, with what was given.
var (
	ErrNotDecimal = errors.New("openpayments: not a decimal number like 12.50")
	ErrNotValue   = errors.New("openpayments: not the value of an amount, an unsigned 64-bit integer as text")
	ErrPrecision  = errors.New("openpayments: more decimals than the scale of the asset")
	ErrRange      = errors.New("openpayments: larger than any amount can be")
	ErrScale      = errors.New("openpayments: a scale is from 0 to 255")
)

const maxScale = 255

// ParseAmount returns the value of an amount that people write as decimal: ParseAmount("12.5", 2) is "1250". scale is
// the assetScale of the amount. decimal is digits, and may have a point with digits on both sides; nothing else: no
// sign, spaces, separators or exponent. Nothing is rounded: more decimals than the scale are refused, zeros too, since
// "1.500" means another number in other languages.
//
// Errors: ErrNotDecimal, ErrPrecision, ErrRange, ErrScale.
func ParseAmount(decimal string, scale int) (value string, err error) {
	whole, decimals, hasPoint := strings.Cut(decimal, ".")
	switch {
	case scale < 0 || scale > maxScale:
		return "", fmt.Errorf("%w: %d", ErrScale, scale)
	case !isDigits(whole) || hasPoint && !isDigits(decimals):
		return "", fmt.Errorf("%w: %q", ErrNotDecimal, decimal)
	case len(decimals) > scale:
		return "", fmt.Errorf("%w: %q has %d, and the scale is %d", ErrPrecision, decimal, len(decimals), scale)
	}
	number, err := strconv.ParseUint(whole+decimals+strings.Repeat("0", scale-len(decimals)), 10, 64)
	if err != nil {
		return "", fmt.Errorf("%w: %q", ErrRange, decimal)
	}
	return strconv.FormatUint(number, 10), nil
}

// FormatAmount returns the value of an amount as decimal, with as many decimals as scale says: FormatAmount("1250", 2)
// is "12.50", and with a scale of 0 it is "1250".
//
// Errors: ErrNotValue, ErrScale.
func FormatAmount(value string, scale int) (decimal string, err error) {
	if scale < 0 || scale > maxScale {
		return "", fmt.Errorf("%w: %d", ErrScale, scale)
	}
	number, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return "", fmt.Errorf("%w: %q", ErrNotValue, value)
	}
	if scale == 0 {
		return strconv.FormatUint(number, 10), nil
	}
	digits := fmt.Sprintf("%0*d", scale+1, number)
	point := len(digits) - scale
	return digits[:point] + "." + digits[point:], nil
}

// Units returns the value of an amount as a number, in the smallest unit of its asset. Errors: ErrNotValue.
func (a Amount) Units() (uint64, error) {
	number, err := strconv.ParseUint(a.Value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %q", ErrNotValue, a.Value)
	}
	return number, nil
}

func isDigits(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}
