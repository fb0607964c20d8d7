package authserver

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

const (
	fetchTimeout = 3 * time.Second
	maxFetchSize = 1 << 20
)

var errNoKeySet = errors.New("there is no key set")

// client is how a grant request names its sender: by wallet address, or by the key itself
// ("directed identity").
type client struct {
	walletAddress string
	hostedAs      string // its name, if this server hosts the wallet address
	key           jwk.Key
}

// String is what the person is shown.
func (c client) String() string {
	if c.walletAddress != "" {
		return c.walletAddress
	}
	return "a client without a name"
}

// findKey returns the key that a client publishes under an id, or nil, whatever is wrong: whoever sends a grant request
// chooses where we look, and shall not learn what is there.
func (s *Server) findKey(ctx context.Context, c client, keyID string) ed25519.PublicKey {
	key, found := s.keySet(ctx, c).LookupKeyID(keyID)
	if !found {
		return nil
	}
	public, err := publicKey(key)
	if err != nil {
		return nil
	}
	return public
}

// keySet returns the keys of a client: none where they cannot be found.
func (s *Server) keySet(ctx context.Context, c client) jwk.Set {
	switch {
	case c.key != nil:
		set := jwk.NewSet()
		_ = set.AddKey(c.key) // fails for one that is there already
		return set
	case c.hostedAs != "":
		if h := s.client(c.hostedAs); h != nil {
			return h.keys
		}
	default:
		if set, err := s.config.FetchKeys(ctx, c.walletAddress); err == nil {
			return set
		}
	}
	return jwk.NewSet()
}

// noteUse remembers that a hosted client has signed a request.
func (s *Server) noteUse(c client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.clients.byName[c.hostedAs]; h != nil {
		h.used = time.Now()
	}
}

// hostedName returns the name of the client whose wallet address this is, or "" when it is not
// below the base URL of the request.
func (s *Server) hostedName(r *http.Request, walletAddress string) string {
	path, ok := strings.CutPrefix(walletAddress, s.config.BaseURL(r))
	if !ok {
		return ""
	}
	if name, isClient := strings.CutPrefix(path, clientsPath); isClient {
		return name
	}
	if s.client(path) != nil { // a wallet that has keys
		return path
	}
	return ""
}

// parseKeySet reads the keys of a set that may be ours, and ignores those of other kinds and those that
// cannot be read, as RFC 7517 §5 says. A private key is not ignored, whatever its kind.
func parseKeySet(data []byte) (jwk.Set, error) {
	var shape struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(data, &shape); err != nil || shape.Keys == nil {
		return nil, errors.New("there is no list of keys")
	}
	set := jwk.NewSet()
	for _, raw := range shape.Keys {
		var members struct {
			Kty        any
			D, K, Priv any
		}
		if json.Unmarshal(raw, &members) != nil {
			continue
		}
		if members.D != nil || members.K != nil || members.Priv != nil {
			return nil, errors.New("there is a private key in it, which everyone can read")
		}
		if members.Kty != "OKP" {
			continue
		}
		key, err := jwk.ParseKey(raw)
		if err != nil {
			continue
		}
		if err := set.AddKey(key); err != nil { // the same key again
			continue
		}
	}
	return set, nil
}

var loopbackClient = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a redirect could lead away from loopback
	},
}

// fetchLoopbackKeys gets the key set of a wallet address on this machine. Other hosts are
// refused: whoever sends a grant request chooses the address. Where there is no key set it fails when the time is up,
// and not before: how long it took would tell which ports are open, and what listens there.
func fetchLoopbackKeys(ctx context.Context, walletAddress string) (jwk.Set, error) {
	u, err := url.Parse(walletAddress)
	if err != nil || !IsLoopback(u.Hostname()) {
		return nil, errNoKeySet
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	set, err := fetchKeySet(ctx, walletAddress+"/jwks.json")
	if err != nil {
		<-ctx.Done()
	}
	return set, err
}

func fetchKeySet(ctx context.Context, url string) (jwk.Set, error) {
	data, err := fetch(ctx, url)
	if err != nil {
		return nil, err
	}
	return parseKeySet(data)
}

// fetch returns what is at a URL, of which it reads a mebibyte at most.
func fetch(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	res, err := loopbackClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, errNoKeySet
	}
	return io.ReadAll(io.LimitReader(res.Body, maxFetchSize))
}

// hasPublicName says whether a person can be told who a client is: by the publicName of its wallet address (Open
// Payments). Clients that this server hosts have one, and those of Config.FetchKeys are not asked for it.
func (s *Server) hasPublicName(ctx context.Context, c client) bool {
	if c.hostedAs != "" || !s.fetchesFromLoopback {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	data, err := fetch(ctx, c.walletAddress)
	var document struct{ PublicName string }
	return err == nil && json.Unmarshal(data, &document) == nil && document.PublicName != ""
}

// IsLoopback says whether a host, without a port, is this machine: localhost, a name below it, or a loopback address.
func IsLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
