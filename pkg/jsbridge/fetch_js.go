//go:build js && wasm

package jsbridge

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/hack-pad/safejs"
)

// Fetch is an http.RoundTripper over a fetch function: that of the page when Func is undefined.
//
// It never sends cookies or a referrer, never uses a cache and never follows a redirect. Browsers
// hide where a redirect leads and which one it was: it is reported as status 302. They compute
// Content-Length themselves. The end of the request's context aborts the request.
type Fetch struct{ Func safejs.Value }

// RoundTrip sends one request. What fetch rejects with comes back as an *Error, the end of the
// context as its cause.
func (f Fetch) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	controller, err := newAbortController()
	if err != nil {
		return nil, err
	}
	init, err := fetchInit(req, controller)
	if err != nil {
		return nil, err
	}
	promise, err := f.call(requestURL(req), init)
	if err != nil {
		return nil, caught(err)
	}
	settled, err := watch(promise)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _, _ = controller.Call("abort") })
	select {
	case s := <-settled:
		if s.err != nil {
			stop()
			return nil, s.err
		}
		return newResponse(req, s.value, stop)
	case <-ctx.Done():
		go discard(settled)
		return nil, context.Cause(ctx)
	}
}

// discard lets go of an answer that came when nobody wanted it any more. A fetch function of the
// caller's own may ignore the abort, so this cannot be waited for.
func discard(settled <-chan settlement) {
	if s := <-settled; s.err == nil {
		if body, err := get(s.value, "body"); err == nil && typeOf(body) == safejs.TypeObject {
			cancel(body)
		}
	}
}

// cancel ends a stream or its reader. The promise of it is watched for nothing but that a
// rejection must not show up as unhandled.
func cancel(stream safejs.Value) {
	if promise, err := stream.Call("cancel"); err == nil {
		_, _ = watch(promise)
	}
}

func newAbortController() (safejs.Value, error) {
	constructor, err := global.Get("AbortController")
	if err != nil {
		return safejs.Value{}, caught(err)
	}
	return constructor.New()
}

// requestURL spells the URL as it was signed: with an opaque path, net/url would not.
func requestURL(req *http.Request) string {
	return req.URL.Scheme + "://" + req.URL.Host + req.URL.RequestURI()
}

func (f Fetch) call(url string, init safejs.Value) (safejs.Value, error) {
	if typeOf(f.Func) == safejs.TypeFunction {
		return f.Func.Invoke(url, init)
	}
	return global.Call("fetch", url, init)
}

// requestInit are the options of fetch that JSON can carry: brought over as one text, because
// every single crossing costs.
type requestInit struct {
	Method         string            `json:"method"`
	Headers        map[string]string `json:"headers"`
	Credentials    string            `json:"credentials"`
	Cache          string            `json:"cache"`
	Redirect       string            `json:"redirect"`
	ReferrerPolicy string            `json:"referrerPolicy"`
}

func fetchInit(req *http.Request, controller safejs.Value) (safejs.Value, error) {
	headers := make(map[string]string, len(req.Header))
	for name, values := range req.Header {
		if name != "Content-Length" { // a forbidden header name: the browser sets it
			headers[name] = values[0]
		}
	}
	text, err := json.Marshal(requestInit{req.Method, headers, "omit", "no-store", "manual", "no-referrer"})
	if err != nil {
		return safejs.Value{}, err
	}
	options, err := jsonObject.Call("parse", string(text))
	if err != nil {
		return safejs.Value{}, caught(err)
	}
	signal, err := controller.Get("signal")
	if err != nil {
		return safejs.Value{}, caught(err)
	}
	if err := options.Set("signal", signal); err != nil {
		return safejs.Value{}, caught(err)
	}
	return options, setBody(options, req)
}

func setBody(options safejs.Value, req *http.Request) error {
	if req.Body == nil {
		return nil
	}
	defer req.Body.Close()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return err
	}
	data, err := FromBytes(body)
	if err != nil {
		return err
	}
	return caught(options.Set("body", data))
}

// NewObject makes a plain object of what safejs takes as a value, and maps and slices of it.
func NewObject(members map[string]any) (safejs.Value, error) {
	result, err := object.New()
	if err != nil {
		return safejs.Value{}, caught(err)
	}
	for name, member := range members {
		if inner, ok := member.(map[string]any); ok {
			if member, err = NewObject(inner); err != nil {
				return safejs.Value{}, err
			}
		}
		if err := result.Set(name, member); err != nil {
			return safejs.Value{}, caught(err)
		}
	}
	return result, nil
}

func newResponse(req *http.Request, value safejs.Value, stop func() bool) (*http.Response, error) {
	res, err := readResponse(req, value, stop)
	if err != nil {
		stop()
		return nil, caught(err)
	}
	return res, nil
}

var errNoResponse = errors.New("jsbridge: fetch did not return a Response")

func readResponse(req *http.Request, value safejs.Value, stop func() bool) (*http.Response, error) {
	if typeOf(value) != safejs.TypeObject {
		return nil, errNoResponse
	}
	if kind, err := property(value, "type"); err == nil && kind == "opaqueredirect" {
		stop()
		return &http.Response{StatusCode: http.StatusFound, Body: http.NoBody, Request: req}, nil
	}
	status, err := get(value, "status")
	if err != nil {
		return nil, err
	}
	code, err := status.Int()
	if err != nil {
		return nil, errNoResponse
	}
	header, err := readHeader(value)
	if err != nil {
		return nil, err
	}
	body, err := newBody(req.Context(), value, stop)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Header: header,
		Body: body, ContentLength: -1, Request: req,
	}, nil
}

// readHeader brings all headers over in one text, a line each: no name holds a comma, no value a
// line break (RFC 9110 §5).
func readHeader(response safejs.Value) (http.Header, error) {
	headers, err := get(response, "headers")
	if err != nil {
		return nil, err
	}
	pairs, err := array.Call("from", headers)
	if err != nil {
		return nil, err
	}
	text, err := pairs.Call("join", "\n")
	if err != nil {
		return nil, err
	}
	lines, err := text.String()
	if err != nil {
		return nil, err
	}
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

// body streams the answer: what is not read is never brought over.
type body struct {
	ctx     context.Context
	stop    func() bool
	reader  safejs.Value // a ReadableStreamDefaultReader
	pending []byte
	err     error
}

func newBody(ctx context.Context, response safejs.Value, stop func() bool) (io.ReadCloser, error) {
	stream, err := get(response, "body")
	if err != nil {
		return nil, err
	}
	if typeOf(stream) != safejs.TypeObject { // null: no body
		stop()
		return http.NoBody, nil
	}
	reader, err := stream.Call("getReader")
	if err != nil {
		return nil, err
	}
	return &body{ctx: ctx, stop: stop, reader: reader}, nil
}

// Read reads from the current chunk, and waits for the next one where there is none.
func (b *body) Read(p []byte) (int, error) {
	for len(b.pending) == 0 {
		if b.err == nil {
			b.pending, b.err = b.next()
		}
		if b.err != nil {
			return 0, b.err
		}
	}
	n := copy(p, b.pending)
	b.pending = b.pending[n:]
	return n, nil
}

func (b *body) next() ([]byte, error) {
	promise, err := b.reader.Call("read")
	if err != nil {
		return nil, caught(err)
	}
	result, err := Await(b.ctx, promise)
	if err != nil {
		return nil, err
	}
	done, err := get(result, "done")
	if err != nil {
		return nil, caught(err)
	}
	if done.Equal(trueValue) {
		return nil, io.EOF
	}
	chunk, err := get(result, "value")
	if err != nil {
		return nil, caught(err)
	}
	return ToBytes(chunk)
}

// Close ends the download where it is not complete.
func (b *body) Close() error {
	b.stop()
	if b.err == nil {
		b.err, b.pending = errors.New("jsbridge: read of a closed body"), nil
		cancel(b.reader)
	}
	return nil
}
