//go:build js && wasm

package jsbridge

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/httpsig"
)

// Fetch is an http.RoundTripper over a fetch function: that of the page when Func is undefined. It
// sends with exchange of wasm/sdk/host.js.
//
// It never sends cookies or a referrer, never uses a cache and never follows a redirect. Browsers
// hide where a redirect leads and which one it was: it is reported as status 302. They compute
// Content-Length themselves. The end of the request's context aborts the request. Where that is the context of
// a call of JavaScript (see Async), JavaScript knows what its call has sent and received.
type Fetch struct {
	Func safejs.Value
	// Limit is how much of an answer is read: its body ends after so many bytes and one more.
	Limit int
}

// RoundTrip sends one request and returns when its response is complete. What fetch rejects with
// comes back as an *Error, the end of the context as its cause. A response that could not be read to its end
// has what came of it, and then its body fails with an *Error; its status is 0 where not even that could be read.
func (f Fetch) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	message, err := encode(req)
	if err != nil {
		return nil, err
	}
	values, err := ask(ctx, host("exchange"), numberOf(ctx), f.function(), message, f.Limit)
	if err != nil {
		return nil, err
	}
	return readAnswer(req, values)
}

// function returns Func, or undefined for the fetch of the page.
func (f Fetch) function() safejs.Value {
	if typeOf(f.Func) == safejs.TypeFunction {
		return f.Func
	}
	return safejs.Undefined()
}

var errBody = errors.New("jsbridge: the body of a request must be UTF-8")

// encode writes a request as the text that exchange reads: none of its lines can hold a line break.
// The URL is spelled as it was signed.
func encode(req *http.Request) (string, error) {
	var lines strings.Builder
	count := 0
	for name, values := range req.Header {
		if name != "Content-Length" { // a forbidden header name: the browser sets it
			lines.WriteString("\n" + name + "\n" + values[0])
			count++
		}
	}
	start := req.Method + "\n" + httpsig.TargetURI(req) + "\n" + strconv.Itoa(count)
	if req.Body == nil {
		return start + lines.String(), nil
	}
	defer req.Body.Close()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(body) { // JavaScript's strings would change it
		return "", errBody
	}
	return start + lines.String() + "\n" + string(body), nil
}

var errNoResponse = errors.New("jsbridge: fetch did not return a Response")

// readAnswer makes a response of what exchange answers: a message and, where it is not whole, what was thrown.
func readAnswer(req *http.Request, values []safejs.Value) (*http.Response, error) {
	message, err := ToBytes(values[0])
	if err != nil {
		return nil, errNoResponse
	}
	head, content, _ := bytes.Cut(message, []byte("\n\n"))
	first, lines, _ := strings.Cut(string(head), "\n")
	status, err := strconv.Atoi(first)
	if err != nil {
		return nil, errNoResponse
	}
	header, err := readHeader(lines)
	if err != nil {
		return nil, err
	}
	body := io.Reader(bytes.NewReader(content))
	if len(values) > 1 {
		body = io.MultiReader(body, failing{&Error{values[1]}})
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: header,
		Body: io.NopCloser(body), ContentLength: -1, Request: req,
	}, nil
}

// failing is a reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func readHeader(lines string) (http.Header, error) {
	header := http.Header{}
	for line := range strings.Lines(lines) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ",")
		if !ok {
			return nil, errNoResponse
		}
		header.Add(name, value)
	}
	return header, nil
}
