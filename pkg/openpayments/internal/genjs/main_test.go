package main

import (
	"os"
	"testing"
)

func TestModuleIsWhatTheTableSays(t *testing.T) {
	committed, err := os.ReadFile("../../../../wasm/sdk/operations.js")
	if err != nil {
		t.Fatal(err)
	}
	if string(committed) != module() {
		t.Error("wasm/sdk/operations.js is not what the operations come to: go generate ./pkg/openpayments")
	}
}
