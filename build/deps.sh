#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that Hither needs, and nothing that is there already.
#
#   build/deps.sh run      what a person needs to build and run it
#   build/deps.sh test     run, and what the end-to-end tests drive
#   build/deps.sh bench    test, and the programs it is measured against
#   build/deps.sh dist     run, and what packages are made with
#   build/deps.sh wine     test, and what runs Windows programs here (1.2 GB)
#   build/deps.sh try      test, and the programs that build/try.sh looks at
#
# It asks once before it installs; YES=1 or CI=true answers yes.
set -euo pipefail

want=${1:-run}
run=(
  gcc g++ make pkg-config ca-certificates git dbus dbus-x11
  libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients libvirt-dev
  qemu-system-x86 qemu-utils qemu-system-gui qemu-system-common seabios ipxe-qemu ipxe
  libgtk-3-dev libwebkit2gtk-4.1-dev libgl1-mesa-dev xorg-dev
  xvfb openbox xterm x11-apps x11-utils x11-xserver-utils xauth fonts-noto-cjk fonts-dejavu-core
)
# libvpx carries another number in its name in each release of the system.
vpx=$(apt-cache search --names-only '^libvpx[0-9]+$' 2>/dev/null | sort -V | tail -n 1 | cut -d ' ' -f 1) || vpx=
run+=("${vpx:-libvpx7}" libyuv0 libopus0)
# They give a USB device of this computer to a machine of another one.
usbredir=$(apt-cache search --names-only '^libusbredirhost1(t64)?$' 2>/dev/null | sort | tail -n 1 | cut -d ' ' -f 1) || usbredir=
run+=(libusb-1.0-0 "${usbredir:-libusbredirhost1}")
# Apps need a sound server; a desktop that has PipeWire's shall keep it.
command -v pipewire-pulse >/dev/null || run+=(pulseaudio)
tests=(passwd chromium xdotool xclip wmctrl imagemagick procps util-linux e2fsprogs iproute2 mousepad gtk-4-examples
  desktop-file-utils libglib2.0-bin ffmpeg pulseaudio pulseaudio-utils
  qemu-guest-agent ovmf swtpm swtpm-tools
  openssh-server cron
  dnsmasq-base iptables nftables miniupnpd-nftables openvswitch-switch iputils-ping curl python3-minimal busybox-static isolinux syslinux-common xorriso
  sway foot grim dbus pipewire pipewire-bin wireplumber xdg-desktop-portal xdg-desktop-portal-wlr libxkbcommon0 xkb-data)
dist=(squashfs-tools binutils)
bench=(
  tigervnc-standalone-server tigervnc-viewer tigervnc-scraping-server
  openssh-server openssh-client
  xpra python3-lz4 python3-numpy python3-pil python3-gi-cairo
)
# The Debian installer has the release's number in its name.
installer() {
  apt-cache search --names-only '^debian-installer-[0-9]+-netboot-amd64$' | sort -V | tail -n 1 | cut -d ' ' -f 1
}
kernel=$(installer) || kernel=
[ -z "$kernel" ] || tests+=("$kernel") # small guests are made of its kernel
# QEMU's SPICE is a package of its own in later releases.
apt-cache show qemu-system-modules-spice >/dev/null 2>&1 && tests+=(qemu-system-modules-spice)
try=(libreoffice-writer libreoffice-gtk3 featherpad ffmpeg
  mmdebstrap genext2fs uidmap debian-archive-keyring)

case $want in
  run) packages=("${run[@]}") ;;
  test) packages=("${run[@]}" "${tests[@]}") ;;
  dist) packages=("${run[@]}" "${dist[@]}") ;;
  wine) packages=("${run[@]}" "${tests[@]}" wine wine64 gcc-mingw-w64-x86-64) ;;
  bench) packages=("${run[@]}" "${tests[@]}" "${bench[@]}") ;;
  try) packages=("${run[@]}" "${tests[@]}" "${try[@]}") ;;
  *) echo "usage: build/deps.sh run|test|dist|bench|wine|try" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=none
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

sudo=()
[ "$(id -u)" = 0 ] || sudo=(sudo)
if [ "${YES:-}" != 1 ] && [ "${CI:-}" != true ]; then
  echo "Hither needs these packages: ${missing[*]}"
  read -r -p "Install them now? [Y/n] " answer
  case $answer in [Nn]*) echo "hint: install them yourself, then run this again" >&2; exit 1 ;; esac
fi
options=(-o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 -y --no-install-recommends)
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get "${options[@]}" update
"${sudo[@]}" apt-get "${options[@]}" install "${missing[@]}"
