#!/usr/bin/env bash
# Makes the packages of what is in bin/, into bin/dist: two .deb, an AppImage and their sums.
# Of one commit, built in one directory, it makes the same bytes: all times are the commit's.
#
#   build/dist.sh VERSION
set -euo pipefail
cd "$(dirname "$0")/.."
export VERSION=$1
export BIN=$PWD/bin STAGE=$PWD/bin/dist/stage
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
umask 022
for program in hither hither-desktop hither-tray; do
  [ -x "bin/$program" ] || { echo "bin/$program is missing; make it with: make build" >&2; exit 1; }
done
rm -rf bin/dist
mkdir -p "$STAGE/completion" "$STAGE/icons"

bin/hither man "$STAGE/man"
gzip -9n "$STAGE"/man/*.1
bin/hither completion bash >"$STAGE/completion/hither.bash"
bin/hither completion zsh >"$STAGE/completion/_hither"
bin/hither completion fish >"$STAGE/completion/hither.fish"
for png in assets/png/hither-*.png; do
  size=${png##*-}
  size=${size%.png}
  install -Dm 644 "$png" "$STAGE/icons/${size}x$size/apps/hither.png"
done
cat >"$STAGE/copyright" <<END
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Hither

Files: *
Copyright: the authors of Hither
License: MPL-2.0

License: MPL-2.0
 On Debian systems the text is in /usr/share/common-licenses/MPL-2.0.
END

find "$STAGE" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# The C library that the programs were linked with, as far as they use it.
libc() { objdump -T "$@" | grep -o 'GLIBC_2[0-9.]*' | sort -Vu | tail -n 1 | cut -d _ -f 2; }
ARCH=$(go env GOARCH)
export ARCH
LIBC=$(libc bin/hither)
export LIBC
bin/tools/deb build/dist/hither.yaml bin/dist
LIBC=$(libc bin/hither-desktop bin/hither-tray)
bin/tools/deb build/dist/hither-desktop.yaml bin/dist

build/dist/appimage.sh
rm -rf "$STAGE"
(cd bin/dist && sha256sum -- *.deb *.AppImage >SHA256SUMS && cat SHA256SUMS)
