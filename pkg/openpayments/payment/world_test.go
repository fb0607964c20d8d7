package payment_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/openpayments/payment"
	"open-payments-wasm/pkg/sandbox"
	"open-payments-wasm/pkg/signedhttp"
)

const (
	home   = "http://localhost:7001" // the sandbox with the wallets that pay
	abroad = "http://localhost:7002" // another one, that is paid into from there
)

// world is a sandbox with money, and another one beside it, a journal, and a client of all of them. Tests run it in a bubble of
// testing/synctest, where time passes as soon as everybody waits for it.
type world struct {
	t       testing.TB
	sandbox *sandbox.Server // home
	abroad  *sandbox.Server
	wire    wire
	name    string // the client's wallet address
	key     httpsig.Key
	journal *memory
	grants  *keptGrants
	party   *party // of client
	trace   trace
}

func newWorld(t testing.TB, config sandbox.Config) *world {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, key: httpsig.Key{ID: "key-1", Signer: private}, journal: newMemory()}
	keys := keySet(t, "key-1", public)
	config.Wait = sandbox.NoWait
	config.FetchKeys = func(context.Context, string) (jwk.Set, error) { return keys, nil }
	w.sandbox, w.abroad = sandbox.New(config), sandbox.New(config)
	w.sandbox.AddPeer(abroad, w.abroad)
	w.wire = wire{home: w.sandbox, abroad: w.abroad}
	w.setKeys(keys)
	w.name = home + "/clients/till"
	w.grants = &keptGrants{world: w, grants: map[string]json.RawMessage{}}
	w.party = w.newParty()
	return w
}

func keySet(t testing.TB, id string, public ed25519.PublicKey) jwk.Set {
	t.Helper()
	key, err := jwk.FromRaw(public)
	if err != nil {
		t.Fatal(err)
	}
	keys := jwk.NewSet()
	if err := errors.Join(key.Set(jwk.KeyIDKey, id), keys.AddKey(key)); err != nil {
		t.Fatal(err)
	}
	return keys
}

// setKeys publishes the keys of the client, in place of those it had.
func (w *world) setKeys(keys jwk.Set) {
	w.t.Helper()
	if _, err := w.sandbox.AddClient("till", keys); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) client() *payment.Client { return w.party.client() }

// test runs a test in a bubble, in a world of its own.
func test(t *testing.T, name string, config sandbox.Config, run func(w *world)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) { run(newWorld(t, config)) })
	})
}

// order is for 12.50 dollars, to the shop.
func (w *world) order(key string) payment.Order {
	return payment.Order{
		Key: key, From: home + "/alice", To: home + "/shop",
		ReceiveAmount: amount("1250", "USD"),
		Metadata:      json.RawMessage(`{"order":"4711"}`), FinishURI: "https://shop.example/callback",
	}
}

func amount(value, asset string) *openpayments.Amount {
	return &openpayments.Amount{Value: value, AssetCode: asset, AssetScale: 2}
}

// expect makes an incoming payment of the shop, as its server does.
func (w *world) expect(receive *openpayments.Amount) (id string) {
	w.t.Helper()
	token := w.token(gnap.Access{Type: "incoming-payment", Actions: []string{"create"}})
	args := openpayments.NewIncomingPayment{WalletAddress: home + "/shop", IncomingAmount: receive}
	incoming, err := w.resources().CreateIncomingPayment(w.t.Context(), home+"/op", token, args)
	if err != nil {
		w.t.Fatal(err)
	}
	return incoming.ID
}

// token gets a token that nobody has to approve.
func (w *world) token(access gnap.Access) string {
	w.t.Helper()
	client := gnap.Client{Client: signedhttp.Client{Transport: w.wire, Key: w.key}}
	request := gnap.GrantRequest{AccessToken: &gnap.AccessTokenRequest{Access: []gnap.Access{access}}, Client: w.name}
	grant, err := client.Request(w.t.Context(), home+"/auth/", request)
	if err != nil {
		w.t.Fatal(err)
	}
	return grant.AccessToken.Value
}

// resources is a client that no test breaks.
func (w *world) resources() *openpayments.Client {
	return &openpayments.Client{Client: signedhttp.Client{Transport: w.wire, Key: w.key}}
}

// start begins a payment, or fails the test.
func (w *world) start(order payment.Order) *payment.Payment {
	w.t.Helper()
	started, err := w.client().Start(w.t.Context(), order)
	if err != nil {
		w.t.Fatal(err)
	}
	return started
}

// finish ends what start began, after the person has approved it, or fails the test.
func (w *world) finish(started *payment.Payment) *openpayments.OutgoingPayment {
	w.t.Helper()
	accepted, err := w.client().Finish(w.t.Context(), w.approve(started.Redirect))
	if err != nil {
		w.t.Fatal(err)
	}
	return accepted
}

// approve presses the button at the wallet and returns the callback.
func (w *world) approve(redirect string) payment.Callback {
	w.t.Helper()
	return w.decide(redirect, "approve")
}

func (w *world) decide(redirect, button string) payment.Callback {
	w.t.Helper()
	stay := &http.Client{Transport: w.wire, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := stay.PostForm(redirect, url.Values{button: {"1"}})
	if err != nil {
		w.t.Fatal(err)
	}
	res.Body.Close()
	location, err := res.Location()
	if err != nil {
		w.t.Fatal(err)
	}
	return payment.Callback{Hash: location.Query().Get("hash"), InteractRef: location.Query().Get("interact_ref")}
}

// wantPaid fails the test unless so much has left the wallet of alice, and so much has come to the shop.
func (w *world) wantPaid(left, came uint64) {
	w.t.Helper()
	w.wantMoved(w.sandbox, "shop", left, came)
}

// wantMoved fails the test unless so much has left the wallet of alice, and so much has come to another.
func (w *world) wantMoved(server *sandbox.Server, to string, left, came uint64) {
	w.t.Helper()
	time.Sleep(10 * time.Minute) // longer than any payment is under way
	alice, available := w.sandbox.Balance("alice")
	there, _ := server.Balance(to)
	if alice != available || initial("alice")-alice != left || there-initial(to) != came {
		w.t.Fatalf("alice has paid %d and %s got %d, want %d and %d", initial("alice")-alice, to, there-initial(to), left, came)
	}
}

func initial(name string) uint64 {
	wallets := sandbox.DefaultWallets()
	return wallets[slices.IndexFunc(wallets, func(w sandbox.Wallet) bool { return w.Name == name })].Balance
}

func (w *world) wantCode(err error, codes ...string) *signedhttp.Error {
	w.t.Helper()
	return wantCode(w.t, err, codes...)
}

// wantSent fails the test unless the client has sent so many requests of a name.
func (w *world) wantSent(name string, want int) {
	w.t.Helper()
	if got := w.party.count(name); got != want {
		w.t.Fatalf("%d times %s, want %d: %v", got, name, want, w.party.requests())
	}
}

func wantCode(t testing.TB, err error, codes ...string) *signedhttp.Error {
	t.Helper()
	var failure *signedhttp.Error
	if !errors.As(err, &failure) || !slices.Contains(codes, failure.Code) {
		t.Fatalf("got %v, want %v", err, codes)
	}
	return failure
}

// wire is a network without connections: handlers by the origins under which they are reached.
type wire map[string]http.Handler

func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Context().Err() != nil {
		return nil, context.Cause(req.Context())
	}
	var body io.Reader = http.NoBody
	if req.Body != nil {
		defer req.Body.Close()
		body = req.Body
	}
	handler := w[req.URL.Scheme+"://"+req.URL.Host]
	if handler == nil {
		return nil, errors.New("no such host: " + req.URL.Host)
	}
	in := httptest.NewRequestWithContext(req.Context(), req.Method, httpsig.TargetURI(req), body)
	in.RequestURI, in.Header, in.ContentLength = in.URL.RequestURI(), req.Header.Clone(), req.ContentLength
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, in)
	res := recorder.Result()
	res.Request = req
	return res, nil
}

// memory is a journal that outlives the clients of a test.
type memory struct {
	mu      sync.Mutex
	records map[string][]byte
	locks   map[string]chan struct{}
}

func newMemory() *memory {
	return &memory{records: map[string][]byte{}, locks: map[string]chan struct{}{}}
}

// List returns all records; what cannot be read is none.
func (m *memory) List(ctx context.Context) (records []*payment.Record, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, text := range m.records {
		record := &payment.Record{}
		if json.Unmarshal(text, record) == nil {
			records = append(records, record)
		}
	}
	return records, nil
}

// Get returns a record; what cannot be read is none.
func (m *memory) Get(ctx context.Context, id string) (*payment.Record, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	record := &payment.Record{}
	if json.Unmarshal(m.records[id], record) != nil {
		return nil, nil
	}
	return record, nil
}

func (m *memory) Put(ctx context.Context, record *payment.Record) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	text, err := signedhttp.Marshal(record)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records[record.ID] = text
	return nil
}

func (m *memory) Remove(ctx context.Context, id string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, id)
	return nil
}

func (m *memory) Alone(ctx context.Context, name string, task func() error) error {
	m.mu.Lock()
	lock, known := m.locks[name]
	if !known {
		lock = make(chan struct{}, 1)
		m.locks[name] = lock
	}
	m.mu.Unlock()
	select {
	case lock <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-lock }()
	return task()
}

// breakLocks lets others work although somebody does, as where a lock ends by its age.
func (m *memory) breakLocks() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.locks)
}

// edit changes every record as JSON, as time and other programs do.
func (m *memory) edit(t testing.TB, change func(record map[string]any)) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, text := range m.records {
		var record map[string]any
		if err := json.Unmarshal(text, &record); err != nil {
			t.Fatal(err)
		}
		change(record)
		m.records[id], _ = json.Marshal(record)
	}
}

func (m *memory) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.records)
}

// nameOf names a request by its method and the parts of its path that are no ids.
func nameOf(req *http.Request) string {
	target, _ := url.Parse(httpsig.TargetURI(req))
	parts := strings.Split(strings.Trim(target.Path, "/"), "/")
	for i, part := range parts {
		if len(part) > 15 && strings.ContainsAny(part, "0123456789") {
			parts[i] = "…"
		}
	}
	return req.Method + " " + strings.Join(parts, "/")
}
