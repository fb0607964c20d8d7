package authserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// grantRequest is the body of a grant request (RFC 9635 §2) after it was checked.
type grantRequest struct {
	size     int // of the body, in bytes
	client   client
	access   []access
	subject  *subject
	interact *interactRequest
}

// access is one right that a client asks for (RFC 9635 §8), in one of the types of Open Payments.
type access struct {
	Type       string   `json:"type"`
	Actions    []string `json:"actions"`
	Identifier string   `json:"identifier"`
	Limits     *limits  `json:"limits"`
	raw        json.RawMessage
}

// MarshalJSON returns what the client sent.
func (a access) MarshalJSON() ([]byte, error) { return a.raw, nil }

type limits struct {
	Receiver      string  `json:"receiver"`
	Interval      string  `json:"interval"`
	DebitAmount   *amount `json:"debitAmount"`
	ReceiveAmount *amount `json:"receiveAmount"`
}

type amount struct {
	Value      string `json:"value"`
	AssetCode  string `json:"assetCode"`
	AssetScale *uint8 `json:"assetScale"`
}

// subject is what a client asks and is told about the person (RFC 9635 §2.2 and §3.4).
type subject struct {
	SubIDs []subID `json:"sub_ids"`
}

type subID struct {
	ID     string `json:"id"`
	Format string `json:"format"`
}

type interactRequest struct {
	Start  []string `json:"start"`
	Finish *finish  `json:"finish"`
}

type finish struct {
	Method     string `json:"method"`
	URI        string `json:"uri"`
	Nonce      string `json:"nonce"`
	HashMethod string `json:"hash_method"`
}

// allowedActions are the actions of each access type of Open Payments.
var allowedActions = map[string][]string{
	"incoming-payment": {"create", "complete", "read", "read-all", "list", "list-all"},
	"outgoing-payment": {"create", "read", "read-all", "list", "list-all"},
	"quote":            {"create", "read", "read-all"},
}

const (
	maxAccess = 3
	maxStart  = 8
	maxURL    = 2 << 10 // as long as browsers and servers take them
)

// parseGrantRequest reads a grant request. The error is a *respond.Failure.
func parseGrantRequest(body []byte) (*grantRequest, error) {
	var wire struct {
		AccessToken *struct {
			Access []json.RawMessage `json:"access"`
		} `json:"access_token"`
		Subject  *subject         `json:"subject"`
		Client   json.RawMessage  `json:"client"`
		Interact *interactRequest `json:"interact"`
	}
	if err := json.Unmarshal(body, &wire); err != nil {
		return nil, respond.FailSchema("body %s", describeJSONError(err))
	}
	request := &grantRequest{size: len(body), subject: wire.Subject, interact: wire.Interact}
	if wire.AccessToken == nil && wire.Subject == nil {
		return nil, respond.FailSchema("body must have access_token or subject")
	}
	var err error
	if request.client, err = parseClient(wire.Client); err != nil {
		return nil, respond.FailSchema("client %s", err)
	}
	if wire.AccessToken != nil {
		if request.access, err = parseAccess(wire.AccessToken.Access); err != nil {
			return nil, respond.FailSchema("access_token.access %s", err)
		}
	}
	if err := request.subject.check(); err != nil {
		return nil, respond.FailSchema("subject %s", err)
	}
	if err := request.interact.check(); err != nil {
		return nil, respond.FailSchema("interact %s", err)
	}
	return request, nil
}

func describeJSONError(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return fmt.Sprintf("member %s must not be a %s", wrong.Field, wrong.Value)
	}
	return "must be an object"
}

func parseClient(raw json.RawMessage) (client, error) {
	if len(raw) == 0 {
		return client{}, errors.New("is missing")
	}
	var address string
	if json.Unmarshal(raw, &address) == nil {
		return client{walletAddress: address}, checkWalletAddress(address)
	}
	var object struct {
		WalletAddress *string         `json:"walletAddress"`
		JWK           json.RawMessage `json:"jwk"`
	}
	if err := decodeStrictly(raw, &object); err != nil {
		return client{}, errors.New("must be a wallet address, or an object with walletAddress or jwk")
	}
	if (object.WalletAddress != nil) == (object.JWK != nil) {
		return client{}, errors.New("must have one of walletAddress and jwk")
	}
	if object.WalletAddress != nil {
		return client{walletAddress: *object.WalletAddress}, checkWalletAddress(*object.WalletAddress)
	}
	key, err := jwk.ParseKey(object.JWK)
	if err != nil {
		return client{}, errors.New("has a jwk that is not a JSON Web Key")
	}
	return client{key: key}, nil
}

func checkWalletAddress(address string) error {
	if len(address) > maxURL {
		return errors.New("is too long")
	}
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return errors.New("must be an https or http URL")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("must be a URL without user, query and fragment")
	}
	return nil
}

func decodeStrictly(raw json.RawMessage, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(target)
}

func parseAccess(items []json.RawMessage) ([]access, error) {
	if len(items) == 0 || len(items) > maxAccess {
		return nil, fmt.Errorf("must have 1 to %d items", maxAccess)
	}
	var list []access
	for _, raw := range items {
		item := access{raw: raw}
		if err := decodeStrictly(raw, &item); err != nil {
			return nil, fmt.Errorf("has an item of the wrong shape: %w", err)
		}
		if err := item.check(); err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

func (a access) check() error {
	allowed, known := allowedActions[a.Type]
	if !known {
		return fmt.Errorf("has an item of unknown type %q", a.Type)
	}
	if len(a.Actions) == 0 {
		return errors.New("has an item without actions")
	}
	for i, action := range a.Actions {
		if !slices.Contains(allowed, action) || slices.Contains(a.Actions[:i], action) {
			return fmt.Errorf("has an item with a wrong or repeated action %q", action)
		}
	}
	if a.Type == "outgoing-payment" && a.Identifier == "" {
		return errors.New("has an outgoing-payment item without identifier")
	}
	if len(a.Identifier) > maxURL {
		return errors.New("has an item whose identifier is too long")
	}
	if a.Type != "outgoing-payment" && a.Limits != nil {
		return errors.New("has limits on what is not an outgoing-payment")
	}
	return a.Limits.check()
}

// assetCode has what codes of assets are made of. A space could make another sentence of what a person reads.
var assetCode = regexp.MustCompile(`^[!-~]{1,16}$`)

func (l *limits) check() error {
	if l == nil {
		return nil
	}
	if l.DebitAmount != nil && l.ReceiveAmount != nil {
		return errors.New("has limits with both debitAmount and receiveAmount")
	}
	for _, amount := range []*amount{l.DebitAmount, l.ReceiveAmount} {
		if amount == nil {
			continue
		}
		if _, err := strconv.ParseUint(amount.Value, 10, 64); err != nil || !assetCode.MatchString(amount.AssetCode) || amount.AssetScale == nil {
			return errors.New("has limits with an amount that lacks value, assetCode or assetScale")
		}
	}
	return nil
}

func (s *subject) check() error {
	if s == nil {
		return nil
	}
	if len(s.SubIDs) != 1 || s.SubIDs[0].ID == "" || s.SubIDs[0].Format != "uri" {
		return errors.New("must have one of sub_ids, with id and format uri")
	}
	return nil
}

func (i *interactRequest) check() error {
	if i == nil {
		return nil
	}
	if !slices.Contains(i.Start, "redirect") || len(i.Start) > maxStart {
		return fmt.Errorf("must have redirect among start, which has at most %d items", maxStart)
	}
	if i.Finish == nil {
		return nil
	}
	if i.Finish.Method != "redirect" || i.Finish.Nonce == "" {
		return errors.New("must have a finish with method redirect and a nonce")
	}
	if _, known := hashMethods[i.Finish.HashMethod]; !known {
		return errors.New("must have a finish with hash_method sha-256 or sha-512, or none")
	}
	return checkFinishURI(i.Finish.URI)
}

// checkFinishURI accepts places to which a browser may be sent with a reference: https, http on
// loopback, and pages of extensions. Schemes that run scripts are not among them.
func checkFinishURI(uri string) error {
	if len(uri) > maxURL {
		return errors.New("has a finish whose uri is too long")
	}
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("must have a finish with an absolute uri without user")
	}
	switch u.Scheme {
	case "https", "chrome-extension", "moz-extension", "safari-web-extension":
		return nil
	case "http":
		if IsLoopback(u.Hostname()) {
			return nil
		}
	}
	return errors.New("must have a finish with an https uri, or http on loopback, or an extension's")
}

// checkInteraction returns a *respond.Failure when a person would have to be asked and cannot be.
func (g *grantRequest) checkInteraction() error {
	if !g.needsInteraction() {
		return nil
	}
	if g.interact == nil {
		return respond.Fail(http.StatusBadRequest, "invalid_request", "missing required request field 'interact'")
	}
	if g.client.key != nil {
		return respond.Fail(http.StatusBadRequest, "invalid_request", "a client that asks a person must have a wallet address")
	}
	return nil
}

// needsInteraction says whether a person must approve: for spending their money and for naming
// them (Open Payments).
func (g *grantRequest) needsInteraction() bool {
	isOutgoing := func(a access) bool { return a.Type == "outgoing-payment" }
	return g.subject != nil || slices.ContainsFunc(g.access, isOutgoing)
}
