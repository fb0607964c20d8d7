package openpayments

import (
	"encoding/json"
	"time"
)

// The documents of Open Payments 1.3. What may be absent is a pointer, nil, or zero. Times are zero where they are
// absent, and where they are no RFC 3339: servers are not held to it. Raw is the document as it came, with the members
// that this package does not know.

// Amount is an amount of money: Value is an unsigned 64-bit integer as text, in units of 10 to the power of -AssetScale
// of the asset. See ParseAmount and FormatAmount.
type Amount struct {
	Value      string `json:"value"`
	AssetCode  string `json:"assetCode"` // "USD"
	AssetScale int    `json:"assetScale"`
}

// WalletAddress is what an account makes public. ID is how other calls must spell it.
type WalletAddress struct {
	ID             string          `json:"id"`
	PublicName     string          `json:"publicName"`
	AssetCode      string          `json:"assetCode"`
	AssetScale     int             `json:"assetScale"`
	AuthServer     string          `json:"authServer"`     // where grants are asked for
	ResourceServer string          `json:"resourceServer"` // where payments and quotes are made
	Raw            json.RawMessage `json:"-"`
}

// JWKS are the keys that a wallet address signs with (RFC 7517).
type JWKS struct {
	Keys []JWK           `json:"keys"`
	Raw  json.RawMessage `json:"-"`
}

// JWK is an Ed25519 public key (RFC 8037). X is the key in base64url.
type JWK struct {
	KeyID     string `json:"kid"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
}

// IncomingPayment is what a wallet address can be paid by. IncomingAmount is nil where any amount may come.
type IncomingPayment struct {
	ID             string          `json:"id"`
	WalletAddress  string          `json:"walletAddress"`
	Completed      bool            `json:"completed"`
	IncomingAmount *Amount         `json:"incomingAmount"`
	ReceivedAmount Amount          `json:"receivedAmount"`
	ExpiresAt      time.Time       `json:"expiresAt"`
	Metadata       json.RawMessage `json:"metadata"` // an object
	CreatedAt      time.Time       `json:"createdAt"`
	Methods        []PaymentMethod `json:"methods"` // of one that is got or created, while it can be paid
	// AuthServer is there where the server gave the public document alone.
	AuthServer string          `json:"authServer"`
	Raw        json.RawMessage `json:"-"`
}

// PaymentMethod is how a payment can be sent. Type is "ilp".
type PaymentMethod struct {
	Type         string `json:"type"`
	ILPAddress   string `json:"ilpAddress"`
	SharedSecret string `json:"sharedSecret"` // base64url
}

// PublicIncomingPayment is what everybody may know of an incoming payment. ReceivedAmount may be nil.
type PublicIncomingPayment struct {
	ReceivedAmount *Amount         `json:"receivedAmount"`
	AuthServer     string          `json:"authServer"`
	Raw            json.RawMessage `json:"-"`
}

// Quote says what a payment would cost, until ExpiresAt.
type Quote struct {
	ID            string          `json:"id"`
	WalletAddress string          `json:"walletAddress"`
	Receiver      string          `json:"receiver"` // the id of an incoming payment
	ReceiveAmount Amount          `json:"receiveAmount"`
	DebitAmount   Amount          `json:"debitAmount"`
	Method        string          `json:"method"` // "ilp"
	ExpiresAt     time.Time       `json:"expiresAt"`
	CreatedAt     time.Time       `json:"createdAt"`
	Raw           json.RawMessage `json:"-"`
}

// OutgoingPayment is a payment that a wallet address makes. SentAmount grows up to DebitAmount, less what the wallet keeps
// as a fee; Failed says that nothing more will be sent.
type OutgoingPayment struct {
	ID            string          `json:"id"`
	WalletAddress string          `json:"walletAddress"`
	QuoteID       string          `json:"quoteId"`
	Failed        bool            `json:"failed"`
	Receiver      string          `json:"receiver"` // the id of an incoming payment
	ReceiveAmount Amount          `json:"receiveAmount"`
	DebitAmount   Amount          `json:"debitAmount"`
	SentAmount    Amount          `json:"sentAmount"`
	Metadata      json.RawMessage `json:"metadata"` // an object
	CreatedAt     time.Time       `json:"createdAt"`
	// Of one that is created: what the grant had spent before it.
	GrantSpentDebitAmount   *Amount         `json:"grantSpentDebitAmount"`
	GrantSpentReceiveAmount *Amount         `json:"grantSpentReceiveAmount"`
	Raw                     json.RawMessage `json:"-"`
}

// SpentAmounts are what was spent of a grant, payments under way included: nil before the first.
type SpentAmounts struct {
	SpentDebitAmount   *Amount         `json:"spentDebitAmount"`
	SpentReceiveAmount *Amount         `json:"spentReceiveAmount"`
	Raw                json.RawMessage `json:"-"`
}

// Page is a part of a list, the newest first. Cursors are empty where it is.
type Page[T any] struct {
	Result     []T             `json:"result"`
	Pagination PageInfo        `json:"pagination"`
	Raw        json.RawMessage `json:"-"`
}

// PageInfo says where a Page stands in its list.
type PageInfo struct {
	StartCursor     string `json:"startCursor"`
	EndCursor       string `json:"endCursor"`
	HasNextPage     bool   `json:"hasNextPage"`
	HasPreviousPage bool   `json:"hasPreviousPage"`
}

// NewIncomingPayment is what an incoming payment is made of. WalletAddress is the id of a wallet address, or a payment
// pointer. The rest may be absent; Metadata is encoded as an object.
type NewIncomingPayment struct {
	WalletAddress  string     `json:"walletAddress"`
	IncomingAmount *Amount    `json:"incomingAmount,omitempty"`
	ExpiresAt      *time.Time `json:"expiresAt,omitempty"`
	Metadata       any        `json:"metadata,omitempty"`
}

// NewQuote asks what it costs to pay Receiver, the id of an incoming payment, from WalletAddress: so that it gets
// ReceiveAmount, or for DebitAmount, or, with neither, what the receiver asks for. Method may be empty: it is "ilp".
type NewQuote struct {
	WalletAddress string  `json:"walletAddress"`
	Receiver      string  `json:"receiver"`
	Method        string  `json:"method"`
	ReceiveAmount *Amount `json:"receiveAmount,omitempty"`
	DebitAmount   *Amount `json:"debitAmount,omitempty"`
}

// NewOutgoingPayment pays by a quote, or else DebitAmount to IncomingPayment, the id of one. Metadata is encoded as an
// object.
type NewOutgoingPayment struct {
	WalletAddress   string  `json:"walletAddress"`
	QuoteID         string  `json:"quoteId,omitempty"`
	IncomingPayment string  `json:"incomingPayment,omitempty"`
	DebitAmount     *Amount `json:"debitAmount,omitempty"`
	Metadata        any     `json:"metadata,omitempty"`
}
