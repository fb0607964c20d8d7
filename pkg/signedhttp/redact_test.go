package signedhttp

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"open-payments-wasm/pkg/internal/fake"
)

// hardSecret has what escapes are made for.
const hardSecret = `S3cr+t/="<&>'%2F\n;9`

// escapes are the ways to write one character. Each is in both cases, where it has two.
var escapes = map[string]func(r rune) string{
	"itself":         func(r rune) string { return string(r) },
	"backslash u":    func(r rune) string { return fmt.Sprintf(`\u%04x`, r) },
	"backslash U":    func(r rune) string { return fmt.Sprintf(`\u%04X`, r) },
	"backslash x":    func(r rune) string { return fmt.Sprintf(`\x%02x`, r) },
	"percent":        func(r rune) string { return fmt.Sprintf("%%%02x", r) },
	"Percent":        func(r rune) string { return fmt.Sprintf("%%%02X", r) },
	"decimal":        func(r rune) string { return fmt.Sprintf("&#%d;", r) },
	"decimal, zeros": func(r rune) string { return fmt.Sprintf("&#%05d;", r) },
	"hex":            func(r rune) string { return fmt.Sprintf("&#x%x;", r) },
	"Hex":            func(r rune) string { return fmt.Sprintf("&#X%X;", r) },
	"named": func(r rune) string {
		for name, plain := range references {
			if plain == string(r) {
				return "&" + name + ";"
			}
		}
		return string(r)
	},
	"backslash": func(r rune) string {
		if strings.ContainsRune(`/\"'`, r) {
			return `\` + string(r)
		}
		return string(r)
	},
}

func escapeAll(text string, escape func(rune) string) string {
	var out strings.Builder
	for _, r := range text {
		out.WriteString(escape(r))
	}
	return out.String()
}

// escapedForms are a secret in each escape, in a mixture, and escaped once more.
func escapedForms(secret string) map[string]string {
	random := rand.New(rand.NewPCG(3, 4))
	names := []string{"itself", "backslash u", "percent", "Hex", "decimal", "named"}
	mixed := func(r rune) string { return escapes[names[random.IntN(len(names))]](r) }
	again := func(r rune) string { // what begins an escape is never left as it is by who escapes it
		if strings.ContainsRune(`\%&`, r) {
			return escapes[names[1+random.IntN(3)]](r)
		}
		return mixed(r)
	}
	forms := map[string]string{"mixed": escapeAll(secret, mixed)}
	for outer, escapeOuter := range escapes {
		forms[outer] = escapeAll(secret, escapeOuter)
		for inner, escape := range escapes {
			forms[inner+", "+outer] = escapeAll(escapeAll(secret, escape), escapeOuter)
		}
	}
	if !strings.ContainsAny(secret, `\%&`) { // else the text itself can be read in two ways
		for i := range 200 {
			forms[fmt.Sprint("mixed twice ", i)] = escapeAll(escapeAll(secret, mixed), again)
		}
	}
	forms["not seen"] = strings.Join(strings.Split(secret, ""), "\u200b")
	forms["not seen, escaped"] = strings.Join(strings.Split(secret, ""), "&#8203;")
	forms["wrapped"] = secret[:8] + "\r\n" + secret[8:]
	return forms
}

func TestRule9SecretsAreFoundUnderEscapes(t *testing.T) {
	const softSecret = `Zm9v+/==;"<>'()~_.-:{}[]`
	secrets := formsOf(hardSecret, softSecret, testToken)
	for _, secret := range []string{hardSecret, softSecret, testToken} {
		for name, form := range escapedForms(secret) {
			for _, text := range []string{form, "got " + form + "!", form + form, `100 % \o/ & ` + form} {
				got := redact(text, secrets)
				under := got
				for range 4 {
					if strings.Contains(under, secret) || strings.Contains(under, secret[:8]) {
						t.Fatalf("%s: %q still holds %q", name, got, secret)
					}
					under = unescape(strings.Map(visible, under))
				}
				if !strings.Contains(got, redacted) {
					t.Errorf("%s: %q became %q", name, text, got)
				}
			}
		}
	}
}

// Whatever a server repeats, wherever it puts it: nothing that a caller may log holds it.
func TestRule9SecretsAreInNoPartOfAnError(t *testing.T) {
	places := map[string]string{
		"description": `{"error":{"code":"c","description":%s}}`, "code": `{"error":{"code":%s}}`, "code alone": `{"error":%s}`,
		"beside": `{"error":"c","description":%s}`, "details": `{"error":{"details":%s}}`, "in details": `{"error":{"details":[{"a":[1,%s]}]}}`,
		"a name": `{"error":{"details":{"a":{%s:1}}}}`,
	}
	for place, format := range places {
		for name, form := range escapedForms(hardSecret) {
			quoted, err := json.Marshal(form)
			if err != nil {
				t.Fatal(err)
			}
			body := fmt.Sprintf(format, quoted)
			inBody, err := json.Marshal(hardSecret)
			if err != nil {
				t.Fatal(err)
			}
			for kind, r := range map[string]Request{
				"nonce":     {Operation: opStart, URL: testURI, Body: []byte(`{"nonce":` + string(inBody) + `}`)},
				"reference": {Operation: opChange, URL: testURI, AccessToken: "other-token", Body: []byte(`{"interact_ref":` + string(inBody) + `}`)},
				"token":     {Operation: opEnd, URL: testURI, AccessToken: hardSecret},
			} {
				e := failingWith(t, r, 400, body)
				texts := []string{e.Code, e.Description, e.Error(), string(e.Details)}
				if e.Details != nil && !json.Valid(e.Details) {
					t.Errorf("%s, %s: details %s", place, name, e.Details)
				}
				for _, text := range texts {
					for range 4 {
						if strings.Contains(text, hardSecret) {
							t.Fatalf("%s of a %s, %s: %q", place, kind, name, texts)
						}
						text = unescape(text)
					}
				}
			}
		}
	}
}

func TestRule9NumbersThatAreSecrets(t *testing.T) {
	client := &Client{Key: fake.Instant, Transport: fake.Fixed{Response: fake.Response{Status: 400,
		Body: `{"error":{"code":"1234567890","details":{"a": [ 1234567890, -12345678901.5e3, 12, "x" ], "b":null}}}`}}}
	_, err := client.Do(t.Context(), request(opChange, testURI, "1234567890"))
	e := failure(t, err)
	if want := `{"a": [ "[redacted]", "[redacted]", 12, "x" ], "b":null}`; string(e.Details) != want || e.Code != CodeHTTP {
		t.Errorf("code %s, details %s", e.Code, e.Details)
	}
}

// A text of a few letters is part of many a word and no secret.
func TestRule9ShortTextsAreNoSecrets(t *testing.T) {
	client := &Client{Key: fake.Instant, Transport: fake.Fixed{Response: fake.Response{Status: 400,
		Body: `{"error":{"code":"invalid_grant","description":"grant not granted","details":"grant"}}`}}}
	for _, short := range []string{"r", "a", "grant", "granted", "not"} {
		_, err := client.Do(t.Context(), Request{Operation: opChange, URL: testURI, AccessToken: short, Body: []byte(`{"interact_ref":"` + short + `"}`)})
		if e := failure(t, err); e.Code != "invalid_grant" || e.Description != "grant not granted" || string(e.Details) != `"grant"` {
			t.Errorf("%s: %v", short, err)
		}
	}
}

func TestRule9WordsOfAServerForgeNoLines(t *testing.T) {
	cases := map[string]string{
		"no\nERROR paid": "no ERROR paid", "a\r\nb": "a  b", "a\u2028b\u2029c": "a b c", "a\u0085b": "a b", "\x1b[31mred": "[31mred", "a\x00b\x7f": "a b",
		"\u202eevil\u202c": "evil", "\u2066a\u2069\u200e\u200f\u061c": "a", "z\u200be\u200cr\u200do\ufeff\u2060": "zero", "soft\u00adhyphen": "softhyphen",
		"\u115f\u1160\u3164\uffa0\u034fx": "x", "tag\U000e0041\U000e007f": "tag", "v\ufe0f\U000e0100": "v", "\u180ea": "a",
		"é ü € 🙂 日本 עברית": "é ü € 🙂 日本 עברית", "&#10;x": "&#10;x", "%0a": "%0a",
	}
	for text, want := range cases {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"error":{"code":"c","description":%s,"details":{%s:%s}}}`, quoted, quoted, quoted)
		client := &Client{Key: fake.Instant, Transport: fake.Fixed{Response: fake.Response{Status: 400, Body: body}}}
		_, err = client.Do(t.Context(), request(opChange, testURI, testToken))
		e := failure(t, err)
		if e.Description != want || strings.ContainsFunc(e.Error(), func(r rune) bool { return visible(r) != r }) {
			t.Errorf("%+q became %+q, want %+q", text, e.Description, want)
		}
		var details map[string]string
		if err := json.Unmarshal(e.Details, &details); err != nil || len(details) != 1 {
			t.Fatalf("%+q: details %s", text, e.Details)
		}
		for name, value := range details {
			if strings.ContainsFunc(name+value, func(r rune) bool { return visible(r) != r }) {
				t.Errorf("%+q: details %s", text, e.Details)
			}
		}
	}
}

func TestRule9WordsOfAServerAreBounded(t *testing.T) {
	long := strings.Repeat("é ", 5000)
	for place, body := range map[string]string{
		"description": `{"error":{"description":"` + long + `"}}`, "details": `{"error":{"details":{"a":"` + long[:6000] + `"}}}`,
		"long details": `{"error":{"details":["` + strings.Repeat(`a","`, 4000) + `"]}}`,
		"grown":        `{"error":{"details":["` + strings.Repeat(`\u0001","`, 900) + `"]}}`,
	} {
		client := &Client{Key: fake.Instant, Transport: fake.Fixed{Response: fake.Response{Status: 400, Body: body}}}
		_, err := client.Do(t.Context(), request(opChange, testURI, testToken))
		e := failure(t, err)
		if utf8.RuneCountInString(e.Description) > maxWords+1 || len(e.Details) > maxDetails ||
			(place == "long details") != (e.Details == nil && place != "description") {
			t.Errorf("%s: description of %d bytes, details of %d", place, len(e.Description), len(e.Details))
		}
		if place == "details" && utf8.RuneCount(e.Details) > maxWords+20 {
			t.Errorf("details of %d bytes", len(e.Details))
		}
	}
	for code, want := range map[string]string{
		"user_denied": "user_denied", "a-B_9": "a-B_9", strings.Repeat("a", 64): strings.Repeat("a", 64), strings.Repeat("a", 65): CodeHTTP,
		"two words": CodeHTTP, "a\\nb": CodeHTTP, "é": CodeHTTP, "a.b": CodeHTTP, "<b>": CodeHTTP, "": CodeHTTP,
	} {
		for _, body := range []string{`{"error":"` + code + `"}`, `{"error":{"code":"` + code + `"}}`} {
			client := &Client{Key: fake.Instant, Transport: fake.Fixed{Response: fake.Response{Status: 400, Body: body}}}
			_, err := client.Do(t.Context(), request(opChange, testURI, testToken))
			if e := failure(t, err); e.Code != want {
				t.Errorf("code %q became %q", code, e.Code)
			}
		}
	}
}

func TestWhichFailuresAreRetryable(t *testing.T) {
	retryable := map[int]bool{408: true, 421: true, 425: true, 429: true, 500: true, 503: true, 599: true}
	for status := 400; status < 600; status++ {
		client := &Client{Key: fake.Instant, Transport: fake.Fixed{Response: fake.Response{Status: status, Body: `{}`}}}
		_, err := client.Do(t.Context(), request(opChange, testURI, testToken))
		if e := failure(t, err); e.Retryable != (retryable[status] || status >= 500) {
			t.Errorf("%d: retryable %v", status, e.Retryable)
		}
	}
}

// FuzzRedact: a secret that was put into any words, in any of the escapes, is in none of what comes of them.
func FuzzRedact(f *testing.F) {
	f.Add("invalid token ", testToken, " was sent", uint64(0))
	f.Add(`\u00`, hardSecret, `%2`, uint64(1))
	f.Add("&am", "p;p;p;p;p;", "&#", uint64(2))
	f.Add("\u202e", "aaaaaaaaa", "a\n", uint64(3))
	f.Add("%2", "%252B%252B", "5", uint64(4))
	f.Fuzz(func(t *testing.T, before, secret, after string, seed uint64) {
		if len(secret) < leastSecret || len(secret) > 100 || strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return // it is no secret, or no token
		}
		if strings.Contains(redacted, secret) {
			return // what stands in the place of a secret would tell it
		}
		random := rand.New(rand.NewPCG(seed, 1))
		ways := []string{"itself", "backslash u", "percent", "Percent", "Hex", "decimal", "decimal, zeros", "named"}
		form := escapeAll(secret, func(r rune) string { return escapes[ways[random.IntN(len(ways))]](r) })
		got := words(before+" "+form+" "+after, formsOf(secret))
		if strings.Contains(got, secret) || strings.ContainsFunc(got, func(r rune) bool { return visible(r) != r }) ||
			utf8.RuneCountInString(got) > maxWords+1 {
			t.Errorf("%q", got)
		}
		if strings.Contains(unescape(got), secret) {
			t.Errorf("under %q", got)
		}
		quoted, err := json.Marshal(before + form + after)
		if err != nil {
			t.Fatal(err)
		}
		details := detailsIn(json.RawMessage(`{"a":[`+string(quoted)+`,1]}`), formsOf(secret))
		if details != nil && (!json.Valid(details) || strings.Contains(string(details), secret)) {
			t.Errorf("details %s", details)
		}
	})
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
		"HTML":        func(s string) (string, string) { return "text/html", "<p>" + s },
		"wrong shape": func(s string) (string, string) { return "application/json", `{"token":"` + s + `"}` },
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
					server.Handle = func(r *http.Request) (*http.Response, error) {
						secret = pick(r)
						contentType, body := form(secret)
						return fake.Response{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body}.HTTP(), nil
					}
					_, err := client.Do(t.Context(), change("r"))
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
						t.Error("the response was not kept as it came")
					}
				})
			}
		}
	}
}

// A short token, as tests have, is part of many a word: the code stays what the server said.
func TestShortTokenLeavesCodesAlone(t *testing.T) {
	client, _ := newClient(t, fake.Response{Status: 401, Body: `{"error":{"code":"invalid_continuation"}}`})
	_, err := client.Do(t.Context(), request(opChange, testURI, "in"))
	if e := failure(t, err); e.Code != "invalid_continuation" {
		t.Errorf("code %q", e.Code)
	}
}
