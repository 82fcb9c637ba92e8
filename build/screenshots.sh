#!/usr/bin/env bash
# Takes the pictures of docs/images from the real programs: two nodes with
# homes and libvirts of their own, a real machine, app and folder, Chromium for
# the page, an X server of its own for the windows. It leaves nothing behind.
#
#   build/screenshots.sh [OUT]     OUT is docs/images by default
#
# As root it runs in a network of its own, with a computer that starts from it;
# else there is no picture of such a one.
set -euo pipefail
[ "$(id -u)" != 0 ] || [ -n "${SHOTS_APART:-}" ] || SHOTS_APART=1 exec unshare --net --mount "$0" "$@"
cd "$(dirname "$0")/.."
out=$(mkdir -p "${1:-docs/images}" && cd "${1:-docs/images}" && pwd)
stage=shots
export LANG=en_US.UTF-8
. build/stage.sh

quietly() { "$@" >/dev/null; }
state() { [ "$("$hither" machine show "$1" --json | field state)" = "$2" ]; }
# window TITLE waits for a window and gives it.
window() {
  until_ok 90 xdotool search --onlyvisible --name "$1"
  xdotool search --onlyvisible --name "$1" | tail -n 1
}
page() { node build/screenshots.mjs "$hither" "$out" "$1"; }
# shot NAME takes the whole display.
shot() {
  import -window root -depth 8 -define png:compression-level=9 -strip "$out/$1.png"
  echo "$1"
}
# X servers of another network do not see this one's, and would take away its socket.
apart() {
  mkdir -p /tmp/.X11-unix
  mount -t tmpfs -o mode=1777 tmpfs /tmp/.X11-unix
  lan
}
# lan makes a network with a DHCP server; starts_from_it puts a computer without a system there.
lan() {
  local line
  for line in 'link set lo up' 'link add lan0 type bridge forward_delay 0' 'addr add 192.0.2.1/24 dev lan0' 'link set lan0 up' \
    'tuntap add tap0 mode tap' 'link set tap0 master lan0' 'link set tap0 up'; do
    # shellcheck disable=SC2086
    ip $line
  done
  run dhcp dnsmasq --keep-in-foreground --conf-file=/dev/null --log-facility=- --user=root --group=root --interface=lan0 --bind-interfaces \
    --except-interface=lo --no-hosts --no-resolv --pid-file= --dhcp-leasefile="$dir/leases" --dhcp-range=192.0.2.100,192.0.2.200,1h
}
starts_from_it() {
  run bare qemu-system-x86_64 -machine pc,accel=tcg -m 64 -display none -nodefaults -vga std -boot n -netdev tap,id=n,ifname=tap0,script=no,downscript=no \
    -device virtio-net-pci,netdev=n,mac=52:54:00:12:34:56
}
# serial_linux makes a small Linux that asks on its serial port who logs in, on a CD that it starts from.
serial_linux() {
  local kernel root=$dir/gateway/root cd=$dir/gateway/cd
  kernel=$(printf '%s\n' /usr/lib/debian-installer/images/*/amd64/text/debian-installer/amd64/linux | tail -n 1)
  mkdir -p "$root"/{bin,dev,etc,proc,root,sys} "$cd"
  cp /bin/busybox "$root/bin"
  printf '%s\n' '#!/bin/busybox sh' '/bin/busybox --install -s /bin' 'mount -t proc proc /proc' 'mount -t sysfs sysfs /sys' 'mount -t devtmpfs dev /dev' \
    'hostname gateway' 'ifconfig lo 127.0.0.1' 'while :; do setsid getty -L 115200 ttyS0 vt100; done' >"$root/init"
  chmod +x "$root/init"
  echo 'root::0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  echo 'root:x:0:' >"$root/etc/group"
  echo "export PS1='root@\\h:\\w# '" >"$root/etc/profile"
  (cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) | gzip >"$cd/initrd"
  cp "$kernel" "$cd/linux"
  cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$cd"
  echo 'default linux initrd=initrd console=ttyS0 mitigations=off' >"$cd/isolinux.cfg"
  xorriso -as mkisofs -quiet -o "$dir/gateway.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$cd" 2>/dev/null
}
waits() { "$hither" netboot status --json | grep -q 52:54:00:12:34:56; }

[ -z "${SHOTS_APART:-}" ] || apart
desktop 1280x800
desk_up private 127.0.0.1:0
page empty

# The other computer, its machines, a folder on both.
cloud_up
paired
quietly "$hither" machine create cloud/build --memory 2GiB --cpus 2 --disk 40GiB
quietly "$hither" machine create router --memory 64MiB --start
quietly "$hither" machine create windows --memory 4GiB --cpus 2 --disk 64GiB
mkdir -p "$HOME/Documents" "$HOME/Pictures"
cp docs/*.md docs/decisions/*.md "$HOME/Documents"
cp -r assets "$HOME/Pictures"
quietly "$hither" folder add "$HOME/Documents" --name documents
quietly "$hither" folder add "$HOME/Pictures" --name pictures
"$hither" folder share documents cloud
until_ok 90 sh -c "'$hither' folder status documents --json | grep -q '\"state\": \"idle\"'"

# Machines that were used: with something on their disks, snapshots, backups.
qemu-img create -q -f qcow2 "$dir/used.qcow2" 20G
head -c 400M /dev/urandom >"$dir/bytes"
qemu-io -c "write -q -s $dir/bytes 64M 400M" "$dir/used.qcow2"
quietly "$hither" machine create cloud/shop --memory 256MiB --cpus 2 --image "$dir/used.qcow2"
quietly "$hither" machine label cloud/shop --tag +web,+lab --note "The shop in the old town. Ask Ada before it is changed."
snap() { "$hither" machine snapshot "$1" cloud/shop "${@:2}"; }
snap take fresh-install --note 'as the installer left it'
snap take database
snap take release-1.0 --note 'what customers saw in spring'
quietly "$hither" machine backup take cloud/shop
snap revert database
snap take try-new-schema
quietly "$hither" machine start cloud/shop
sleep 3
snap take before-upgrade
quietly "$hither" machine backup schedule cloud/shop --every daily --at 03:00 --keep-last 7 --keep-weekly 4
quietly "$hither" machine backup take cloud/shop
quietly "$hither" machine create build-agent --memory 256MiB --image "$dir/used.qcow2"

if [ -n "${SHOTS_APART:-}" ]; then
  quietly "$hither" netboot on --interface lan0
  starts_from_it
fi
quietly "$hither" machine create cloud/web --memory 128MiB --start
# Ctrl-B while it boots opens iPXE's command line, whose settings have colours.
run view "$hither" view cloud/web
web=$(window web)
xdotool windowfocus --sync "$web"
for _ in $(seq 50); do
  xdotool key --clearmodifiers ctrl+b
  sleep 0.25
done
xdotool type --delay 120 config
xdotool key Return
sleep 2

# The windows of this desktop.
xdotool windowfocus --sync "$web"
xdotool windowmove "$web" 260 150
sleep 1
shot view-window
quietly "$hither" forward 8080 cloud/web:80
page page
page move
if [ -n "${SHOTS_APART:-}" ]; then
  until_ok 90 waits
  page netboot
fi

# Not sooner: it is on no other picture.
serial_linux
quietly "$hither" machine create cloud/gateway --memory 256MiB --iso "$dir/gateway.iso" --start
page serial
quietly "$hither" machine stop cloud/gateway --force
quietly "$hither" machine rm cloud/gateway

wmctrl -i -c "$web"
run window bin/hither-desktop
library=$(window '^Hither')
wmctrl -i -r "$library" -e 0,30,20,1220,730
sleep 12
# Both desktops are looked at once: their cards keep the picture. The window's
# place makes these the buttons of the cards, and the rail's first entry.
for card in '317 731' '317 415'; do
  xdotool mousemove $card click 1
  sleep 5
  xdotool key ctrl+alt mousemove 98 112 click 1
  sleep 2
done
sleep 15
shot desktop-window
run xcalc "$hither" app run cloud/self xcalc
calc=$(window alculator)
run xterm "$hither" app run cloud/self xterm
term=$(window 'xterm|@|~')
sleep 2
xdotool windowmove "$term" 480 60 windowmove "$calc" 1000 330
xdotool windowfocus --sync "$term"
xdotool type --delay 20 'free -h; df -h /; ls /usr'
xdotool key Return
sleep 3
shot app-window
wmctrl -i -c "$calc"
wmctrl -i -c "$term"
wmctrl -i -c "$library"

# The tray's pairing window, opened through its menu on a bus of its own.
run bus dbus-daemon --session --nofork --nopidfile --address="unix:path=$dir/bus"
until_ok 90 test -S "$dir/bus"
export DBUS_SESSION_BUS_ADDRESS=unix:path=$dir/bus
run tray bin/hither-tray
menu() { dbus-send --session --print-reply --dest="org.kde.StatusNotifierItem-${pids[-1]}-1" /StatusNotifierItem/menu "com.canonical.dbusmenu.$1" "${@:2}"; }
entry() { menu GetLayout int32:0 int32:-1 array:string: | awk -v label="$1" '$1 == "int32" { id = $2 } index($0, "\"" label) { print id; found = 1; exit } END { exit !found }'; }
until_ok 90 entry 'Pair a computer'
menu Event "int32:$(entry 'Pair a computer')" string:clicked variant:string: uint32:0 >/dev/null
pairing=$(window 'Pair a computer')
xdotool windowmove "$pairing" 400 200
sleep 4
shot tray

kill -KILL "$cloud_pid"
wait "$cloud_pid" 2>/dev/null || true
page offline
cloud_up # so that its machines can be ended
