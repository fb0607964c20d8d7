package sandbox

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Grants take no more memory than is counted, whatever is long in them, and a bound holds.
func TestGrantsAreBoundedByTheirBytes(t *testing.T) {
	pad := strings.Repeat("x", 15<<10)
	scope := `{"type":"quote","actions":["read"],"identifier":"` + strings.Repeat("i", 2<<10) + `"}`
	for name, body := range map[string]func(c *tester) string{
		"small":          func(c *tester) string { return c.grantBody(incoming, "") },
		"to be approved": func(c *tester) string { return c.grantBody(outgoing, finishMember) },
		"identifiers":    func(c *tester) string { return c.grantBody(scope+","+scope+","+scope, "") },
		"unknown member": func(c *tester) string { return strings.Replace(c.grantBody(incoming, ""), "{", `{"x":"`+pad+`",`, 1) },
		"nonce": func(c *tester) string {
			return c.grantBody(outgoing, strings.Replace(finishMember, "client-nonce", pad, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, Config{})
			auth := c.server.(*Server).auth
			request := body(c)
			before := heap()
			for range 60 {
				want(t, c.send("POST", base+"/auth/", "", request), http.StatusOK, "")
			}
			// the nonces of the signatures are remembered too, but only as hashes
			counted := auth.Held().GrantBytes
			if took := heap() - before - 60*200; took > int64(counted) {
				t.Errorf("a grant takes %d bytes, counted are %d", took/60, counted/60)
			}
			runtime.KeepAlive(c)
		})
	}
}

// heap returns how many bytes live on the heap.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// Whoever holds a connection open with a body that never ends is cut off, wherever the body goes to.
func TestBodiesThatNeverEnd(t *testing.T) {
	wallet := New(Config{BodyTimeout: 50 * time.Millisecond})
	server := httptest.NewServer(wallet)
	defer server.Close()
	for _, target := range []string{
		"POST /auth/", "POST /auth/continue/" + unknownID, "DELETE /auth/token/" + unknownID, "PUT /clients/x/jwks.json",
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{", target)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%s: %s", target, response.Status)
		}
	}
}
