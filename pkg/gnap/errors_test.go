package gnap

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestServerErrors(t *testing.T) {
	const (
		description = "a description"
		text        = "text/plain; charset=utf-8"
		json        = "application/json; charset=utf-8"
		html        = "text/html"
	)
	object := func(code string) string { return `{"error":{"code":"` + code + `","description":"a description"}}` }
	long := strings.Repeat("é", 400)
	const advice = description + ". Check with checkPublished that the client's wallet address publishes this key, and that the URL is the newest of this token."
	cases := map[string]struct {
		status     int
		kind, body string
		code, text string
		retryable  bool
		details    string
	}{
		"too fast":              {400, json, object("too_fast"), "too_fast", description, true, ""},
		"request denied":        {401, json, object("request_denied"), "request_denied", description, false, ""},
		"wrong reference":       {404, json, object("invalid_continuation"), "invalid_continuation", description, false, ""},
		"empty body member":     {401, json, object("invalid_request"), "invalid_request", description, false, ""},
		"wrong token":           {401, json, object("invalid_continuation"), "invalid_continuation", description, false, ""},
		"tampered":              {401, json, object("invalid_client"), "invalid_client", advice, false, ""},
		"unknown key":           {400, json, object("invalid_client"), "invalid_client", advice, false, ""},
		"user denied":           {403, json, object("user_denied"), "user_denied", description, false, ""},
		"a code of its own":     {400, json, object("x_of_this_server"), "x_of_this_server", description, false, ""},
		"schema, no code":       {415, json, `{"error":{"description":"unsupported media type"}}`, CodeHTTP, "unsupported media type", false, ""},
		"code as a string":      {400, json, `{"error":"user_denied"}`, "user_denied", "Bad Request", false, ""},
		"code and words beside": {400, json, `{"error":"user_denied","description":"No."}`, "user_denied", "No.", false, ""},
		"inner words win":       {400, json, `{"error":{"code":"c","description":"inner"},"description":"outer"}`, "c", "inner", false, ""},
		"no description":        {401, json, `{"error":{"code":"invalid_continuation"}}`, "invalid_continuation", "Unauthorized", false, ""},
		"details": {400, json, `{"error":{"code":"invalid_request","description":"d","details":{"path":["a", 1]}}}`,
			"invalid_request", "d", false, `{"path":["a", 1]}`},
		"details without a code": {400, json, `{"error":{"description":"d","details":"x"}}`, CodeHTTP, "d", false, `"x"`},
		"malformed id, text":     {400, text, "Bad Request: id\n", CodeHTTP, "Bad Request: id", false, ""},
		"text, nothing":          {500, text, " \n", CodeHTTP, "Internal Server Error", true, ""},
		"unexpected failure":     {500, text, "Internal Server Error", CodeHTTP, "Internal Server Error", true, ""},
		"text without a type":    {500, "", "secret stack trace", CodeHTTP, "Internal Server Error", true, ""},
		"text, not UTF-8":        {500, text, "\xff\xfe", CodeHTTP, "Internal Server Error", true, ""},
		"long text":              {500, text, long, CodeHTTP, strings.Repeat("é", 300) + "…", true, ""},
		"long text, odd cut":     {500, text, "a" + long, CodeHTTP, "a" + strings.Repeat("é", 299) + "…", true, ""},
		"HTML":                   {502, html, "<h1>Bad Gateway</h1>", CodeHTTP, "Bad Gateway", true, ""},
		"HTML, forbidden":        {403, html, "<h1>No</h1>", CodeHTTP, "Forbidden", false, ""},
		"empty":                  {503, json, "", CodeHTTP, "Service Unavailable", true, ""},
		"too many requests":      {429, json, `{}`, CodeHTTP, "Too Many Requests", true, ""},
		"too many, with a code":  {429, json, object("too_many_attempts"), "too_many_attempts", description, true, ""},
		"code with 500":          {500, json, object("request_denied"), "request_denied", description, true, ""},
		"not found":              {404, json, `{}`, CodeHTTP, "Not Found", false, ""},
		"unknown status":         {499, json, `{}`, CodeHTTP, "no description", false, ""},
		"below 200":              {199, json, `{}`, CodeHTTP, "no description", false, ""},
		"status 0":               {-1, json, ``, CodeHTTP, "no description", false, ""},
		"JSON as text":           {400, text, object("invalid_request"), "invalid_request", description, false, ""},
		"array":                  {400, json, `[1]`, CodeHTTP, "Bad Request", false, ""},
		"null":                   {400, json, `null`, CodeHTTP, "Bad Request", false, ""},
		"a string":               {400, json, `"user_denied"`, CodeHTTP, "Bad Request", false, ""},
		"error is null":          {400, json, `{"error":null}`, CodeHTTP, "Bad Request", false, ""},
		"error is a number":      {400, json, `{"error":1}`, CodeHTTP, "Bad Request", false, ""},
		"error is a list":        {400, json, `{"error":["user_denied"]}`, CodeHTTP, "Bad Request", false, ""},
		"error is empty":         {400, json, `{"error":""}`, CodeHTTP, "Bad Request", false, ""},
		"code is a number":       {400, json, `{"error":{"code":1,"description":"d"}}`, CodeHTTP, "d", false, ""},
		"description a number":   {400, json, `{"error":{"code":"c","description":1}}`, "c", "Bad Request", false, ""},
		"outer words a number":   {400, json, `{"error":"c","description":1}`, "c", "Bad Request", false, ""},
		"truncated":              {400, json, `{"error":{"code":"user_de`, CodeHTTP, "Bad Request", false, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client, server := newClient(t, answer{status: c.status, header: http.Header{"Content-Type": {c.kind}}, body: c.body})
			grant, err := client.Rotate(t.Context(), testURI, testToken)
			e := failure(t, err)
			if grant != nil || e.Operation != OpRotate || e.Status != c.status || string(e.Body) != c.body {
				t.Errorf("grant %v, error %+v", grant, *e)
			}
			if e.Code != c.code || e.Description != c.text || e.Retryable != c.retryable || string(e.Details) != c.details {
				t.Errorf("error %+v", *e)
			}
			if want := "gnap: rotate: " + c.code + ": " + c.text; err.Error() != want {
				t.Errorf("text %q, want %q", err, want)
			}
			server.wantRequests(1)
		})
	}
}

// A server that repeats what it was sent does not make a secret part of a message.
func TestErrorTextsHoldNoSecrets(t *testing.T) {
	forms := map[string]func(secret string) (kind, body string){
		"description": func(s string) (string, string) {
			return "application/json", `{"error":{"code":"c","description":"got ` + s + `."}}`
		},
		"twice": func(s string) (string, string) {
			return "application/json", `{"error":{"code":"c","description":"` + s + s + `"}}`
		},
		"beside":       func(s string) (string, string) { return "application/json", `{"error":"c","description":"` + s + `"}` },
		"code":         func(s string) (string, string) { return "application/json", `{"error":{"code":"` + s + `"}}` },
		"code, string": func(s string) (string, string) { return "application/json", `{"error":"no:` + s + `"}` },
		"text":         func(s string) (string, string) { return "text/plain", "bad header: GNAP " + s },
		"across a cut": func(s string) (string, string) { return "text/plain", strings.Repeat("x", 290) + s },
		"escaped": func(s string) (string, string) {
			return "application/json", fmt.Sprintf(`{"error":{"code":"c","description":"\u%04x%s"}}`, s[0], s[1:])
		},
		"HTML":       func(s string) (string, string) { return "text/html", "<p>" + s },
		"wrong type": func(s string) (string, string) { return "application/json", `{"access_token":"` + s + `"}` },
		"wrong URI": func(s string) (string, string) {
			return "application/json", `{"access_token":{"value":"v","manage":"` + s + `"}}`
		},
	}
	for name, form := range forms {
		for kind, pick := range map[string]func(*http.Request) string{
			"token": func(*http.Request) string { return testToken },
			"nonce": func(r *http.Request) string {
				_, rest, _ := strings.Cut(r.Header.Get("Signature-Input"), `nonce="`)
				nonce, _, _ := strings.Cut(rest, `"`)
				return nonce
			},
			"signature": func(r *http.Request) string {
				return strings.Trim(strings.TrimPrefix(r.Header.Get("Signature"), "sig1="), ":")
			},
		} {
			for _, status := range []int{200, 400} {
				t.Run(fmt.Sprint(name, " ", kind, " ", status), func(t *testing.T) {
					client, server := newClient(t)
					var secret string
					server.handle = func(r *http.Request) (*http.Response, error) {
						secret = pick(r)
						contentType, body := form(secret)
						return answer{status: status, header: http.Header{"Content-Type": {contentType}}, body: body}.response(), nil
					}
					_, err := client.Continue(t.Context(), testURI, testToken, "r")
					e := failure(t, err)
					if len(secret) < 20 {
						t.Fatalf("no secret: %q", secret)
					}
					for _, text := range []string{
						err.Error(), fmt.Sprintf("%v %+v %s %q", err, err, err, err), fmt.Sprint(fmt.Errorf("wrapped: %w", err)),
						e.Code, e.Description, strings.Join(e.Problems, " "),
					} {
						if strings.Contains(text, secret) || strings.Contains(text, secret[:8]) {
							t.Errorf("%q repeats the %s", text, kind)
						}
					}
					if !strings.Contains(string(e.Body), secret) && name != "escaped" {
						t.Error("the answer was not kept as it came")
					}
				})
			}
		}
	}
}

// A short token, as tests have, is part of many a word: the code stays what the server said.
func TestShortTokenLeavesCodesAlone(t *testing.T) {
	client, _ := newClient(t, answer{status: 401, body: `{"error":{"code":"invalid_continuation"}}`})
	_, err := client.Rotate(t.Context(), testURI, "in")
	if e := failure(t, err); e.Code != "invalid_continuation" {
		t.Errorf("code %q", e.Code)
	}
}
