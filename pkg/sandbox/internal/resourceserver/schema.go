package resourceserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// schema is as much of a JSON Schema as the request bodies of the OpenAPI documents need.
type schema struct {
	kind       string // "object", "string", "integer"; "": any
	format     string // "uri", "uint64", "date-time"
	pattern    string
	enum       []string
	maximum    int64 // of integers, whose minimum is 0
	required   []string
	properties []property
	closed     bool // no other properties
	oneOf      []*schema
}

type property struct {
	name   string
	schema *schema
}

const receiverPattern = `^(https|http)://(.+)/incoming-payments/(.+)$`

var (
	amountSchema = &schema{kind: "object", required: []string{"value", "assetCode", "assetScale"}, properties: []property{
		{"value", &schema{kind: "string", format: "uint64"}},
		{"assetCode", &schema{kind: "string"}},
		{"assetScale", &schema{kind: "integer", maximum: 255}},
	}}
	uriSchema      = &schema{kind: "string", format: "uri"}
	metadataSchema = &schema{kind: "object"}

	incomingPaymentSchema = &schema{kind: "object", closed: true, required: []string{"walletAddress"}, properties: []property{
		{"walletAddress", uriSchema},
		{"incomingAmount", amountSchema},
		{"expiresAt", &schema{kind: "string", format: "date-time"}},
		{"metadata", metadataSchema},
	}}

	quoteSchema = &schema{oneOf: []*schema{quoteSchemaWith(""), quoteSchemaWith("receiveAmount"), quoteSchemaWith("debitAmount")}}

	outgoingPaymentSchema = &schema{oneOf: []*schema{
		{kind: "object", closed: true, required: []string{"quoteId", "walletAddress"}, properties: []property{
			{"walletAddress", uriSchema},
			{"quoteId", uriSchema},
			{"metadata", metadataSchema},
		}},
		{kind: "object", closed: true, required: []string{"incomingPayment", "debitAmount", "walletAddress"}, properties: []property{
			{"walletAddress", uriSchema},
			{"incomingPayment", uriSchema},
			{"debitAmount", amountSchema},
			{"metadata", metadataSchema},
		}},
	}}
)

func quoteSchemaWith(amount string) *schema {
	s := &schema{closed: true, required: []string{"walletAddress", "receiver", "method"}, properties: []property{
		{"walletAddress", uriSchema},
		{"receiver", &schema{kind: "string", format: "uri", pattern: receiverPattern}},
		{"method", &schema{kind: "string", enum: []string{"ilp"}}},
	}}
	if amount != "" {
		s.required = append(s.required, amount)
		s.properties = append(s.properties, property{amount, amountSchema})
	}
	return s
}

// readBody reads a body that must be as a schema says into target, and returns its bytes.
func readBody(r *http.Request, s *schema, target any) ([]byte, error) {
	body, err := readJSON(r)
	if err != nil {
		return nil, err
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil && err != io.EOF {
		return nil, respond.FailPlain(http.StatusBadRequest, "Bad Request")
	}
	if value == nil {
		return nil, failRequest("request.body was not present in the request.  Is a body-parser being used?")
	}
	if complaint := s.check("body", value); complaint != "" {
		return nil, failRequest(complaint)
	}
	if err := json.Unmarshal(body, target); err != nil {
		return nil, failRequest("body must match exactly one schema in oneOf") // an array, which quotes let pass
	}
	return body, nil
}

// readJSON reads a body that is JSON or nothing, after what comes before the schema: JSON, then Accept, then the type.
func readJSON(r *http.Request) ([]byte, error) {
	body, err := respond.ReadBody(r)
	failure, _ := err.(*respond.Failure)
	switch {
	case failure == nil && err != nil:
		return nil, err
	case failure != nil && failure.Status == http.StatusBadRequest:
		return nil, respond.FailPlain(http.StatusBadRequest, "Bad Request")
	case !accepts(r, "application/json"):
		return nil, fail(http.StatusNotAcceptable, notAcceptable)
	case failure != nil && failure.Status == http.StatusUnsupportedMediaType:
		return nil, fail(http.StatusUnsupportedMediaType,
			"Received error validating OpenAPI request: Unsupported Content-Type "+r.Header.Get("Content-Type"))
	case failure != nil:
		return nil, failure
	}
	return body, nil
}

// check returns what is wrong with a value, "" if nothing is. It finds the same first fault, and words it the same, as
// the validator of the reference server.
func (s *schema) check(path string, value any) string {
	if s.oneOf != nil {
		return s.checkOneOf(path, value)
	}
	switch value := value.(type) {
	case map[string]any:
		if s.kind == "object" || s.kind == "" {
			return s.checkObject(path, value)
		}
	case string:
		if s.kind == "string" {
			return s.checkString(path, value)
		}
	case json.Number:
		if s.kind == "integer" {
			return s.checkInteger(path, value)
		}
	}
	if s.kind == "" {
		return ""
	}
	return path + " must be " + s.kind
}

func (s *schema) checkOneOf(path string, value any) string {
	first, matches := "", 0
	for _, branch := range s.oneOf {
		complaint := branch.check(path, value)
		if complaint == "" {
			matches++
		}
		if first == "" {
			first = complaint
		}
	}
	switch {
	case matches == 1:
		return ""
	case first == "":
		return path + " must match exactly one schema in oneOf"
	default:
		return first
	}
}

func (s *schema) checkObject(path string, object map[string]any) string {
	for _, name := range s.required {
		if _, there := object[name]; !there {
			return fmt.Sprintf("%s must have required property '%s'", path, name)
		}
	}
	if s.closed {
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if !slices.ContainsFunc(s.properties, func(p property) bool { return p.name == name }) {
				return path + " must NOT have additional properties: " + name
			}
		}
	}
	for _, p := range s.properties {
		value, there := object[p.name]
		if !there {
			continue
		}
		if complaint := p.schema.check(path+"."+p.name, value); complaint != "" {
			return complaint
		}
	}
	return ""
}

func (s *schema) checkString(path, value string) string {
	switch {
	case s.format != "" && !formats[s.format](value):
		return fmt.Sprintf("%s must match format %q", path, s.format)
	case s.pattern != "" && !regexp.MustCompile(s.pattern).MatchString(value):
		return fmt.Sprintf("%s must match pattern \"%s\"", path, strings.ReplaceAll(s.pattern, "/", "."))
	case s.enum != nil && !slices.Contains(s.enum, value):
		return path + " must be equal to one of the allowed values"
	}
	return ""
}

func (s *schema) checkInteger(path string, value json.Number) string {
	number, err := value.Float64()
	switch {
	case err != nil || number != float64(int64(number)):
		return path + " must be integer"
	case number < 0:
		return path + " must be >= 0"
	case number > float64(s.maximum):
		return fmt.Sprintf("%s must be <= %d", path, s.maximum)
	}
	return ""
}

var formats = map[string]func(string) bool{
	"uri": func(value string) bool {
		u, err := url.Parse(value)
		return err == nil && u.IsAbs()
	},
	// The reference server takes whatever BigInt takes, such as "0x10" and "". Here it is digits.
	"uint64":    regexp.MustCompile(`^[0-9]+$`).MatchString,
	"date-time": func(value string) bool { _, err := parseTime(value); return err == nil },
}

// parseTime parses a date-time (RFC 3339).
func parseTime(value string) (time.Time, error) {
	return time.Parse(time.RFC3339Nano, strings.Replace(strings.ToUpper(value), " ", "T", 1))
}

// UnmarshalJSON reads an amount whose scale may be written as 2, 2.0 or 2e0.
func (a *Amount) UnmarshalJSON(data []byte) error {
	var wire struct {
		Value      string      `json:"value"`
		AssetCode  string      `json:"assetCode"`
		AssetScale json.Number `json:"assetScale"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	scale, err := strconv.ParseFloat(wire.AssetScale.String(), 64)
	if err != nil || scale < 0 || scale > 255 {
		return errUnexpected
	}
	*a = Amount{Value: wire.Value, AssetCode: wire.AssetCode, AssetScale: uint8(scale)}
	return nil
}
