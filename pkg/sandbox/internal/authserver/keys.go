package authserver

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

const (
	fetchTimeout = 5 * time.Second
	maxFetchSize = 1 << 20
)

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

// findKey returns the key that a client publishes under an id. The error is a *respond.Failure.
func (s *Server) findKey(ctx context.Context, c client, keyID string) (ed25519.PublicKey, error) {
	key, err := s.lookUpKey(ctx, c, keyID)
	if err != nil {
		return nil, unknownClient("could not find the key of the client: %s", err)
	}
	public, err := publicKey(key)
	if err != nil {
		return nil, unknownClient("the key of the client cannot be used: %s", reason(err))
	}
	return public, nil
}

func (s *Server) lookUpKey(ctx context.Context, c client, keyID string) (jwk.Key, error) {
	if c.key != nil {
		if c.key.KeyID() != keyID {
			return nil, errors.New("keyid is not the kid of the client's jwk")
		}
		return c.key, nil
	}
	keys, err := s.keySet(ctx, c)
	if err != nil {
		return nil, err
	}
	key, ok := keys.LookupKeyID(keyID)
	if !ok {
		return nil, errors.New("its key set has no key with this keyid")
	}
	return key, nil
}

func (s *Server) keySet(ctx context.Context, c client) (jwk.Set, error) {
	if c.hostedAs == "" {
		return s.config.FetchKeys(ctx, c.walletAddress)
	}
	h := s.client(c.hostedAs)
	if h == nil {
		return nil, errors.New("no client has this wallet address")
	}
	return h.keys, nil
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
	name, ok := strings.CutPrefix(walletAddress, s.config.BaseURL(r)+clientsPath)
	if !ok {
		return ""
	}
	return name
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
	Timeout: fetchTimeout,
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a redirect could lead away from loopback
	},
}

// fetchLoopbackKeys gets the key set of a wallet address on this machine. Other hosts are
// refused: whoever sends a grant request chooses the address.
func fetchLoopbackKeys(ctx context.Context, walletAddress string) (jwk.Set, error) {
	u, err := url.Parse(walletAddress)
	if err != nil || !IsLoopback(u.Hostname()) {
		return nil, errors.New("its wallet address is not on a loopback host")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, walletAddress+"/jwks.json", nil)
	if err != nil {
		return nil, err
	}
	res, err := loopbackClient.Do(req)
	if err != nil {
		return nil, errors.New("its key set cannot be reached")
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("its key set answers with status %d", res.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxFetchSize))
	if err != nil {
		return nil, errors.New("its key set cannot be read")
	}
	return parseKeySet(data)
}

// IsLoopback says whether a host, without a port, is this machine: localhost, a name below it, or a loopback address.
func IsLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
