#!/usr/bin/env bash
# Writes dist/, a complete npm package, with nothing but Go. Arguments: the folder to write
# (dist) and Go build tags (none). COMPRESS=no leaves the precompressed copies out. PLAIN=yes leaves the module
# as Go's linker wrote it: larger, slower to start, and there for a Go that the post-linker does not know. OFF=jumps,tables
# leaves out passes of the post-linker, and WHY=main.main says why a function is in the primary or in the deferred module.
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-dist}
tags=${2:-}

mkdir -p "$out"
rm -rf "${out:?}"/*
# Inlining makes calls a fifth faster and the start no slower; in cryptography, most of which is linked
# and never used, it would cost 50 kB (brotli).
GOOS=js GOARCH=wasm go build -trimpath -buildvcs=false -tags "$tags" -ldflags=-w \
  -gcflags=crypto/...=-l -gcflags=math/big=-l -o "$out/open-payments.wasm" ./wasm
cp wasm/sdk/* wasm/postlink/js/*.js pkg/jsbridge/host.js "$out/"

# wasm_exec.js of the Go that compiled the module, as an ES module. It sees a scope of ours as its
# globalThis, so the page's globals stay untouched and every instance has its own.
{
  echo '// Go'"'"'s support for WebAssembly, wrapped: its globalThis is the scope that it is given.'
  echo '/*! wasm_exec.js: Copyright The Go Authors, BSD-3-Clause; see THIRD_PARTY_NOTICES. */'
  echo 'export default function wrapGo(globalThis) {'
  echo '  const { console, crypto, performance, setTimeout, clearTimeout, TextEncoder, TextDecoder } = globalThis;'
  echo '  let fs; // wasm_exec.js assigns globalThis.fs and reads fs'
  echo '  Object.defineProperty(globalThis, "fs", { get: () => fs, set: (value) => { fs = value; } });'
  cat "$(go env GOROOT)/lib/wasm/wasm_exec.js"
  echo '  return globalThis.Go;'
  echo '}'
} > "$out/wasm_exec.js"

# A primary module and a deferred one, one script, integrity.json and THIRD_PARTY_NOTICES.
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
go build -o "$tools/npm" ./wasm/npm
"$tools/npm" -tags "$tags" ${PROFILE:+-profile} ${PLAIN:+-plain} ${OFF:+-off "$OFF"} ${WHY:+-why "$WHY"} "$out"

if [ "${COMPRESS:-yes}" = yes ]; then
  if command -v gzip >/dev/null; then gzip -9 -n -k "$out"/*.wasm; fi
  if command -v brotli >/dev/null; then brotli -q 11 -k "$out"/*.wasm; fi
fi
ls -l "$out"
