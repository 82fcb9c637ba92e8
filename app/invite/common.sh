# What all scripts have: a POSIX shell, no more than coreutils or busybox beside it. Lines
# that begin with "hither:" are for the other side; all else is a login script's noise.
set -u
umask 022
LC_ALL=C
export LC_ALL
# A login by ssh may have less than the programs here need.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
[ -d "$XDG_RUNTIME_DIR" ] && export XDG_RUNTIME_DIR || unset XDG_RUNTIME_DIR
nl='
'
# say KEY TEXT: one line, whatever the text is.
say() { printf 'hither:%s %s\n' "$1" "$(printf %s "${2-}" | tr '\n\r' '  ' | cut -c 1-4000)"; }
# fail WHY TEXT ends the script; its EXIT trap takes back what was made.
fail() { say fail "$1 ${2-}"; exit 1; }

user=$(id -un) || fail system "id: there is no name for $(id -u)"
state=${XDG_DATA_HOME:-$HOME/.local/share}/hither
unit=$HOME/.config/systemd/user/hither.service
sysunit=/etc/systemd/system/hither@.service
mark='# made by hither host add'
lingermark='# and so was its linger'

# found: where the program is, and how it came there.
found() {
  for bin in "$HOME/.local/bin/hither" /usr/local/bin/hither /usr/bin/hither; do
    [ -x "$bin" ] && return 0
  done
  bin=
  return 1
}
packaged() { command -v dpkg-query >/dev/null 2>&1 && [ "$(dpkg-query -W -f '${db:Status-Status}' hither 2>/dev/null)" = installed ]; }
sumof() { sha256sum <"$1" | cut -d ' ' -f 1; }
# root runs a command as root; asroot was called before.
asroot() {
  root=
  [ "$(id -u)" = 0 ] && return 0
  why=$(sudo -n true 2>&1 </dev/null) || fail sudo "$why"
  root='sudo -n'
}
systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; }
usersystemd() { systemd && [ -n "${XDG_RUNTIME_DIR-}" ] && systemctl --user show-environment >/dev/null 2>&1; }
cronline() { command -v crontab >/dev/null 2>&1 && crontab -l 2>/dev/null | grep -F "$mark" >/dev/null; }
# uncron takes our line out; a table that has nothing else goes.
uncron() {
  rest=$(crontab -l 2>/dev/null | grep -v -F "$mark")
  if [ -n "$rest" ]; then printf '%s\n' "$rest" | crontab -; else crontab -r; fi
}
stopped() { ! status >/dev/null; }
status() { "$bin" status --json 2>/dev/null; }
# within SECONDS COMMAND: tries until it is true.
within() {
  until=$(($(date +%s) + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$until" ] || return 1
    sleep 1
  done
}
