#!/bin/sh
# Gives a cloud image a desktop on which its user is logged in, and apps, at its first start
# and, when that was cut off, at the next. $1: the file that says how far it is, which
# Hither reads through the guest agent: "installing", then "ready" or "failed APP…" for those
# that did not come. $2: the directory of LightDM's settings. $3: the user, or "" for the
# first of the system's people. The rest: apps, by the names of their packages.
state=$1 settings=$2 user=$3
shift 3
say() { mkdir -p "${state%/*}" && printf '%s\n' "$*" >"$state.new" && mv "$state.new" "$state"; }
case $(cat "$state" 2>/dev/null) in ready* | failed*) exit 0 ;; esac
say installing
export DEBIAN_FRONTEND=noninteractive
install() { apt-get -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 --no-install-recommends install "$@"; }
# What a person calls an app is a package of another name in some releases.
names() {
  case $1 in
    firefox) echo firefox-esr firefox ;;
    chromium) echo chromium chromium-browser ;;
    *) echo "$1" ;;
  esac
}
one() {
  for name in $(names "$1"); do install "$name" && return; done
  return 1
}
if ! command -v apt-get >/dev/null; then
  say failed "$@"
  exit 1
fi
apt-get -o Acquire::Retries=3 update
# The agent comes first: Hither sees through it how far this is.
install qemu-guest-agent && systemctl enable --now qemu-guest-agent
[ -n "$user" ] || user=$(getent passwd | awk -F: '$3 >= 1000 && $3 < 60000 { print $1; exit }')
mkdir -p "$settings"
printf '[Seat:*]\nautologin-user=%s\nautologin-user-timeout=0\nautologin-session=openbox\nuser-session=openbox\n' "$user" >"$settings/50-hither.conf"
failed=
install xserver-xorg-core xserver-xorg-input-libinput xserver-xorg-video-fbdev xserver-xorg-video-vesa \
  lightdm openbox dbus-x11 xterm fonts-dejavu-core || failed=" desktop"
for app in "$@"; do
  one "$app" || failed="$failed $app"
done
systemctl set-default graphical.target
systemctl restart lightdm || failed=" desktop${failed# desktop}"
if [ -n "$failed" ]; then say "failed$failed"; else say ready; fi
