package payment_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"open-payments-wasm/pkg/gnap"
	"open-payments-wasm/pkg/openpayments"
	"open-payments-wasm/pkg/openpayments/payment"
	"open-payments-wasm/pkg/signedhttp"
)

// filled sets every member of a struct that can be set, so that nothing is left out.
func filled(value reflect.Value) {
	switch value.Kind() {
	case reflect.Struct:
		for i := range value.NumField() {
			if !value.Type().Field(i).IsExported() { // it is not written
				continue
			}
			filled(value.Field(i))
		}
	case reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		filled(value.Elem())
	case reflect.Slice:
		if value.Type() == reflect.TypeFor[json.RawMessage]() {
			value.SetBytes([]byte(`{"a":[1]}`))
			return
		}
		value.Set(reflect.MakeSlice(value.Type(), 2, 2))
		filled(value.Index(0))
	case reflect.String:
		value.SetString("text <&> \u2028")
	case reflect.Int, reflect.Int64:
		value.SetInt(1_790_000_000_123)
	case reflect.Bool:
		value.SetBool(true)
	default:
		panic(value.Type())
	}
}

func TestARecordIsWrittenAndReadWithoutTheEncoderOfGo(t *testing.T) {
	whole := &payment.Record{}
	filled(reflect.ValueOf(whole).Elem())
	for _, record := range []*payment.Record{whole, {ID: "i", Key: "k", KeyID: "key", Step: payment.StepPreparing}} {
		text, err := signedhttp.Marshal(record)
		if err != nil || !signedhttp.IsPlain(record) {
			t.Fatalf("%s: %v", text, err)
		}
		var byGo payment.Record
		if err := json.Unmarshal(text, &byGo); err != nil || !reflect.DeepEqual(&byGo, record) {
			t.Errorf("encoding/json reads %+v (%v)", byGo, err)
		}
		if got := payment.ReadRecord(text); !reflect.DeepEqual(got, record) {
			t.Errorf("got %+v", got)
		}
	}
	for _, text := range []string{"", "null", "{}", `{"id":1}`} {
		if got := payment.ReadRecord(json.RawMessage(text)); got != nil {
			t.Errorf("%s is %+v", text, got)
		}
	}
	damaged := payment.ReadRecord(json.RawMessage(`{"id":"i","key":"k","keyId":"key","step":"preparing","tried":["a",1]}`))
	if damaged == nil || damaged.Key != "k" || damaged.IsWhole() {
		t.Errorf("damaged: %+v", damaged)
	}
}

// The encoder of encoding/json is not in the primary module (wasm/npm/keep.txt).
func TestMessagesOfPaymentsArePlain(t *testing.T) {
	at := time.Now().UTC().Truncate(time.Second)
	amount := openpayments.Amount{Value: "1", AssetCode: "EUR", AssetScale: 2}
	for _, message := range []any{
		openpayments.NewIncomingPayment{IncomingAmount: &amount, ExpiresAt: &at, Metadata: json.RawMessage(`{}`)},
		openpayments.NewQuote{DebitAmount: &amount, ReceiveAmount: &amount},
		openpayments.NewOutgoingPayment{DebitAmount: &amount, Metadata: json.RawMessage(`{}`)},
		gnap.GrantRequest{
			AccessToken: &gnap.AccessTokenRequest{Access: []gnap.Access{{Actions: []string{"read"}, Limits: struct{ A openpayments.Amount }{amount}}}},
			Client:      "https://shop.example", Interact: &gnap.InteractRequest{Start: []string{"redirect"}, Finish: &gnap.FinishRequest{}},
		},
		payment.Order{DebitAmount: &amount, ReceiveAmount: &amount, Metadata: json.RawMessage(`{}`)},
	} {
		if !signedhttp.IsPlain(message) {
			t.Errorf("%T needs the encoder of encoding/json", message)
		}
	}
}
