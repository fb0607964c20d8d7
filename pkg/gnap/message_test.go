package gnap

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"open-payments-wasm/pkg/internal/fake"
	"open-payments-wasm/pkg/signedhttp"
)

const (
	urlProblem    = "must be an absolute https: URL, or http: on loopback"
	secureProblem = "must be an https: URL, or http: on loopback"
)

func TestWrongShapes(t *testing.T) {
	const (
		goodToken    = `"access_token":{"value":"v"}`
		goodContinue = `"continue":{"uri":"https://as.example/c","access_token":{"value":"v"}}`
		goodInteract = `"interact":{"redirect":"https://as.example/i"}`
		nothing      = "one of access_token, subject and continue is missing"
		unsendable   = "continue.access_token.value" + cannotBeSent
	)
	cases := map[string]struct {
		op       *signedhttp.Operation
		body     string
		problems []string
	}{
		"array":               {OpContinue, `[]`, []string{"the response: expected object, found array"}},
		"string":              {OpContinue, `"ok"`, []string{"the response: expected object, found string"}},
		"number":              {OpContinue, `1`, []string{"the response: expected object, found number"}},
		"true":                {OpContinue, `true`, []string{"the response: expected object, found boolean"}},
		"null":                {OpContinue, `null`, []string{nothing}},
		"empty":               {OpContinue, `{}`, []string{nothing}},
		"an error as success": {OpContinue, `{"error":{"code":"too_fast"}}`, []string{nothing}},
		"nulls":               {OpContinue, `{"access_token":null,"subject":null,"continue":null}`, []string{nothing}},

		"request, empty":        {OpRequest, `{}`, []string{"one of interact, access_token and subject is missing"}},
		"request, continue":     {OpRequest, `{` + goodContinue + `}`, []string{"one of interact, access_token and subject is missing"}},
		"interact, no continue": {OpRequest, `{` + goodInteract + `}`, []string{"continue is missing"}},
		"interact, nothing":     {OpRequest, `{"interact":{},` + goodContinue + `}`, []string{"interact.redirect is missing"}},
		"interact, a string":    {OpRequest, `{"interact":"https://a.example",` + goodContinue + `}`, []string{"interact: expected object, found string"}},
		"redirect, a number": {OpRequest, `{"interact":{"redirect":1},` + goodContinue + `}`,
			[]string{"interact.redirect: expected string, found number"}},
		"redirect, a list": {OpRequest, `{"interact":{"redirect":["https://a.example"]},` + goodContinue + `}`,
			[]string{"interact.redirect: expected string, found array"}},
		"finish, an object": {OpRequest, `{"interact":{"redirect":"https://a.example","finish":{}},` + goodContinue + `}`,
			[]string{"interact.finish: expected string, found object"}},
		"redirect, javascript": {OpRequest, `{"interact":{"redirect":"javascript:alert(1)"},` + goodContinue + `}`,
			[]string{"interact.redirect " + urlProblem}},
		"redirect, Javascript": {OpRequest, `{"interact":{"redirect":"\tJavaScript:alert(1)"},` + goodContinue + `}`,
			[]string{"interact.redirect " + urlProblem}},
		"redirect, data": {OpRequest, `{"interact":{"redirect":"data:text/html,a"},` + goodContinue + `}`,
			[]string{"interact.redirect " + urlProblem}},
		"redirect, relative": {OpRequest, `{"interact":{"redirect":"/interact/1"},` + goodContinue + `}`, []string{"interact.redirect " + urlProblem}},
		"redirect, http": {OpRequest, `{"interact":{"redirect":"http://as.example/"},` + goodContinue + `}`,
			[]string{"interact.redirect " + secureProblem}},
		"redirect, credentials": {OpRequest, `{"interact":{"redirect":"https://a@as.example/"},` + goodContinue + `}`,
			[]string{"interact.redirect must not carry a user name or password"}},
		"redirect, white space": {OpRequest, `{"interact":{"redirect":"https://as.example/ b"},` + goodContinue + `}`,
			[]string{"interact.redirect must be a valid URL"}},

		"continue, nothing":  {OpContinue, `{"continue":{}}`, []string{"continue.uri is missing", "continue.access_token.value is missing"}},
		"continue, a list":   {OpContinue, `{"continue":[]}`, []string{"continue: expected object, found array"}},
		"continue, no token": {OpContinue, `{"continue":{"uri":"https://as.example/"}}`, []string{"continue.access_token.value is missing"}},
		"continue, no URI":   {OpContinue, `{"continue":{"access_token":{"value":"v"}}}`, []string{"continue.uri is missing"}},
		"continue, empty": {OpContinue, `{"continue":{"uri":"","access_token":{"value":""}}}`,
			[]string{"continue.uri is missing", "continue.access_token.value is missing"}},
		"continue, null": {OpContinue, `{"continue":{"uri":null,"access_token":null}}`,
			[]string{"continue.uri is missing", "continue.access_token.value is missing"}},
		"continue, token": {OpContinue, `{"continue":{"uri":"https://as.example/","access_token":"v"}}`,
			[]string{"continue.access_token: expected object, found string"}},
		"continue, value": {OpContinue, `{"continue":{"uri":"https://as.example/","access_token":{"value":1}}}`,
			[]string{"continue.access_token.value: expected string, found number"}},
		"continue, URI": {OpContinue, `{"continue":{"uri":{},"access_token":{"value":"v"}}}`, []string{"continue.uri: expected string, found object"}},
		"continue, wait": {OpContinue, `{"continue":{"uri":"https://as.example/","access_token":{"value":"v"},"wait":"5"}}`,
			[]string{"continue.wait: expected number, found string"}},
		"continue, http": {OpContinue, `{"continue":{"uri":"http://as.example/","access_token":{"value":"v"}}}`,
			[]string{"continue.uri " + secureProblem}},
		"issued and broken continue": {OpContinue, `{` + goodToken + `,"continue":{"uri":"javascript:a"}}`,
			[]string{"continue.access_token.value is missing", "continue.uri " + urlProblem}},

		"token, a string":         {OpContinue, `{"access_token":"v"}`, []string{"access_token: expected object, found string"}},
		"tokens, none":            {OpContinue, `{"access_token":[]}`, []string{nothing}},
		"tokens, rotate, none":    {OpRotate, `{"access_token":[]}`, []string{"access_token is missing"}},
		"tokens, a string":        {OpContinue, `{"access_token":["v"]}`, []string{"access_token[0]: expected object, found string"}},
		"tokens, null":            {OpContinue, `{"access_token":[{"value":"v"},null]}`, []string{"access_token[1] is missing"}},
		"tokens, no value":        {OpContinue, `{"access_token":[{"value":"v"},{}]}`, []string{"access_token[1].value is missing"}},
		"tokens, manage":          {OpContinue, `{"access_token":[{"value":"v","manage":"a:"}]}`, []string{"access_token[0].manage " + urlProblem}},
		"manage, an empty object": {OpContinue, `{"access_token":{"value":"v","manage":{}}}`, []string{"access_token.manage.uri is missing"}},
		"manage, a list": {OpContinue, `{"access_token":{"value":"v","manage":[]}}`,
			[]string{"access_token.manage: expected string or object, found array"}},
		"manage, javascript": {OpContinue, `{"access_token":{"value":"v","manage":{"uri":"javascript:a"}}}`,
			[]string{"access_token.manage.uri " + urlProblem}},
		"manage, uri a number": {OpRotate, `{"access_token":{"value":"v","manage":{"uri":1}}}`,
			[]string{"access_token.manage.uri: expected string, found number"}},
		"manage, token a string": {OpContinue, `{"access_token":{"value":"v","manage":{"uri":"https://as.example/","access_token":"m"}}}`,
			[]string{"access_token.manage.access_token: expected object, found string"}},
		"manage, token empty": {OpContinue, `{"access_token":{"value":"v","manage":{"uri":"https://as.example/","access_token":{}}}}`,
			[]string{"access_token.manage.access_token.value is missing"}},
		"manage, token of two lines": {OpRotate, `{"access_token":{"value":"v","manage":{"uri":"https://as.example/","access_token":{"value":"a\nb"}}}}`,
			[]string{"access_token.manage.access_token.value" + cannotBeSent}},
		"token, two words":  {OpContinue, `{"access_token":{"value":"a b"}}`, []string{"access_token.value" + cannotBeSent}},
		"token, two lines":  {OpRotate, `{"access_token":{"value":"a\r\nb"}}`, []string{"access_token.value" + cannotBeSent}},
		"token, not ASCII":  {OpRequest, `{"access_token":{"value":"\u00e9"}}`, []string{"access_token.value" + cannotBeSent}},
		"tokens, not ASCII": {OpRequest, `{"access_token":[{"value":"a"},{"value":"é"}]}`, []string{"access_token[1].value" + cannotBeSent}},
		"continue, a space": {OpRequest, `{` + goodInteract + `,"continue":{"uri":"https://as.example/c","access_token":{"value":" v"}}}`,
			[]string{unsendable}},
		"continue, a line": {OpContinue, `{"continue":{"uri":"https://as.example/c","access_token":{"value":"v\n"}}}`, []string{unsendable}},
		"continue, an é": {OpRequest, `{` + goodInteract + `,"continue":{"uri":"https://as.example/c","access_token":{"value":"é"}}}`,
			[]string{unsendable}},
		"continue, a delete": {OpRequest, `{` + goodInteract + `,"continue":{"uri":"https://as.example/c","access_token":{"value":"\u007f"}}}`,
			[]string{unsendable}},
		"continue, foreign": {OpRequest, `{` + goodInteract + `,"continue":{"uri":"ftp://as.example/c","access_token":{"value":"v"}}}`,
			[]string{"continue.uri " + urlProblem}},
		"issued at once, continue": {OpRequest, `{` + goodToken + `,"continue":{"uri":"https://as.example/c","access_token":{"value":"a b"}}}`,
			[]string{unsendable}},
		"token, nothing":  {OpContinue, `{"access_token":{}}`, []string{"access_token.value is missing"}},
		"token, empty":    {OpContinue, `{"access_token":{"value":""}}`, []string{"access_token.value is missing"}},
		"token, a number": {OpContinue, `{"access_token":{"value":12345}}`, []string{"access_token.value: expected string, found number"}},
		"token, null":     {OpContinue, `{"access_token":{"value":null}}`, []string{"access_token.value is missing"}},
		"manage, a number": {OpContinue, `{"access_token":{"value":"v","manage":1}}`,
			[]string{"access_token.manage: expected string or object, found number"}},
		"manage, relative": {OpContinue, `{"access_token":{"value":"v","manage":"/token/1"}}`,
			[]string{"access_token.manage " + urlProblem}},
		"expires, a string": {OpContinue, `{"access_token":{"value":"v","expires_in":"600"}}`,
			[]string{"access_token.expires_in: expected number, found string"}},
		"access, an object": {OpContinue, `{"access_token":{"value":"v","access":{}}}`,
			[]string{"access_token.access: expected array, found object"}},
		"subject, a string":               {OpContinue, `{"subject":"alice"}`, []string{"subject: expected object, found string"}},
		"sub_ids, a string":               {OpContinue, `{"subject":{"sub_ids":"alice"}}`, []string{"subject.sub_ids: expected array, found string"}},
		"rotate, empty":                   {OpRotate, `{}`, []string{"access_token is missing"}},
		"rotate, subject":                 {OpRotate, `{"subject":{"sub_ids":[]}}`, []string{"access_token is missing"}},
		"rotate, a token without a value": {OpRotate, `{"access_token":{"manage":"https://as.example/"}}`, []string{"access_token.value is missing"}},
		"all three URIs": {OpContinue,
			`{"interact":{"redirect":"a:"},"continue":{"uri":"b:","access_token":{"value":"v"}},"access_token":{"value":"v","manage":"c:"}}`,
			[]string{"interact.redirect " + urlProblem, "continue.uri " + urlProblem, "access_token.manage " + urlProblem}},

		// JavaScript is given the response as it came: only the exact name counts, and of two the last.
		"other spelling":        {OpContinue, `{"Access_Token":{"value":"v"}}`, []string{nothing}},
		"other spelling inside": {OpContinue, `{"access_token":{"VALUE":"v"}}`, []string{"access_token.value is missing"}},
		"long s":                {OpContinue, `{"acceſs_token":{"value":"v"}}`, []string{nothing}},
		"good beside bad, other spelling": {OpRequest,
			`{"interact":{"redirect":"javascript:alert(1)","Redirect":"https://as.example/"},` + goodContinue + `}`,
			[]string{"interact.redirect " + urlProblem}},
		"bad in an object of its own": {OpRequest,
			`{"interact":{"redirect":"javascript:alert(1)"},"Interact":{"redirect":"https://as.example/"},` + goodContinue + `}`,
			[]string{"interact.redirect " + urlProblem}},
		"good, then bad": {OpRequest,
			`{"interact":{"redirect":"https://as.example/","redirect":"javascript:a"},` + goodContinue + `}`,
			[]string{"interact.redirect " + urlProblem}},
		"two objects": {OpContinue,
			`{"continue":{"uri":"https://as.example/","access_token":{"value":"v"}},"continue":{"uri":"https://as.example/"}}`,
			[]string{"continue.access_token.value is missing"}},
		"an object, then null": {OpContinue, `{"access_token":{"value":"v"},"access_token":null}`, []string{nothing}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client, server := newClient(t, fake.Response{Status: 200, Body: c.body})
			token := testToken
			if c.op == OpRequest {
				token = ""
			}
			grant, err := client.Do(t.Context(), Call{c.op, testURI, token, nil})
			e := failure(t, err)
			if grant != nil || e.Code != signedhttp.CodeShape || e.Status != 200 || e.Retryable || string(e.Body) != c.body || e.Operation != c.op {
				t.Errorf("grant %v, error %+v", grant, *e)
			}
			if !slices.Equal(e.Problems, c.problems) {
				t.Errorf("problems\n%q\nwant\n%q", e.Problems, c.problems)
			}
			if want := "The server's response is not what RFC 9635 asks for: " + strings.Join(c.problems, "; ") + "."; e.Description != want {
				t.Errorf("description %q, want %q", e.Description, want)
			}
			server.WantRequests(1)
		})
	}
}

func TestRightShapes(t *testing.T) {
	const goodContinue = `"continue":{"uri":"https://as.example/c","access_token":{"value":"v"}}`
	cases := map[string]struct {
		op   *signedhttp.Operation
		body string
	}{
		"request, issued":    {OpRequest, fake.Issued},
		"request, pending":   {OpRequest, interactBody},
		"request, no finish": {OpRequest, `{"interact":{"redirect":"https://as.example/i"},` + goodContinue + `}`},
		"request, subject":   {OpRequest, `{"subject":{"sub_ids":[]}}`},
		"continue, pending":  {OpContinue, pendingBody},
		"continue, no wait":  {OpContinue, `{` + goodContinue + `}`},
		"continue, both":     {OpContinue, `{"access_token":{"value":"v"},` + goodContinue + `}`},
		"continue, subject":  {OpContinue, `{"subject":{"sub_ids":[{"id":"a","format":"uri"}]},` + goodContinue + `}`},
		"optional as null":   {OpContinue, `{"access_token":{"value":"v","manage":null,"expires_in":null,"access":null},"interact":null}`},
		"empty manage":       {OpContinue, `{"access_token":{"value":"v","manage":""}}`},
		"loopback URIs": {OpContinue, `{"access_token":{"value":"v","manage":"http://localhost:3006/t"},` +
			`"continue":{"uri":"http://127.0.0.1:3006/c","access_token":{"value":"v"}}}`},
		"URIs with fragments": {OpRequest, `{"interact":{"redirect":"https://as.example/i#a"},` + goodContinue + `}`},
		"rotate":              {OpRotate, fake.Issued},
		"another origin": {OpRequest,
			`{"interact":{"redirect":"https://one.example/i"},"continue":{"uri":"https://two.example/c","access_token":{"value":"v"}}}`},
		"several tokens":          {OpContinue, `{"access_token":[{"value":"v","label":"a"},{"value":"w","label":"b","flags":["bearer"]}]}`},
		"several tokens, rotate":  {OpRotate, `{"access_token":[{"value":"v"}]}`},
		"several tokens, request": {OpRequest, `{"access_token":[{"value":"v"}]}`},
		"label and flags, odd":    {OpContinue, `{"access_token":{"value":"v","label":1,"flags":"bearer","key":{"proof":"httpsig"}}}`},
		"manage, an object": {OpContinue,
			`{"access_token":{"value":"v","manage":{"uri":"https://as.example/t","access_token":{"value":"m"}}}}`},
		"manage, without a token": {OpRotate, `{"access_token":{"value":"v","manage":{"uri":"https://as.example/t"}}}`},
		"issued, and a continuation token": {OpContinue,
			`{"access_token":{"value":"v"},"continue":{"uri":"https://as.example/c","access_token":{"value":"a b"}}}`},
		"beyond float64":                    {OpContinue, `{"access_token":{"value":"v","expires_in":1e400},"x":[-1e400,{"y":1e999}]}`},
		"beyond float64, wait":              {OpContinue, `{"continue":{"uri":"https://as.example/c","access_token":{"value":"v"},"wait":1e400}}`},
		"unknown members":                   {OpContinue, `{"access_token":{"value":"v","x":[]},"y":{"value":1},"instance_id":7}`},
		"white space":                       {OpContinue, " \r\n\t" + fake.Issued + " \n"},
		"bad, then good":                    {OpRequest, `{"interact":{"redirect":"javascript:a","redirect":"https://as.example/"},` + goodContinue + `}`},
		"wrong type under another spelling": {OpContinue, `{"access_token":{"value":"v","Manage":1,"EXPIRES_IN":"x"}}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client, _ := newClient(t, fake.Response{Status: 200, Body: c.body})
			token := testToken
			if c.op == OpRequest {
				token = ""
			}
			uri := testURI
			if name == "loopback URIs" {
				uri = "http://localhost:3006/c"
			}
			grant, err := client.Do(t.Context(), Call{c.op, uri, token, nil})
			if err != nil {
				t.Fatal(err)
			}
			if string(grant.Raw) != c.body {
				t.Errorf("raw %s, want %s", grant.Raw, c.body)
			}
		})
	}
	t.Run("AllowHTTP", func(t *testing.T) {
		client, _ := newClient(t, fake.Response{Status: 200, Body: `{"access_token":{"value":"v","manage":"http://as.example/t"}}`})
		client.AllowHTTP = true
		if _, err := client.Rotate(t.Context(), testURI, testToken); err != nil {
			t.Error(err)
		}
	})
}

// A server that is asked by https: must not have tokens sent to this machine in the clear.
func TestHTTPSDoesNotLeadToLoopback(t *testing.T) {
	const problem = " must be an https: URL, as that of the request is"
	for body, want := range map[string]string{
		`{"access_token":{"value":"v","manage":"http://localhost/t"}}`:                                      "access_token.manage" + problem,
		`{"access_token":{"value":"v","manage":{"uri":"http://127.0.0.1/t","access_token":{"value":"m"}}}}`: "access_token.manage.uri" + problem,
		`{"continue":{"uri":"http://[::1]/c","access_token":{"value":"v"}}}`:                                "continue.uri" + problem,
		`{"continue":{"uri":"HTTPS://as.example/c","access_token":{"value":"v"}}}`:                          "",
	} {
		for _, uri := range []string{testURI, "HTTPS" + strings.TrimPrefix(testURI, "https")} {
			client, _ := newClient(t, fake.Response{Status: 200, Body: body})
			_, err := client.Continue(t.Context(), uri, testToken, "reference")
			var failure *signedhttp.Error
			switch {
			case want == "" && err != nil:
				t.Error(err)
			case want != "" && (!errors.As(err, &failure) || !slices.Equal(failure.Problems, []string{want})):
				t.Errorf("%s: %v, want %s", body, err, want)
			}
		}
		client, _ := newClient(t, fake.Response{Status: 200, Body: body})
		client.AllowHTTP = true
		if _, err := client.Continue(t.Context(), testURI, testToken, "reference"); err != nil {
			t.Error(err)
		}
	}
}
