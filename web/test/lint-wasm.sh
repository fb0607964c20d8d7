#!/bin/sh
# The linters of the packages that are built for the browser. The tools run natively, the code
# that they read is js/wasm; so they are built before GOOS is set.
set -eu
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
go build -o "$tools/" honnef.co/go/tools/cmd/staticcheck github.com/hack-pad/safejs/jsguard/cmd/jsguard
export GOOS=js GOARCH=wasm
"$tools/staticcheck" -tags faults ./wasm ./pkg/jsbridge
"$tools/jsguard" ./wasm/... ./pkg/jsbridge/...
