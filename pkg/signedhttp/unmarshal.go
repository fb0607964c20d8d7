package signedhttp

import (
	"cmp"
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// Unmarshal reads a JSON object into a struct, which into points to, and its text into a member Raw. Members are found by
// their exact names and of two the last counts, as in JavaScript: encoding/json would take "Completed" for completed.
// What is of another type stays zero, and then it returns false. Integers are exact up to 2 to the power of 53. Times are those of
// RFC 3339; a time that is none stays zero, and is no fault: servers are not held to it.
func Unmarshal(text json.RawMessage, into any) (fits bool) {
	return readValue(text, reflect.ValueOf(into).Elem())
}

func readValue(text json.RawMessage, into reflect.Value) (fits bool) {
	switch target := into.Addr().Interface().(type) {
	case *json.RawMessage:
		*target = text
		return true
	case *time.Time:
		*target, _ = ParseTime(Text(text))
		return true
	}
	switch into.Kind() {
	case reflect.Struct:
		return readMembers(text, into)
	case reflect.Pointer:
		if string(text) == "null" {
			return true
		}
		into.Set(reflect.New(into.Type().Elem()))
		return readValue(text, into.Elem())
	case reflect.Slice:
		return readItems(text, into)
	case reflect.Int, reflect.Int64: // 2.0 is one
		number, _ := Decode(text)
		float, isNumber := number.(float64)
		into.SetInt(int64(float))
		return isNumber
	}
	return json.Unmarshal(text, into.Addr().Interface()) == nil
}

func readItems(text json.RawMessage, into reflect.Value) (fits bool) {
	if string(text) == "null" {
		return true
	}
	var items []json.RawMessage
	fits = json.Unmarshal(text, &items) == nil
	into.Set(reflect.MakeSlice(into.Type(), len(items), len(items)))
	for i, item := range items {
		fits = readValue(item, into.Index(i)) && fits
	}
	return fits
}

func readMembers(text json.RawMessage, into reflect.Value) (fits bool) {
	members := Members(text)
	fits = members != nil
	for i := range into.NumField() {
		field := into.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Name == "Raw" {
			into.Field(i).SetBytes(text)
		} else if member, there := members[cmp.Or(name, field.Name)]; there {
			fits = readValue(member, into.Field(i)) && fits
		}
	}
	return fits
}
