package gnap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

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

// Grant is what a server answers to a grant request or a continuation (RFC 9635 §3): issued if it
// has an AccessToken or a Subject, pending if not.
type Grant struct {
	Interact    *Interaction  `json:"interact"`
	Continue    *Continuation `json:"continue"`
	AccessToken *AccessToken  `json:"access_token"`
	Subject     *Subject      `json:"subject"`
	// Raw is the answer as it came, with members that this package does not know.
	Raw json.RawMessage `json:"-"`
}

// Interaction says where to send the person (RFC 9635 §3.3): Finish is the server's nonce.
type Interaction struct {
	Redirect string `json:"redirect"`
	Finish   string `json:"finish"`
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

// AccessToken is an issued token (RFC 9635 §3.2.1). Manage is where to rotate and revoke it;
// ExpiresIn is in seconds, nil where the server did not say.
type AccessToken struct {
	Value     string            `json:"value"`
	Manage    string            `json:"manage"`
	ExpiresIn *float64          `json:"expires_in"`
	Access    []json.RawMessage `json:"access"`
}

// parseGrant reads and checks an answer. It names every member that is missing or of the wrong
// type. What RFC 9635 leaves optional may be absent.
func parseGrant(body []byte, op Operation, allowHTTP bool) (*Grant, []string) {
	grant := &Grant{Raw: body}
	if err := json.Unmarshal(exact(body, ""), grant); err != nil {
		return nil, []string{describe(err)}
	}
	problems := grant.missing(op)
	problems = append(problems, grant.badURIs(allowHTTP)...)
	if len(problems) > 0 {
		return nil, problems
	}
	return grant, nil
}

// grantMembers are the objects of an answer that are checked, and their members.
var grantMembers = map[string][]string{
	"":                       {"interact", "continue", "access_token", "subject"},
	".interact":              {"redirect", "finish"},
	".continue":              {"access_token", "uri", "wait"},
	".continue.access_token": {"value"},
	".access_token":          {"value", "manage", "expires_in", "access"},
}

// exact returns the known members of an object as JavaScript would see them, who may be given Raw:
// encoding/json would also take "Redirect" for redirect, and merge two objects of one name. What
// is no object comes back as it is.
func exact(text json.RawMessage, path string) json.RawMessage {
	names, known := grantMembers[path]
	var object map[string]json.RawMessage
	if !known || json.Unmarshal(text, &object) != nil || object == nil {
		return text
	}
	kept := map[string]json.RawMessage{}
	for _, name := range names {
		if member, there := object[name]; there {
			kept[name] = exact(member, path+"."+name)
		}
	}
	encoded, err := Marshal(kept)
	if err != nil {
		return text
	}
	return encoded
}

func describe(err error) string {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return "the answer could not be read"
	}
	name := wrong.Field
	if name == "" {
		name = "the answer"
	}
	return fmt.Sprintf("%s: expected %s, found %s", name, jsonType(wrong.Type.Kind().String()), wrong.Value)
}

func jsonType(kind string) string {
	switch kind {
	case "struct", "ptr", "map":
		return "object"
	case "slice":
		return "array"
	case "float64":
		return "number"
	default:
		return kind
	}
}

func (g *Grant) missing(op Operation) []string {
	var problems []string
	need := func(there bool, what string) {
		if !there {
			problems = append(problems, what+" is missing")
		}
	}
	if token := g.AccessToken; token != nil {
		need(token.Value != "", "access_token.value")
	}
	if cont := g.Continue; cont != nil {
		need(cont.URI != "", "continue.uri")
		need(cont.AccessToken.Value != "", "continue.access_token.value")
	}
	if g.Interact != nil {
		need(g.Interact.Redirect != "", "interact.redirect")
		need(g.Continue != nil, "continue")
	}
	issued := g.AccessToken != nil || g.Subject != nil
	switch op {
	case OpRequest:
		need(issued || g.Interact != nil, "one of interact, access_token and subject")
	case OpContinue:
		need(issued || g.Continue != nil, "one of access_token, subject and continue")
	case OpRotate:
		need(g.AccessToken != nil, "access_token")
	}
	return problems
}

// badURIs refuses addresses that no honest server sends: a page that follows interact.redirect
// must not be led to javascript:, nor a token to plain http.
func (g *Grant) badURIs(allowHTTP bool) []string {
	var problems []string
	check := func(name, uri string) {
		if _, problem := parseTarget(uri, allowHTTP); uri != "" && problem != "" {
			problems = append(problems, name+" "+problem)
		}
	}
	if g.Interact != nil {
		check("interact.redirect", g.Interact.Redirect)
	}
	if g.Continue != nil {
		check("continue.uri", g.Continue.URI)
	}
	if g.AccessToken != nil {
		check("access_token.manage", g.AccessToken.Manage)
	}
	return problems
}

// Marshal encodes a message as JSON.stringify of the same object does. Servers check the digest
// of a body over JSON.stringify(JSON.parse(body)), so whatever else would do, only this verifies.
// Object keys that are array indices and floats are the caller's own care.
func Marshal(message any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(message); err != nil {
		return nil, err
	}
	return unescapeSeparators(bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))), nil
}

// unescapeSeparators writes U+2028, U+2029 and U+FFFD themselves where encoding/json insists on
// an escape and JSON.stringify does not.
func unescapeSeparators(text []byte) []byte {
	out := text[:0]
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			out = append(out, text[i])
			continue
		}
		if i+6 <= len(text) {
			switch string(text[i : i+6]) {
			case `\u2028`, `\u2029`:
				out = append(out, 0xe2, 0x80, 0xa8+text[i+5]-'8')
				i += 5
				continue
			case `\ufffd`:
				out = append(out, "\ufffd"...)
				i += 5
				continue
			}
		}
		out = append(out, text[i], text[i+1])
		i++
	}
	return out
}
