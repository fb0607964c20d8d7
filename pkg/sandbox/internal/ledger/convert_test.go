package ledger

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestConvert(t *testing.T) {
	for _, test := range []struct {
		amount        uint64
		rate          *big.Rat
		worth, cost   uint64
		worthE, costE error
	}{
		{100, big.NewRat(1, 1), 100, 100, nil, nil},
		{100, big.NewRat(4, 5), 80, 125, nil, nil},
		{101, big.NewRat(4, 5), 80, 127, nil, nil},
		{1, big.NewRat(4, 5), 0, 2, ErrZero, nil},
		{0, big.NewRat(4, 5), 0, 0, ErrZero, ErrZero},
		{5, new(big.Rat), 0, 0, ErrZero, ErrZero},
		{5, big.NewRat(-1, 2), 0, 0, ErrZero, ErrZero},
		{math.MaxUint64, big.NewRat(1, 1), math.MaxUint64, math.MaxUint64, nil, nil},
		{math.MaxUint64, big.NewRat(2, 1), 0, 1 << 63, ErrOverflow, nil},
		{math.MaxUint64, big.NewRat(1, 2), 1<<63 - 1, 0, nil, ErrOverflow},
	} {
		if got, err := Convert(test.amount, test.rate); got != test.worth || !errors.Is(err, test.worthE) {
			t.Errorf("Convert(%d, %s) = %d, %v", test.amount, test.rate, got, err)
		}
		if got, err := Cost(test.amount, test.rate); got != test.cost || !errors.Is(err, test.costE) {
			t.Errorf("Cost(%d, %s) = %d, %v", test.amount, test.rate, got, err)
		}
	}
}

// Rounding is never at the cost of the server: who pays the cost of an amount gives enough for it, and not one less
// would be enough; and converting loses less than one unit.
func TestRounding(t *testing.T) {
	for range 20_000 {
		amount := rand.Uint64() >> rand.IntN(64)
		rate := big.NewRat(1+rand.Int64N(1<<rand.IntN(40)), 1+rand.Int64N(1<<rand.IntN(40)))
		if cost, err := Cost(amount, rate); err == nil {
			exact := new(big.Rat).Mul(rational(cost), rate)
			if exact.Cmp(rational(amount)) < 0 {
				t.Fatalf("Cost(%d, %s) = %d is too little", amount, rate, cost)
			}
			less := new(big.Rat).Mul(rational(cost-1), rate)
			if less.Cmp(rational(amount)) >= 0 {
				t.Fatalf("Cost(%d, %s) = %d is more than needed", amount, rate, cost)
			}
		}
		if worth, err := Convert(amount, rate); err == nil {
			exact := new(big.Rat).Mul(rational(amount), rate)
			if lost := exact.Sub(exact, rational(worth)); lost.Sign() < 0 || lost.Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("Convert(%d, %s) = %d loses %s", amount, rate, worth, lost)
			}
			if back, err := Cost(worth, rate); err != nil || back > amount {
				t.Fatalf("Cost(Convert(%d, %s)) = %d, %v", amount, rate, back, err)
			}
		}
	}
}

func rational(n uint64) *big.Rat { return new(big.Rat).SetInt(new(big.Int).SetUint64(n)) }
