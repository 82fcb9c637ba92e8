#!/usr/bin/env bash
# Makes the AppImage of what is in bin/, into bin/dist: a runtime of our own (build/dist/appimage)
# and a squashfs behind it. GTK and WebKit are not in it: they are the system's.
# build/dist.sh calls it, and says what VERSION, STAGE and SOURCE_DATE_EPOCH are.
set -euo pipefail
cd "$(dirname "$0")/../.."
case $(go env GOARCH) in amd64) arch=x86_64 ;; arm64) arch=aarch64 ;; *) arch=$(go env GOARCH) ;; esac
app=$STAGE/AppDir
mkdir -p "$app/usr/bin" "$app/usr/share/icons"
install -m 755 bin/hither bin/hither-desktop bin/hither-tray "$app/usr/bin/"
install -m 755 build/dist/AppRun "$app/AppRun"
install -m 644 build/linux/hither.desktop "$app/hither.desktop"
install -m 644 assets/png/hither-256.png "$app/hither.png"
install -m 644 assets/png/hither-256.png "$app/.DirIcon"
cp -r "$STAGE/icons" "$app/usr/share/icons/hicolor"

# strip puts the section headers last: where they end, the image begins, for other tools too.
(cd build/dist && GOFLAGS=-buildvcs=false CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$STAGE/runtime" ./appimage)
strip --strip-all "$STAGE/runtime"
printf 'AI\002' | dd of="$STAGE/runtime" bs=1 seek=8 conv=notrunc status=none
read -r shoff shentsize shnum < <(od -An -v -t u8 -j 40 -N 8 "$STAGE/runtime" | tr -d '\n'; od -An -v -t u2 -j 58 -N 4 "$STAGE/runtime")
truncate -s "$((shoff + shentsize * shnum))" "$STAGE/runtime"

epoch=$SOURCE_DATE_EPOCH
env -u SOURCE_DATE_EPOCH mksquashfs "$app" "$STAGE/image" -quiet -no-progress -noappend -all-root -no-xattrs -no-exports \
  -comp zstd -Xcompression-level 9 -b 256K -mkfs-time "$epoch" -all-time "$epoch"
out=bin/dist/Hither-$VERSION-$arch.AppImage
cat "$STAGE/runtime" "$STAGE/image" >"$out.part"
chmod 755 "$out.part"
mv "$out.part" "$out"
