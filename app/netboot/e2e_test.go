//go:build e2e && linux

package netboot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"

	"hither/fusion"
	"hither/internal/expect"
	linux "hither/internal/guest"
)

// The network of these tests: a bridge with a DHCP server, which has the node's address too.
const (
	bridge    = "br0"
	here      = "10.77.0.1"
	guestMAC  = "52:54:00:77:00:01"
	insideEnv = "HITHER_NETBOOT_INSIDE"
	// slow bounds what an emulated computer does on a busy one.
	slow = 8 * time.Minute
)

// inNetwork runs a test of this binary again in a network and a process table of its own.
func inNetwork(t *testing.T, name string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("run the end-to-end tests as root: they make networks of their own")
	}
	for program, deb := range map[string]string{"dnsmasq": "dnsmasq-base", "qemu-system-x86_64": "qemu-system-x86", "ip": "iproute2"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing: build/deps.sh test installs %s", program, deb)
		}
	}
	const script = `mount --make-rprivate / && mount -t proc proc /proc && mount -t sysfs sysfs /sys && "$@"; exit $?`
	self := must(os.Executable())(t)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script, "sh", self, "-test.run", "^"+name+"$", "-test.v", "-test.timeout", "20m")
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+name) {
		t.Errorf("%s: %v", name, err)
	}
}

func inside(t *testing.T) bool { return os.Getenv(insideEnv) != "" }

func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// logged is what a program says.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}
func (l *logged) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.text.String() }

// start runs a program until the test ends.
func start(t *testing.T, cmd *exec.Cmd) *logged {
	t.Helper()
	said := &logged{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // its namespaces end anyway
		_ = cmd.Wait()
		if t.Failed() {
			text := said.String()
			t.Logf("%s: …%s", filepath.Base(cmd.Path), text[max(0, len(text)-6000):])
		}
	})
	return said
}

// says waits until a program has said something.
func says(t *testing.T, said fmt.Stringer, text string) {
	t.Helper()
	expect.Within(t, slow, "it says "+text, func() bool { return strings.Contains(said.String(), text) })
}

// console is the file of a guest's serial port.
type console string

func (c console) String() string {
	text, _ := os.ReadFile(string(c)) // it is there when the guest runs
	return string(text)
}

// network makes the bridge, a card for a guest, and the DHCP server.
func network(t *testing.T, more ...string) {
	t.Helper()
	run(t, "ip", "link", "set", "lo", "up")
	for _, line := range []string{"link add br0 type bridge forward_delay 0", "addr add " + here + "/24 dev br0", "link set br0 up",
		"tuntap add tap0 mode tap", "link set tap0 master br0", "link set tap0 up"} {
		run(t, "ip", strings.Fields(line)...)
	}
	args := append([]string{"--keep-in-foreground", "--conf-file=/dev/null", "--log-facility=-", "--log-dhcp", "--user=root", "--group=root", "--interface=" + bridge, "--bind-interfaces",
		"--except-interface=lo", "--no-hosts", "--no-resolv", "--pid-file=", "--dhcp-leasefile=" + filepath.Join(t.TempDir(), "leases"), "--dhcp-range=10.77.0.100,10.77.0.200,1h"}, more...)
	dnsmasq := start(t, exec.Command(must(exec.LookPath("dnsmasq"))(t), args...))
	says(t, dnsmasq, "DHCP, IP range")
}

// theNode is a real node that serves the bridge.
type theNode struct {
	t       *testing.T
	program string
	home    string
}

func startNode(t *testing.T) theNode {
	t.Helper()
	dir := os.Getenv("HITHER_BIN")
	if dir == "" {
		dir = filepath.Join("..", "..", "bin")
	}
	program := must(filepath.Abs(filepath.Join(dir, "hither")))(t)
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v; build it with: make bin/hither", err)
	}
	home, err := os.MkdirTemp("/tmp", "nb-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) }) // what is left is the system's to sweep
	n := theNode{t, program, filepath.Join(home, "h")}
	said := start(t, n.command("up", "--name", "nas", "--libvirt", "off", "--web", "off", "--listen", "0.0.0.0:0"))
	says(t, said, "ready")
	return n
}

func (n theNode) command(args ...string) *exec.Cmd {
	cmd := exec.Command(n.program, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HITHER_HOME=" + n.home, "LANG=C.UTF-8", "HOME=" + filepath.Dir(n.home), "HITHER_LOG=debug"}
	return cmd
}

func (n theNode) hither(args ...string) string {
	n.t.Helper()
	out, err := n.command(args...).CombinedOutput()
	if err != nil {
		n.t.Fatalf("hither %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// computer gives what the node says of the guest.
func (n theNode) computer() (c fusion.BareComputer) {
	n.t.Helper()
	var state fusion.NetBootState
	if err := json.Unmarshal([]byte(n.hither("netboot", "ls", "--json")), &state); err != nil {
		n.t.Fatal(err)
	}
	for _, c := range state.Computers {
		if c.MAC == guestMAC {
			return c
		}
	}
	return c
}

func (n theNode) until(state fusion.BareState) (c fusion.BareComputer) {
	n.t.Helper()
	expect.Within(n.t, slow, "it is "+string(state), func() bool {
		c = n.computer()
		if c.State != state && c.State == fusion.BareFailed {
			n.t.Fatalf("it is not %s but %+v", state, c)
		}
		return c.State == state
	})
	return c
}

// host waits until a paired computer has said what may be done there, which is all.
func (n theNode) host(name string) (host fusion.HostInfo) {
	n.t.Helper()
	expect.Within(n.t, slow, "the library has "+name, func() bool {
		var hosts []fusion.HostInfo
		if err := json.Unmarshal([]byte(n.hither("host", "ls", "--json")), &hosts); err != nil {
			n.t.Fatal(err)
		}
		i := slices.IndexFunc(hosts, func(h fusion.HostInfo) bool {
			return h.Name == name && h.Online && strings.Join(h.May, "") == "admin"
		})
		if i >= 0 {
			host = hosts[i]
		}
		return i >= 0
	})
	return host
}

// putInstaller makes a CD like Debian's mini.iso and puts it into the node's pool.
func (n theNode) putInstaller(name, kernel, initrd string) {
	t := n.t
	t.Helper()
	tree := t.TempDir()
	for file, from := range map[string]string{"linux": kernel, "initrd.gz": initrd} {
		if err := os.WriteFile(filepath.Join(tree, file), must(os.ReadFile(from))(t), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := must(os.OpenFile(filepath.Join(n.home, "machines", "images", name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600))(t)
	cd := must(iso9660.Create(file.New(f, false), 0, 0, 2048, tree))(t)
	if err := cd.Finalize(iso9660.FinalizeOptions{RockRidge: true, Joliet: true, VolumeIdentifier: "mini"}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// boot starts an emulated computer with an empty disk from the network.
func boot(t *testing.T, memory string, more ...string) console {
	t.Helper()
	dir := t.TempDir()
	disk, out := filepath.Join(dir, "disk"), filepath.Join(dir, "console")
	if err := os.WriteFile(disk, nil, 0o600); err != nil || os.Truncate(disk, 4<<30) != nil {
		t.Fatal(err)
	}
	args := append([]string{"-machine", "pc,accel=tcg", "-cpu", "max", "-m", memory, "-display", "none", "-nodefaults", "-vga", "std", "-no-reboot", "-boot", "n", "-device", "virtio-rng-pci",
		"-drive", "if=virtio,format=raw,file=" + disk, "-serial", "file:" + out, "-netdev", "tap,id=n,ifname=tap0,script=no,downscript=no"}, more...)
	start(t, exec.Command("qemu-system-x86_64", args...))
	return console(out)
}

// bios is the firmware whose network card has iPXE in its ROM; efi has none, so UEFI's own
// PXE loads ours.
var (
	bios = []string{"-device", "virtio-net-pci,netdev=n,mac=" + guestMAC}
	efi  = []string{"-bios", "/usr/share/ovmf/OVMF.fd", "-device", "virtio-net-pci,netdev=n,romfile=,mac=" + guestMAC}
)

// installing does in a guest of the tests' own what Debian's installer does with the same
// files, and starts what is installed as its systemd would.
const installing = `exec >/dev/ttyS0 2>&1
echo "guest is up: $(cat /proc/cmdline)"
udhcpc -f -q -n -t 30 -i eth0 -s /lease
mkdir -p /target/bin /target/tmp /target/root /target/proc /target/dev /target/usr/local/bin /target/etc/systemd/system
cp /busybox /target/bin/busybox
chroot /target /bin/busybox --install -s /bin
[ ! -e /libs ] || cp -a /libs/. /target/
mount -t proc proc /target/proc
mount -t devtmpfs dev /target/dev
sed -n 's/^d-i partman.early_command string //p' /preseed.cfg >/early
. /early
sed -n '/^d-i preseed.late_command string/,/[^\\]$/{s/^d-i preseed.late_command string//;s/\\$//;p}' /preseed.cfg >/late
cat /late
. /late
cat /target/enabled
. /target/etc/hither/join
export CODE ADDR HOME=/root PATH=/bin:/usr/local/bin
line() { sed -n "s/^$2=//p" /target/etc/systemd/system/$1; }
line hither.service ExecStart >/target/up
(line hither-pair.service ExecStartPre; line hither-pair.service ExecStart; line hither-pair.service ExecStartPost | tr -d +) >/target/pair
cat /target/up /target/pair
chroot /target /bin/sh /up &
until chroot /target /bin/sh -e /pair; do sleep 2; done
echo "guest has paired, $(ls /target/etc/hither | wc -l) files left"
sleep 100000`

// installer makes that guest.
func installer(t *testing.T, program string) (kernel, initrd string) {
	t.Helper()
	dir := t.TempDir()
	kernel, base := linux.Busybox(t, dir, installing)
	files := map[string][]byte{
		"bin/in-target":    []byte("#!/busybox sh\nexec chroot /target \"$@\"\n"),
		"bin/list-devices": []byte("#!/busybox sh\necho /dev/vda\n"),
		"bin/debconf-set":  []byte("#!/busybox sh\necho \"guest sets $1 to $2\"\n"),
		// The new system's, which notes what it is asked for.
		"libs/bin/systemctl": []byte("#!/bin/sh\necho \"guest enables $*\" >/enabled\n"),
	}
	for _, path := range linux.Libraries(t, program) {
		files["libs"+path] = must(os.ReadFile(path))(t)
	}
	initrd = filepath.Join(dir, "with")
	linux.With(t, base, initrd, files)
	return kernel, initrd
}

// TestBootFromTheNetwork: a computer whose firmware asks the network waits, is installed when
// its owner says so, and is in the library; once with BIOS and the iPXE of its card, once with UEFI.
func TestBootFromTheNetwork(t *testing.T) { inNetwork(t, "TestInsideBootFromTheNetwork") }

func TestInsideBootFromTheNetwork(t *testing.T) {
	if !inside(t) {
		return // TestBootFromTheNetwork runs it
	}
	network(t)
	n := startNode(t)
	n.hither("netboot", "on", "--interface", bridge)
	kernel, initrd := installer(t, n.program)
	n.putInstaller("guest-netboot", kernel, initrd)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, firmware := range []struct {
		name string
		args []string
	}{{"bios", bios}, {"efi", efi}} {
		t.Run(firmware.name, func(t *testing.T) {
			n.t = t
			began := time.Now()
			out := boot(t, "1024", firmware.args...)
			seen := n.until(fusion.BareSeen)
			t.Logf("%.1f s: it waits: %+v", time.Since(began).Seconds(), seen)
			if seen.Firmware != firmware.name || !strings.HasPrefix(seen.Vendor, "PXEClient") {
				t.Errorf("it is %+v", seen)
			}
			done := start(t, n.command("netboot", "install", guestMAC, "--name", "new-"+firmware.name, "--image", "guest-netboot", "--user", "root0", "--password-file", password, "--yes"))
			for _, state := range []fusion.BareState{fusion.BareBooting, fusion.BareInstalled, fusion.BarePaired} {
				n.until(state)
				t.Logf("%.1f s: %s", time.Since(began).Seconds(), state)
			}
			says(t, done, "paired")
			says(t, out, "guest has paired, 0 files left")
			for _, text := range []string{"BOOTIF=01-52-54-00-77-00-01", "guest sets partman-auto/disk to /dev/vda", "guest enables enable hither.service hither-pair.service",
				"usr/local/bin/hither: OK", "/usr/local/bin/hither up --name new-" + firmware.name} {
				if !strings.Contains(out.String(), text) {
					t.Errorf("the guest does not say %q", text)
				}
			}
			c, h := n.computer(), n.host("new-"+firmware.name)
			if h.ID != c.ID || len(h.Grants) != 0 {
				t.Errorf("the library has %+v; it is %+v", h, c)
			}
			if text := n.hither("machine", "ls", "new-"+firmware.name); !strings.Contains(text, "self") {
				t.Errorf("its machines are %s", text)
			}
			t.Logf("its steps: %+v", c.Steps)
			n.hither("host", "forget", "new-"+firmware.name)
			n.hither("netboot", "forget", guestMAC)
		})
	}
}
