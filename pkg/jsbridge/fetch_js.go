//go:build js && wasm

package jsbridge

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/hack-pad/safejs"

	"open-payments-wasm/pkg/httpsig"
)

// Fetch is an http.RoundTripper over a fetch function: that of the page when Func is undefined. It
// sends with exchange of host.js.
//
// It never sends cookies or a referrer. A request with a signature follows no redirect. Browsers
// hide where a redirect leads and which one it was: it is reported as status 302. Other requests follow them, and the
// Request of the response has the URL that it came from. The header Cache-Control: no-store is not sent: it is the cache
// mode of the request, which else is "default". Browsers compute Content-Length themselves. The end of the request's
// context aborts the request. Where that is the context of a call of JavaScript (see Async), JavaScript knows what its
// call has sent and received.
type Fetch struct {
	Func safejs.Value
	// Limit is how much of the body of a response is read: it ends after so many bytes and one more.
	Limit int
}

// RoundTrip sends one request and returns when its response is complete. What fetch rejects with
// comes back as an *Error, the end of the context as its cause. A response that could not be read to its end
// has what came of it, and then its body fails with an *Error. Its status is 0 where not even that could be read.
func (f Fetch) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	request, err := encodeRequest(req)
	if err != nil {
		return nil, err
	}
	values, err := callHost(ctx, hostFunction("exchange"), idOf(ctx), f.function(), request, f.Limit)
	if err != nil {
		return nil, err
	}
	return readResponse(req, values)
}

// function returns Func, or undefined for the fetch of the page.
func (f Fetch) function() safejs.Value {
	if typeOf(f.Func) == safejs.TypeFunction {
		return f.Func
	}
	return safejs.Undefined()
}

// encodeRequest returns a request as the frame that exchange reads.
// The URL is spelled as it was signed.
func encodeRequest(req *http.Request) (safejs.Value, error) {
	frame := make([]byte, 0, 1024)
	frame = appendString(append(frame, `{"method":`...), req.Method)
	frame = appendString(append(frame, `,"url":`...), httpsig.TargetURI(req))
	frame = append(frame, `,"headers":{`...)
	separator := ""
	for name, values := range req.Header {
		if name == "Content-Length" { // a forbidden header name: the browser sets it
			continue
		}
		frame = append(appendString(append(frame, separator...), name), ':')
		frame = appendString(frame, strings.Join(values, ", "))
		separator = ","
	}
	frame = append(frame, "}}\n"...)
	if req.Body == nil {
		return FromBytes(frame)
	}
	defer req.Body.Close()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return safejs.Value{}, err
	}
	return FromBytes(append(frame, body...))
}

var errNoResponse = errors.New("jsbridge: fetch did not return a Response")

// responseHead is the head of the frame that exchange returns. Its status is 0 where not even that could be read, its
// URL is empty where no redirect was followed.
type responseHead struct {
	Status  int         `json:"status"`
	URL     string      `json:"url"`
	Headers [][2]string `json:"headers"`
}

// What decoding sets up at its first use is then in the snapshot that the build takes.
func init() { _, _ = ReadFrame([]byte("{}\n"), &responseHead{}) }

// readResponse makes a response of what exchange returns: a frame and, where it is not whole, what was thrown.
func readResponse(req *http.Request, values []safejs.Value) (*http.Response, error) {
	frame, err := ToBytes(values[0])
	if err != nil {
		return nil, errNoResponse
	}
	var head responseHead
	content, err := ReadFrame(frame, &head)
	if err != nil {
		return nil, err
	}
	header := make(http.Header, len(head.Headers))
	for _, pair := range head.Headers {
		header.Add(pair[0], pair[1])
	}
	if head.URL != "" {
		req = cameFrom(req, head.URL)
	}
	body := io.Reader(bytes.NewReader(content))
	if len(values) > 1 {
		body = io.MultiReader(body, failing{&Error{values[1]}})
	}
	return &http.Response{
		StatusCode: head.Status, Status: http.StatusText(head.Status), Header: header,
		Body: io.NopCloser(body), ContentLength: -1, Request: req,
	}, nil
}

// cameFrom returns the request with the URL to which redirects have led, which is empty where it cannot be read.
func cameFrom(req *http.Request, address string) *http.Request {
	target, err := url.Parse(address)
	if err != nil {
		target = &url.URL{}
	}
	last := *req
	last.URL, last.Host = target, target.Host
	return &last
}

// failing is a reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
