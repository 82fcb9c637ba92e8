#!/usr/bin/env bash
# Shows Hither with one computer: a second host "cloud" on this machine, with
# a libvirt of its own and a small VM, paired with this one. Run it again and
# it goes on where it was; build/demo.sh end takes the cloud away.
set -euo pipefail
cd "$(dirname "$0")/.."
hither=bin/hither
cloud=${XDG_DATA_HOME:-$HOME/.local/share}/hither-demo
mkdir -p "$cloud"

# field NAME gives the first text field of that name in a JSON object.
field() { grep -oE "\"$1\": *\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }

if [ "${1:-}" = end ]; then
  if ! "$hither" status --home "$cloud" >/dev/null 2>&1; then
    echo "The host cloud does not run."
    exit
  fi
  "$hither" host forget cloud || true # it may not be paired
  exec "$hither" down --machines --home "$cloud"
fi

if ! "$hither" status --home "$cloud" >/dev/null 2>&1; then
  echo "Starting the host cloud …"
  # Its desktop is one of its own, not this session's.
  env -u DISPLAY -u WAYLAND_DISPLAY setsid "$hither" up --home "$cloud" --name cloud --libvirt private --web off \
    >>"$cloud/node.log" 2>&1 </dev/null &
  for _ in $(seq 300); do
    "$hither" status --home "$cloud" >/dev/null 2>&1 && break
    sleep 0.2
  done
fi
id=$("$hither" status --json --home "$cloud" | field id)

"$hither" machine ls >/dev/null # starts this computer's node
if ! "$hither" host show "$id" >/dev/null 2>&1; then
  echo "Pairing …"
  exec 4< <("$hither" pair --json --home "$cloud")
  read -r line <&4
  "$hither" pair "$(field code <<<"$line")" --addr "$(field addr <<<"$line")"
  cat <&4 >/dev/null # the other side has it too
  exec 4<&-
fi

if ! "$hither" machine show "$id/hello" >/dev/null 2>&1; then
  echo "Creating the machine hello …"
  "$hither" machine create "$id/hello" --memory 128MiB --cpus 1
fi
case $("$hither" machine show "$id/hello" --json | field state) in
  off|failed) "$hither" machine start "$id/hello" ;;
esac
exec build/run.sh
