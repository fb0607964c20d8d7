//go:build js && wasm

package jsbridge

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// newRequest returns a signed call as pkg/gnap makes it: its URL has an opaque path.
func newRequest(ctx context.Context, body string) *http.Request {
	req := (&http.Request{
		Method: http.MethodPost,
		URL:    &url.URL{Scheme: "https", Host: "server.example", Opaque: "/continue/1?a=%7e"},
		Host:   "server.example",
		Header: http.Header{"Accept": {"application/json"}, "Signature": {"sig1=::"}},
	}).WithContext(ctx)
	if body != "" {
		req.Header.Set("Content-Length", "5")
		req.Body = io.NopCloser(strings.NewReader(body))
	}
	return req
}

const limit = 200_000

// roundTrip sends a request through a fetch function that an expression makes. What it was called
// with is in globalThis.called.
func roundTrip(t *testing.T, ctx context.Context, fetch string) (*http.Response, error) {
	t.Helper()
	return Fetch{Func: evaluate(t, fetch), Limit: limit}.RoundTrip(newRequest(ctx, "hello"))
}

func readAll(t *testing.T, res *http.Response) string {
	t.Helper()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	return string(data)
}

func TestFetchSendsNothingElse(t *testing.T) {
	releasesFunctions(t, func() {
		res, err := roundTrip(t, context.Background(),
			"async (url, init) => { globalThis.called = { url, init }; return new Response('a', { status: 201, headers: { 'X-One': '1' } }) }")
		if err != nil {
			t.Fatal(err)
		}
		if body := readAll(t, res); res.StatusCode != 201 || res.Header.Get("X-One") != "1" || body != "a" {
			t.Errorf("%d %v %q", res.StatusCode, res.Header, body)
		}
	})
	sent := text(t, evaluate(t, `JSON.stringify([called.url, called.init, called.init.signal instanceof AbortSignal])`))
	for _, part := range []string{
		`["https://server.example/continue/1?a=%7e"`, `"method":"POST"`, `"Accept":"application/json"`, `"body":"hello"`,
		`"credentials":"omit"`, `"redirect":"manual"`, `"referrerPolicy":"no-referrer"`, `,true]`,
	} {
		if !strings.Contains(sent, part) {
			t.Errorf("%s is not in %s", part, sent)
		}
	}
	// The cache mode is left to be "default": workerd refuses it by name.
	if strings.Contains(sent, `"cache"`) {
		t.Errorf("a cache mode is in %s", sent)
	}
}

func TestFetchUsesTheGlobalOne(t *testing.T) {
	evaluate(t, "(globalThis.realFetch = globalThis.fetch, globalThis.fetch = async (url, init) => new Response(String(init.body)))")
	defer evaluate(t, "globalThis.fetch = globalThis.realFetch")
	res, err := roundTripWithoutBody()
	if err != nil {
		t.Fatal(err)
	}
	if body := readAll(t, res); body != "undefined" {
		t.Errorf("body %q was sent", body)
	}
}

func roundTripWithoutBody() (*http.Response, error) {
	return Fetch{Limit: limit}.RoundTrip(newRequest(context.Background(), ""))
}

func TestFetchThatFails(t *testing.T) {
	for _, fetch := range []string{
		"() => { throw new TypeError('own') }",
		"() => Promise.reject(new TypeError('own'))",
		"async () => { throw new TypeError('own') }",
		"async () => ({ get status() { throw new TypeError('own') } })",
		"async () => ({ status: 200, json() { throw new TypeError('own') } })",
		"async () => ({ status: 200, json: async () => { throw new TypeError('own') } })",
		"async () => new Response(new ReadableStream({ start(controller) { controller.error(new TypeError('own')) } }))",
	} {
		releasesFunctions(t, func() {
			res, err := roundTrip(t, context.Background(), fetch)
			if err == nil {
				_, err = io.ReadAll(res.Body)
				res.Body.Close()
			}
			if thrown, ok := Thrown(err); !ok || text(t, thrown) != "TypeError: own" {
				t.Errorf("%s: %v", fetch, err)
			}
		})
	}
}

func TestFetchThatReturnsNoResponse(t *testing.T) {
	for _, fetch := range []string{
		"() => undefined", "() => null", "() => 5", "async () => 'text'", "async () => Symbol('s')", "async () => ({})", "async () => []",
		"async () => ({ status: '200' })", "async () => ({ status: -1 })", "async () => ({ status: 1e21 })",
		"async () => ({ status: 200, headers: [], body: {} })",
		"async () => ({ status: 200, headers: [], get body() { throw 1 } })", "async () => Object.create(null)",
		"async () => new Proxy({}, { get() { throw 1 } })",
		"async () => ({ status: 200, text: () => undefined })", "async () => ({ status: 200, json: () => undefined })",
		"async () => ({ status: 200, json: () => 10n })",
		"async () => ({ status: 200, arrayBuffer: () => 'text' })",
		"async () => { const response = new Response('a'); response.body.getReader(); return response }",
		"async () => ({ status: 200, headers: [], body: { getReader: () => ({}) } })",
		"async () => ({ status: 200, headers: [], body: { getReader: () => ({ read: () => 5, cancel() {} }) } })",
		"async () => ({ status: 200, headers: [], body: { getReader: () => ({ read: () => ({ value: 'text' }), cancel() {} }) } })",
		"async () => ({ status: 200, headers: [], body: { getReader: () => ({ read: () => ({ value: { length: -1 } }), cancel() {} }) } })",
	} {
		releasesFunctions(t, func() {
			res, err := roundTrip(t, context.Background(), fetch)
			if err == nil {
				_, err = io.ReadAll(res.Body)
				res.Body.Close()
			}
			if err == nil {
				t.Errorf("%s was accepted", fetch)
			}
		})
	}
}

func TestFetchRedirect(t *testing.T) {
	res, err := roundTrip(t, context.Background(), "async () => ({ type: 'opaqueredirect', status: 0, headers: new Headers(), body: null })")
	if err != nil || res.StatusCode != http.StatusFound || readAll(t, res) != "" {
		t.Errorf("%v, %v", res, err)
	}
}

// A request without a signature follows redirects, and the response says where it came from.
func TestFetchWithoutSignature(t *testing.T) {
	send := func(fetch string) *http.Response {
		t.Helper()
		req := newRequest(context.Background(), "")
		req.Header.Del("Signature")
		req.Header.Set("Cache-Control", "no-store")
		res, err := Fetch{Func: evaluate(t, fetch), Limit: limit}.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	res := send("async (url, init) => { globalThis.called = init; return { status: 200, url: 'https://other.example/a?b=%7e', text: () => '' } }")
	if got := res.Request.URL.String(); got != "https://other.example/a?b=%7e" || res.Request.Host != "other.example" {
		t.Errorf("it came from %s", got)
	}
	sent := text(t, evaluate(t, "JSON.stringify([called.redirect, called.cache, called.headers])"))
	if sent != `["follow","no-store",{"Accept":"application/json"}]` {
		t.Errorf("sent with %s", sent)
	}
	res = send("async () => ({ status: 200, url: 'http://[::1', text: () => '' })")
	if got := *res.Request.URL; got != (url.URL{}) {
		t.Errorf("it came from %v", got)
	}
	for _, url := range []string{"''", "undefined", "'https://server.example/continue/1?a=%7e'"} {
		res := send("async () => ({ status: 200, url: " + url + ", text: () => '' })")
		if got := res.Request.URL; got.Host != "server.example" || got.Opaque == "" {
			t.Errorf("%s: it came from %v", url, got)
		}
	}
}

// Where a signed request was answered from is not asked: it has not followed anything.
func TestFetchWithSignatureStaysWhereItIs(t *testing.T) {
	res, err := roundTrip(t, context.Background(), "async () => ({ status: 200, url: 'https://other.example/', text: () => '' })")
	if err != nil || res.Request.URL.Host != "server.example" {
		t.Errorf("%v, %v", res, err)
	}
}

func TestFetchWithoutBody(t *testing.T) {
	for _, fetch := range []string{
		"async () => new Response(null, { status: 204 })",
		"async () => ({ status: 204, json: async () => JSON.parse('') })", // as that of a Response does
		"async () => ({ status: 205, text() { throw new Error('no body') } })",
	} {
		res, err := roundTrip(t, context.Background(), fetch)
		if err != nil || res.StatusCode < 204 || readAll(t, res) != "" {
			t.Errorf("%s: %v, %v", fetch, res, err)
		}
	}
}

// A response counts by what it can do: not every fetch is that of a browser.
func TestFetchTakesResponsesOfEveryShape(t *testing.T) {
	for _, shape := range []string{
		"{ body: { pipe() {} }, text: async () => 'é' }",
		"{ arrayBuffer: async () => new TextEncoder().encode('é').buffer }",
		"{ arrayBuffer: () => new TextEncoder().encode('é') }",
		"{ text: () => 'é' }",
		"{ text() { throw new Error('not implemented') }, arrayBuffer: () => new TextEncoder().encode('é') }",
	} {
		for _, headers := range []string{
			"{ 'x-one': '1' }", "[['x-one', '1']]", "new Map([['x-one', 1]])", "new Headers({ 'x-one': '1' })", "{ forEach: (each) => each('1', 'x-one') }",
		} {
			releasesFunctions(t, func() {
				res, err := roundTrip(t, context.Background(), "async () => ({ status: 201, headers: "+headers+", ..."+shape+" })")
				if err != nil {
					t.Fatalf("%s: %v", shape, err)
				}
				if body := readAll(t, res); res.StatusCode != 201 || res.Header.Get("X-One") != "1" || body != "é" {
					t.Errorf("%s, %s: %d %v %q", shape, headers, res.StatusCode, res.Header, body)
				}
			})
		}
	}
	res, err := roundTrip(t, context.Background(), "async () => ({ status: 200, json: async () => ({ a: [1, 'é'] }) })")
	if err != nil || readAll(t, res) != `{"a":[1,"é"]}` {
		t.Errorf("%v, %v", res, err)
	}
}

// Headers that cannot be used are left out: none of them is worth a grant.
func TestFetchHeadersThatCannotBeUsed(t *testing.T) {
	for _, headers := range []string{
		"null", "5", "'text'", "[1]", "[[]]", "[['x-one']]", "[['x,one', '1']]",
		"new Proxy({}, { get() { throw 1 } })", "{ get a() { throw 1 } }",
	} {
		res, err := roundTrip(t, context.Background(), "async () => ({ status: 200, headers: "+headers+", text: () => 'a' })")
		if err != nil {
			t.Fatalf("%s: %v", headers, err)
		}
		if body := readAll(t, res); body != "a" || len(res.Header) > 0 {
			t.Errorf("%s: %q, %v", headers, body, res.Header)
		}
	}
	res, err := roundTrip(t, context.Background(), `async () => ({ status: 200, headers: { "x-one": "1\n\nx-two,2" }, text: () => "a" })`)
	if err != nil || readAll(t, res) != "a" || res.Header.Get("X-One") != "1 x-two,2" {
		t.Errorf("a line break in a header forges lines: %v, %v", res, err)
	}
}

// What came of a response is there, and its status and headers, where the rest of it cannot be read.
func TestFetchThatBreaksOff(t *testing.T) {
	releasesFunctions(t, func() {
		res, err := roundTrip(t, context.Background(), `async () => new Response(new ReadableStream({
			pull(controller) { this.begun ? controller.error(new TypeError("own")) : controller.enqueue(new Uint8Array([97, 98])); this.begun = true },
		}), { status: 202, headers: { "x-one": "1" } })`)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if thrown, ok := Thrown(err); !ok || text(t, thrown) != "TypeError: own" {
			t.Error(err)
		}
		if string(body) != "ab" || res.StatusCode != 202 || res.Header.Get("X-One") != "1" {
			t.Errorf("%q %d %v", body, res.StatusCode, res.Header)
		}
	})
}

func TestFetchOfACallThatIsOver(t *testing.T) {
	ctx, end := newCall(104) // of which JavaScript knows nothing
	defer end()
	if _, err := roundTrip(t, ctx, "() => { globalThis.wasCalled = true }"); err == nil {
		t.Error("it was sent")
	}
	if !evaluate(t, "globalThis.wasCalled").IsUndefined() {
		t.Error("fetch was called")
	}
}

func TestFetchStreams(t *testing.T) {
	releasesFunctions(t, func() {
		res, err := roundTrip(t, context.Background(), `async () => {
			const chunks = ["", "a", "", "bc", "d".repeat(100000), ""].map((text) => new TextEncoder().encode(text));
			return new Response(new ReadableStream({ pull(controller) { chunks.length ? controller.enqueue(chunks.shift()) : controller.close() } }));
		}`)
		if err != nil {
			t.Fatal(err)
		}
		if body := readAll(t, res); body != "abc"+strings.Repeat("d", 100000) {
			t.Errorf("%d bytes", len(body))
		}
	})
}

func TestFetchStopsAtTheLimit(t *testing.T) {
	releasesFunctions(t, func() {
		res, err := roundTrip(t, context.Background(), `async () => new Response(new ReadableStream({
			start() { globalThis.cancelled = false; globalThis.pulls = 0 },
			pull(controller) { globalThis.pulls++; controller.enqueue(new Uint8Array(1000)) },
			cancel() { globalThis.cancelled = true; return Promise.reject(new Error("own")) },
		}))`)
		if err != nil {
			t.Fatal(err)
		}
		if body := readAll(t, res); len(body) != limit+1 {
			t.Errorf("%d bytes were brought over", len(body))
		}
		becomesTrue(t, "cancelled && pulls < 210")
		time.Sleep(5 * time.Millisecond) // lets the rejection of cancel arrive
	})
}

func TestFetchBelowTheLimit(t *testing.T) {
	for _, size := range []int{0, 1, limit - 1, limit} {
		res, err := roundTrip(t, context.Background(), "async () => new Response(new Uint8Array("+strconv.Itoa(size)+"))")
		if err != nil {
			t.Fatal(err)
		}
		if body := readAll(t, res); len(body) != size {
			t.Errorf("%d bytes came as %d", size, len(body))
		}
	}
}

func TestFetchContextEnded(t *testing.T) {
	cause := errors.New("cause")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	if _, err := roundTrip(t, ctx, "() => { globalThis.wasCalled = true }"); err != cause {
		t.Errorf("err = %v", err)
	}
	if !evaluate(t, "globalThis.wasCalled").IsUndefined() {
		t.Error("fetch was called")
	}
}

// abortsAfterwards runs a fetch that has not settled when its context ends.
func abortsAfterwards(t *testing.T, fetch string) {
	t.Helper()
	cause := errors.New("cause")
	ctx, cancel := context.WithCancelCause(context.Background())
	evaluate(t, "globalThis.isCalled = false")
	called := "(...args) => { globalThis.isCalled = true; return (" + fetch + ")(...args); }"
	go func() {
		becomesTrue(t, "isCalled") // a slow machine may take its time
		time.Sleep(5 * time.Millisecond)
		cancel(cause)
	}()
	if _, err := roundTrip(t, ctx, called); err != cause {
		t.Errorf("err = %v", err)
	}
}

func TestFetchThatNeverSettles(t *testing.T) {
	abortsAfterwards(t, "(url, { signal }) => new Promise(() => { globalThis.lastSignal = signal })")
	becomesTrue(t, "lastSignal.aborted")
}

func TestFetchThatSettlesAfterTheAbort(t *testing.T) {
	for _, end := range []string{
		"resolve(new Response(new ReadableStream({ cancel() { globalThis.cancelled = true } })))",
		"resolve({ status: 200, headers: [], body: { getReader: () => ({ cancel() { globalThis.cancelled = true; throw new Error('own') } }) } })",
		"(globalThis.cancelled = true, reject(new Error('own')))",
		"(globalThis.cancelled = true, resolve(undefined))",
		"(globalThis.cancelled = true, resolve({ body: 5 }))",
	} {
		releasesFunctions(t, func() {
			evaluate(t, "globalThis.cancelled = false")
			abortsAfterwards(t, "(url, { signal }) => new Promise((resolve, reject) => { signal.onabort = () => setTimeout(() => "+end+", 5) })")
			becomesTrue(t, "cancelled")
			time.Sleep(5 * time.Millisecond)
		})
	}
}

func TestFetchAbortWhileTheBodyIsRead(t *testing.T) {
	for _, reaction := range []string{"", "signal.onabort = () => controller.error(signal.reason)"} {
		evaluate(t, "globalThis.cancelled = false")
		abortsAfterwards(t, `async (url, { signal }) => {
			globalThis.lastSignal = signal;
			return new Response(new ReadableStream({
				start(controller) { controller.enqueue(new Uint8Array([97])); `+reaction+` },
			}));
		}`)
		becomesTrue(t, "lastSignal.aborted")
	}
}
