// Command generate writes js/protocol.js, from internal/protocol.
package main

import (
	"log"
	"os"

	"open-payments-wasm/wasm/postlink/internal/protocol"
)

func main() {
	if err := os.WriteFile("../../js/protocol.js", []byte(protocol.JavaScript()), 0o644); err != nil {
		log.Fatal(err)
	}
}
