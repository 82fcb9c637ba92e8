//go:build machines && e2e && linux

package vmctl

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
	linux "hither/internal/guest"
	"hither/vmctl/process"
)

// inNamespaces runs a test of this binary in a network, a process table and a file
// system of its own: bridges, DHCP servers and firewalls there are nobody else's, and all
// processes end with it.
func inNamespaces(t *testing.T, name string) {
	t.Helper()
	needsRoot(t)
	for program, deb := range map[string]string{"dnsmasq": "dnsmasq-base", "ovs-vsctl": "openvswitch-switch", "iptables": "iptables"} {
		if _, err := process.Find(program); err != nil {
			t.Fatalf("%s is missing: build/deps.sh test installs %s", program, deb)
		}
	}
	// The shell is the first process there and takes in what others leave.
	const script = `mount --make-rprivate / && mount -t proc proc /proc && "$@"; exit $?`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script, "sh", must(os.Executable())(t), "-test.run", "^"+name+"$", "-test.v", "-test.timeout", "9m")
	cmd.Env = append(os.Environ(), asUserEnv+"=net", "PATH="+process.SearchPath())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+name) {
		t.Errorf("%s: %v", name, err)
	}
}

// system starts the libvirtd of a computer, as its administrator has it, and gives a
// directory for the test. Only a process of inNamespaces may call it.
func system(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	run(t, "ip", "link", "set", "lo", "up")
	ok(t, syscall.Mount("sysfs", "/sys", "sysfs", 0, "")) // of this network
	run(t, "cp", "-a", "/etc", dir)
	ok(t, syscall.Mount(filepath.Join(dir, "etc"), "/etc", "", syscall.MS_BIND, ""))
	for _, over := range []string{"/run", "/var/lib", "/var/log", "/var/cache"} {
		ok(t, syscall.Mount("tmpfs", over, "tmpfs", 0, "mode=755"))
	}
	for _, inside := range []string{"/etc/libvirt", "/run/libvirt", "/run/openvswitch", "/run/lock", "/var/lib/libvirt",
		"/var/log/libvirt", "/var/log/openvswitch", "/var/cache/libvirt"} {
		ok(t, os.MkdirAll(inside, 0o755))
	}
	// libvirtd looks for this user, whoever QEMU runs as.
	for file, line := range map[string]string{"/etc/passwd": "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin\n", "/etc/group": "libvirt-qemu:x:64055:\n"} {
		ok(t, os.WriteFile(file, append(must(os.ReadFile(file))(t), line...), 0o644))
	}
	ok(t, os.WriteFile("/etc/libvirt/qemu.conf", []byte("user = \"root\"\ngroup = \"root\"\nsecurity_driver = \"none\"\ncgroup_controllers = []\n"+
		"namespaces = []\ndynamic_ownership = 0\nremember_owner = 0\nstdio_handler = \"file\"\n"), 0o644))
	ok(t, os.WriteFile("/etc/libvirt/libvirtd.conf", []byte("auth_unix_rw = \"none\"\nhost_uuid = \""+newUUID()+"\"\n"), 0o644))
	startSystem(t)
	return dir
}

// startSystem starts libvirtd, and ends it when the test does.
func startSystem(t *testing.T) {
	t.Helper()
	var said bytes.Buffer
	daemon := exec.Command(must(process.Find("libvirtd"))(t), "-f", "/etc/libvirt/libvirtd.conf", "-p", "/run/libvirtd.pid")
	daemon.Stdout, daemon.Stderr = &said, &said
	ok(t, daemon.Start())
	t.Cleanup(func() {
		_ = daemon.Process.Kill() // its namespaces end anyway
		_ = daemon.Wait()
		if t.Failed() {
			t.Logf("libvirtd: %s", said.String())
		}
	})
	eventually(t, "libvirtd listens", func() bool { return process.Answers("/run/libvirt/libvirt-sock") })
}

// openSwitch starts Open vSwitch.
func openSwitch(t *testing.T) {
	t.Helper()
	schemas := must(filepath.Glob("/usr/share/openvswitch/vswitch.ovsschema"))(t)
	if len(schemas) != 1 {
		t.Fatal("Open vSwitch has no schema")
	}
	run(t, "ovsdb-tool", "create", "/run/openvswitch/conf.db", schemas[0])
	start := func(name string, args ...string) {
		cmd := exec.Command(must(process.Find(name))(t), args...)
		log := must(os.Create("/var/log/openvswitch/" + name))(t)
		cmd.Stdout, cmd.Stderr = log, log
		ok(t, cmd.Start())
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // its namespaces end anyway
			_ = cmd.Wait()
			if t.Failed() {
				t.Logf("%s: %s", name, must(os.ReadFile(log.Name()))(t))
			}
			_ = log.Close()
		})
	}
	start("ovsdb-server", "/run/openvswitch/conf.db", "--remote=punix:/run/openvswitch/db.sock", "--pidfile=/run/openvswitch/ovsdb-server.pid")
	eventually(t, "Open vSwitch's database listens", func() bool { return process.Answers("/run/openvswitch/db.sock") })
	run(t, "ovs-vsctl", "--no-wait", "init")
	start("ovs-vswitchd", "unix:/run/openvswitch/db.sock", "--pidfile=/run/openvswitch/ovs-vswitchd.pid")
}

// openSystem opens a Store on that libvirtd.
func openSystem(t *testing.T, dir string) *Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := must(Open(ctx, Config{Dir: filepath.Join(dir, "vm"), RunDir: filepath.Join(dir, "r"), URI: uriSystem}))(t)
	if s.URI() == "" {
		t.Fatalf("no libvirt: %v (hint: %s)", s.why, fusion.Hint(s.why))
	}
	return s
}

// booted makes a machine on a network, gives it a guest that runs body, and starts it.
// What it prints is in the file console.
func booted(t *testing.T, s *Store, name, network, body, parameters string) (console string) {
	t.Helper()
	return bootedWith(t, s, name, network, body, parameters, nil)
}

// bootedWith is booted for a guest with more modules.
func bootedWith(t *testing.T, s *Store, name, network, body, parameters string, modules []string) (console string) {
	t.Helper()
	dir := t.TempDir()
	kernel, initrd := linux.BusyboxWith(t, dir, body, modules, nil)
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: name, MemoryBytes: 192 << 20, Network: network}))(t)
	console = filepath.Join(dir, "console")
	text := virsh(t, s, "dumpxml", "--inactive", name)
	text = strings.Replace(text, "</os>", "<kernel>"+kernel+"</kernel><initrd>"+initrd+"</initrd><cmdline>console=ttyS1 quiet panic=1 mitigations=off "+parameters+"</cmdline></os>", 1)
	text = strings.Replace(text, "</devices>", "<serial type='file'><source path='"+console+"'/></serial></devices>", 1)
	changed := filepath.Join(dir, "domain.xml")
	ok(t, os.WriteFile(changed, []byte(text), 0o600))
	virsh(t, s, "define", changed)
	s.touch(m.UUID)
	ok(t, s.Do(t.Context(), name, fusion.Start))
	return console
}

// says waits until a guest has printed something.
func says(t *testing.T, console, text string) {
	t.Helper()
	const slow = 4 * time.Minute // three emulated guests on two busy processors
	for deadline := time.Now().Add(slow); ; time.Sleep(100 * time.Millisecond) {
		said, err := os.ReadFile(console)
		if err == nil && strings.Contains(string(said), text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the guest does not say %q but %q, %v", text, said, err)
		}
	}
}
