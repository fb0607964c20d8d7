package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What follows takes packings off. All of it works in place, or in buffers that are overwritten: what
// is packed is a private key.

// readText takes one packing off and starts anew, until one of the forms is left. It returns errNone
// for what has none.
func readText(text []byte, layers int) (Material, error) {
	text = trim(text)
	switch {
	case len(text) == 0:
		return Material{}, unusable(anyText, "nothing")
	case layers == 0:
		return Material{}, errNone
	case bytes.Contains(text, []byte(begin)):
		return readPEM(text)
	case bytes.HasPrefix(text, []byte("ssh-")):
		return Material{}, unusable(anyText, "an SSH public key")
	case isJSON(text):
		return readObject(tidyJSON(text))
	}
	for _, unpack := range []func([]byte) ([]byte, bool){cutName, unquote, cutDataURL, unescape, percentDecode} {
		if inner, ok := unpack(text); ok {
			return readText(inner, layers-1)
		}
	}
	text = tidy(text)
	if decoded, ok := decodeHex(text); ok {
		defer clear(decoded)
		return readWhole(decoded, layers-1)
	}
	return readBase64(text, layers-1)
}

func readBase64(text []byte, layers int) (Material, error) {
	joined, ok := joinWrapped(tidy(text))
	if !ok {
		return Material{}, errNone
	}
	if isCutHex(joined) {
		return Material{}, unusable(anyText, "hex that is damaged or cut off")
	}
	decoded, ok := decodeBase64(joined)
	if !ok {
		return Material{}, errNone
	}
	defer clear(decoded)
	m, err := readBytes(decoded, layers)
	if err == errNone {
		return Material{}, unusable(anyBase64, "base64 of something else")
	}
	return m, err
}

// decodeBase64 takes both alphabets (RFC 4648 §4 and §5), with and without padding.
func decodeBase64(text []byte) ([]byte, bool) {
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	text = bytes.TrimRight(text, "=")
	decoded := make([]byte, encoding.DecodedLen(len(text)))
	if _, err := encoding.Decode(decoded, text); err != nil || len(decoded) == 0 {
		clear(decoded)
		return nil, false
	}
	return decoded, true
}

// decodeHex takes pairs of digits, with 0x, colons, commas or white space before each.
func decodeHex(text []byte) ([]byte, bool) {
	decoded := make([]byte, 0, len(text)/2)
	for len(text) > 0 {
		rest := bytes.TrimLeft(text, ":, \n\t")
		if len(rest) < len(text) || len(decoded) == 0 {
			rest = bytes.TrimPrefix(bytes.TrimPrefix(rest, []byte("0x")), []byte("0X"))
		}
		if len(rest) == 0 {
			break
		}
		size := len(decoded)
		if len(rest) < 2 || !isHexPair(rest) {
			clear(decoded)
			return nil, false
		}
		decoded = decoded[:size+1]
		_, _ = hex.Decode(decoded[size:], rest[:2])
		text = rest[2:]
	}
	return decoded, len(decoded) > 0
}

// isCutHex tells hex of which the last digit is missing from base64, in which so many digits and no
// other letter do not follow each other.
func isCutHex(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("0x"))
	for i := range len(text) - 1 {
		if !isHexPair(text[i:]) {
			return false
		}
	}
	return len(text) > 32
}

func isHexPair(text []byte) bool {
	var one [1]byte
	defer clear(one[:])
	_, err := hex.Decode(one[:], text[:2])
	return err == nil
}

const shortestLine = 16

// joinWrapped removes the white space between the lines of base64, also where a form made spaces of line
// breaks. Words are shorter than lines: a sentence is not base64.
func joinWrapped(text []byte) ([]byte, bool) {
	for rest := trim(text); ; {
		i := bytes.IndexFunc(rest, unicode.IsSpace)
		if i < 0 {
			return withoutSpace(text), true
		}
		if i < shortestLine {
			return nil, false
		}
		rest = trim(rest[i:])
	}
}

func isZeroWidth(r rune) bool {
	return r == 0xfeff || r == 0xad || 0x200b <= r && r <= 0x200f || 0x202a <= r && r <= 0x202e || 0x2060 <= r && r <= 0x2064
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || isZeroWidth(r) }

func trim(text []byte) []byte { return bytes.TrimFunc(text, isBlank) }

// tidy leaves of white space, in place, what ASCII has: spaces and line feeds.
func tidy(text []byte) []byte {
	out := text[:0]
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case isZeroWidth(r):
		case r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029:
			out = append(out, '\n')
		case r != '\n' && unicode.IsSpace(r):
			out = append(out, ' ')
		default:
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return out
}

func withoutSpace(text []byte) []byte {
	out := text[:0]
	for _, c := range text {
		if c != ' ' && c != '\n' {
			out = append(out, c)
		}
	}
	return out
}

// tidyJSON does what tidy does between the strings of a JSON text.
func tidyJSON(text []byte) []byte {
	out := text[:0]
	for len(text) > 0 {
		next := bytes.IndexByte(text, '"')
		if next < 0 {
			next = len(text)
		}
		out = append(out, tidy(text[:next])...)
		text = text[next:]
		size := stringLen(text)
		out = append(out, text[:size]...)
		text = text[size:]
	}
	return out
}

// stringLen returns the length of the JSON string at the start of text.
func stringLen(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// isJSON tells an object, or a list of objects, whose own quotes are not escaped.
func isJSON(text []byte) bool {
	inner := bytes.TrimLeftFunc(bytes.TrimPrefix(text, []byte("[")), isBlank)
	if len(inner) == 0 || inner[0] != '{' {
		return false
	}
	return !bytes.HasPrefix(bytes.TrimLeftFunc(inner[1:], isBlank), []byte(`\`))
}

// plain takes off what may be between the characters of PEM.
func plain(text []byte) []byte {
	for range maxLayers {
		inner, isPercent := percentDecode(text)
		inner, isEscaped := unescape(inner)
		if text = inner; !isPercent && !isEscaped {
			break
		}
	}
	return tidy(text)
}

const longestName = 40 // a seed in base64 has 43 characters

// cutName takes off NAME=, with words like export before it. The = at the end of base64 has nothing
// after it.
func cutName(text []byte) ([]byte, bool) {
	name, value, ok := bytes.Cut(text, []byte("="))
	if value = trim(value); !ok || len(value) == 0 || value[0] == '=' {
		return text, false
	}
	word := 0 // the length of the last
	for _, c := range trim(name) {
		if word++; c == ' ' || c == '\t' {
			word = 0
		}
		if !isNameByte(c) {
			return text, false
		}
	}
	return value, word <= longestName // else a key, and another behind it
}

func isNameByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("_-.:$ \t+", c) >= 0
}

var quotes = [][2]string{
	{"```", "```"}, {`"`, `"`}, {"'", "'"}, {"`", "`"},
	{"“", "”"}, {"‘", "’"}, {"„", "“"}, {"”", "”"}, {"’", "’"}, {"«", "»"},
}

func unquote(text []byte) ([]byte, bool) {
	for _, q := range quotes {
		if len(text) < len(q[0])+len(q[1]) || !bytes.HasPrefix(text, []byte(q[0])) || !bytes.HasSuffix(text, []byte(q[1])) {
			continue
		}
		inner := text[len(q[0]) : len(text)-len(q[1])]
		if _, lines, isBlock := bytes.Cut(inner, []byte("\n")); isBlock && q[0] == "```" {
			return lines, true // the language of a fenced block stands on its first line
		}
		return inner, true
	}
	return text, false
}

const (
	escapes = `nrt/\"'`
	meaning = "\n\r\t/\\\"'"
)

// unescape takes one level of backslashes off, in place: those of JSON, and those that continue a line.
func unescape(text []byte) ([]byte, bool) {
	out := text[:0]
	changed := false
	for len(text) > 0 {
		r, size := escaped(text)
		if size == 0 {
			out = append(out, text[0])
			text = text[1:]
			continue
		}
		out = utf8.AppendRune(out, r)
		text = text[size:]
		changed = true
	}
	return out, changed
}

// escaped returns what the escape at the start of text stands for, and its length, or 0 for none.
func escaped(text []byte) (rune, int) {
	switch {
	case text[0] != '\\':
		return 0, 0
	case len(text) == 1 || strings.IndexByte(" \t\r\n", text[1]) >= 0:
		return '\n', min(len(text), 2)
	case len(text) >= 6 && text[1] == 'u' && isHexPair(text[2:]) && isHexPair(text[4:]):
		return rune(hexByte(text[2:]))<<8 | rune(hexByte(text[4:])), 6
	}
	i := strings.IndexByte(escapes, text[1])
	if i < 0 {
		return 0, 0
	}
	return rune(meaning[i]), 2
}

func hexByte(digits []byte) byte {
	var one [1]byte
	_, _ = hex.Decode(one[:], digits[:2])
	return one[0]
}

// percentDecode decodes, in place, a text in which every percent sign stands for a byte. A plus is a
// space where a form wrote it (application/x-www-form-urlencoded), and else a plus of base64.
func percentDecode(text []byte) ([]byte, bool) {
	if len(text) == 0 {
		return text, false
	}
	for rest := text; ; {
		i := bytes.IndexByte(rest, '%')
		if i < 0 {
			break
		}
		if rest = rest[i+1:]; len(rest) < 2 || !isHexPair(rest) {
			return text, false
		}
	}
	isForm := text[0] == '+' && !isSeedText(text) || bytes.Contains(text, []byte("BEGIN+")) || isFormJSON(text)
	if !isForm && !bytes.Contains(text, []byte("%")) {
		return text, false
	}
	out := text[:0]
	for len(text) > 0 {
		c, size := text[0], 1
		switch {
		case c == '%':
			c, size = hexByte(text[1:]), 3
		case c == '+' && isForm:
			c = ' '
		}
		out = append(out, c)
		text = text[size:]
	}
	return out, true
}

// isSeedText tells base64 of a seed, or of seed and public key, which may begin with a plus, by how long it is.
func isSeedText(text []byte) bool {
	letters := 0
	for _, c := range text {
		if c == '%' {
			return false
		}
		if c > ' ' && c != '=' {
			letters++
		}
	}
	return letters == 43 || letters == 86
}

// isFormJSON tells JSON of a form, which escapes every colon, from that of encodeURI, which escapes none.
func isFormJSON(text []byte) bool {
	return !bytes.Contains(text, []byte(":")) && (bytes.Contains(text, []byte("%7B")) || bytes.Contains(text, []byte("%7b")))
}

// cutDataURL returns what a data: URL holds (RFC 2397). Whether that is base64 can be seen.
func cutDataURL(text []byte) ([]byte, bool) {
	const scheme = "data:"
	if len(text) < len(scheme) {
		return text, false
	}
	for i := range len(scheme) {
		if text[i]|0x20 != scheme[i]|0x20 {
			return text, false
		}
	}
	_, payload, ok := bytes.Cut(text, []byte(","))
	return payload, ok
}

// beginsText tells a seed from as many bytes of a text that was cut off.
func beginsText(raw []byte) bool {
	return bytes.HasPrefix(raw, []byte(begin)) || raw[0] == '{' && bytes.HasPrefix(trim(raw[1:]), []byte(`"`)) && isText(raw)
}

func isText(raw []byte) bool {
	return utf8.Valid(raw) && !bytes.ContainsFunc(raw, func(r rune) bool { return r < ' ' && !unicode.IsSpace(r) }) && len(trim(raw)) > 0
}

// textOf returns a copy of raw as UTF-8, which the caller overwrites, or nil where raw is no text.
func textOf(raw []byte) []byte {
	if isText(raw) {
		return bytes.Clone(raw)
	}
	if len(raw) < 4 || len(raw)%2 != 0 {
		return nil
	}
	high := 1 // the index of the high byte of each unit of UTF-16
	switch {
	case raw[0] == 0xff && raw[1] == 0xfe || raw[1] == 0 && raw[3] == 0:
	case raw[0] == 0xfe && raw[1] == 0xff || raw[0] == 0 && raw[2] == 0:
		high = 0
	default:
		return nil
	}
	text := make([]byte, 0, len(raw)/2*utf8.UTFMax)
	for i := 0; i < len(raw); i += 2 {
		text = utf8.AppendRune(text, rune(raw[i+high])<<8|rune(raw[i+1-high]))
	}
	if !isText(text) {
		clear(text)
		return nil
	}
	return text
}
