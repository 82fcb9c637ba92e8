#!/usr/bin/env bash
# Starts the node if none runs and opens the library: the desktop window where
# there is a display, else the address of the page in a browser.
set -euo pipefail
cd "$(dirname "$0")/.."
export LANG=${LANG:-C.UTF-8}
case $LANG in C|POSIX|C.*) export LANG=en_US.UTF-8 ;; esac

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  exec bin/hither-desktop "$@"
fi
echo "There is no display here. Open this address in a browser on this computer:"
exec bin/hither web "$@"
