package resourceserver

import (
	"crypto/rand"
	"encoding/base64"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"open-payments-wasm/pkg/sandbox/internal/ledger"
)

// Wallet is a wallet with money in it.
type Wallet struct {
	// Name is the last part of its address: lower-case letters, digits, dots, underscores and hyphens.
	Name string
	// PublicName is what others may read. "": the name.
	PublicName string
	// AssetCode and AssetScale are what it holds.
	AssetCode  string
	AssetScale uint8
	// Balance is what it holds at the start, in smallest units.
	Balance uint64
}

type wallet struct {
	name, publicName string
	asset            ledger.Asset
	account          ledger.AccountID
}

var walletName = regexp.MustCompile(`^[a-z0-9._-]{1,64}$`)

// openWallet opens the account of a wallet, and those of its asset when it is the first.
func (s *Server) openWallet(config Wallet) {
	if !walletName.MatchString(config.Name) || s.wallets[config.Name] != nil {
		panic("resourceserver: a wallet cannot be named " + strconv.Quote(config.Name))
	}
	asset := ledger.Asset{Code: config.AssetCode, Scale: config.AssetScale}
	if _, known := s.liquidity[asset]; !known {
		s.liquidity[asset] = s.ledger.Open(asset)
		s.fees[asset] = s.ledger.Open(asset)
		s.issue(s.liquidity[asset], s.config.Liquidity)
	}
	w := &wallet{name: config.Name, publicName: config.PublicName, asset: asset, account: s.ledger.Open(asset)}
	if w.publicName == "" {
		w.publicName = w.name
	}
	if config.Balance > 0 {
		s.issue(w.account, config.Balance)
	}
	s.wallets[w.name] = w
}

func (s *Server) issue(to ledger.AccountID, amount uint64) {
	if err := s.ledger.Issue(to, amount); err != nil {
		panic("resourceserver: the balances of an asset: " + err.Error())
	}
}

// Balance returns what a wallet has, and how much of that is not held for payments under way. Both are 0 for a name
// that no wallet has.
func (s *Server) Balance(name string) (funds, available uint64) {
	w := s.wallets[name]
	if w == nil {
		return 0, 0
	}
	funds, available, _ = s.ledger.Balance(w.account)
	return funds, available
}

// walletAt returns the wallet with exactly this address, or nil.
func (s *Server) walletAt(r *http.Request, address string) *wallet {
	name, ours := strings.CutPrefix(address, s.config.BaseURL(r)+"/")
	if !ours {
		return nil
	}
	return s.wallets[name]
}

func (s *Server) walletAddress(r *http.Request, w *wallet) string {
	return s.config.BaseURL(r) + "/" + w.name
}

// walletDocument is the document of a wallet address.
type walletDocument struct {
	ID             string `json:"id"`
	PublicName     string `json:"publicName"`
	AssetCode      string `json:"assetCode"`
	AssetScale     uint8  `json:"assetScale"`
	AuthServer     string `json:"authServer"`
	ResourceServer string `json:"resourceServer"`
}

func (s *Server) describeWallet(r *http.Request, w *wallet) walletDocument {
	return walletDocument{
		ID:             s.walletAddress(r, w),
		PublicName:     w.publicName,
		AssetCode:      w.asset.Code,
		AssetScale:     w.asset.Scale,
		AuthServer:     s.authServer(r),
		ResourceServer: s.resourceServer(r),
	}
}

// getWallet responds with the document of a wallet address, or one of the documents below it. Case, a trailing slash and
// the query do not matter.
func (s *Server) getWallet(r *http.Request) (any, error) {
	name, document, _ := strings.Cut(strings.TrimSuffix(strings.ToLower(r.PathValue("path")), "/"), "/")
	w := s.wallets[name]
	switch {
	case w == nil || (document != "" && document != "jwks.json"):
		return nil, failWith(http.StatusNotFound, "Wallet address does not exist",
			map[string]string{"walletAddressUrl": s.config.BaseURL(r) + strings.ToLower(r.URL.Path)})
	case document == "" && accepts(r, "application/spsp4+json") && !accepts(r, "application/json"):
		return describeSPSP(), nil
	case !accepts(r, "application/json"):
		return nil, fail(http.StatusNotAcceptable, notAcceptable)
	case document == "jwks.json":
		return s.keysOf(name), nil
	}
	return s.describeWallet(r, w), nil
}

func (s *Server) keysOf(wallet string) any {
	if s.config.Keys != nil {
		if keys := s.config.Keys(wallet); keys != nil {
			return keys
		}
	}
	return map[string][]any{"keys": {}}
}

const notAcceptable = "Received error validating OpenAPI request: Must accept application/json"

// accepts says whether a request takes a media type as its response.
func accepts(r *http.Request, mediaType string) bool {
	header := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(header) == "" {
		return true
	}
	family, _, _ := strings.Cut(mediaType, "/")
	for part := range strings.SplitSeq(header, ",") {
		offered, params, err := mime.ParseMediaType(part)
		if err != nil || isZero(params["q"]) {
			continue
		}
		if offered == mediaType || offered == family+"/*" || offered == "*/*" {
			return true
		}
	}
	return false
}

func isZero(quality string) bool {
	q, err := strconv.ParseFloat(quality, 64)
	return err == nil && q == 0
}

// ilpMethod is how an incoming payment can be paid over Interledger. Here nobody listens at the address.
type ilpMethod struct {
	Type         string `json:"type"`
	ILPAddress   string `json:"ilpAddress"`
	SharedSecret string `json:"sharedSecret"`
}

// newMethod returns another address and secret each time, as the reference server does.
func newMethod() ilpMethod {
	return ilpMethod{Type: "ilp", ILPAddress: "test.sandbox." + rand.Text(), SharedSecret: newSecret()}
}

func newSecret() string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(secret)
}

// describeSPSP returns a response of the Simple Payment Setup Protocol.
func describeSPSP() any {
	method := newMethod()
	return map[string]any{
		"destination_account": method.ILPAddress,
		"shared_secret":       method.SharedSecret,
		"receipts_enabled":    false,
	}
}
