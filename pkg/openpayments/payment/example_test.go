package payment_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/openpayments/payment"
	"open-payments-wasm/pkg/sandbox"
	"open-payments-wasm/pkg/signedhttp"
)

// files is a journal in a directory, a file for each record, of one process. A journal of several locks with what they share: the
// advisory locks of a database, say.
type files struct {
	dir   string
	mu    sync.Mutex
	turns map[string]chan struct{}
}

func (f *files) List(ctx context.Context) (records []*payment.Record, err error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		record, err := f.read(filepath.Join(f.dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		if record != nil {
			records = append(records, record)
		}
	}
	return records, nil
}

func (f *files) Get(_ context.Context, id string) (*payment.Record, error) { return f.read(f.path(id)) }

func (f *files) read(path string) (*payment.Record, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return payment.ReadRecord(text), nil // a file that is not there, or not written yet, is none
}

func (f *files) Put(_ context.Context, record *payment.Record) error {
	text, err := signedhttp.Marshal(record)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(f.dir, "")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), f.path(record.ID)) // the record as it was, or the new one, whatever happens
}

func (f *files) Remove(_ context.Context, id string) error {
	if err := os.Remove(f.path(id)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (f *files) path(id string) string { return filepath.Join(f.dir, url.PathEscape(id)) }

func (f *files) Alone(ctx context.Context, name string, task func() error) error {
	f.mu.Lock()
	if f.turns == nil {
		f.turns = map[string]chan struct{}{}
	}
	turn, known := f.turns[name]
	if !known {
		turn = make(chan struct{}, 1)
		f.turns[name] = turn
	}
	f.mu.Unlock()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
		return task()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A payment in two calls. Between them the person is at their wallet, and the program may have ended: what the callback needs is
// in the journal.
func Example() {
	wallets := openSandbox()
	defer wallets.Close()
	dir, err := os.MkdirTemp("", "payments")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	client := &payment.Client{
		HTTP:          signedhttp.Client{Transport: http.DefaultTransport, Key: tillKey},
		WalletAddress: wallets.URL + "/clients/till",
		Journal:       &files{dir: dir},
	}

	started, err := client.Start(context.Background(), payment.Order{
		Key:           "order-4711", // one key, one payment
		From:          wallets.URL + "/alice",
		To:            wallets.URL + "/shop",
		ReceiveAmount: &openpayments.Amount{Value: "1250", AssetCode: "USD", AssetScale: 2},
		FinishURI:     "https://shop.example/callback",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	cost, _ := openpayments.FormatAmount(started.Quote.DebitAmount.Value, started.Quote.DebitAmount.AssetScale)
	fmt.Println("It costs", cost, started.Quote.DebitAmount.AssetCode)

	callback := approveAt(started.Redirect) // the person comes back to FinishURI

	// In the handler of FinishURI. That the person closes the page must not end this: see Finish.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(context.Background()), time.Minute)
	defer cancel()
	accepted, err := client.Finish(ctx, callback)
	var failure *signedhttp.Error
	switch {
	case errors.As(err, &failure) && failure.Code == payment.CodeOutcomeUnknown:
		fmt.Println("It may have been paid: call Finish or Resume again, which look before they pay.")
		return
	case err != nil:
		fmt.Println(err)
		return
	}
	if err := client.HandOver(ctx, accepted.ID); err != nil { // once the order says that it is paid
		fmt.Println(err)
		return
	}
	arrived, err := client.Watch(ctx, accepted.ID, time.Minute, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("The shop has", arrived.ReceivedAmount.Value)
	// Output:
	// It costs 12.50 USD
	// The shop has 1250
}

// A page proves nothing to a shop: whoever sends goods reads their own incoming payment, with their own key and token. The shop
// makes it, and the page pays it by its id, as Order.To.
func Example_shop() {
	wallets := openSandbox()
	defer wallets.Close()
	ctx := context.Background()
	http := signedhttp.Client{Transport: http.DefaultTransport, Key: tillKey}
	grants, resources := &gnap.Client{Client: http}, &openpayments.Client{Client: http}
	shop, err := resources.WalletAddress(ctx, wallets.URL+"/shop")
	if err != nil {
		fmt.Println(err)
		return
	}
	grant, err := grants.Request(ctx, shop.AuthServer, gnap.GrantRequest{
		Client: wallets.URL + "/clients/till",
		AccessToken: &gnap.AccessTokenRequest{Access: []gnap.Access{
			{Type: "incoming-payment", Actions: []string{"create", "read"}, Identifier: shop.ID},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	price := openpayments.Amount{Value: "1250", AssetCode: shop.AssetCode, AssetScale: shop.AssetScale}
	expected, err := resources.CreateIncomingPayment(ctx, shop.ResourceServer, grant.AccessToken.Value, openpayments.NewIncomingPayment{
		WalletAddress: shop.ID, IncomingAmount: &price, Metadata: map[string]string{"order": "4711"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// … the page pays expected.ID, and says that it has …
	isPaid, err := hasReceived(ctx, resources, expected.ID, grant.AccessToken.Value, price)
	fmt.Println("Send the goods:", isPaid, err)
	// Output: Send the goods: false <nil>
}

// hasReceived asks the wallet of the shop whether an incoming payment has received an amount.
func hasReceived(ctx context.Context, resources *openpayments.Client, id, token string, price openpayments.Amount) (bool, error) {
	incoming, err := resources.IncomingPayment(ctx, id, token)
	if err != nil {
		return false, err
	}
	received := incoming.ReceivedAmount
	due, errDue := price.Units()
	there, errThere := received.Units()
	isOfAsset := received.AssetCode == price.AssetCode && received.AssetScale == price.AssetScale
	return isOfAsset && there >= due, errors.Join(errDue, errThere)
}

var tillKey = httpsig.Key{ID: "till-1", Signer: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))} // use ed25519.GenerateKey

// openSandbox serves wallets that have money, and know the key of the till.
func openSandbox() *httptest.Server {
	wallet := sandbox.New(sandbox.Config{Wait: sandbox.NoWait})
	key, err := jwk.FromRaw(tillKey.Signer.Public())
	keys := jwk.NewSet()
	if err := errors.Join(err, key.Set(jwk.KeyIDKey, tillKey.ID), keys.AddKey(key)); err != nil {
		panic(err)
	}
	if _, err := wallet.AddClient("till", keys); err != nil {
		panic(err)
	}
	return httptest.NewServer(wallet)
}

// approveAt presses the button at the wallet, and returns what it sends the person back with.
func approveAt(redirect string) payment.Callback {
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := stay.PostForm(redirect, url.Values{"approve": {"1"}})
	if err != nil {
		panic(err)
	}
	res.Body.Close()
	back, err := res.Location()
	if err != nil {
		panic(err)
	}
	return payment.Callback{Hash: back.Query().Get("hash"), InteractRef: back.Query().Get("interact_ref")}
}
