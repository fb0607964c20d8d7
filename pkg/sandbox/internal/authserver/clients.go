package authserver

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"

	"open-payments-wasm/pkg/sandbox/internal/respond"
)

const (
	maxClients    = 10_000
	maxClientKeys = 16
	maxKeySetSize = 16 << 10
	clientsPath   = "/clients/"
)

var clientName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

var errTooManyClients = errors.New("too many clients")

// AddClient hosts the public keys of a client, in place of those it had before, and returns the
// path of the client's wallet address below the base URL. It refuses names that are not made of
// 1 to 64 letters, digits, dots, underscores and hyphens, sets of more than 16 keys, and keys that
// are not Ed25519 public keys with a kid.
func (s *Server) AddClient(name string, keys jwk.Set) (path string, err error) {
	if !clientName.MatchString(name) {
		return "", fmt.Errorf("%q cannot be the name of a client", name)
	}
	if err := checkKeySet(keys); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.clients[name]; !known && len(s.clients) >= maxClients {
		return "", errTooManyClients
	}
	s.clients[name] = keys
	return clientsPath + name, nil
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

func (s *Server) clientKeys(name string) (jwk.Set, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys, ok := s.clients[name]
	return keys, ok
}

func (s *Server) getClient(r *http.Request) (any, error) {
	name := r.PathValue("name")
	if _, ok := s.clientKeys(name); !ok {
		return nil, respond.FailPlain(http.StatusNotFound, "no such client")
	}
	return s.describeClient(r, name), nil
}

func (s *Server) getClientKeys(r *http.Request) (any, error) {
	keys, ok := s.clientKeys(r.PathValue("name"))
	if !ok {
		return nil, respond.FailPlain(http.StatusNotFound, "no such client")
	}
	return keys, nil
}

// putClientKeys answers with the wallet address under which the client is now known.
func (s *Server) putClientKeys(r *http.Request) (any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxKeySetSize+1))
	if err != nil {
		return nil, respond.FailPlain(http.StatusBadRequest, "the body could not be read")
	}
	if len(body) > maxKeySetSize {
		return nil, respond.FailPlain(http.StatusRequestEntityTooLarge, "the key set is too large")
	}
	keys, err := parseKeySet(body)
	if err != nil {
		return nil, respond.FailSchema("not a JSON Web Key Set of Ed25519 public keys")
	}
	name := r.PathValue("name")
	_, err = s.AddClient(name, keys)
	if errors.Is(err, errTooManyClients) {
		return nil, respond.FailPlain(http.StatusInsufficientStorage, "too many clients")
	}
	if err != nil {
		return nil, respond.FailSchema("%s", reason(err))
	}
	return s.describeClient(r, name), nil
}
