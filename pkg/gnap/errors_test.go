package gnap

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/signedhttp"
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
	cases := map[string]struct {
		status     int
		kind, body string
		code, text string
		retryable  bool
		details    string
	}{
		"too fast":          {400, json, object("too_fast"), "too_fast", description, true, ""},
		"request denied":    {401, json, object("request_denied"), "request_denied", description, false, ""},
		"wrong reference":   {404, json, object("invalid_continuation"), "invalid_continuation", description, false, ""},
		"empty body member": {401, json, object("invalid_request"), "invalid_request", description, false, ""},
		"wrong token":       {401, json, object("invalid_continuation"), "invalid_continuation", description, false, ""},
		"tampered":          {401, json, object("invalid_client"), "invalid_client", description, false, ""},
		"unknown key":       {400, json, object("invalid_client"), "invalid_client", description, false, ""},
		"user denied":       {403, json, object("user_denied"), "user_denied", description, false, ""},
		"a code of its own": {400, json, object("x_of_this_server"), "x_of_this_server", description, false, ""},
		"schema, no code": {415, json, `{"error":{"description":"unsupported media type"}}`, signedhttp.CodeHTTP, "unsupported media type",
			false, ""},
		"code as a string":      {400, json, `{"error":"user_denied"}`, "user_denied", codeAlone, false, ""},
		"code and words beside": {400, json, `{"error":"user_denied","description":"No."}`, "user_denied", "No.", false, ""},
		"inner words win":       {400, json, `{"error":{"code":"c","description":"inner"},"description":"outer"}`, "c", "inner", false, ""},
		"no description":        {401, json, `{"error":{"code":"invalid_continuation"}}`, "invalid_continuation", codeAlone, false, ""},
		"details": {400, json, `{"error":{"code":"invalid_request","description":"d","details":{"path":["a", 1]}}}`,
			"invalid_request", "d", false, `{"path":["a", 1]}`},
		"details without a code": {400, json, `{"error":{"description":"d","details":"x"}}`, signedhttp.CodeHTTP, "d", false, `"x"`},
		"malformed id, text":     {400, text, "Bad Request: id\n", signedhttp.CodeHTTP, "Bad Request: id", false, ""},
		"text, nothing":          {500, text, " \n", signedhttp.CodeHTTP, "Internal Server Error", true, ""},
		"unexpected failure":     {500, text, "Internal Server Error", signedhttp.CodeHTTP, "Internal Server Error", true, ""},
		"text without a type":    {500, "", "secret stack trace", signedhttp.CodeHTTP, "Internal Server Error", true, ""},
		"text, not UTF-8":        {500, text, "\xff\xfe", signedhttp.CodeHTTP, "Internal Server Error", true, ""},
		"long text":              {500, text, long, signedhttp.CodeHTTP, strings.Repeat("é", 300) + "…", true, ""},
		"long text, odd cut":     {500, text, "a" + long, signedhttp.CodeHTTP, "a" + strings.Repeat("é", 299) + "…", true, ""},
		"HTML":                   {502, html, "<h1>Bad Gateway</h1>", signedhttp.CodeHTTP, "Bad Gateway", true, ""},
		"HTML, forbidden":        {403, html, "<h1>No</h1>", signedhttp.CodeHTTP, "Forbidden", false, ""},
		"empty":                  {503, json, "", signedhttp.CodeHTTP, "Service Unavailable", true, ""},
		"too many requests":      {429, json, `{}`, signedhttp.CodeHTTP, "Too Many Requests", true, ""},
		"too many, with a code":  {429, json, object("too_many_attempts"), "too_many_attempts", description, true, ""},
		"code with 500":          {500, json, object("request_denied"), "request_denied", description, true, ""},
		"not found":              {404, json, `{}`, signedhttp.CodeHTTP, "Not Found", false, ""},
		"unknown status":         {499, json, `{}`, signedhttp.CodeHTTP, "no description", false, ""},
		"below 200":              {199, json, `{}`, signedhttp.CodeHTTP, "no description", false, ""},
		"status 0":               {-1, json, ``, signedhttp.CodeHTTP, "no description", false, ""},
		"JSON as text":           {400, text, object("invalid_request"), "invalid_request", description, false, ""},
		"array":                  {400, json, `[1]`, signedhttp.CodeHTTP, "Bad Request", false, ""},
		"null":                   {400, json, `null`, signedhttp.CodeHTTP, "Bad Request", false, ""},
		"a string":               {400, json, `"user_denied"`, signedhttp.CodeHTTP, "Bad Request", false, ""},
		"error is null":          {400, json, `{"error":null}`, signedhttp.CodeHTTP, "Bad Request", false, ""},
		"error is a number":      {400, json, `{"error":1}`, signedhttp.CodeHTTP, "Bad Request", false, ""},
		"error is a list":        {400, json, `{"error":["user_denied"]}`, signedhttp.CodeHTTP, "Bad Request", false, ""},
		"error is empty":         {400, json, `{"error":""}`, signedhttp.CodeHTTP, "Bad Request", false, ""},
		"code is a number":       {400, json, `{"error":{"code":1,"description":"d"}}`, signedhttp.CodeHTTP, "d", false, ""},
		"description a number":   {400, json, `{"error":{"code":"c","description":1}}`, "c", codeAlone, false, ""},
		"outer words a number":   {400, json, `{"error":"c","description":1}`, "c", codeAlone, false, ""},
		"truncated":              {400, json, `{"error":{"code":"user_de`, signedhttp.CodeHTTP, "Bad Request", false, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client, server := newClient(t, fake.Response{Status: c.status, Header: http.Header{"Content-Type": {c.kind}}, Body: c.body})
			grant, err := client.Rotate(t.Context(), testURI, testToken)
			e := failure(t, err)
			if grant != nil || e.Operation != OpRotate || e.Status != c.status || string(e.Body) != c.body {
				t.Errorf("grant %v, error %+v", grant, *e)
			}
			if e.Code != c.code || said(e) != c.text || e.Retryable != c.retryable || string(e.Details) != c.details {
				t.Errorf("error %+v", *e)
			}
			if want := "gnap: rotate: " + c.code + ": " + c.text; err.Error() != want {
				t.Errorf("text %q, want %q", err, want)
			}
			server.WantRequests(1)
		})
	}
}

// A server that repeats what it was sent does not make a secret part of a message: here, of what is known to GNAP.
func TestRule9WhatWasSentIsInNoError(t *testing.T) {
	const secret = "4IFWWIKYB2PQ6U56NL1"
	calls := map[string]Call{
		"reference":   {OpContinue, testURI, testToken, []byte(`{"interact_ref":"` + secret + `"}`)},
		"nonce":       {OpRequest, testURI, "", []byte(`{"interact":{"finish":{"nonce":"` + secret + `"}}}`)},
		"token":       {OpRotate, testURI, secret, nil},
		"a poll's":    {OpContinue, testURI, secret, nil},
		"one to end":  {OpRevoke, testURI, secret, nil},
		"one to stop": {OpCancel, testURI, secret, nil},
	}
	responses := map[string]fake.Response{
		"words":      {Status: 400, Body: `{"error":{"code":"` + secret + `","description":"got ` + secret + `","details":["` + secret + `"]}}`},
		"wrong type": {Status: 200, Body: `{"access_token":"` + secret + `"}`},
		"wrong URI":  {Status: 200, Body: `{"access_token":{"value":"v","manage":"` + secret + `"}}`},
	}
	for name, call := range calls {
		for kind, response := range responses {
			client, _ := newClient(t, response)
			_, err := client.Do(t.Context(), call)
			if err == nil && response.Status == 200 && (call.Operation == OpCancel || call.Operation == OpRevoke) {
				continue // nobody reads it
			}
			e := failure(t, err)
			texts := fmt.Sprintf("%+v %s %q %s", err, e.Code, e.Problems, e.Details)
			if strings.Contains(texts, secret) || !strings.Contains(string(e.Body), secret) {
				t.Errorf("%s, %s: %s", name, kind, texts)
			}
		}
	}
}
