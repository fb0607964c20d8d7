package sandbox

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"open-payments-wasm/pkg/sandbox/internal/resourceserver"
	"open-payments-wasm/pkg/sandbox/internal/respond"
)

// Faults are functions that say what shall go wrong: with responses of the resource server, and with payments.
type Faults = resourceserver.Faults

// ResponseFault is what happens to a response of the resource server, whose request is processed in any case.
type ResponseFault = resourceserver.ResponseFault

// PaymentInfo describes an outgoing payment to Faults.
type PaymentInfo = resourceserver.PaymentInfo

// PaymentFault is what happens to an outgoing payment.
type PaymentFault = resourceserver.PaymentFault

// FaultPlan is the JSON that is put at /faults: what shall go wrong from then on, in place of what was put before. Each
// fault happens to the first things that it is meant for, and to no more of them than it says. What Config.Faults says
// happens where nothing of the plan does.
//
//	{"responses":[{"method":"POST","path":"/op/outgoing-payments","times":1,"lose":true}],
//	 "payments":[{"wallet":"alice","times":2,"fail":true,"sent":"250"}]}
type FaultPlan struct {
	Responses []*ResponsePlan `json:"responses"`
	Payments  []*PaymentPlan  `json:"payments"`
	// ClockAheadMs is how much later it is for the resource server than it is, in milliseconds.
	ClockAheadMs int64 `json:"clockAheadMs"`
}

// ResponsePlan is a fault of responses of the resource server.
type ResponsePlan struct {
	// Method and Path are of the requests for which it is; Path is how their path begins, below the base URL. "": all.
	Method string `json:"method"`
	Path   string `json:"path"`
	// Times is how often it happens.
	Times int `json:"times"`
	// DelayMs is how late the response is, in milliseconds.
	DelayMs int `json:"delayMs"`
	// Lose closes the connection in place of the response.
	Lose bool `json:"lose"`
}

// PaymentPlan is a fault of outgoing payments.
type PaymentPlan struct {
	// Wallet is the name of the wallet whose payments it is for. "": all.
	Wallet string `json:"wallet"`
	// Times is how often it happens.
	Times int `json:"times"`
	// Fail makes the payment fail, after it has sent an amount, in the smallest unit of the wallet's asset. "": nothing.
	Fail bool   `json:"fail"`
	Sent string `json:"sent"`
}

const mostAhead = 10 * 365 * 24 * time.Hour

// faultList is the plan that was put, and how much of it is still to come.
type faultList struct {
	mu   sync.Mutex
	plan FaultPlan
}

// withPlan returns faults that ask the plan first.
func (s *Server) withPlan(faults Faults) Faults {
	if s.config.FaultSecret == "" {
		return faults
	}
	return Faults{
		Response: func(r *http.Request) ResponseFault {
			if fault, planned := s.faults.response(r); planned || faults.Response == nil {
				return fault
			}
			return faults.Response(r)
		},
		Payment: func(p PaymentInfo) PaymentFault {
			if fault, planned := s.faults.payment(p); planned || faults.Payment == nil {
				return fault
			}
			return faults.Payment(p)
		},
	}
}

// now is the time of the resource server.
func (l *faultList) now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Add(time.Duration(l.plan.ClockAheadMs) * time.Millisecond)
}

func (l *faultList) response(r *http.Request) (fault ResponseFault, planned bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, plan := range l.plan.Responses {
		if plan.Times > 0 && (plan.Method == "" || plan.Method == r.Method) && strings.HasPrefix(r.URL.Path, plan.Path) {
			plan.Times--
			return ResponseFault{Delay: time.Duration(plan.DelayMs) * time.Millisecond, Lose: plan.Lose}, true
		}
	}
	return ResponseFault{}, false
}

func (l *faultList) payment(p PaymentInfo) (fault PaymentFault, planned bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, plan := range l.plan.Payments {
		if plan.Times > 0 && (plan.Wallet == "" || plan.Wallet == p.Wallet) {
			plan.Times--
			sent, _ := strconv.ParseUint(plan.Sent, 10, 64) // was checked
			return PaymentFault{Fail: plan.Fail, Sent: sent}, true
		}
	}
	return PaymentFault{}, false
}

// putFaults takes a plan from who knows the secret.
func (s *Server) putFaults(r *http.Request) (any, error) {
	given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if subtle.ConstantTimeCompare([]byte(given), []byte(s.config.FaultSecret)) != 1 {
		return nil, respond.FailPlain(http.StatusUnauthorized, "the secret of faults goes into Authorization: Bearer")
	}
	body, err := respond.ReadBody(r)
	if err != nil {
		return nil, err
	}
	var plan FaultPlan
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&plan); err != nil {
		return nil, respond.FailSchema("body: %s", err)
	}
	if err := plan.check(); err != nil {
		return nil, err
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.plan = plan
	return nil, nil
}

func (p FaultPlan) check() error {
	for _, response := range p.Responses {
		if response == nil || response.Times < 1 || response.DelayMs < 0 {
			return respond.FailSchema("body: times must be 1 or more, and delayMs 0 or more")
		}
	}
	if p.ClockAheadMs < 0 || p.ClockAheadMs > mostAhead.Milliseconds() {
		return respond.FailSchema("body: clockAheadMs must be 0 or more, and no more than ten years")
	}
	for _, payment := range p.Payments {
		if payment == nil || payment.Times < 1 {
			return respond.FailSchema("body: times must be 1 or more")
		}
		if _, err := strconv.ParseUint(payment.Sent, 10, 64); err != nil && payment.Sent != "" {
			return respond.FailSchema("body: sent must be an amount as text")
		}
	}
	return nil
}
