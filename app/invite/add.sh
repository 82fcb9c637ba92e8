# Brings the program, has it started, and pairs. Values, one a line: how the program comes
# (keep, copy, deb), its size and SHA-256, system (yes, no), the node's name and address ("" is
# the default), the ID of the node that asks. Then the program's bytes. The end of the
# input before the pairing takes everything back.
IFS= read -r how && IFS= read -r size && IFS= read -r sum && IFS= read -r system &&
  IFS= read -r name && IFS= read -r listen && IFS= read -r near || exit 1

made= kept=no again=no tmp= old= wanted= lingered= node= pairing= watching= scope= service=
# did NAME: undo_NAME takes it back, the last first.
did() { made="$1 $made"; }
paired() { "$bin" host ls --json 2>/dev/null | grep -F "\"$near\"" >/dev/null; }
ended() {
  code=$?
  trap - EXIT
  trap : TERM
  [ -z "$watching" ] || kill "$watching" 2>/dev/null
  [ -z "$tmp" ] || rm -f "$tmp"
  if [ -n "$pairing" ]; then # a pairing that came about counts, whoever heard of it
    while kill "$pairing" 2>/dev/null; do sleep 1; done
    paired && kept=yes
  fi
  if [ "$kept" = no ]; then
    for one in $made; do "undo_$one" >/dev/null 2>&1 </dev/null; done
    [ "$again" = no ] || restart >/dev/null 2>&1 </dev/null
  fi
  exit "$code"
}
trap ended EXIT
# What hangs up shall not end it before it has taken back what it made.
trap : HUP PIPE
trap 'exit 1' INT TERM

# directory DIR: makes it and its parents, and remembers those that it made.
dirs=
directory() {
  [ -d "$1" ] && return 0
  directory "$(dirname "$1")" || return 1
  why=$(mkdir "$1" 2>&1) || fail room "$why"
  dirs="$1$nl$dirs"
}
undo_dirs() { printf %s "$dirs" | while IFS= read -r one; do rmdir "$one"; done; }

receive() { # into $tmp
  say step receive
  why=$( (head -c "$size" >"$tmp") 2>&1) || fail room "$why"
  [ "$(sumof "$tmp")" = "$sum" ] || fail sum "$(wc -c <"$tmp") of $size bytes came whole"
  sync "$tmp" 2>/dev/null || sync
}
runs() { why=$("$1" --version 2>&1) || fail runs "$why"; }

undo_program() { if [ -n "$old" ]; then $root mv -f "$old" "$bin"; else $root rm -f "$bin"; fi; }
# place TMP PROGRAM: whoever looks sees the old program or the new one, whole.
place() {
  if [ -e "$2" ]; then
    $root ln -f "$2" "$2.old" || fail room "$2"
    old=$2.old
  fi
  did program
  why=$($root mv -f "$1" "$2" 2>&1) || fail room "$why"
}
copied() {
  if [ "$system" = yes ]; then
    asroot
    bin=/usr/local/bin/hither
    tmp=$(mktemp "${TMPDIR:-/tmp}/hither.XXXXXX" 2>&1) || fail room "$tmp"
    receive
    chmod 755 "$tmp"
    runs "$tmp"
    next=$bin.new
    why=$($root cp "$tmp" "$next" 2>&1) || { $root rm -f "$next"; fail room "$why"; }
    $root chown 0:0 "$next"
    $root chmod 755 "$next"
    place "$next" "$bin"
    rm -f "$tmp"
  else
    bin=$HOME/.local/bin/hither
    did dirs
    directory "$HOME/.local/bin"
    tmp=$(mktemp "$HOME/.local/bin/.hither.XXXXXX" 2>&1) || { why=$tmp tmp=; fail room "$why"; }
    receive
    chmod 755 "$tmp"
    runs "$tmp"
    place "$tmp" "$bin"
  fi
  tmp=
}
undo_package() { $root dpkg --purge hither; }
package() {
  command -v dpkg >/dev/null 2>&1 || fail package "there is no dpkg"
  asroot
  dir=$(mktemp -d "${TMPDIR:-/tmp}/hither.XXXXXX" 2>&1) || fail room "$dir"
  did download
  tmp=$dir/hither.deb
  receive
  chmod 755 "$dir"
  packaged || did package
  say step package
  if command -v apt-get >/dev/null 2>&1; then
    why=$($root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -y --no-install-recommends --allow-downgrades install "$tmp" 2>&1 </dev/null)
  else
    why=$($root dpkg -i "$tmp" 2>&1 </dev/null)
  fi || fail package "$(printf %s "$why" | tail -n 3)"
  rm -rf "$dir"
  tmp=
  bin=/usr/bin/hither
  runs "$bin"
}
undo_download() { rm -rf "$dir"; }

root=
[ "$system" = no ] || systemd || fail systemd
case $how in
  copy) copied ;;
  deb) package ;;
  keep) found || fail runs "the program is gone" ;;
  *) exit 1 ;;
esac
say program "$bin"
# From here on nothing comes but the end of the input.
exec 3<&0
(read -r word; kill "$$") <&3 >/dev/null 2>&1 &
watching=$!

# What the program is started with; both values have only letters, digits and . _ ~ - : [ ].
flags=
[ -z "$name" ] || flags="$flags --name $name"
[ -z "$listen" ] || flags="$flags --listen $listen"

fresh=
[ -e "$state" ] || { fresh=yes; did home; }
undo_home() {
  rm -rf "$state"
  rmdir "$HOME/Hither" "$(dirname "$state")" "$HOME/.local"
}
# What a node of ours has started does not outlive it.
undo_start() {
  within 60 settled # one that still begins hears nothing
  { [ -n "$fresh" ] && "$bin" down --machines; } || "$bin" down || [ -z "$node" ] || kill "$node"
  if [ -n "$node" ]; then wait "$node"; else within 60 stopped; fi
}
# settled: it answers, or has ended.
settled() { status || gone; }
gone() {
  if [ -n "$node" ]; then ! running "$node"; else systemctl $scope is-failed "$service"; fi
}
# running PID: it is there and no zombie.
running() { case $(cut -d ')' -f 2 "/proc/$1/stat" 2>/dev/null) in ''|' Z'*) return 1 ;; esac; }

unittext() { # DESCRIPTION PROGRAM USERLINE TARGET
  printf '%s\n' "$mark" '[Unit]' "Description=$1" Wants=network-online.target After=network-online.target '' '[Service]'
  [ -z "$3" ] || printf '%s\n' "$3"
  printf '%s\n' "ExecStart=$2 up$flags" Restart=on-failure '# Machines and apps survive the node.' KillMode=process '' '[Install]' "WantedBy=$4"
}
undo_sysunit() { $root systemctl disable --now "hither@$user"; [ -z "$wanted" ] || $root rm -f "$sysunit"; $root systemctl daemon-reload; }
undo_unit() { systemctl --user disable --now hither; [ -z "$wanted" ] || rm -f "$unit"; systemctl --user daemon-reload; }
undo_linger() { loginctl disable-linger; }
undo_cron() { uncron; }

asservice() { # of the system
  service=hither@$user
  asroot
  case $user in *[!a-zA-Z0-9_-]*) fail unit "the name $user is none for a unit" ;; esac
  did sysunit
  if [ ! -e "$sysunit" ] && [ ! -e /usr/lib/systemd/system/hither@.service ]; then
    wanted=yes
    unittext 'Hither, the node of %i' "$bin" 'User=%i' multi-user.target | $root tee "$sysunit" >/dev/null || fail unit "$sysunit"
  elif [ -n "$flags" ]; then
    say note flags
  fi
  why=$($root systemctl daemon-reload 2>&1 && $root systemctl enable --now "hither@$user" 2>&1) || fail unit "$why"
  say start systemd
}
lingers() {
  [ -e "/var/lib/systemd/linger/$user" ] && return 0
  why=$(loginctl --no-ask-password enable-linger 2>&1 </dev/null) || { say note "linger $why"; return 0; }
  did linger
  lingered=$lingermark
}
asuser() { # of the user's systemd
  scope=--user service=hither
  did dirs
  directory "${unit%/*}"
  did unit
  if [ ! -e "$unit" ] && [ ! -e /usr/lib/systemd/user/hither.service ]; then
    wanted=yes
    unittext 'Hither, the node of this computer' "$(printf %s "$bin" | sed "s|^$HOME/|%h/|")" '' default.target >"$unit" || fail unit "$unit"
    [ -z "$lingered" ] || printf '%s\n' "$lingered" >>"$unit"
  elif [ -n "$flags" ]; then
    say note flags
  fi
  why=$(systemctl --user daemon-reload 2>&1 && systemctl --user enable --now hither 2>&1) || fail unit "$why"
  say start systemd-user
}
asprocess() { # without systemd
  if cronline; then
    say start cron
  elif command -v crontab >/dev/null 2>&1 && why=$( (crontab -l 2>/dev/null; printf '@reboot exec "%s" up%s >/dev/null 2>&1 %s\n' '$HOME/.local/bin/hither' "$flags" "$mark") |
    sed "$([ "$bin" = "$HOME/.local/bin/hither" ] || printf %s "s|\\\$HOME/.local/bin/hither|$bin|")" | crontab - 2>&1); then
    did cron
    say start cron
  else
    say start nothing
  fi
  run
}
run() {
  session=
  command -v setsid >/dev/null 2>&1 && session=setsid
  [ -d "$state" ] || (umask 077 && mkdir -p "$state")
  # Its own standard files: a session of ssh ends when all who have its files do.
  (cd / && exec $session nohup "$bin" up $flags </dev/null >>"$state/node.log" 2>&1) &
  node=$!
}
# restart has the running node's place taken by the program as it is now.
restart() {
  if usersystemd && systemctl --user is-active hither >/dev/null 2>&1; then
    scope=--user service=hither
    systemctl --user restart hither
  elif systemd && systemctl is-active "hither@$user" >/dev/null 2>&1; then
    asroot
    service=hither@$user
    $root systemctl restart "hither@$user"
  else
    "$bin" down >/dev/null 2>&1
    within 60 stopped || fail start 'the old node does not end'
    run
  fi
}

say step start
if status >/dev/null; then
  if [ "$how" != keep ]; then
    again=yes
    restart
  fi
else
  did start
  if [ "$system" = yes ]; then
    asservice
  else
    systemd && lingers && within 10 usersystemd
    if usersystemd; then asuser; else asprocess; fi
  fi
fi
within 90 settled
if ! status >/dev/null; then
  why=$(tail -n 3 "$state/node.log" 2>/dev/null)
  fail start "${why:-$($root systemctl $scope status --no-pager -n 3 "$service" 2>&1 | tail -n 3)}"
fi
say status "$(status)"

if [ "$near" != - ] && ! paired; then
  say step pair
  "$bin" pair --json </dev/null 3<&- & # its line has the code and goes to the other side
  pairing=$!
  while kill -0 "$pairing" 2>/dev/null; do wait "$pairing"; done
  paired || fail pair
fi
kept=yes
[ -z "$old" ] || $root rm -f "$old"
say done
