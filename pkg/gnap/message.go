package gnap

import "encoding/json"

// GrantRequest asks for access (RFC 9635 §2), in the form that Open Payments uses.
type GrantRequest struct {
	AccessToken *AccessTokenRequest `json:"access_token,omitempty"`
	Subject     *Subject            `json:"subject,omitempty"`
	// Client is the client's wallet address URL, or an object with walletAddress or jwk.
	Client   any              `json:"client"`
	Interact *InteractRequest `json:"interact,omitempty"`
}

// AccessTokenRequest lists the access that is asked for (RFC 9635 §2.1).
type AccessTokenRequest struct {
	Access []Access `json:"access"`
}

// Access is one right, asked for or granted (RFC 9635 §8). Type is "incoming-payment",
// "outgoing-payment" or "quote"; Limits belongs to outgoing payments.
type Access struct {
	Type       string   `json:"type"`
	Actions    []string `json:"actions"`
	Identifier string   `json:"identifier,omitempty"`
	Limits     any      `json:"limits,omitempty"`
}

// Subject asks for, or states, who the person is (RFC 9635 §2.2 and §3.4).
type Subject struct {
	SubIDs []SubID `json:"sub_ids"`
}

// SubID is one subject identifier.
type SubID struct {
	ID     string `json:"id"`
	Format string `json:"format"`
}

// InteractRequest says how the client can interact (RFC 9635 §2.5).
type InteractRequest struct {
	Start  []string       `json:"start"`
	Finish *FinishRequest `json:"finish,omitempty"`
}

// FinishRequest says how the client learns that the person is done (RFC 9635 §2.5.2).
type FinishRequest struct {
	Method string `json:"method"`
	URI    string `json:"uri"`
	Nonce  string `json:"nonce"`
}

// Grant is the response to a grant request or a continuation (RFC 9635 §3): issued if it
// has an AccessToken or a Subject, pending if not.
type Grant struct {
	Interact *Interaction
	Continue *Continuation
	// AccessToken is the token, or the first where several came.
	AccessToken *AccessToken
	// AccessTokens are all of them: several where several were asked for (§3.2.2).
	AccessTokens []*AccessToken
	Subject      *Subject
	// Raw is the response as it came, with members that this package does not know, as JSON.parse
	// takes it: without a byte order mark, and U+FFFD for what is not UTF-8.
	Raw json.RawMessage
}

// Interaction says where to send the person (RFC 9635 §3.3): Finish is the server's nonce.
type Interaction struct {
	Redirect string
	Finish   string
}

// Continuation is what a client needs to continue a grant (RFC 9635 §3.1). Wait is in seconds, nil
// where the server did not say.
type Continuation struct {
	AccessToken struct {
		Value string `json:"value"`
	} `json:"access_token"`
	URI  string   `json:"uri"`
	Wait *float64 `json:"wait,omitempty"`
}

// AccessToken is an issued token (RFC 9635 §3.2.1). Label is the client's own name for it and Flags
// what the server says of it, both where it sent some. ExpiresIn is in seconds, nil where the server
// did not say. Access is what was granted, as encoding/json decodes it.
type AccessToken struct {
	Value     string
	Label     string
	Flags     []string
	Manage    Management
	ExpiresIn *float64
	Access    []any
}

// Management is where to rotate and revoke a token (RFC 9635 §3.2.1): at no address if URI is empty.
// AccessToken is what Rotate and Revoke take there: a token for this alone, or the token itself
// where the server sent just an address, as those of Open Payments do.
type Management struct {
	URI         string
	AccessToken string
}
