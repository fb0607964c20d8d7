package resourceserver

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A response that is lost was processed.
func TestLostResponses(t *testing.T) {
	lose := false
	f := start(t, func(c *Config) {
		c.Faults.Response = func(r *http.Request) ResponseFault { return ResponseFault{Lose: lose && r.Method == "POST"} }
	})
	quote := f.quote(f.expect(shop, "").ID, `,"debitAmount":`+amount("10", "USD"))
	served := httptest.NewServer(f.mux)
	defer served.Close()
	lose = true
	r, err := http.NewRequest("POST", served.URL+"/op/outgoing-payments", strings.NewReader(`{"walletAddress":"`+alice+`","quoteId":"`+quote.ID+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "GNAP all")
	r.Header.Set("Signature", "good")
	r.Header.Set("Content-Type", "application/json")
	if response, err := http.DefaultClient.Do(r); err == nil {
		response.Body.Close()
		t.Errorf("the response came: %d", response.StatusCode)
	}
	if got := f.get(strings.Replace(quote.ID, "quotes", "outgoing-payments", 1), ""); got.status != 200 || got.SentAmount.Value != "10" {
		t.Errorf("%s", got.text)
	}
}

func TestSlowResponses(t *testing.T) {
	const delay = 50 * time.Millisecond
	f := start(t, func(c *Config) {
		c.Faults.Response = func(*http.Request) ResponseFault { return ResponseFault{Delay: delay} }
	})
	before := time.Now()
	want(t, f.get("/alice", ""), 200, "")
	if took := time.Since(before); took < delay {
		t.Errorf("the response took %s", took)
	}
}
