//go:build js && wasm

package jsbridge

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/hack-pad/safejs"
)

// Fetch is an http.RoundTripper over a fetch function: that of the page when Func is undefined. It
// sends with exchange of wasm/sdk/host.js.
//
// It never sends cookies or a referrer, never uses a cache and never follows a redirect. Browsers
// hide where a redirect leads and which one it was: it is reported as status 302. They compute
// Content-Length themselves. The end of the request's context aborts the request.
type Fetch struct {
	Func safejs.Value
	// Limit is how much of an answer is read: its body ends after so many bytes and one more.
	Limit int
}

// RoundTrip sends one request and returns when its answer is complete. What fetch rejects with
// comes back as an *Error, the end of the context as its cause.
func (f Fetch) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	body, err := fetchBody(req)
	if err != nil {
		return nil, err
	}
	values, err := ask(ctx, host("exchange"), f.function(), head(req), body, f.Limit)
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

// head has a line for the method, one for the URL, and one for each name and each value of the
// header: none can hold a line break. The URL is spelled as it was signed: with an opaque path,
// net/url would not.
func head(req *http.Request) string {
	var lines strings.Builder
	lines.WriteString(req.Method + "\n" + req.URL.Scheme + "://" + req.URL.Host + req.URL.RequestURI() + "\n")
	for name, values := range req.Header {
		if name != "Content-Length" { // a forbidden header name: the browser sets it
			lines.WriteString(name + "\n" + values[0] + "\n")
		}
	}
	return lines.String()
}

func fetchBody(req *http.Request) (safejs.Value, error) {
	if req.Body == nil {
		return safejs.Undefined(), nil
	}
	defer req.Body.Close()
	data, err := io.ReadAll(req.Body)
	if err != nil {
		return safejs.Value{}, err
	}
	return FromBytes(data)
}

var errNoResponse = errors.New("jsbridge: fetch did not return a Response")

// readAnswer makes a response of status, headers and body.
func readAnswer(req *http.Request, values []safejs.Value) (*http.Response, error) {
	status, err := values[0].Int()
	if err != nil {
		return nil, errNoResponse
	}
	lines, err := values[1].String()
	if err != nil {
		return nil, errNoResponse
	}
	header, err := readHeader(lines)
	if err != nil {
		return nil, err
	}
	body, err := ToBytes(values[2])
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: header,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}, nil
}

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
