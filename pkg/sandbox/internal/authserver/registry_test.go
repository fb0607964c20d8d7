package authserver

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

func emptyRegistry() registry { return registry{byName: map[string]*hosted{}} }

func put(t *testing.T, r *registry, name string) {
	t.Helper()
	time.Sleep(time.Millisecond) // of a bubble: one after the other
	if _, err := r.claim(name, &hosted{served: json.RawMessage(name), put: time.Now()}, ""); err != nil {
		t.Fatal(err)
	}
}

// Whoever takes all names takes them from themselves.
func TestNamesThatNobodyUsesAreForgottenFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := emptyRegistry()
		if err := r.add("added", &hosted{put: time.Now()}); err != nil {
			t.Fatal(err)
		}
		put(t, &r, "idle")
		put(t, &r, "used")
		r.byName["used"].used = time.Now()
		for i := range maxClients + 100 {
			put(t, &r, fmt.Sprint(i))
		}
		for name, kept := range map[string]bool{"added": true, "used": true, "idle": false, "0": false, fmt.Sprint(maxClients + 99): true} {
			if r.byName[name] != nil != kept {
				t.Errorf("%s is kept: %t", name, !kept)
			}
		}
		if len(r.byName) != maxClients {
			t.Errorf("%d names", len(r.byName))
		}
	})
}

func TestRegistryFullOfAddedClients(t *testing.T) {
	r := emptyRegistry()
	for i := range maxClients {
		r.byName[fmt.Sprint(i)] = &hosted{}
	}
	if _, err := r.claim("late", &hosted{}, ""); !errors.Is(err, errTooManyClients) {
		t.Errorf("one client too many: %v", err)
	}
	if err := r.add("7", &hosted{}); err != nil {
		t.Errorf("a client that is known: %v", err)
	}
}

// Large key sets push each other out before there are too many of them.
func TestRegistryIsBoundedByBytes(t *testing.T) {
	r := emptyRegistry()
	large := json.RawMessage(make([]byte, maxKeySetSize))
	for i := range 1000 {
		if _, err := r.claim(fmt.Sprint(i), &hosted{served: large, put: time.Unix(int64(i), 0)}, ""); err != nil {
			t.Fatal(err)
		}
	}
	counted := 0
	for _, h := range r.byName {
		counted += h.size()
	}
	if r.bytes != counted || r.bytes > maxClientBytes || len(r.byName) < 100 || r.byName["999"] == nil || r.byName["0"] != nil {
		t.Errorf("%d clients of %d bytes, counted are %d", len(r.byName), counted, r.bytes)
	}
}

// Key sets of every shape take no more than is counted.
func TestKeySetsTakeWhatIsCounted(t *testing.T) {
	for name, test := range map[string]struct{ keys, kid int }{"small": {1, 10}, "many keys": {maxClientKeys, 10}, "large": {1, maxKeySetSize - 200}} {
		t.Run(name, func(t *testing.T) {
			s := New(Config{})
			before := heap()
			for i := range 40 {
				keys := jwk.NewSet()
				for k := range test.keys {
					_ = keys.AddKey(publicJWK(t, fmt.Sprintf("%0*d", test.kid, k)))
				}
				text, err := json.Marshal(keys)
				if err != nil {
					t.Fatal(err)
				}
				if keys, err = parseKeySet(text); err != nil {
					t.Fatal(err)
				}
				h, err := newHosted(fmt.Sprint(i), keys)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.claim(fmt.Sprint(i), h, ""); err != nil {
					t.Fatal(err)
				}
			}
			held := s.Held()
			if held.ClientBytes > maxClientBytes || held.Clients != 40 {
				t.Errorf("%+v", held)
			}
			if took := heap() - before; took > int64(held.ClientBytes) {
				t.Errorf("%d clients take %d bytes, counted are %d", held.Clients, took, held.ClientBytes)
			}
			runtime.KeepAlive(s)
		})
	}
}

func publicJWK(t *testing.T, kid string) jwk.Key {
	t.Helper()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwk.FromRaw(public)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Set(jwk.KeyIDKey, kid); err != nil {
		t.Fatal(err)
	}
	return key
}

// heap returns how many bytes live on the heap.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
