package openpayments

import (
	"encoding/json"

	"open-payments-wasm/pkg/signedhttp"
)

// Read returns a document of the text of one, which was checked: T is a type of this package for it. What is of another
// type, because nothing was checked, stays zero.
func Read[T any](text json.RawMessage) *T {
	document := new(T)
	signedhttp.Unmarshal(text, document)
	return document
}
