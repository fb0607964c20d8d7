package authserver

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"open-payments-wasm/pkg/sandbox/internal/respond"
)

const (
	maxClientKeys = 16
	maxKeySetSize = 16 << 10
	clientsPath   = "/clients/"
)

var clientName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// AddClient hosts the public keys of a client, in place of those it had before, and returns the
// path of the client's wallet address below the base URL. It refuses names that are not made of
// 1 to 64 letters, digits, dots, underscores and hyphens, the names "." and "..", sets of more than
// 16 keys, and keys that are not Ed25519 public keys with a kid.
func (s *Server) AddClient(name string, keys jwk.Set) (path string, err error) {
	h, err := newHosted(name, keys)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return clientsPath + name, s.clients.add(name, h)
}

func newHosted(name string, keys jwk.Set) (*hosted, error) {
	if !clientName.MatchString(name) || name == "." || name == ".." { // a URL has no such segments
		return nil, fmt.Errorf("%q cannot be the name of a client", name)
	}
	if err := checkKeySet(keys); err != nil {
		return nil, err
	}
	served, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	if len(served) > maxKeySetSize {
		return nil, errors.New("the key set is too large")
	}
	return &hosted{keys: keys, served: served, put: time.Now()}, nil
}

func checkKeySet(keys jwk.Set) error {
	if keys.Len() > maxClientKeys {
		return fmt.Errorf("more than %d keys", maxClientKeys)
	}
	for i := range keys.Len() {
		key, _ := keys.Key(i)
		if key.KeyID() == "" {
			return errors.New("a key has no kid")
		}
		if _, err := publicKey(key); err != nil {
			return err
		}
	}
	return nil
}

// publicKey returns the Ed25519 public key of a JWK (RFC 8037). It refuses private keys, and keys
// that their owner meant for something else.
func publicKey(key jwk.Key) (ed25519.PublicKey, error) {
	okp, ok := key.(jwk.OKPPublicKey)
	if !ok {
		return nil, errors.New("expected an OKP public key, without d")
	}
	// Browsers export the name that RFC 9864 §2.2 has put in the place of EdDSA.
	if alg := okp.Algorithm().String(); alg != "" && alg != jwa.EdDSA.String() && alg != "Ed25519" {
		return nil, errors.New("the alg of a key must be EdDSA or Ed25519")
	}
	if use := okp.KeyUsage(); use != "" && use != "sig" {
		return nil, errors.New("the use of a key must be sig")
	}
	var public ed25519.PublicKey
	if err := okp.Raw(&public); err != nil {
		return nil, errors.New("the crv of a key must be Ed25519")
	}
	if len(public) != ed25519.PublicKeySize {
		return nil, errors.New("an Ed25519 key has 32 bytes")
	}
	return public, nil
}

// client returns a client that this server hosts, or nil.
func (s *Server) client(name string) *hosted {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients.byName[name]
}

func noSuchClient() error { return respond.FailPlain(http.StatusNotFound, "no such client") }

func (s *Server) getClient(r *http.Request) (any, error) {
	name := r.PathValue("name")
	if s.client(name) == nil {
		return nil, noSuchClient()
	}
	return s.describeClient(r, name), nil
}

func (s *Server) getClientKeys(r *http.Request) (any, error) {
	h := s.client(r.PathValue("name"))
	if h == nil {
		return nil, noSuchClient()
	}
	return h.served, nil
}

// claimedClient is the document of a client and, for whoever put the first keys under its name, the secret
// that replaces them.
type claimedClient struct {
	walletAddress
	Secret string `json:"secret,omitempty"`
}

// putClientKeys hosts a key set and responds with the wallet address under which the client is now known.
func (s *Server) putClientKeys(r *http.Request) (any, error) {
	name := r.PathValue("name")
	secret, err := s.putKeys(r, name, name)
	if err != nil {
		return nil, err
	}
	return claimedClient{s.describeClient(r, name), secret}, nil
}

// putWalletKeys hosts a key set of a wallet, which is a client too, and responds with the secret that replaces it.
func (s *Server) putWalletKeys(r *http.Request) (any, error) {
	wallet := r.PathValue("wallet")
	if s.config.IsWallet == nil || !s.config.IsWallet(wallet) {
		return nil, respond.FailPlain(http.StatusNotFound, "no such wallet")
	}
	secret, err := s.putKeys(r, wallet, walletKey(wallet))
	if err != nil {
		return nil, err
	}
	return map[string]string{"secret": secret}, nil
}

// walletKey is what the keys of a wallet are hosted as: no client has such a name.
func walletKey(wallet string) string { return "/" + wallet }

// WalletKeys returns the key set that a wallet has, as it is served; nil where it has none.
func (s *Server) WalletKeys(wallet string) json.RawMessage {
	if h := s.client(walletKey(wallet)); h != nil {
		return h.served
	}
	return nil
}

// putKeys hosts the key set in a request, and returns the secret that replaces it, or "" where its owner has it.
func (s *Server) putKeys(r *http.Request, name, hostedAs string) (secret string, _ error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxKeySetSize+1))
	if err != nil {
		return "", respond.Unreadable(err)
	}
	if len(body) > maxKeySetSize {
		return "", respond.FailPlain(http.StatusRequestEntityTooLarge, "the key set is too large")
	}
	keys, err := parseKeySet(body)
	if err != nil {
		return "", respond.FailSchema("not a JSON Web Key Set of Ed25519 public keys")
	}
	h, err := newHosted(name, keys)
	if err != nil {
		return "", respond.FailSchema("%s", err)
	}
	return s.claim(hostedAs, h, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
}

func (s *Server) claim(name string, h *hosted, secret string) (newSecret string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	newSecret, err = s.clients.claim(name, h, secret)
	switch {
	case errors.Is(err, errTooManyClients):
		return "", respond.FailPlain(http.StatusInsufficientStorage, "too many clients")
	case errors.Is(err, errNameTaken):
		return "", respond.FailPlain(http.StatusUnauthorized,
			"the name is taken: the first response to a PUT of it has a secret, which goes into Authorization: Bearer")
	}
	return newSecret, err
}
