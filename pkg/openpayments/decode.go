package openpayments

import (
	"encoding/json"
	"reflect"
	"time"

	"open-payments-wasm/pkg/signedhttp"
)

// decode reads a document that was checked into a struct of this package, and its text into Raw. Members are found by
// their exact names and of two the last counts, as they were checked: encoding/json would take "Completed" for completed.
// What is of another type, because nothing was checked, stays zero.
func decode(text json.RawMessage, into any) { decodeValue(text, reflect.ValueOf(into).Elem()) }

func decodeValue(text json.RawMessage, into reflect.Value) {
	switch target := into.Addr().Interface().(type) {
	case *json.RawMessage:
		*target = text
		return
	case *time.Time:
		*target, _ = time.Parse(time.RFC3339, signedhttp.Text(text))
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		decodeMembers(text, into)
	case reflect.Pointer:
		if string(text) != "null" {
			into.Set(reflect.New(into.Type().Elem()))
			decodeValue(text, into.Elem())
		}
	case reflect.Slice:
		var items []json.RawMessage
		_ = json.Unmarshal(text, &items)
		into.Set(reflect.MakeSlice(into.Type(), len(items), len(items)))
		for i, item := range items {
			decodeValue(item, into.Index(i))
		}
	case reflect.Int: // 2.0 is one
		number, _ := signedhttp.Decode(text)
		float, _ := number.(float64)
		into.SetInt(int64(float))
	default:
		_ = json.Unmarshal(text, into.Addr().Interface())
	}
}

func decodeMembers(text json.RawMessage, into reflect.Value) {
	members := signedhttp.Members(text)
	for i := range into.NumField() {
		field := into.Type().Field(i)
		if field.Name == "Raw" {
			into.Field(i).SetBytes(text)
		} else if member, there := members[field.Tag.Get("json")]; there {
			decodeValue(member, into.Field(i))
		}
	}
}
