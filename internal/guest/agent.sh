#!/bin/sh
# The first process of a Linux that runs the QEMU guest agent for tests.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
exec >/dev/ttyS0 2>&1 </dev/ttyS0
mkdir -p /run /tmp /var/run
hostname agent-guest
for module in virtio_pci virtio_console virtio_net; do
  modprobe "$module" || echo "no module $module"
done
ip addr add 192.0.2.7/24 dev eth0
ip link set eth0 up
port=
while [ -z "$port" ]; do
  for at in /sys/class/virtio-ports/*; do
    [ "$(cat "$at/name" 2>/dev/null)" = org.qemu.guest_agent.0 ] && port=/dev/${at##*/}
  done
  [ -n "$port" ] || sleep 1
done
qemu-ga --daemonize -m virtio-serial -p "$port" -t /run || echo "the agent did not start"
echo agent ready
while :; do sh; sleep 1; done
