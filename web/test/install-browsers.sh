#!/bin/sh
# Sees to it that Chromium and Firefox are there: what is installed, else Debian's packages as
# root, else it says what to install.
set -eu
missing=""
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing="$missing chromium"
[ -x "${FIREFOX:-/usr/bin/firefox-esr}" ] || missing="$missing firefox-esr"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update && apt-get install -y --no-install-recommends $missing
  exit 0
fi
echo "The tests need these browsers:$missing. Install them, or name yours in CHROMIUM and FIREFOX." >&2
exit 1
