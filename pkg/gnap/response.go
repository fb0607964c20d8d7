package gnap

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"open-payments-wasm/pkg/signedhttp"
)

// readGrant makes a grant of a response and checks it. It names every member that is missing or of the wrong
// type. What RFC 9635 leaves optional may be absent.
//
// Members are looked up by their exact names and of two the last counts, as in JavaScript, who is
// given Raw: decoding into structs would take "Redirect" for redirect, and merge two objects.
func (r reader) readGrant(op *signedhttp.Operation, text []byte, value any) (grant *Grant, problems []string) {
	m := members{reader: r}
	grant = m.grant(m.asObject("the response", value))
	grant.Raw = text
	if len(m.problems) > 0 {
		return grant, m.problems
	}
	return grant, slices.Concat(grant.missing(op), grant.badContinuation(op), grant.badURIs(r), m.badTokens)
}

// members reads the members of decoded JSON objects and collects what is of the wrong type. What
// is absent or null reads as zero.
type members struct {
	reader    reader
	problems  []string
	badTokens []string // what is wrong with access tokens that have the right types
}

func (m *members) grant(response map[string]any) *Grant {
	grant := &Grant{
		Interact:     m.interaction(m.object(response, "interact")),
		Continue:     m.continuation(m.object(response, "continue")),
		AccessTokens: m.accessTokens(response["access_token"]),
		Subject:      m.subject(m.object(response, "subject")),
	}
	if len(grant.AccessTokens) > 0 {
		grant.AccessToken = grant.AccessTokens[0]
	}
	return grant
}

func (m *members) interaction(object map[string]any) *Interaction {
	if object == nil {
		return nil
	}
	return &Interaction{Redirect: m.text(object, "interact.redirect"), Finish: m.text(object, "interact.finish")}
}

func (m *members) continuation(object map[string]any) *Continuation {
	if object == nil {
		return nil
	}
	next := &Continuation{URI: m.text(object, "continue.uri"), Wait: m.number(object, "continue.wait")}
	next.AccessToken.Value = m.text(m.object(object, "continue.access_token"), "continue.access_token.value")
	return next
}

// accessTokens reads one token or an array of them (RFC 9635 §3.2.1 and §3.2.2).
func (m *members) accessTokens(value any) []*AccessToken {
	several, isArray := value.([]any)
	if !isArray {
		token := m.accessToken("access_token", m.asObject("access_token", value))
		if token == nil {
			return nil
		}
		return []*AccessToken{token}
	}
	var tokens []*AccessToken
	for i, item := range several {
		path := "access_token[" + strconv.Itoa(i) + "]"
		if token := m.accessToken(path, m.asObject(path, item)); token != nil {
			tokens = append(tokens, token)
		} else {
			m.badTokens = append(m.badTokens, path+" is missing")
		}
	}
	return tokens
}

func (m *members) accessToken(path string, object map[string]any) *AccessToken {
	if object == nil {
		return nil
	}
	token := &AccessToken{
		Value:     m.text(object, path+".value"),
		ExpiresIn: m.number(object, path+".expires_in"),
		Access:    m.list(object, path+".access"),
	}
	token.Label, _ = object["label"].(string) // these two are for the client's own use: no token is
	token.Flags = texts(object["flags"])      // refused because of them
	m.checkToken(path+".value", token.Value)
	token.Manage = m.management(path+".manage", object["manage"], token.Value)
	return token
}

func (m *members) checkToken(path, token string) {
	switch {
	case token == "":
		m.badTokens = append(m.badTokens, path+" is missing")
	case !signedhttp.CanBeSent(token):
		m.badTokens = append(m.badTokens, path+cannotBeSent)
	}
}

// management reads an address, as servers of Open Payments send it, or an object with one and a token
// for it.
func (m *members) management(path string, value any, token string) Management {
	object, isObject := value.(map[string]any)
	if !isObject {
		uri, _ := as[string](m, path, "string or object", value)
		m.checkURI(path, uri)
		return Management{uri, token}
	}
	manage := Management{m.text(object, path+".uri"), token}
	if manage.URI == "" {
		m.badTokens = append(m.badTokens, path+".uri is missing")
	}
	m.checkURI(path+".uri", manage.URI)
	if own := m.object(object, path+".access_token"); own != nil {
		manage.AccessToken = m.text(own, path+".access_token.value")
		m.checkToken(path+".access_token.value", manage.AccessToken)
	}
	return manage
}

func (m *members) checkURI(path, uri string) {
	if problem := m.reader.uriProblem(uri); problem != "" {
		m.badTokens = append(m.badTokens, path+" "+problem)
	}
}

func texts(value any) []string {
	list, _ := value.([]any)
	var texts []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

func (m *members) subject(object map[string]any) *Subject {
	if object == nil {
		return nil
	}
	subject := &Subject{}
	for _, item := range m.list(object, "subject.sub_ids") {
		id := m.asObject("subject.sub_ids", item)
		subject.SubIDs = append(subject.SubIDs, SubID{ID: m.text(id, "subject.sub_ids.id"), Format: m.text(id, "subject.sub_ids.format")})
	}
	return subject
}

// The readers below take the path of a member, for problems, and look for its last name.

func (m *members) object(parent map[string]any, path string) map[string]any {
	return m.asObject(path, parent[nameIn(path)])
}

func (m *members) asObject(path string, value any) map[string]any {
	object, _ := as[map[string]any](m, path, "object", value)
	return object
}

func (m *members) list(parent map[string]any, path string) []any {
	list, _ := as[[]any](m, path, "array", parent[nameIn(path)])
	return list
}

func (m *members) text(parent map[string]any, path string) string {
	text, _ := as[string](m, path, "string", parent[nameIn(path)])
	return text
}

func (m *members) number(parent map[string]any, path string) *float64 {
	number, there := as[float64](m, path, "number", parent[nameIn(path)])
	if !there {
		return nil
	}
	return &number
}

func nameIn(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func as[T any](m *members, path, expected string, value any) (T, bool) {
	typed, ok := value.(T)
	if !ok && value != nil {
		m.problems = append(m.problems, fmt.Sprintf("%s: expected %s, found %s", path, expected, signedhttp.TypeName(value)))
	}
	return typed, ok
}

func (g *Grant) missing(op *signedhttp.Operation) []string {
	var problems []string
	need := func(there bool, what string) {
		if !there {
			problems = append(problems, what+" is missing")
		}
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

const cannotBeSent = " cannot be sent in a header: it " + signedhttp.TokenProblem

// badContinuation refuses a token that could not be sent later. It is of no concern where the grant
// is issued: a token would be lost for it.
func (g *Grant) badContinuation(op *signedhttp.Operation) []string {
	issued := g.AccessToken != nil || g.Subject != nil
	if g.Continue == nil || op != OpRequest && issued || signedhttp.CanBeSent(g.Continue.AccessToken.Value) {
		return nil
	}
	return []string{"continue.access_token.value" + cannotBeSent}
}

// badURIs refuses addresses that no honest server sends: a page that follows interact.redirect
// must not be led to javascript:, nor a token to plain http.
func (g *Grant) badURIs(r reader) []string {
	var problems []string
	check := func(name, problem string) {
		if problem != "" {
			problems = append(problems, name+" "+problem)
		}
	}
	if g.Interact != nil && g.Interact.Redirect != "" {
		check("interact.redirect", signedhttp.CheckURL(g.Interact.Redirect, r.AllowHTTP))
	}
	if g.Continue != nil {
		check("continue.uri", r.uriProblem(g.Continue.URI))
	}
	return problems
}

// uriProblem says what is wrong with an address, which may be absent, to which a token is to be sent. A server on the web must not
// have tokens sent to this machine in the clear.
func (r reader) uriProblem(uri string) string {
	if uri == "" {
		return ""
	}
	problem := signedhttp.CheckURL(uri, r.AllowHTTP)
	if problem == "" && r.isSecure && !r.AllowHTTP && !isHTTPS(uri) {
		return "must be an https: URL, as that of the request is"
	}
	return problem
}

func isHTTPS(uri string) bool {
	const scheme = "https://"
	return len(uri) > len(scheme) && strings.EqualFold(uri[:len(scheme)], scheme)
}
