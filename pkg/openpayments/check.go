package openpayments

import (
	"math"
	"strconv"
	"strings"

	"open-payments-wasm/pkg/signedhttp"
)

// checker collects what is wrong with a response or an argument.
type checker struct{ problems []string }

// fail notes a problem: where, what was expected, and what kind of thing was found. Nothing that was found is repeated.
func (c *checker) fail(path, expected, found string) {
	if path == "" {
		path = "the response"
	}
	c.problems = append(c.problems, path+isExpected+expected+butFound+found)
}

const (
	isExpected = ": expected "
	butFound   = ", found "
	isMissing  = " is missing"
)

// check checks a decoded value. kind is what shapes are made of: a simple kind (see checkSimple), the name of a shape
// ("@amount"), an array of a kind ("[kind"), or several of which one must fit ("kind|kind").
//
// Members are looked up by their exact names and of two the last counts, as in JavaScript, who is given the text.
func (c *checker) check(path, kind string, value any) {
	if first, others, isChoice := strings.Cut(kind, "|"); isChoice {
		c.checkChoice(path, first, others, value)
		return
	}
	switch kind[0] {
	case '[':
		c.checkItems(path, kind[1:], value)
	case '@':
		members := shapeOf(kind[1:])
		if len(members) == 1 { // another name of a kind
			c.check(path, members[0], value)
			return
		}
		c.checkMembers(path, members, value)
	default:
		c.checkSimple(path, kind, value)
	}
}

// checkChoice notes the problems with what was rather meant: something, where null is the other choice, or else what has
// fewer problems.
func (c *checker) checkChoice(path, first, others string, value any) {
	if others == "null" {
		if value != nil {
			c.check(path, first, value)
		}
		return
	}
	var a, b checker
	a.check(path, first, value)
	b.check(path, others, value)
	if len(b.problems) < len(a.problems) {
		a = b
	}
	c.problems = append(c.problems, a.problems...)
}

// enough is how many problems are looked for in an array: a response has room for a hundred thousand.
const enough = 100

func (c *checker) checkItems(path, kind string, value any) {
	items, isArray := value.([]any)
	if !isArray {
		c.fail(path, "an array", nameOf(value))
	}
	for i, item := range items {
		if len(c.problems) >= enough {
			return
		}
		c.check(at(path, i), kind, item)
	}
}

func (c *checker) checkMembers(path string, members []string, value any) {
	object, isObject := value.(map[string]any)
	if !isObject {
		c.fail(path, "an object", nameOf(value))
		return
	}
	if path != "" {
		path += "."
	}
	for i := 0; i < len(members); i += 2 {
		name, isOptional := strings.CutSuffix(members[i], "?")
		member, there := object[name]
		switch {
		case there:
			c.check(path+name, members[i+1], member)
		case !isOptional:
			c.problems = append(c.problems, path+name+isMissing)
		}
	}
}

// shapeOf returns the members of a shape, each a name and a kind, or the one kind that it is.
func shapeOf(name string) []string {
	_, rest, _ := strings.Cut(shapes, "\n"+name+" ")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Split(line, " ")
}

func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// nameOf is what was found in place of what was expected.
func nameOf(value any) string {
	if _, isText := value.(string); isText {
		return "another string"
	}
	return signedhttp.TypeName(value)
}

// checkSimple checks what has no shape of its own: "=text" is that text.
func (c *checker) checkSimple(path, kind string, value any) {
	text, fits := value.(string)
	expected := "a string"
	switch kind {
	case "string":
	case "text":
		expected, fits = "a string that is not empty", text != ""
	case "uint64":
		expected, fits = "an unsigned 64-bit integer as text", isUint64(text)
	case "base64url":
		expected, fits = "a base64url string", isWord(text, "-_")
	case "ilp-address":
		expected, fits = "an ILP address", isILPAddress(text)
	case "receiver":
		expected, fits = "the URL of an incoming payment", isReceiver(text)
	case "scale":
		number, isNumber := value.(float64)
		expected, fits = "an integer from 0 to 255", isNumber && number >= 0 && number <= 255 && number == math.Trunc(number)
	case "boolean":
		_, fits = value.(bool)
		expected = "true or false"
	case "object":
		_, fits = value.(map[string]any)
		expected = "an object"
	default:
		expected, fits = strconv.Quote(kind[1:]), fits && text == kind[1:]
	}
	if !fits {
		c.fail(path, expected, nameOf(value))
	}
}

func isUint64(text string) bool {
	_, err := strconv.ParseUint(text, 10, 64)
	return err == nil
}

// isWord tells whether text is made of letters and digits of ASCII, and others.
func isWord(text, others string) bool {
	for i := range len(text) {
		c := text[i]
		isLetter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !isLetter && (c < '0' || c > '9') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return text != ""
}

// ^(g|private|example|peer|self|test[1-3]?|local)([.][a-zA-Z0-9_~-]+)+$
func isILPAddress(text string) bool {
	scheme, rest, _ := strings.Cut(text, ".")
	return strings.Contains(" g private example peer self test test1 test2 test3 local ", " "+scheme+" ") && len(text) <= 1023 &&
		isWord(rest, "_~-.") && !strings.Contains("."+rest+".", "..")
}

// ^(https|http)://(.+)/incoming-payments/(.+)$
func isReceiver(text string) bool {
	scheme, rest, _ := strings.Cut(text, "://")
	if scheme != "https" && scheme != "http" || rest == "" || strings.ContainsAny(rest, "\n\r\u2028\u2029") {
		return false
	}
	_, id, _ := strings.Cut(rest[1:], "/incoming-payments/")
	return id != ""
}
