#!/usr/bin/env bash
# Installs the packages in bin/dist on a copy of this system that is gone afterwards (an overlay
# in a mount namespace), uses them, and removes and purges them. Fails when anything is left but
# the home of the node that ran. Needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "${1:-}" != inside ]; then
  [ "$(id -u)" = 0 ] || { echo "this test mounts an overlay: run it as root" >&2; exit 1; }
  top=$(mktemp -d /tmp/hither-dist.XXXXXX)
  trap 'rmdir "$top"' EXIT
  unshare --mount --pid --fork --kill-child --propagation private "$0" inside "$top"
  exit
fi
top=$2

# The copy: what is written goes to memory.
mount -t tmpfs tmpfs "$top"
mkdir "$top/upper" "$top/work" "$top/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$top/upper,workdir=$top/work" "$top/root"
mount -t proc proc "$top/root/proc"
mount --rbind /dev "$top/root/dev"
mount -t tmpfs tmpfs "$top/root/run"
mount -t tmpfs tmpfs "$top/root/tmp"
mkdir -p "$top/root/tmp/dist" "$top/root/tmp/user"
cp bin/dist/*.deb bin/dist/*.AppImage "$top/root/tmp/dist/"

cat >"$top/root/tmp/story" <<'END'
set -euo pipefail
export HOME=/tmp/user DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
say() { echo "== $*"; }
say install
dpkg -i /tmp/dist/hither_*.deb
if pgrep -x hither >/dev/null; then echo "the package started a node"; exit 1; fi
dpkg -i /tmp/dist/hither-desktop_*.deb
test "$(command -v hither)" = /usr/bin/hither
hither --version
hither help >/dev/null
man -w hither hither-host-add >/dev/null
desktop-file-validate /usr/share/applications/hither.desktop /usr/share/applications/hither-tray.desktop
bash -n /usr/share/bash-completion/completions/hither
for unit in /usr/lib/systemd/user/hither.service /usr/lib/systemd/system/hither@.service; do grep -q "^ExecStart=/usr/bin/hither up$" "$unit"; done
say "a node of it"
hither up --listen 127.0.0.1:0 --web 127.0.0.1:0 --libvirt off >/tmp/node.log 2>&1 &
node=$!
for try in $(seq 300); do grep -q ^ready /tmp/node.log && break; sleep 0.2; done
hither status
hither down
wait "$node"
say "remove and purge"
dpkg -r hither-desktop hither
dpkg -P hither
if grep -q '^Package: hither' /var/lib/dpkg/status || ls /var/lib/dpkg/info/hither* 2>/dev/null; then echo "dpkg still knows it"; exit 1; fi
test -d /tmp/user/.local/share/hither # the node's home is its owner's

say "the AppImage"
image=$(ls /tmp/dist/*.AppImage)
"$image" --version
"$image" status >/dev/null 2>&1 && exit 1 # no node runs, and it says so
offset=$("$image" --appimage-offset)
test "$(dd if="$image" bs=1 skip="$offset" count=4 status=none)" = hsqs
env -u DISPLAY -u WAYLAND_DISPLAY "$image" | grep -q '^http://'
"$image" down

say "a server that gets the package by ssh"
mkdir -p /run/sshd /tmp/server
ssh-keygen -q -t ed25519 -N "" -f /tmp/server/hostkey
ssh-keygen -q -t ed25519 -N "" -f /tmp/server/id
port=$(shuf -i 20000-29999 -n 1)
printf '%s\n' "ListenAddress 127.0.0.1:$port" "HostKey /tmp/server/hostkey" "AuthorizedKeysFile /tmp/server/id.pub" "PidFile none" "UsePAM no" \
  "StrictModes no" "PermitRootLogin prohibit-password" "SetEnv XDG_DATA_HOME=/tmp/server/data XDG_RUNTIME_DIR=/run" >/tmp/server/config
/usr/sbin/sshd -f /tmp/server/config
print=$(ssh-keygen -lf /tmp/server/hostkey.pub | cut -d ' ' -f 2)
"$image" up --name laptop --listen 127.0.0.1:0 --web off --libvirt off >/tmp/node.log 2>&1 &
node=$!
for try in $(seq 300); do grep -q ^ready /tmp/node.log && break; sleep 0.2; done
server() { "$image" host "$@" --key /tmp/server/id --accept-key "$print"; }
server add "ssh://root@127.0.0.1:$port" --deb /tmp/dist/hither_*.deb --name cloud --listen "127.0.0.1:$((port + 10000))" | tee /tmp/added
grep -q 'program .*/usr/bin/hither' /tmp/added
"$image" machine ls cloud >/dev/null
server leave "ssh://root@127.0.0.1:$port" --yes
test ! -e /usr/bin/hither
"$image" down
wait "$node"
END
chroot "$top/root" /bin/bash /tmp/story
# What was written and was not there before; dpkg's books and other packages' caches are as large
# as they were, with other bytes.
left=$(cd "$top/upper" && find . ! -type c -print | sed 's|^\.||' | while IFS= read -r path; do [ -e "$path" ] || [ -L "$path" ] || echo "$path"; done)
if [ -n "$left" ]; then
  echo "left behind: $left" >&2
  exit 1
fi
echo "nothing is left"
