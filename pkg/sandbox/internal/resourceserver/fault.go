package resourceserver

import (
	"encoding/json"
	"net/http"
	"time"
)

// Faults are what shall go wrong, for tests of clients. The functions are called from many goroutines at once; nil: nothing.
type Faults struct {
	// Response is asked about every request, before it is processed.
	Response func(r *http.Request) ResponseFault
	// Payment is asked about every outgoing payment when it is to be delivered, once. Other deliveries wait for it.
	Payment func(p PaymentInfo) PaymentFault
}

// ResponseFault is what happens to a response. The request is processed in any case.
type ResponseFault struct {
	// Delay is how late it is.
	Delay time.Duration
	// Lose closes the connection without a response, after the delay.
	Lose bool
}

// PaymentInfo describes an outgoing payment.
type PaymentInfo struct {
	ID            string
	Wallet        string // its name
	Receiver      string
	DebitAmount   Amount
	ReceiveAmount Amount
	Metadata      json.RawMessage
}

// PaymentFault is what happens to an outgoing payment.
type PaymentFault struct {
	// Fail makes it fail.
	Fail bool
	// Sent is how much of its debit asset it sends before it fails, at most what it would have sent. Less is sent where
	// less pays for what is received, and nothing where nothing would be received.
	Sent uint64
}

func (f Faults) ofResponse(r *http.Request) ResponseFault {
	if f.Response == nil {
		return ResponseFault{}
	}
	return f.Response(r)
}

func (f Faults) ofPayment(p PaymentInfo) PaymentFault {
	if f.Payment == nil {
		return PaymentFault{}
	}
	return f.Payment(p)
}

func (f ResponseFault) happen(r *http.Request) {
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
		}
	}
	if f.Lose {
		panic(http.ErrAbortHandler) // net/http closes the connection
	}
}
