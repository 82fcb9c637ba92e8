# What build/screenshots.sh and build/try.sh have in common: a desktop of its own
# and two nodes on this computer, "desk" and "cloud", which end with the script.
# It is sourced; it wants bin/hither and the name of the script.
hither=$PWD/bin/hither
dir=$(mktemp -d "/tmp/hither-$stage-XXXX")
pids=()
unset WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS
export HOME=$dir/desk HITHER_HOME=$dir/desk/node LANGUAGE= LC_ALL=
mkdir -p "$HOME" "$dir/cloud"

finish() {
  set +e
  "$hither" down --machines >/dev/null 2>&1
  cloud down --machines >/dev/null 2>&1
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do kill "${pids[i]}" 2>/dev/null; done
  wait
  rm -rf "$dir"
}
trap finish EXIT
cloud() { HOME=$dir/cloud "$hither" "$@" --home "$dir/cloud/node"; }

# run LOG PROGRAM… runs a program until this script ends.
run() {
  local log=$dir/$1.log
  shift
  "$@" >>"$log" 2>&1 </dev/null 3>&- &
  pids+=($!)
}
# until_ok SECONDS PROGRAM… waits until a program says yes.
until_ok() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ]; then
      echo "waited in vain for: $*" >&2
      tail -n 20 "$dir"/*.log >&2
      return 1
    fi
    sleep 0.3
  done
}
# field NAME gives the first field of that name in a JSON object.
field() { grep -oE "\"$1\": *\"?[^\",}]*" | head -n 1 | sed -E 's/.*: *"?//'; }

# desktop WIDTHxHEIGHT makes a display as a person's desktop. A server that ends
# meanwhile may take away the socket of the one that takes its number, so it is
# asked whether it answers; without -noreset it would begin anew when that was
# answered, and miss who comes then.
desktop() {
  local number
  mkfifo "$dir/number"
  for _ in 1 2 3 4 5; do
    Xvfb -displayfd 3 -screen 0 "$1x24" -nolisten tcp -noreset 3<>"$dir/number" >"$dir/xvfb.log" 2>&1 &
    pids+=($!)
    read -r number <"$dir/number"
    export DISPLAY=:$number
    xprop -root >/dev/null 2>&1 && break
  done
  run openbox openbox --sm-disable
  until_ok 90 wmctrl -m
  xsetroot -solid '#3b4a5e'
}
# desk_up LIBVIRT WEB starts this computer's node, cloud_up the other one, and
# paired makes them know each other.
desk_up() {
  run desk "$hither" up --name desk --libvirt "$1" --listen 127.0.0.1:0 --web "$2"
  until_ok 90 "$hither" status
}
cloud_up() {
  HOME=$dir/cloud run cloud env -u DISPLAY "$hither" up --home "$dir/cloud/node" --name cloud \
    --libvirt private --listen 127.0.0.1:0 --web off
  cloud_pid=${pids[-1]}
  until_ok 90 cloud status
}
paired() {
  local line
  exec 4< <(cloud pair --json)
  read -r line <&4
  "$hither" pair "$(field code <<<"$line")" --addr "$(field addr <<<"$line")"
  cat <&4 >/dev/null # the other side has it too
  exec 4<&-
  until_ok 90 "$hither" machine show cloud/self
}
