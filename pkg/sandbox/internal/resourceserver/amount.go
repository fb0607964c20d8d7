package resourceserver

import (
	"math/big"
	"strconv"

	"open-payments-wasm/pkg/sandbox/internal/ledger"
)

func amountOf(value uint64, asset ledger.Asset) Amount {
	return Amount{Value: strconv.FormatUint(value, 10), AssetCode: asset.Code, AssetScale: asset.Scale}
}

func (a Amount) asset() ledger.Asset { return ledger.Asset{Code: a.AssetCode, Scale: a.AssetScale} }

// value returns what an amount is, which the schema has let pass. Beyond 64 bits it is errUnexpected.
func (a Amount) value() (uint64, error) {
	value, err := strconv.ParseUint(a.Value, 10, 64)
	if err != nil {
		return 0, errUnexpected
	}
	return value, nil
}

// rate returns what the smallest unit of one asset is worth in smallest units of another, or nil when there is no price.
func (c *Config) rate(from, to ledger.Asset) *big.Rat {
	rate := big.NewRat(1, 1)
	if from.Code != to.Code {
		price, other := c.Prices[from.Code], c.Prices[to.Code]
		if price == nil || other == nil || price.Sign() <= 0 || other.Sign() <= 0 {
			return nil
		}
		rate.Quo(price, other)
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(from.Scale, to.Scale)-min(from.Scale, to.Scale))), nil)
	shift := new(big.Rat).SetInt(power)
	if to.Scale < from.Scale {
		shift.Inv(shift)
	}
	return rate.Mul(rate, shift)
}

// of returns the fee on an amount. The error is ledger.ErrOverflow.
func (f Fee) of(amount uint64) (uint64, error) {
	fee := new(big.Int).Mul(new(big.Int).SetUint64(amount), new(big.Int).SetUint64(f.BasisPoints))
	fee.Quo(fee, big.NewInt(10_000))
	fee.Add(fee, new(big.Int).SetUint64(f.Fixed))
	if !fee.IsUint64() {
		return 0, ledger.ErrOverflow
	}
	return fee.Uint64(), nil
}
