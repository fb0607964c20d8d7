package gnap

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"open-payments-wasm/pkg/httpsig"
)

var signedKey = httpsig.Key{ID: "key", Signer: signed{}}

// fixed gives one answer for ever.
type fixed struct{ answer }

func (f fixed) RoundTrip(*http.Request) (*http.Response, error) { return f.response(), nil }

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
	const finish = `{"interact":{"finish":{"nonce":"%s"}},"client":"c"}`
	for place, format := range places {
		for name, form := range escapedForms(hardSecret) {
			quoted, err := json.Marshal(form)
			if err != nil {
				t.Fatal(err)
			}
			body := fmt.Sprintf(format, quoted)
			nonce, _ := Marshal(hardSecret)
			for kind, call := range map[string]Call{
				"nonce":     {OpRequest, testURI, "", []byte(fmt.Sprintf(finish, string(nonce[1:len(nonce)-1])))},
				"reference": {OpContinue, testURI, "other token", []byte(`{"interact_ref":` + string(nonce) + `}`)},
				"token":     {OpRotate, testURI, hardSecret, nil},
			} {
				call.AccessToken = strings.ReplaceAll(call.AccessToken, " ", "-")
				client := &Client{Transport: fixed{answer{status: 400, body: body}}, Key: signedKey}
				_, err := client.Do(t.Context(), call)
				e := failure(t, err)
				texts := []string{e.Code, e.Description, err.Error(), string(e.Details)}
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
	client := &Client{Key: signedKey, Transport: fixed{answer{status: 400,
		body: `{"error":{"code":"1234567890","details":{"a": [ 1234567890, -12345678901.5e3, 12, "x" ], "b":null}}}`}}}
	_, err := client.Rotate(t.Context(), testURI, "1234567890")
	e := failure(t, err)
	if want := `{"a": [ "[redacted]", "[redacted]", 12, "x" ], "b":null}`; string(e.Details) != want || e.Code != CodeHTTP {
		t.Errorf("code %s, details %s", e.Code, e.Details)
	}
}

// A text of a few letters is part of many a word and no secret.
func TestRule9ShortTextsAreNoSecrets(t *testing.T) {
	client := &Client{Key: signedKey, Transport: fixed{answer{status: 400,
		body: `{"error":{"code":"invalid_grant","description":"grant not granted","details":"grant"}}`}}}
	for _, short := range []string{"r", "a", "grant", "granted", "not"} {
		_, err := client.Continue(t.Context(), testURI, short, short)
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
		client := &Client{Key: signedKey, Transport: fixed{answer{status: 400, body: body}}}
		_, err = client.Rotate(t.Context(), testURI, testToken)
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
		client := &Client{Key: signedKey, Transport: fixed{answer{status: 400, body: body}}}
		_, err := client.Rotate(t.Context(), testURI, testToken)
		e := failure(t, err)
		if utf8.RuneCountInString(e.Description) > maxWords+1 || len(e.Details) > maxDetails || (place == "long details") != (e.Details == nil && place != "description") {
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
			client := &Client{Key: signedKey, Transport: fixed{answer{status: 400, body: body}}}
			_, err := client.Rotate(t.Context(), testURI, testToken)
			if e := failure(t, err); e.Code != want {
				t.Errorf("code %q became %q", code, e.Code)
			}
		}
	}
}

func TestWhichFailuresAreRetryable(t *testing.T) {
	retryable := map[int]bool{408: true, 421: true, 425: true, 429: true, 500: true, 503: true, 599: true}
	for status := 400; status < 600; status++ {
		client := &Client{Key: signedKey, Transport: fixed{answer{status: status, body: `{}`}}}
		_, err := client.Rotate(t.Context(), testURI, testToken)
		if e := failure(t, err); e.Retryable != (retryable[status] || status >= 500) {
			t.Errorf("%d: retryable %v", status, e.Retryable)
		}
	}
}

func TestUnknownClientIsLedToCheckPublished(t *testing.T) {
	for words, want := range map[string]string{
		"could not determine client": "could not determine client. Check with checkPublished that the client's wallet address publishes this key.",
		"invalid signature.":         "invalid signature. Check with checkPublished that the client's wallet address publishes this key.",
	} {
		client := &Client{Key: signedKey, Transport: fixed{answer{status: 400, body: `{"error":{"code":"invalid_client","description":"` + words + `"}}`}}}
		_, err := client.Request(t.Context(), testURI, GrantRequest{Client: "c"})
		if e := failure(t, err); e.Description != want || e.Code != "invalid_client" {
			t.Errorf("%v", err)
		}
	}
}

func TestWaitIsInTheError(t *testing.T) {
	for name, c := range map[string]struct {
		answer
		wait time.Duration
	}{
		"not said":            {answer{status: 503, body: `{}`}, 0},
		"Retry-After":         {answer{status: 503, body: `{}`, header: http.Header{"Retry-After": {"7"}}}, 7 * time.Second},
		"a bit":               {answer{status: 429, body: `{}`, header: http.Header{"Retry-After": {"0.001"}}}, time.Second},
		"zero":                {answer{status: 429, body: `{}`, header: http.Header{"Retry-After": {"0"}}}, 0},
		"too_fast":            {tooFast(""), 5 * time.Second},
		"too_fast, in moment": {answer{status: 400, body: `{"error":"too_fast","continue":{"wait":0.0001}}`}, time.Second},
	} {
		client, _ := newClient(t, c.answer)
		_, err := client.Rotate(t.Context(), testURI, testToken)
		if e := failure(t, err); e.Wait != c.wait {
			t.Errorf("%s: %s, want %s", name, e.Wait, c.wait)
		}
	}
}

func TestRule7APollThatMustWaitTooLongEndsAtOnce(t *testing.T) {
	const pendingTen = `200 {"continue":{"uri":"https://as.example/c/2","access_token":{"value":"T2"},"wait":10}}`
	const stillPending = "The grant is still pending. The next request may be made in %d s, and this call ends before that."
	cases := map[string]struct {
		answers     []string
		timeout     time.Duration
		ended       time.Duration
		code        string
		wait        time.Duration
		description string
	}{
		"before the first":   {nil, time.Second, 0, "too_fast", time.Second, fmt.Sprintf(stillPending, 1)},
		"after a response":   {[]string{pendingTen}, 5 * time.Second, time.Second, "too_fast", 10 * time.Second, fmt.Sprintf(stillPending, 10)},
		"after too_fast":     {[]string{`400 {"error":{"code":"too_fast","description":"slowly"}}`}, 5 * time.Second, time.Second, "too_fast", 6 * time.Second, "slowly. The next request may be made in 6 s, and this call ends before that."},
		"after a lost one":   {[]string{"lost"}, 5 * time.Second, time.Second, CodeNetwork, 6 * time.Second, ""},
		"in a request":       {[]string{pollAtOnce, "silence"}, 3 * time.Second, 3 * time.Second, CodeTimeout, 0, "The grant was still pending when the server last answered, and the time for this call is up."},
		"in the first of it": {[]string{"silence"}, 3 * time.Second, 3 * time.Second, CodeTimeout, 0, "The server did not answer in time. It may have processed the request all the same."},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
				defer cancel()
				began := time.Now()
				_, err := pollWith(ctx, &script{answers: c.answers, began: began}, nil)
				e := failure(t, err)
				if e.Code != c.code || !e.Retryable || e.Wait != c.wait || c.description != "" && e.Description != c.description {
					t.Errorf("error %+v", *e)
				}
				if ended := time.Since(began); ended != c.ended {
					t.Errorf("ended after %s, want %s", ended, c.ended)
				}
			})
		})
	}
}

// It follows what it was given, so it cannot do with any shape.
func TestPollReadsWhatItFollows(t *testing.T) {
	for _, body := range []string{"null", "{}", "5", `{"continue":null}`} {
		synctest.Test(t, func(t *testing.T) {
			client := &Client{Transport: &script{answers: []string{"200 " + body}}, Key: signedKey, AcceptAnyShape: true}
			wait := 0.0
			pending := Continuation{URI: testURI, Wait: &wait}
			pending.AccessToken.Value = testToken
			if _, err := client.Poll(t.Context(), pending, nil); failure(t, err).Code != CodeShape {
				t.Errorf("%s: %v", body, err)
			}
		})
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
			t.Skip()
		}
		if strings.Contains(redacted, secret) {
			t.Skip()
		}
		random := rand.New(rand.NewPCG(seed, 1))
		ways := []string{"itself", "backslash u", "percent", "Percent", "Hex", "decimal", "decimal, zeros", "named"}
		form := escapeAll(secret, func(r rune) string { return escapes[ways[random.IntN(len(ways))]](r) })
		got := words(before+" "+form+" "+after, formsOf(secret))
		if strings.Contains(got, secret) || strings.ContainsFunc(got, func(r rune) bool { return visible(r) != r }) || utf8.RuneCountInString(got) > maxWords+1 {
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
