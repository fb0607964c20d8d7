package authserver

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

var (
	//go:embed interact.html
	interactHTML string
	//go:embed interact.css
	interactCSS string

	interactPage = template.Must(template.New("interact").Parse(interactHTML))
	styleHash    = sha256.Sum256([]byte(interactCSS))
	styleSource  = "'sha256-" + base64.StdEncoding.EncodeToString(styleHash[:]) + "'"

	crossOrigin = http.NewCrossOriginProtection()
)

const maxFormSize = 4 << 10

// page is what a person sees: a question when there is a client, else a message.
type page struct {
	Style   template.CSS
	Title   string
	Message string
	Client  string
	Rights  []right
}

// showInteraction asks the person (RFC 9635 §4.1.1). It decides nothing: links are followed by
// more than people.
func (s *Server) showInteraction(w http.ResponseWriter, r *http.Request) {
	g := s.interaction(r)
	if g == nil || !s.isOpen(g) {
		s.refuseInteraction(w, r, g)
		return
	}
	writePage(w, http.StatusOK, g, page{
		Title:  "Do you allow this?",
		Client: plainText(g.client.String()),
		Rights: describeRights(g.request),
	})
}

// decideInteraction takes the person's answer and sends them back to the client (RFC 9635 §4.2).
func (s *Server) decideInteraction(w http.ResponseWriter, r *http.Request) {
	if crossOrigin.Check(r) != nil {
		writeMessage(w, http.StatusForbidden, "Not allowed", "Only the page of this wallet may answer for you.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxFormSize)
	approve, decline := r.PostFormValue("approve") != "", r.PostFormValue("decline") != ""
	if approve == decline {
		writeMessage(w, http.StatusBadRequest, "Please choose", "Go back and press Approve or Decline.")
		return
	}
	g := s.interaction(r)
	if g == nil || !s.decide(g, approve) {
		s.refuseInteraction(w, r, g)
		return
	}
	if g.finish() == nil {
		writeMessage(w, http.StatusOK, closingTitle(approve), "You may close this page.")
		return
	}
	http.Redirect(w, r, s.finishURI(g, approve), http.StatusSeeOther)
}

func closingTitle(approve bool) string {
	if approve {
		return "Approved"
	}
	return "Declined"
}

func (s *Server) interaction(r *http.Request) *grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grants.interaction(r.PathValue("id"), r.PathValue("nonce"))
}

// isOpen says whether a person may still decide.
func (s *Server) isOpen(g *grant) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return g.isOpen()
}

func (g *grant) isOpen() bool {
	return g.state == pending && time.Since(g.created) < interactLifetime
}

// decide records the decision. It returns false when it is too late for one.
func (s *Server) decide(g *grant, approve bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !g.isOpen() {
		return false
	}
	if !approve {
		g.state = rejected
		return true
	}
	g.state, g.interactRef = approved, newID()
	return true
}

// finishURI is where the browser goes after a decision: with hash and reference, or with neither.
func (s *Server) finishURI(g *grant, approve bool) string {
	if !approve {
		return addQuery(g.finish().URI, url.Values{"result": {"grant_rejected"}})
	}
	s.mu.Lock()
	reference := g.interactRef
	s.mu.Unlock()
	hash := interactionHash(s.config.HashEncoding, g.finish().HashMethod, g.finish().Nonce, g.interactNonce, reference, g.endpoint)
	return addQuery(g.finish().URI, url.Values{"hash": {hash}, "interact_ref": {reference}})
}

// addQuery adds parameters to a URI and leaves the rest of it as it is, byte for byte.
func addQuery(uri string, values url.Values) string {
	uri, fragment, hasFragment := strings.Cut(uri, "#")
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	uri += separator + values.Encode()
	if hasFragment {
		uri += "#" + fragment
	}
	return uri
}

// refuseInteraction answers where there is nothing to decide, or not any more. The grant is nil
// when it is not known.
func (s *Server) refuseInteraction(w http.ResponseWriter, r *http.Request, g *grant) {
	if g != nil && g.finish() != nil {
		http.Redirect(w, r, addQuery(g.finish().URI, url.Values{"result": {"grant_invalid"}}), http.StatusSeeOther)
		return
	}
	writeMessage(w, http.StatusNotFound, "Nothing to approve",
		"This request is not known, was answered already, or is too old. Go back to where you came from and start again.")
}

func writeMessage(w http.ResponseWriter, status int, title, message string) {
	writePage(w, status, nil, page{Title: title, Message: message})
}

func writePage(w http.ResponseWriter, status int, g *grant, p page) {
	p.Style = template.CSS(interactCSS)
	var html bytes.Buffer
	if err := interactPage.Execute(&html, p); err != nil {
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", contentSecurityPolicy(g))
	header.Set("Referrer-Policy", "same-origin") // keeps the page's own URI from the client
	w.WriteHeader(status)
	_, _ = w.Write(html.Bytes())
}

// contentSecurityPolicy lets the page show its style and send its form. Chromium applies
// form-action to every redirect that follows the form, so it names the scheme of the finish URI:
// an origin would stop a client that redirects further, and cannot be an IPv6 address.
func contentSecurityPolicy(g *grant) string {
	formAction := "'self'"
	if g != nil && g.finish() != nil {
		scheme, _, _ := strings.Cut(g.finish().URI, ":")
		formAction += " " + strings.ToLower(scheme) + ":"
	}
	return "default-src 'none'; img-src data:; style-src " + styleSource + "; form-action " + formAction +
		"; base-uri 'none'; frame-ancestors 'none'"
}
