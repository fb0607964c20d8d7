package signedhttp

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a server says in an error goes to logs and to people. It is kept short, on one line, and
// free of the secrets that the server was sent.
const (
	maxWords    = 300     // characters of a description, or of one text in details
	maxCode     = 64      // characters of a code
	maxDetails  = 8 << 10 // bytes of details; longer ones are left out
	leastSecret = 8       // characters: a shorter one is part of many a word
	layers      = 3       // of escapes are undone: escapes of escapes, and one more
	redacted    = "[redacted]"
)

// words is text of a server as it may be shown.
func words(text string, secrets []string) string {
	text = redact(text, secrets) // before a cut could leave half a secret
	if utf8.RuneCountInString(text) <= maxWords {
		return text
	}
	return string([]rune(text)[:maxWords]) + "…"
}

// codeIn is text if it is one word like the codes of RFC 9635 §3.6, and not a secret; else "".
func codeIn(text string, secrets []string) string {
	if len(text) > maxCode || strings.ContainsFunc(text, notInCode) || holds(text, secrets) {
		return ""
	}
	return text
}

func notInCode(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
}

// detailsIn is the JSON text of details with every text in it, names too, as it may be shown; nil
// where it is too long. Order, spelling and numbers stay what they are.
func detailsIn(text json.RawMessage, secrets []string) json.RawMessage {
	if len(text) == 0 || len(text) > maxDetails {
		return nil
	}
	var out []byte
	for i := 0; i < len(text); {
		end := literalEnd(text, i)
		out = append(out, shown(text[i:end], secrets)...)
		i = end
	}
	if len(out) > maxDetails {
		return nil
	}
	return out
}

// literalEnd is where the text or number ends that begins at i, or else the next byte.
func literalEnd(text []byte, i int) int {
	if text[i] != '"' {
		for i++; i < len(text) && inNumber(text[i-1]) && inNumber(text[i]); i++ {
		}
		return i
	}
	for i++; text[i] != '"'; i++ { // it is valid JSON: there is one
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

func inNumber(c byte) bool { return c >= '0' && c <= '9' || strings.IndexByte("+-.eE", c) >= 0 }

func shown(literal []byte, secrets []string) []byte {
	if literal[0] != '"' {
		if holds(string(literal), secrets) {
			return []byte(`"` + redacted + `"`)
		}
		return literal
	}
	var text string
	if json.Unmarshal(literal, &text) != nil {
		return nil
	}
	clean := words(text, secrets)
	if clean == text {
		return literal
	}
	return quote(clean)
}

// quote writes text without control characters as JSON.
func quote(text string) []byte {
	return []byte(`"` + strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), `"`, `\"`) + `"`)
}

// redact replaces secrets, however they are escaped. Where one shows only under escapes, the text
// comes back without those. Where one shows only without the spaces in it, nothing of it does.
func redact(text string, secrets []string) string {
	text = replaceSecrets(strings.Map(visible, text), secrets)
	under := text
	for range layers {
		before := under
		under = strings.Map(visible, unescape(before))
		if under == before {
			break
		}
		if holds(under, secrets) {
			under = replaceSecrets(under, secrets)
			text = under
		}
	}
	if holds(strings.Map(withoutSpace, under), secrets) {
		return redacted
	}
	return text
}

// formsOf is what to look for: secrets, and what is left of those that hold escapes themselves. The
// longest comes first, lest a short one is found in it and leaves the rest.
func formsOf(secrets ...string) []string {
	var forms []string
	for _, secret := range secrets {
		for range layers + 1 {
			if utf8.RuneCountInString(secret) >= leastSecret && !slices.Contains(forms, secret) {
				forms = append(forms, secret)
			}
			secret = unescape(secret)
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	return forms
}

func replaceSecrets(text string, secrets []string) string {
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, redacted)
	}
	return text
}

func holds(text string, secrets []string) bool {
	return slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(text, secret) })
}

// visible makes a space of what begins a line or steers a terminal, and drops what nobody sees:
// marks of direction, joiners, and whatever else has no width.
func visible(r rune) rune {
	switch {
	case r >= ' ' && r <= '~':
		return r
	case unicode.IsControl(r), unicode.In(r, unicode.Zl, unicode.Zp):
		return ' '
	case unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return -1
	}
	return r
}

func withoutSpace(r rune) rune {
	if unicode.IsSpace(r) {
		return -1
	}
	return r
}

// unescape undoes one layer of the escapes of JSON and JavaScript (\/, \u002B, \x2B), of URLs (%2B)
// and of HTML (&#43;, &#x2b;, &plus;).
func unescape(text string) string {
	if !strings.ContainsAny(text, `\%&`) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		plain, size := unescapeOne(text[i:])
		if size == 0 {
			plain, size = text[i:i+1], 1
		}
		out.WriteString(plain)
		i += size
	}
	return strings.ToValidUTF8(out.String(), "\ufffd")
}

// unescapeOne reads the escape that text begins with, if it does: size is how long it is.
func unescapeOne(text string) (plain string, size int) {
	if len(text) < 2 {
		return "", 0
	}
	switch {
	case text[0] == '%':
		number, size := digits(text, 1, 16, 2, 2)
		return string([]byte{byte(number)}), size // of a character beyond ASCII it is a part
	case text[:2] == `\u` || text[:2] == `\U`:
		number, size := digits(text, 2, 16, 4, 4)
		return string(number), size
	case text[:2] == `\x` || text[:2] == `\X`:
		number, size := digits(text, 2, 16, 2, 2)
		return string(number), size
	case text[0] == '\\' && strings.IndexByte(`/\"'`, text[1]) >= 0:
		return text[1:2], 2
	case text[:2] == "&#":
		return numeric(text)
	case text[0] == '&':
		return named(text)
	}
	return "", 0
}

// digits reads from least to most digits at start and says where they end: at 0 if they are not there.
func digits(text string, start, base, least, most int) (number rune, end int) {
	end = start
	for end < min(len(text), start+most) && isDigit(text[end], base) {
		end++
	}
	if end < start+least {
		return 0, 0
	}
	parsed, _ := strconv.ParseInt(text[start:end], base, 32)
	return rune(parsed), end
}

func isDigit(c byte, base int) bool {
	return c >= '0' && c <= '9' || base == 16 && (c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F')
}

func numeric(text string) (plain string, size int) {
	const most = 7 // digits, with zeros in front
	number, size := digits(text, 2, 10, 1, most)
	if strings.HasPrefix(text, "&#x") || strings.HasPrefix(text, "&#X") {
		number, size = digits(text, 3, 16, 1, most)
	}
	if size == 0 || size == len(text) || text[size] != ';' {
		return "", 0
	}
	return string(number), size + 1
}

func named(text string) (plain string, size int) {
	const longest = 24 // bytes
	end := strings.IndexByte(text[:min(len(text), longest)], ';')
	if end < 0 {
		return "", 0
	}
	plain, known := references[strings.ToLower(text[1:end])]
	if !known {
		return "", 0
	}
	return plain, end + 1
}

// references are the names that HTML has for ASCII, which tokens and signatures are made of.
var references = map[string]string{
	"excl": "!", "quot": `"`, "num": "#", "dollar": "$", "percnt": "%", "amp": "&", "apos": "'", "lpar": "(", "rpar": ")",
	"ast": "*", "midast": "*", "plus": "+", "comma": ",", "period": ".", "sol": "/", "colon": ":", "semi": ";", "lt": "<",
	"equals": "=", "gt": ">", "quest": "?", "commat": "@", "lsqb": "[", "lbrack": "[", "bsol": `\`, "rsqb": "]", "rbrack": "]",
	"hat": "^", "lowbar": "_", "underbar": "_", "grave": "`", "diacriticalgrave": "`", "lcub": "{", "lbrace": "{",
	"verbar": "|", "vert": "|", "verticalline": "|", "rcub": "}", "rbrace": "}",
}
