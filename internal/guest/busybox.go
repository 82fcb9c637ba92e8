package guest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// networkModules are the modules of Debian's kernel that a virtio network card needs, in
// the order in which they are loaded. Some releases have them built in.
var networkModules = []string{"virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
	"failover", "net_failover", "virtio_net", "af_packet"}

// busyboxInit is what runs first: it finds the network card and goes on with body.
const busyboxInit = `#!/busybox sh
/busybox mkdir -p /bin /proc /sys /dev /tmp /www
/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for m in %s; do [ ! -e /$m.ko ] || insmod /$m.ko; done
ip link set lo up
ip link set eth0 up
%s
echo guest ends
poweroff -f
`

// leaseScript is what busybox's DHCP client calls (udhcpc, "udhcpc script").
const leaseScript = `#!/busybox sh
[ "$1" = bound ] || exit 0
ip addr add "$ip/$mask" dev "$interface"
[ -z "$router" ] || ip route add default via "$router"
echo "lease $ip"
`

// Busybox makes a Linux that runs body, a shell script, as its only program: the kernel
// of Debian's installer and Debian's busybox. What body prints goes to the kernel's
// console. /lease is a script for udhcpc -s, and a parameter a=b of the kernel's command
// line is the variable a. It gives the paths of kernel and initramfs.
func Busybox(t testing.TB, dir, body string) (kernel, initrd string) {
	t.Helper()
	return BusyboxWith(t, dir, body, nil, nil)
}

// StickModules are what Linux needs for USB disks on an xHCI controller.
var StickModules = []string{"usb-common", "usbcore", "xhci-hcd", "xhci-pci", "scsi_common", "scsi_mod", "crct10dif_common", "crc-t10dif",
	"crc64", "crc64-rocksoft", "t10-pi", "sd_mod", "usb-storage"}

// BusyboxWith is Busybox with more modules, which are loaded in this order, and files in its
// root directory.
func BusyboxWith(t testing.TB, dir, body string, more []string, extra map[string][]byte) (kernel, initrd string) {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/debian-installer/images/*/amd64/text/debian-installer/amd64/linux")
	if err != nil || len(found) == 0 {
		t.Fatal("there is no kernel for the guest: build/deps.sh test installs debian-installer-12-netboot-amd64")
	}
	kernel = found[0]
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Fatalf("build/deps.sh test installs busybox-static: %v", err)
	}
	wanted := slices.Concat(networkModules, more)
	files := modules(t, filepath.Join(filepath.Dir(kernel), "initrd.gz"), wanted)
	maps.Copy(files, extra)
	files["busybox"] = busybox
	files["init"] = fmt.Appendf(nil, busyboxInit, strings.Join(wanted, " "), body)
	files["lease"] = []byte(leaseScript)
	initrd = filepath.Join(dir, "initrd")
	if err := os.WriteFile(initrd, cpio(files), 0o644); err != nil {
		t.Fatal(err)
	}
	return kernel, initrd
}

// modules reads the modules out of the installer's initramfs.
func modules(t testing.TB, initrd string, wanted []string) map[string][]byte {
	t.Helper()
	packed, err := os.Open(initrd)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	in, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for name, data := range uncpio(all) {
		base := path.Base(name)
		if slices.Contains(wanted, strings.TrimSuffix(base, ".ko")) {
			files[base] = data
		}
	}
	return files
}

// uncpio walks an archive in the format "newc" (Documentation/driver-api/early-userspace/buffer-format.rst).
func uncpio(data []byte) func(yield func(string, []byte) bool) {
	const header = 110
	up := func(n int) int { return (n + 3) &^ 3 }
	return func(yield func(string, []byte) bool) {
		for at := 0; at+header <= len(data) && string(data[at:at+6]) == "070701"; {
			field := func(i int) int {
				n, _ := strconv.ParseInt(string(data[at+6+8*i:at+14+8*i]), 16, 64)
				return int(n)
			}
			size, name := field(6), field(11)
			begin := up(at + header + name)
			if begin+size > len(data) || !yield(string(data[at+header:at+header+name-1]), data[begin:begin+size]) {
				return
			}
			at = up(begin + size)
		}
	}
}

// cpio packs files, all of them executable.
func cpio(files map[string][]byte) []byte {
	var out bytes.Buffer
	pad := func() {
		for out.Len()%4 != 0 {
			out.WriteByte(0)
		}
	}
	add := func(name string, mode int, data []byte) {
		fmt.Fprintf(&out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
		out.WriteString(name + "\x00")
		pad()
		out.Write(data)
		pad()
	}
	for name, data := range files {
		add(name, 0o100755, data)
	}
	add("TRAILER!!!", 0, nil)
	return out.Bytes()
}

// With writes an initramfs like another one, with files over it, all of them executable.
func With(t testing.TB, initrd, to string, files map[string][]byte) {
	t.Helper()
	base, err := os.ReadFile(initrd)
	if err == nil {
		// The kernel unpacks one archive after the other, each at a multiple of four.
		err = os.WriteFile(to, append(append(base, make([]byte, -len(base)&3)...), archive(files)...), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Installer gives the kernel and the initramfs of Debian's installer.
func Installer(t testing.TB) (kernel, initrd string) {
	t.Helper()
	found, err := filepath.Glob(installer)
	if err != nil || len(found) == 0 {
		t.Fatal("Debian's installer is missing: build/deps.sh test installs it")
	}
	return filepath.Join(found[0], "linux"), filepath.Join(found[0], "initrd.gz")
}

// Libraries gives the shared libraries that a program is loaded with, none of one that is whole by itself.
func Libraries(t testing.TB, program string) []string {
	t.Helper()
	out, err := exec.Command("ldd", program).CombinedOutput()
	if err != nil && strings.Contains(string(out), "not a dynamic executable") {
		return nil
	}
	return libraries(t, program)
}
