package resourceserver

import (
	"net/http"
	"slices"
	"time"
)

// Authorizer is what a resource server asks an authorization server (RFC 9635 §9 calls it token introspection). It is
// called from many goroutines at once. Its errors are written as they are: a *respond.Failure in the words of the
// resource server, whose code is the status as text.
//
// The two calls are apart because the reference server looks at what a token may do between them: a good token with
// a bad signature for something that was not granted gets status 403, not 401.
type Authorizer interface {
	// Introspect returns the grant of the access token in the Authorization header of a request. The errors are 401
	// "Missing or invalid authorization header value" when there is no "GNAP …", and 403 "Inactive Token" when the
	// token is unknown, expired, revoked or rotated.
	Introspect(r *http.Request) (*Grant, error)
	// VerifySignature checks that a request was signed by the key to which its access token is bound, over @method,
	// @target-uri and authorization at least, and over its body as far as the signature covers it. body is what was
	// read of r.Body, or nil; grant is what Introspect returned for r. The errors are 401 "Signature validation
	// error: …": "missing keyId in signature input", "could not find key in list of client keys" (with details) or
	// "provided signature is invalid".
	VerifySignature(r *http.Request, body []byte, grant *Grant) error
}

// Grant is what a client may do, as the resource server has to know it.
type Grant struct {
	// ID is the same for every token of the grant, rotated ones too: what was spent is counted under it.
	ID string
	// Client identifies the client: its wallet address, or the thumbprint of its key. What a client created is
	// remembered under it.
	Client string
	// Access are the rights of the grant (RFC 9635 §8).
	Access []Access
	// EndsAt is when the last token of the grant is over, at the latest: what was spent is forgotten then. Zero: never.
	EndsAt time.Time
}

// Access is one right of a grant, in one of the types of Open Payments.
type Access struct {
	// Type is "incoming-payment", "quote" or "outgoing-payment".
	Type string
	// Actions are "create", "read", "read-all", "list", "list-all" and "complete".
	Actions []string
	// Identifier is the wallet address for which the right is, spelled exactly as it is. "": for every one.
	Identifier string
	// Limits bound what outgoing payments may spend. Nil: nothing bounds them.
	Limits *Limits
}

// Limits bound the outgoing payments of a grant, those under way included. At most one of the amounts is set.
type Limits struct {
	// Receiver is the URL of the incoming payment that alone may be paid. "": every one.
	Receiver string
	// Interval is a repeating interval (ISO 8601-1 §5.6, "R12/2019-08-24T14:15:22Z/P1M"): the amount may be spent
	// once in each of its parts, and nothing outside of them. "": the amount is for the whole grant.
	Interval string
	// DebitAmount is what may be debited, fees included.
	DebitAmount *Amount
	// ReceiveAmount is what may be received.
	ReceiveAmount *Amount
}

// Amount is an amount of an asset, in its smallest unit.
type Amount struct {
	// Value is an unsigned 64-bit integer in decimal digits.
	Value string `json:"value"`
	// AssetCode is a currency's (ISO 4217) or another code.
	AssetCode string `json:"assetCode"`
	// AssetScale is how many decimal digits of the asset's unit the smallest unit is.
	AssetScale uint8 `json:"assetScale"`
}

// find returns the right of a grant to do something with a wallet address, or nil. Who may read or list everything of
// a wallet may read and list.
func (g *Grant) find(accessType, action, walletAddress string) *Access {
	for i, access := range g.Access {
		if access.Type == accessType && access.allows(action) &&
			(access.Identifier == "" || access.Identifier == walletAddress) {
			return &g.Access[i]
		}
	}
	return nil
}

func (a *Access) allows(action string) bool {
	return slices.Contains(a.Actions, action) || a.allowsAll(action)
}

// allowsAll says whether an action may be done to what other clients created too.
func (a *Access) allowsAll(action string) bool {
	return slices.Contains(a.Actions, action+"-all")
}
