#!/bin/sh
# Puts the extension and the built package into a folder that a browser can load.
# Arguments: the folder to write, and the package (dist/ of this repository).
set -eu
out=${1:?usage: build.sh OUTDIR [DIST]}
here=$(cd "$(dirname "$0")" && pwd)
dist=${2:-$here/../../dist}
[ -f "$dist/open-payments.wasm" ] || { echo "$dist is not built: run make build" >&2; exit 1; }

mkdir -p "$out"
cp -R "$here/manifest.json" "$here"/*.html "$here"/*.css "$here"/*.js "$here/icons" "$out/"
rm -rf "$out/open-payments-wasm"
mkdir "$out/open-payments-wasm"
for file in "$dist"/*; do
  case $file in
    *.br | *.gz | *.d.ts | *.md) ;; # for servers, editors and readers
    *) cp -RL "$file" "$out/open-payments-wasm/" ;; # files themselves: Firefox takes no links
  esac
done
