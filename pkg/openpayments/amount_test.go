package openpayments

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

func TestParseAmount(t *testing.T) {
	zeros := strings.Repeat("0", 255)
	for _, test := range []struct {
		decimal string
		scale   int
		value   string
		err     error
	}{
		{"12.50", 2, "1250", nil},
		{"12.5", 2, "1250", nil},
		{"12", 2, "1200", nil},
		{"0", 0, "0", nil},
		{"0.00", 2, "0", nil},
		{"007.5", 1, "75", nil},
		{"0." + zeros, 255, "0", nil},
		{"0." + zeros[1:] + "7", 255, "7", nil},
		{"0.000000001", 9, "1", nil},
		{"18446744073709551615", 0, "18446744073709551615", nil},
		{"184467440737095516.15", 2, "18446744073709551615", nil},
		{"18446744073709551616", 0, "", ErrRange},
		{"184467440737095516.16", 2, "", ErrRange},
		{"1", 20, "", ErrRange},
		{"1", 255, "", ErrRange},
		{"12.505", 2, "", ErrPrecision},
		{"12.500", 2, "", ErrPrecision},
		{"1.0", 0, "", ErrPrecision},
		{"", 2, "", ErrNotDecimal},
		{".5", 2, "", ErrNotDecimal},
		{"5.", 2, "", ErrNotDecimal},
		{".", 2, "", ErrNotDecimal},
		{"1.2.3", 3, "", ErrNotDecimal},
		{"1,5", 2, "", ErrNotDecimal},
		{"1_0", 2, "", ErrNotDecimal},
		{"-1", 2, "", ErrNotDecimal},
		{"+1", 2, "", ErrNotDecimal},
		{" 1", 2, "", ErrNotDecimal},
		{"1e2", 2, "", ErrNotDecimal},
		{"0x1", 2, "", ErrNotDecimal},
		{"１", 2, "", ErrNotDecimal},
		{"NaN", 2, "", ErrNotDecimal},
		{"1", -1, "", ErrScale},
		{"1", 256, "", ErrScale},
	} {
		value, err := ParseAmount(test.decimal, test.scale)
		if value != test.value || !errors.Is(err, test.err) {
			t.Errorf("%q, %d: %q, %v", test.decimal, test.scale, value, err)
		}
	}
}

func TestFormatAmount(t *testing.T) {
	for _, test := range []struct {
		value   string
		scale   int
		decimal string
		err     error
	}{
		{"1250", 2, "12.50", nil},
		{"0", 2, "0.00", nil},
		{"5", 2, "0.05", nil},
		{"05", 2, "0.05", nil},
		{"1250", 0, "1250", nil},
		{"18446744073709551615", 19, "1.8446744073709551615", nil},
		{"18446744073709551615", 20, "0.18446744073709551615", nil},
		{"7", 255, "0." + strings.Repeat("0", 254) + "7", nil},
		{"18446744073709551616", 2, "", ErrNotValue},
		{"1.5", 2, "", ErrNotValue},
		{"-1", 2, "", ErrNotValue},
		{"", 2, "", ErrNotValue},
		{"1", -1, "", ErrScale},
		{"1", 256, "", ErrScale},
	} {
		decimal, err := FormatAmount(test.value, test.scale)
		if decimal != test.decimal || !errors.Is(err, test.err) {
			t.Errorf("%q, %d: %q, %v", test.value, test.scale, decimal, err)
		}
	}
}

// What is formatted is parsed to what it was.
func FuzzAmount(f *testing.F) {
	f.Add(uint64(1250), uint8(2))
	f.Add(uint64(1<<64-1), uint8(255))
	f.Fuzz(func(t *testing.T, number uint64, scale uint8) {
		value := strconv.FormatUint(number, 10)
		decimal, err := FormatAmount(value, int(scale))
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseAmount(decimal, int(scale)); err != nil || back != value {
			t.Errorf("%s became %s and %s, %v", value, decimal, back, err)
		}
	})
}
