#!/usr/bin/env bash
# Makes a small Debian desktop for a virtual machine: a login screen, openbox,
# xterm and Mousepad, and the QEMU guest agent. A person "ada" has the password
# "ada". Everything comes from Debian's packages; nothing is mounted.
#
#   build/guest.sh       makes what is not there yet, and prints its directory
#   CACHE=DIR            where it is kept; default ~/.cache/hither
#
# disk.qcow2 is its disk and boot.iso the CD that it starts from.
set -euo pipefail
cache=${CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hither}
# The directory is named after this script: another one makes another guest.
dir=$cache/guest-$(sha256sum "${BASH_SOURCE[0]}" | cut -c 1-12)
if [ -e "$dir/boot.iso" ]; then
  echo "$dir"
  exit
fi
mkdir -p "$cache"
work=$(mktemp -d "$cache/making-XXXX")
trap 'rm -rf "$work"' EXIT

suite=bookworm
packages=(
  linux-image-amd64 initramfs-tools systemd-sysv dbus udev libpam-systemd login passwd
  qemu-guest-agent
  xserver-xorg-core xserver-xorg-input-libinput lightdm lightdm-gtk-greeter
  openbox xterm mousepad fonts-dejavu-core
)
# What a virtual machine has no use for.
without=(
  /usr/share/{doc,info,locale,man}/'*'
  '/lib/modules/*/kernel/'{sound,net/{bluetooth,mac80211,wireless},drivers/{infiniband,media,net,staging,gpu/drm/{amd,i915,nouveau,radeon}}}'/*'
)
# The kernel starts from a small initramfs that knows this one disk.
prepare='mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
  echo MODULES=list >"$1/etc/initramfs-tools/conf.d/guest"
  printf "%s\n" virtio_pci virtio_blk ext4 >"$1/usr/share/initramfs-tools/modules.d/guest"'
finish='chroot "$1" useradd --create-home --shell /bin/bash ada
  echo ada:ada | chroot "$1" chpasswd
  mkdir -p "$1/etc/lightdm/lightdm.conf.d"
  printf "[Seat:*]\ngreeter-hide-users=false\nuser-session=openbox\n" >"$1/etc/lightdm/lightdm.conf.d/guest.conf"
  echo guest >"$1/etc/hostname"'

{
  timeout 1800 mmdebstrap --variant=minbase --format=ext2 \
    "${without[@]/#/--dpkgopt=path-exclude=}" --include="$(IFS=,; echo "${packages[*]}")" \
    --essential-hook="$prepare" --customize-hook="$finish" --customize-hook="copy-out /boot $work" \
    "$suite" "$work/disk.ext2"
  truncate --size=+256M "$work/disk.ext2"
  resize2fs "$work/disk.ext2"
  qemu-img convert -c -O qcow2 "$work/disk.ext2" "$work/disk.qcow2"

  mkdir "$work/cd"
  cp "$work"/boot/vmlinuz-* "$work/cd/linux"
  cp "$work"/boot/initrd.img-* "$work/cd/initrd"
  cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/cd"
  echo 'default linux initrd=initrd root=/dev/vda rw quiet mitigations=off' >"$work/cd/isolinux.cfg"
  xorriso -as mkisofs -quiet -o "$work/boot.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$work/cd"
} >&2

rm -rf "$dir"
mkdir "$dir"
mv "$work/disk.qcow2" "$work/boot.iso" "$dir"
echo "$dir"
