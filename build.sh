#!/usr/bin/env bash
# Writes dist/, a complete npm package, with nothing but Go. Arguments: the folder to write
# (dist) and Go build tags (none). COMPRESS=no leaves the precompressed copies out.
set -euo pipefail
cd "$(dirname "$0")"
out=${1:-dist}
tags=${2:-}

mkdir -p "$out"
rm -rf "${out:?}"/*
GOOS=js GOARCH=wasm go build -trimpath -buildvcs=false -tags "$tags" -ldflags="-s -w" -o "$out/open-payments.wasm" ./wasm
cp wasm/sdk/* "$out/"

# wasm_exec.js of the Go that compiled the module, as an ES module. It sees a scope of ours as its
# globalThis, so the page's globals stay untouched and every instance has its own.
{
  echo '// Go'"'"'s support for WebAssembly, wrapped: its globalThis is the scope that it is given.'
  echo 'export default function wrapGo(globalThis) {'
  echo '  const { console, crypto, performance, setTimeout, clearTimeout, TextEncoder, TextDecoder } = globalThis;'
  echo '  let fs; // wasm_exec.js assigns globalThis.fs and reads fs'
  echo '  Object.defineProperty(globalThis, "fs", { get: () => fs, set: (value) => { fs = value; } });'
  cat "$(go env GOROOT)/lib/wasm/wasm_exec.js"
  echo '  return globalThis.Go;'
  echo '}'
} > "$out/wasm_exec.js"

# Third-party notices of what is linked into the module.
{
  echo "open-payments-wasm contains the following third-party software."
  printf '\n==== Go (%s)\n\n' "$(go env GOVERSION)"
  cat "$(go env GOROOT)/LICENSE"
  GOOS=js GOARCH=wasm go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./wasm | sort -u |
    while read -r path version dir; do
      printf '\n==== %s %s\n\n' "$path" "$version"
      licences=$(find "$dir" -maxdepth 1 -type f \( -iname 'licen[sc]e*' -o -iname 'copying*' \))
      [ -n "$licences" ] || { echo "no licence found for $path" >&2; exit 1; }
      cat $licences
    done
} > "$out/THIRD_PARTY_NOTICES"

if [ "${COMPRESS:-yes}" = yes ]; then
  if command -v gzip >/dev/null; then gzip -9 -n -k "$out/open-payments.wasm"; fi
  if command -v brotli >/dev/null; then brotli -q 11 -k "$out/open-payments.wasm"; fi
fi
ls -l "$out"
