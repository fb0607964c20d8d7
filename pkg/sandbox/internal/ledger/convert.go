package ledger

import "math/big"

// Convert returns how much of another asset an amount is worth: amount × rate, rounded down. The rate is in smallest
// units of the other asset for one of this. The errors are ErrZero when nothing is left, and ErrOverflow.
func Convert(amount uint64, rate *big.Rat) (uint64, error) {
	product := new(big.Int).Mul(new(big.Int).SetUint64(amount), rate.Num())
	return fit(product.Quo(product, rate.Denom()))
}

// Cost returns the least amount of an asset that is worth an amount of another: amount / rate, rounded up. The rate is
// as for Convert, and Convert of the result gives the amount or more. The errors are ErrZero when the amount is zero
// or the rate not above zero, and ErrOverflow.
func Cost(amount uint64, rate *big.Rat) (uint64, error) {
	if rate.Sign() <= 0 {
		return 0, ErrZero
	}
	product := new(big.Int).Mul(new(big.Int).SetUint64(amount), rate.Denom())
	cost, rest := product.QuoRem(product, rate.Num(), new(big.Int))
	if rest.Sign() > 0 {
		cost.Add(cost, big.NewInt(1))
	}
	return fit(cost)
}

func fit(value *big.Int) (uint64, error) {
	switch {
	case value.Sign() <= 0:
		return 0, ErrZero
	case !value.IsUint64():
		return 0, ErrOverflow
	default:
		return value.Uint64(), nil
	}
}
