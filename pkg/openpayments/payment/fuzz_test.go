package payment_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/httpsig"
	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/openpayments/payment"
	"open-payments-wasm/pkg/sandbox"
	"open-payments-wasm/pkg/signedhttp"
)

// FuzzRecord: whatever lies in a journal and whatever servers say then, each call ends with a result or an error, and does not
// panic; and what may have been paid is not paid again without a look.
func FuzzRecord(f *testing.F) {
	bodies := []string{
		"{}", `{"error":{"code":"invalid_continuation"}}`, pageJSON(""), `{"access_token":{"value":"5D9A9CF4BC7F46DDA114","manage":"https://a.example/t"}}`,
	}
	for i, text := range recordsOfEveryStep(f) {
		for j, body := range bodies {
			f.Add(text, 200+200*(j%2), body, uint8(i+j))
		}
	}
	f.Add(`{"id":"i","key":"a","keyId":"key-1","step":"preparing","from":{}}`, 200, "{}", uint8(0))
	f.Add(`{"id":"i","key":"a","keyId":"key-1","step":"paying","tried":["a",1]}`, 500, "", uint8(1))
	f.Fuzz(func(t *testing.T, text string, status int, body string, which uint8) {
		synctest.Test(t, func(t *testing.T) { tryRecord(t, text, 100+(status&0xffff)%500, body, which) })
	})
}

// TestRecordsThatLackSomething: the same of records of every step of which one member is gone, or something else.
func TestRecordsThatLackSomething(t *testing.T) {
	for _, text := range recordsOfEveryStep(t) {
		var whole map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &whole); err != nil {
			t.Fatal(err)
		}
		for name := range whole {
			for _, value := range []string{"", "null", "{}", `""`, "0", "[]", "[{}]"} {
				damaged := maps.Clone(whole)
				if damaged[name] = json.RawMessage(value); value == "" {
					delete(damaged, name)
				}
				text, err := json.Marshal(damaged)
				if err != nil {
					t.Fatal(err)
				}
				tryDamaged(t, string(text))
			}
		}
	}
}

func tryDamaged(t *testing.T, text string) {
	t.Helper()
	for which := range uint8(7) {
		synctest.Test(t, func(t *testing.T) {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("call %d with %s: %v", which, text, r)
				}
			}()
			tryRecord(t, text, 401, "{}", which)
		})
	}
}

// tryRecord makes a call with a record in the journal, where every server responds alike.
func tryRecord(t *testing.T, text string, status int, body string, which uint8) {
	t.Helper()
	server := &watcher{response: fake.Response{Status: status, Body: body}}
	record := payment.ReadRecord(json.RawMessage(text))
	journal := newMemory()
	if record != nil {
		journal.records[record.ID] = []byte(text)
	}
	client := &payment.Client{
		HTTP:          signedhttp.Client{Transport: server, Key: httpsig.Key{ID: "key-1", Signer: fake.Instant.Signer}},
		WalletAddress: "https://till.example", Journal: stored{journal},
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	checkEnd(t, callOfRecord(ctx, client, record, which))
	if record != nil && record.Step == payment.StepPaying {
		server.checkLook(t)
	}
}

// callOfRecord makes one of the calls that read a journal.
func callOfRecord(ctx context.Context, client *payment.Client, record *payment.Record, which uint8) error {
	id, order := "i", payment.Order{Key: "a", From: "https://a.example/alice", To: "https://a.example/shop", FinishURI: "https://shop.example/"}
	order.ReceiveAmount = amount("1", "USD")
	callback := payment.Callback{Hash: "h", InteractRef: "r"}
	if record != nil {
		id, order.Key = record.ID, record.Key
	}
	if record != nil && record.Grant != nil {
		grant := record.Grant
		callback.Hash = hashOf(gnap.InteractionHash{
			ClientNonce: grant.ClientNonce, ServerNonce: grant.ServerNonce, InteractRef: callback.InteractRef, GrantEndpoint: grant.Endpoint,
		})
	}
	calls := []func() error{
		func() error { _, err := client.Pending(ctx); return err },
		func() error { _, err := client.Resume(ctx, id); return err },
		func() error { _, err := client.Finish(ctx, callback); return err },
		func() error { _, err := client.Start(ctx, order); return err },
		func() error { _, err := client.Forget(ctx, id); return err },
		func() error { _, err := client.Watch(ctx, id, time.Second, func(payment.Progress) {}); return err },
		func() error { return client.HandOver(ctx, id) },
	}
	return calls[int(which)%len(calls)]()
}

// checkEnd fails the test for an error that is none of those that are documented.
func checkEnd(t *testing.T, err error) {
	t.Helper()
	var failure *signedhttp.Error
	var argument *signedhttp.ArgumentError
	var interaction *payment.InteractionRequired
	var lost *payment.NotWritten
	if errors.Is(err, context.DeadlineExceeded) {
		return
	}
	if err != nil && !errors.As(err, &failure) && !errors.As(err, &argument) && !errors.As(err, &interaction) && !errors.As(err, &lost) {
		t.Errorf("%T: %v", err, err)
	}
}

// stored reads records as the journal of a page does: from text that anybody may have written.
type stored struct{ *memory }

func (s stored) List(context.Context) (records []*payment.Record, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range s.records {
		if record := payment.ReadRecord(text); record != nil {
			records = append(records, record)
		}
	}
	return records, nil
}

func (s stored) Get(_ context.Context, id string) (*payment.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return payment.ReadRecord(s.records[id]), nil
}

// watcher is a server that responds always alike, and remembers what it was asked for.
type watcher struct {
	response fake.Response
	mu       sync.Mutex
	asked    []string
}

func (w *watcher) RoundTrip(req *http.Request) (*http.Response, error) {
	path, _, _ := strings.Cut(httpsig.TargetURI(req), "?")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, req.Method+" "+path[strings.LastIndexByte(path, '/')+1:])
	return w.response.HTTP(), nil
}

func (w *watcher) checkLook(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	paid := slices.Index(w.asked, "POST outgoing-payments")
	looked := slices.Index(w.asked, "GET outgoing-payments")
	if paid >= 0 && (looked < 0 || looked > paid) {
		t.Errorf("paid without a look: %v", w.asked)
	}
}

// recordsOfEveryStep are what a journal holds in the course of a payment.
func recordsOfEveryStep(t testing.TB) []string {
	t.Helper()
	var texts []string
	w := newWorld(t, sandbox.Config{})
	note := func() {
		w.journal.mu.Lock()
		defer w.journal.mu.Unlock()
		for _, text := range w.journal.records {
			if !slices.Contains(texts, string(text)) {
				texts = append(texts, string(text))
			}
		}
	}
	w.party.strike = func(context.Context, event) (*http.Response, error) { note(); return nil, nil }
	w.finish(w.start(w.order("a")))
	order := w.order("b")
	order.To = w.expect(order.ReceiveAmount) // an incoming payment
	w.finish(w.start(order))
	note()
	return texts
}
