package keys

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
)

// hidden keeps a seed where a search for it does not find it.
type hidden struct{ a, b []byte }

func newHidden(t *testing.T) hidden {
	t.Helper()
	a, b := make([]byte, 32), make([]byte, 32)
	for _, half := range [][]byte{a, b} {
		if _, err := rand.Read(half); err != nil {
			t.Fatal(err)
		}
	}
	return hidden{a, b}
}

func (h hidden) reveal() []byte {
	seed := make([]byte, len(h.a))
	for i := range seed {
		seed[i] = h.a[i] ^ h.b[i]
	}
	return seed
}

// join is slices.Concat that overwrites its parts.
func join(parts ...[]byte) []byte {
	whole := slices.Concat(parts...)
	for _, part := range parts {
		clear(part)
	}
	return whole
}

func encoded(encoding *base64.Encoding, data []byte) []byte {
	defer clear(data)
	text := make([]byte, encoding.EncodedLen(len(data)))
	encoding.Encode(text, data)
	return text
}

func derOf(h hidden) []byte { return join(bytes.Clone(pkcs8Prefix), h.reveal()) }

func pemOf(h hidden, indent string) []byte {
	body := encoded(base64.StdEncoding, derOf(h))
	return join([]byte("-----BEGIN PRIVATE KEY-----\n"+indent), body, []byte("\n"+indent+"-----END PRIVATE KEY-----\n"))
}

func jwkOf(h hidden, x string) []byte {
	d := encoded(base64.RawURLEncoding, h.reveal())
	return join([]byte(`{"kty":"OKP","crv":"Ed25519","kid":"k1","d":"`), d, []byte(`"`+x+`}`))
}

func utf16Of(text []byte) []byte {
	defer clear(text)
	wide := []byte{0xff, 0xfe}
	wide = append(wide, make([]byte, 2*len(text))...)
	for i, c := range text {
		wide[2+2*i] = c
	}
	return wide
}

func hexOf(data []byte) []byte {
	defer clear(data)
	text := make([]byte, 2*len(data))
	hex.Encode(text, data)
	return text
}

// leftovers writes down everything that is in memory, garbage included, and counts what of it is
// a part of the seed: as it is, in hex, in base64, in base64 of base64.
func leftovers(t *testing.T, h hidden) map[string]int {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "heap"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	debug.WriteHeapDump(file.Fd())
	dump, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	seed := h.reveal()
	needles := map[string][]byte{
		"raw, first half": seed[:16], "raw, second half": seed[16:],
		"hex, first half":  []byte(hex.EncodeToString(seed[:16])),
		"hex, second half": []byte(hex.EncodeToString(seed[16:])),
	}
	for offset, shift := range []string{"", " + 1", " + 2"} {
		text := base64.RawStdEncoding.EncodeToString(seed[offset : offset+27]) // whole groups of three bytes
		needles["base64"+shift] = []byte(text)
		needles["base64url"+shift] = []byte(base64.RawURLEncoding.EncodeToString(seed[offset : offset+27]))
		for again, shift2 := range []string{"", " + 1", " + 2"} {
			needles["base64"+shift+" of base64"+shift2] =
				[]byte(base64.RawStdEncoding.EncodeToString([]byte(text[again : again+33])))
		}
	}
	found := map[string]int{}
	for name, needle := range needles {
		if n := bytes.Count(dump, needle); n > 0 {
			found[name] = n
		}
	}
	return found
}

// parsed makes a reader of a parser whose key was cleared.
func parsed(parse func([]byte) (PrivateKey, error)) func([]byte) (Material, error) {
	return func(material []byte) (Material, error) {
		key, err := parse(material)
		key.Clear()
		return Material{}, err
	}
}

func TestNoCopyIsLeftBehind(t *testing.T) {
	readers := map[string]func([]byte) (Material, error){
		"ReadText": ReadText, "ReadBytes": ReadBytes,
		"ParseText":  parsed(ParseText),
		"ParseBytes": parsed(ParseBytes),
	}
	cases := map[string]struct {
		reader  string
		make    func(hidden) []byte
		refused bool
	}{
		"PEM":           {"ReadText", func(h hidden) []byte { return pemOf(h, "") }, false},
		"indented PEM":  {"ReadText", func(h hidden) []byte { return pemOf(h, "  ") }, false},
		"base64 of PEM": {"ReadText", func(h hidden) []byte { return encoded(base64.StdEncoding, pemOf(h, "")) }, false},
		"base64 of DER": {"ReadText", func(h hidden) []byte { return encoded(base64.StdEncoding, derOf(h)) }, false},
		"JWK":           {"ReadText", func(h hidden) []byte { return jwkOf(h, "") }, false},
		"hex of seed":   {"ReadText", func(h hidden) []byte { return hexOf(h.reveal()) }, false},
		"hex of PKCS#8": {"ReadText", func(h hidden) []byte { return hexOf(derOf(h)) }, false},
		"seed":          {"ReadBytes", hidden.reveal, false},
		"PEM, literal line breaks": {"ReadText", func(h hidden) []byte {
			return join([]byte("KEY=\"-----BEGIN PRIVATE KEY-----\\n"), encoded(base64.StdEncoding, derOf(h)), []byte(`\n-----END PRIVATE KEY-----\n"`))
		}, false},
		"PEM, percent-encoded": {"ReadText", func(h hidden) []byte {
			return join([]byte("-----BEGIN%20PRIVATE%20KEY-----%0A"), encoded(base64.StdEncoding, derOf(h)), []byte("%0A-----END%20PRIVATE%20KEY-----%0A"))
		}, false},
		"PEM as data: URL": {"ReadText", func(h hidden) []byte {
			return join([]byte("data:;base64,"), encoded(base64.StdEncoding, pemOf(h, "")))
		}, false},
		"bytes of PEM":        {"ReadBytes", func(h hidden) []byte { return pemOf(h, "") }, false},
		"bytes in UTF-16":     {"ReadBytes", func(h hidden) []byte { return utf16Of(pemOf(h, "")) }, false},
		"bytes of base64":     {"ReadBytes", func(h hidden) []byte { return encoded(base64.StdEncoding, pemOf(h, "")) }, false},
		"base64 of seed":      {"ReadText", func(h hidden) []byte { return encoded(base64.StdEncoding, h.reveal()) }, false},
		"base64 of JWK":       {"ReadText", func(h hidden) []byte { return encoded(base64.RawURLEncoding, jwkOf(h, "")) }, false},
		"base64 of hex":       {"ReadText", func(h hidden) []byte { return encoded(base64.StdEncoding, hexOf(h.reveal())) }, false},
		"quoted hex with 0x":  {"ReadText", func(h hidden) []byte { return join([]byte(`"0x`), hexOf(h.reveal()), []byte(`"`)) }, false},
		"key set":             {"ReadText", func(h hidden) []byte { return join([]byte(`{"keys":[`), jwkOf(h, ""), []byte(`]}`)) }, false},
		"key set, two keys":   {"ReadText", func(h hidden) []byte { return join([]byte(`[`), jwkOf(h, ""), []byte(`,`), jwkOf(h, ""), []byte(`]`)) }, true},
		"key set, damaged":    {"ReadText", func(h hidden) []byte { return join([]byte(`[`), jwkOf(h, ""), []byte(`,`)) }, true},
		"JWK, wrong kid":      {"ReadText", func(h hidden) []byte { return jwkOf(h, `,"kid":7`) }, true},
		"UTF-16, cut off":     {"ReadBytes", func(h hidden) []byte { return utf16Of(pemOf(h, ""))[:200] }, true},
		"base64 of something": {"ReadText", func(h hidden) []byte { return encoded(base64.StdEncoding, join([]byte("k: "), hexOf(h.reveal()))) }, true},
		"DER":                 {"ReadBytes", derOf, false},
		"two keys":            {"ReadText", func(h hidden) []byte { return join(pemOf(h, ""), pemOf(h, "")) }, true},
		"JWK, short x":        {"ReadText", func(h hidden) []byte { return jwkOf(h, `,"x":"AAAA"`) }, true},
		"JWK, bad x":          {"ReadText", func(h hidden) []byte { return jwkOf(h, `,"x":"*"`) }, true},
		"JWK, two d":          {"ReadText", func(h hidden) []byte { return jwkOf(h, `,"d":"AAAA"`) }, true},
		"JWK, damaged d": {"ReadText", func(h hidden) []byte {
			text := jwkOf(h, "")
			return join(text[:len(text)-2], []byte(`*"}`))
		}, true},
		"JWK, cut off": {"ReadText", func(h hidden) []byte { return jwkOf(h, `,`) }, true},
		"both halves": {"ReadBytes", func(h hidden) []byte {
			return join(h.reveal(), make([]byte, 32))
		}, false},
		"base64, damaged": {"ReadText", func(h hidden) []byte {
			return join(encoded(base64.StdEncoding, derOf(h)), []byte("****"))
		}, true},
		"hex, damaged": {"ReadText", func(h hidden) []byte { return join(hexOf(h.reveal()), []byte("**")) }, true},
		"base64 of something else": {"ReadText", func(h hidden) []byte {
			return encoded(base64.StdEncoding, join(h.reveal(), []byte("and more")))
		}, true},
		"parsed PEM":  {"ParseText", func(h hidden) []byte { return pemOf(h, "") }, false},
		"parsed JWK":  {"ParseText", func(h hidden) []byte { return jwkOf(h, "") }, false},
		"parsed seed": {"ParseBytes", hidden.reveal, false},
		"mismatched pair": {"ParseBytes", func(h hidden) []byte {
			return join(h.reveal(), make([]byte, 32))
		}, true},
	}
	// Without the collector, what was let go of stays where it was.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			secret := newHidden(t)
			material := c.make(secret)
			found, err := readers[c.reader](material)
			if (err != nil) != c.refused {
				t.Fatalf("error %v", err)
			}
			if !c.refused {
				clear(found.PKCS8())
			}
			clear(material)
			found.Clear()
			if found := leftovers(t, secret); len(found) > 0 {
				t.Errorf("left behind: %v", found)
			}
		})
	}
	t.Run("the search itself", func(t *testing.T) {
		secret := newHidden(t)
		for name, held := range map[string][]byte{
			"raw, first half": secret.reveal(), "hex, second half": hexOf(secret.reveal()),
			"base64url": encoded(base64.RawURLEncoding, secret.reveal()), "base64 + 2": pemOf(secret, ""),
		} {
			if leftovers(t, secret)[name] == 0 {
				t.Errorf("%s was not found", name)
			}
			runtime.KeepAlive(held)
		}
	})
}
