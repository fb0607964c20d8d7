package gnap

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// parseGrant reads and checks an answer. It names every member that is missing or of the wrong
// type. What RFC 9635 leaves optional may be absent. The error is that of encoding/json where the
// answer is no JSON at all.
//
// Members are looked up by their exact names and of two the last counts, as in JavaScript, who is
// given Raw: decoding into structs would take "Redirect" for redirect, and merge two objects.
func parseGrant(body []byte, op Operation, allowHTTP bool) (grant *Grant, problems []string, err error) {
	var answer any
	var unreadable *json.UnmarshalTypeError
	err = json.Unmarshal(body, &answer)
	if errors.As(err, &unreadable) { // a number beyond float64
		return nil, []string{"the answer: expected number, found " + unreadable.Value}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var m members
	grant = m.grant(m.asObject("the answer", answer))
	grant.Raw = body
	if len(m.problems) == 0 {
		m.problems = append(grant.missing(op), grant.badURIs(allowHTTP)...)
	}
	return grant, m.problems, nil
}

// members reads the members of decoded JSON objects and collects what is of the wrong type. What
// is absent or null reads as zero.
type members struct{ problems []string }

func (m *members) grant(answer map[string]any) *Grant {
	return &Grant{
		Interact:    m.interaction(m.object(answer, "interact")),
		Continue:    m.continuation(m.object(answer, "continue")),
		AccessToken: m.accessToken(m.object(answer, "access_token")),
		Subject:     m.subject(m.object(answer, "subject")),
	}
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

func (m *members) accessToken(object map[string]any) *AccessToken {
	if object == nil {
		return nil
	}
	return &AccessToken{
		Value:     m.text(object, "access_token.value"),
		Manage:    m.text(object, "access_token.manage"),
		ExpiresIn: m.number(object, "access_token.expires_in"),
		Access:    m.list(object, "access_token.access"),
	}
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
		m.problems = append(m.problems, fmt.Sprintf("%s: expected %s, found %s", path, expected, jsonType(value)))
	}
	return typed, ok
}

func jsonType(value any) string {
	switch value.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case float64:
		return "number"
	default:
		return fmt.Sprintf("%T", value) // string and bool
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
