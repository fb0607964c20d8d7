package protocol

import (
	"os"
	"testing"
)

func TestJavaScriptIsGenerated(t *testing.T) {
	written, err := os.ReadFile("../../js/protocol.js")
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != JavaScript() {
		t.Error("js/protocol.js is another: go generate ./wasm/postlink/...")
	}
}
