package ledger

import (
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

var (
	usd = Asset{Code: "USD", Scale: 2}
	eur = Asset{Code: "EUR", Scale: 2}
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, l *Ledger, id AccountID, funds, available, debt uint64) {
	t.Helper()
	if f, a, d := l.Balance(id); f != funds || a != available || d != debt {
		t.Errorf("balance is %d, %d available, %d owed; want %d, %d, %d", f, a, d, funds, available, debt)
	}
}

func wantZero(t *testing.T, l *Ledger) {
	t.Helper()
	for _, asset := range []Asset{usd, eur} {
		if sum := l.Sum(asset); sum.Sign() != 0 {
			t.Errorf("the sum of %s is %s", asset.Code, sum)
		}
	}
}

func TestMoneyMovesByDoubleEntry(t *testing.T) {
	l := New()
	alice, shop := l.Open(usd), l.Open(usd)
	must(t, l.Issue(alice, 100))
	must(t, l.Transfer(Entry{alice, shop, 30}))
	want(t, l, alice, 70, 70, 0)
	want(t, l, shop, 30, 30, 0)
	wantZero(t, l)
}

func TestNoAccountGoesBelowZero(t *testing.T) {
	l := New()
	alice, shop := l.Open(usd), l.Open(usd)
	must(t, l.Issue(alice, 100))
	for name, entries := range map[string][]Entry{
		"too much":          {{alice, shop, 101}},
		"too much together": {{alice, shop, 60}, {alice, shop, 41}},
		"from nothing":      {{shop, alice, 1}},
	} {
		if err := l.Transfer(entries...); !errors.Is(err, ErrFunds) {
			t.Errorf("%s: %v", name, err)
		}
		want(t, l, alice, 100, 100, 0)
		want(t, l, shop, 0, 0, 0)
	}
	// In their order: what comes in first may go out again.
	must(t, l.Transfer(Entry{alice, shop, 100}, Entry{shop, alice, 40}))
	want(t, l, alice, 40, 40, 0)
}

func TestEntriesThatCannotBeMade(t *testing.T) {
	l := New()
	alice, bob, full := l.Open(usd), l.Open(eur), l.Open(usd)
	must(t, l.Issue(alice, 100))
	other := New()
	must(t, other.Issue(other.Open(usd), math.MaxUint64))
	for _, test := range []struct {
		entry Entry
		err   error
	}{
		{Entry{alice, bob, 1}, ErrAsset},
		{Entry{alice, full, 0}, ErrZero},
		{Entry{alice, 99, 1}, ErrUnknown},
		{Entry{-1, alice, 1}, ErrUnknown},
	} {
		// The first entry is good: it must not stay.
		if err := l.Transfer(Entry{alice, full, 10}, test.entry); !errors.Is(err, test.err) {
			t.Errorf("%v: %v, want %v", test.entry, err, test.err)
		}
		want(t, l, alice, 100, 100, 0)
		want(t, l, full, 0, 0, 0)
	}
	if err := l.Issue(99, 1); !errors.Is(err, ErrUnknown) {
		t.Errorf("issue to nobody: %v", err)
	}
	if err := l.Issue(full, math.MaxUint64); !errors.Is(err, ErrOverflow) {
		t.Errorf("more equity than 64 bits: %v", err)
	}
	want(t, l, full, 0, 0, 0)
	wantZero(t, l)
}

func TestCreditAccountsOweTheirDebt(t *testing.T) {
	l := New()
	alice, peer := l.Open(usd), l.OpenCredit(usd)
	must(t, l.Transfer(Entry{peer, alice, 50}))
	want(t, l, peer, 0, 0, 50)
	must(t, l.Transfer(Entry{peer, alice, 20}))
	want(t, l, peer, 0, 0, 70)
	must(t, l.Transfer(Entry{alice, peer, 60}))
	want(t, l, peer, 0, 0, 10)
	must(t, l.Issue(alice, 100))
	must(t, l.Transfer(Entry{alice, peer, 110}))
	want(t, l, peer, 100, 100, 0)
	must(t, l.Transfer(Entry{peer, alice, 130}))
	want(t, l, peer, 0, 0, 30)
	wantZero(t, l)

	if err := l.Transfer(Entry{peer, alice, math.MaxUint64 - 10}); !errors.Is(err, ErrOverflow) {
		t.Errorf("a debt beyond 64 bits: %v", err)
	}
	// Funds beyond 64 bits: two debtors could bring them about.
	second := l.OpenCredit(usd)
	must(t, l.Transfer(Entry{second, alice, math.MaxUint64 - 200}))
	if err := l.Transfer(Entry{peer, alice, 200}); !errors.Is(err, ErrOverflow) {
		t.Errorf("funds beyond 64 bits: %v", err)
	}
	wantZero(t, l)
}

func TestHolds(t *testing.T) {
	l := New()
	alice, shop, fees := l.Open(usd), l.Open(usd), l.Open(usd)
	must(t, l.Issue(alice, 100))
	h, err := l.Hold(alice, 80)
	must(t, err)
	want(t, l, alice, 100, 20, 0)
	if err := l.Transfer(Entry{alice, shop, 21}); !errors.Is(err, ErrFunds) {
		t.Errorf("held money was spent: %v", err)
	}
	if _, err := l.Hold(alice, 21); !errors.Is(err, ErrFunds) {
		t.Errorf("held money was held again: %v", err)
	}
	if err := l.Settle(h, Entry{alice, shop, 79}, Entry{alice, fees, 2}); !errors.Is(err, ErrHold) {
		t.Errorf("more than was held: %v", err)
	}
	if err := l.Settle(h, Entry{alice, shop, 79}, Entry{shop, fees, 80}); !errors.Is(err, ErrFunds) {
		t.Errorf("a settlement that cannot be made: %v", err)
	}
	want(t, l, alice, 100, 20, 0)
	must(t, l.Settle(h, Entry{alice, shop, 50}, Entry{alice, fees, 5}))
	want(t, l, alice, 45, 45, 0)
	for _, again := range []error{l.Settle(h, Entry{alice, shop, 1}), l.Release(h)} {
		if !errors.Is(again, ErrUnknown) {
			t.Errorf("a hold was settled twice: %v", again)
		}
	}
	h, err = l.Hold(alice, 45)
	must(t, err)
	must(t, l.Release(h))
	want(t, l, alice, 45, 45, 0)
	for _, test := range []struct {
		from   AccountID
		amount uint64
		err    error
	}{{alice, 0, ErrZero}, {99, 1, ErrUnknown}, {l.equity[usd], 1, ErrFunds}} {
		if _, err := l.Hold(test.from, test.amount); !errors.Is(err, test.err) {
			t.Errorf("hold of %d: %v, want %v", test.amount, err, test.err)
		}
	}
	if l.Holds() != 0 {
		t.Errorf("%d holds are left", l.Holds())
	}
	wantZero(t, l)
}

func TestManyAtOnce(t *testing.T) {
	l := New()
	const accounts, clients, rounds = 5, 200, 100
	var wallets []AccountID
	for range accounts {
		wallets = append(wallets, l.Open(usd))
		must(t, l.Issue(wallets[len(wallets)-1], 200))
	}
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for range rounds {
				from, to := wallets[rand.IntN(len(wallets))], wallets[rand.IntN(len(wallets))]
				amount := rand.Uint64N(60)
				if h, err := l.Hold(from, amount); err == nil && rand.IntN(2) == 0 {
					_ = l.Settle(h, Entry{from, to, amount/2 + 1})
				} else if err == nil {
					_ = l.Release(h)
				}
				_ = l.Transfer(Entry{from, to, amount})
			}
		})
	}
	all.Wait()
	wantZero(t, l)
	if l.Holds() != 0 {
		t.Errorf("%d holds are left", l.Holds())
	}
	var sum uint64
	for _, id := range wallets {
		funds, available, debt := l.Balance(id)
		if debt != 0 || available != funds {
			t.Errorf("account %d has %d, %d available, %d owed", id, funds, available, debt)
		}
		sum += funds
	}
	if sum != 1000 {
		t.Errorf("the wallets have %d, want 1000", sum)
	}
}
