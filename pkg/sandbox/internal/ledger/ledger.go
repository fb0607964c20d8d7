// Package ledger keeps accounts by double entry: whatever one account gains another loses, in the same asset, so the
// sum over all accounts of an asset is always zero. It knows nothing of payments or HTTP.
//
// Money enters only by Issue, from the equity account of its asset, which is below zero by as much as was issued.
// An exchange is two entries: into a liquidity account of the one asset, and out of that of the other.
package ledger

import (
	"errors"
	"math/big"
	"sync"
)

var (
	// ErrFunds says that an account which may not be negative has too little that is not held.
	ErrFunds = errors.New("ledger: insufficient funds")
	// ErrOverflow says that an amount or a balance would not fit into 64 bits.
	ErrOverflow = errors.New("ledger: an amount does not fit into 64 bits")
	// ErrZero says that an amount is zero, or becomes zero by a conversion.
	ErrZero = errors.New("ledger: an amount is zero")
	// ErrAsset says that the two accounts of an entry are of different assets.
	ErrAsset = errors.New("ledger: the accounts of an entry have different assets")
	// ErrUnknown says that there is no such account or hold: it may have been settled or released before.
	ErrUnknown = errors.New("ledger: no such account or hold")
	// ErrHold says that entries take more from the account of a hold than was held.
	ErrHold = errors.New("ledger: the entries take more than was held")
)

// Asset is what an account counts, in smallest units: Scale is how many decimal digits of the asset's unit one of them is.
type Asset struct {
	Code  string
	Scale uint8
}

// AccountID names an account of one Ledger.
type AccountID int

// HoldID names a hold of one Ledger. It is never given out again.
type HoldID uint64

// Entry moves an amount from one account to another of the same asset.
type Entry struct {
	From, To AccountID
	Amount   uint64
}

// Ledger holds accounts. It is safe for concurrent use, and every call happens wholly or not at all.
type Ledger struct {
	mu       sync.Mutex
	accounts []account
	equity   map[Asset]AccountID
	holds    map[HoldID]hold
	lastHold HoldID
}

// account has funds or debt, never both.
type account struct {
	asset       Asset
	mayBeBelow  bool
	funds, debt uint64
	held        uint64 // part of funds
}

type hold struct {
	account AccountID
	amount  uint64
}

// New returns a ledger without accounts.
func New() *Ledger {
	return &Ledger{equity: map[Asset]AccountID{}, holds: map[HoldID]hold{}}
}

// Open returns a new empty account, which never goes below zero.
func (l *Ledger) Open(asset Asset) AccountID { return l.open(account{asset: asset}) }

// OpenCredit returns a new empty account, which may go below zero: it stands for someone outside of the ledger, who
// then owes that much.
func (l *Ledger) OpenCredit(asset Asset) AccountID {
	return l.open(account{asset: asset, mayBeBelow: true})
}

func (l *Ledger) open(a account) AccountID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.add(a)
}

func (l *Ledger) add(a account) AccountID {
	l.accounts = append(l.accounts, a)
	return AccountID(len(l.accounts) - 1)
}

// Issue brings an amount into the ledger: from the equity account of the asset, which is opened when it is needed, to
// an account. The errors are ErrUnknown, ErrZero and ErrOverflow.
func (l *Ledger) Issue(to AccountID, amount uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.has(to) {
		return ErrUnknown
	}
	asset := l.accounts[to].asset
	from, known := l.equity[asset]
	if !known {
		from = l.add(account{asset: asset, mayBeBelow: true})
		l.equity[asset] = from
	}
	return l.apply([]Entry{{From: from, To: to, Amount: amount}})
}

// Transfer makes entries in their order, all or none. The error is that of the first entry that cannot be made:
// ErrUnknown, ErrZero, ErrAsset, ErrFunds or ErrOverflow.
func (l *Ledger) Transfer(entries ...Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.apply(entries)
}

// Hold reserves an amount of an account that never goes below zero, until Settle or Release. The errors are
// ErrUnknown, ErrZero and ErrFunds, this also for an account that may go below zero.
func (l *Ledger) Hold(from AccountID, amount uint64) (HoldID, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.has(from):
		return 0, ErrUnknown
	case amount == 0:
		return 0, ErrZero
	case l.accounts[from].mayBeBelow, l.accounts[from].available() < amount:
		return 0, ErrFunds
	}
	l.accounts[from].held += amount
	l.lastHold++
	l.holds[l.lastHold] = hold{account: from, amount: amount}
	return l.lastHold, nil
}

// Settle ends a hold and makes entries as Transfer does, in one step. What they do not take from the held account is
// free again. They may take no more from it than was held: ErrHold. When there is an error the hold is as it was.
func (l *Ledger) Settle(id HoldID, entries ...Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, known := l.holds[id]
	if !known {
		return ErrUnknown
	}
	if !h.covers(entries) {
		return ErrHold
	}
	l.accounts[h.account].held -= h.amount
	if err := l.apply(entries); err != nil {
		l.accounts[h.account].held += h.amount
		return err
	}
	delete(l.holds, id)
	return nil
}

// Release ends a hold: the amount is free again. The error is ErrUnknown.
func (l *Ledger) Release(id HoldID) error { return l.Settle(id) }

func (h hold) covers(entries []Entry) bool {
	left := h.amount
	for _, e := range entries {
		if e.From != h.account {
			continue
		}
		if e.Amount > left {
			return false
		}
		left -= e.Amount
	}
	return true
}

// Balance returns what an account has, held amounts included, and how much of that is not held. Of an account that is
// below zero both are 0, and debt says by how much. An unknown account has nothing.
func (l *Ledger) Balance(id AccountID) (funds, available, debt uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.has(id) {
		return 0, 0, 0
	}
	a := &l.accounts[id]
	return a.funds, a.available(), a.debt
}

// Sum returns the sum over all accounts of an asset, equity included: zero.
func (l *Ledger) Sum(asset Asset) *big.Int {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := new(big.Int)
	for _, a := range l.accounts {
		if a.asset == asset {
			sum.Add(sum, new(big.Int).SetUint64(a.funds))
			sum.Sub(sum, new(big.Int).SetUint64(a.debt))
		}
	}
	return sum
}

// Holds returns how many holds are open.
func (l *Ledger) Holds() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.holds)
}

func (l *Ledger) has(id AccountID) bool { return id >= 0 && int(id) < len(l.accounts) }

// apply makes entries, or none when one of them cannot be made. Ledger.mu must be held.
func (l *Ledger) apply(entries []Entry) error {
	before := map[AccountID]account{}
	for _, e := range entries {
		if !l.has(e.From) || !l.has(e.To) {
			return l.restore(before, ErrUnknown)
		}
		for _, id := range []AccountID{e.From, e.To} {
			if _, kept := before[id]; !kept {
				before[id] = l.accounts[id]
			}
		}
		if err := move(&l.accounts[e.From], &l.accounts[e.To], e.Amount); err != nil {
			return l.restore(before, err)
		}
	}
	return nil
}

func (l *Ledger) restore(before map[AccountID]account, err error) error {
	for id, a := range before {
		l.accounts[id] = a
	}
	return err
}

func move(from, to *account, amount uint64) error {
	if amount == 0 {
		return ErrZero
	}
	if from.asset != to.asset {
		return ErrAsset
	}
	if err := from.debit(amount); err != nil {
		return err
	}
	return to.credit(amount)
}

func (a *account) available() uint64 { return a.funds - a.held }

func (a *account) debit(amount uint64) error {
	if amount <= a.available() {
		a.funds -= amount
		return nil
	}
	if !a.mayBeBelow {
		return ErrFunds
	}
	owed := amount - a.funds + a.debt // the one or the other is zero, and nothing is held of accounts like this
	if a.debt > 0 && owed < amount {
		return ErrOverflow
	}
	a.funds, a.debt = 0, owed
	return nil
}

func (a *account) credit(amount uint64) error {
	paid := min(amount, a.debt)
	a.debt -= paid
	sum := a.funds + (amount - paid)
	if sum < a.funds {
		return ErrOverflow
	}
	a.funds = sum
	return nil
}
