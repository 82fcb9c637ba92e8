//go:build e2e && linux

package vmctl

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/kvm"
)

func TestMachinesSurviveTheNode(t *testing.T) {
	s, config := stage(t, "private")
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: "kept", MemoryBytes: 64 << 20, Start: true}))(t)
	pid, daemon := qemuPID(m.UUID), daemonPID(t, config)
	closeStore(t, s)

	s = open(t, config)
	again := must(s.Get(t.Context(), "kept"))(t)
	if again.UUID != m.UUID || again.State != fusion.Running || again.Started.IsZero() {
		t.Errorf("after a restart: %+v", again)
	}
	if now := qemuPID(m.UUID); now != pid || daemonPID(t, config) != daemon {
		t.Errorf("QEMU was %d and is %d; the daemon was %d and is %d", pid, now, daemon, daemonPID(t, config))
	}

	// The daemon dies: the Store starts another, which takes QEMU over.
	events := watch(t, s)
	ok(t, syscall.Kill(daemon, syscall.SIGKILL))
	events.await(t, "kept failed")
	events.await(t, "kept running")
	if now := qemuPID(m.UUID); now != pid {
		t.Errorf("QEMU was %d and is %d", pid, now)
	}
	ok(t, s.Do(t.Context(), "kept", fusion.ForceOff))
	events.await(t, "kept off")
}

func daemonPID(t *testing.T, config Config) int {
	t.Helper()
	pid := daemonOf(config)
	if pid == 0 {
		t.Fatal("no daemon runs")
	}
	return pid
}

// daemonOf is the process of a private libvirtd, or 0.
func daemonOf(config Config) int {
	for pid, args := range computer.Processes() {
		if strings.Contains(args, "\x00"+config.private().PIDFile()+"\x00") {
			return pid
		}
	}
	return 0
}

func TestTwoNodesOnOneComputer(t *testing.T) {
	a, configA := stage(t, "private")
	b, configB := stage(t, "private")
	if daemonPID(t, configA) == daemonPID(t, configB) {
		t.Fatal("they share a daemon")
	}
	one := must(a.Create(t.Context(), fusion.MachineSpec{Name: "twin", MemoryBytes: 64 << 20}))(t)
	if list := must(b.List(t.Context()))(t); len(list) != 1 {
		t.Errorf("B sees machines of A: %+v", list)
	}
	two := must(b.Create(t.Context(), fusion.MachineSpec{Name: "twin", MemoryBytes: 64 << 20}))(t)
	if one.UUID == two.UUID {
		t.Error("they share a machine")
	}
}

func TestFullDisk(t *testing.T) {
	s, config := stage(t, "private")
	limited(t, config.pool(), "48m")
	ok(t, s.Upload(t.Context(), "base.img", 12<<20, bytes.NewReader(make([]byte, 12<<20))))
	fresh(t, filepath.Join(config.pool(), "base.img"))
	_, err := s.Create(t.Context(), fusion.MachineSpec{Name: "big", Image: "base.img"})
	refused(t, err, fusion.ErrInvalid)
	if !strings.Contains(err.Error(), "full") {
		t.Errorf("it does not say why: %v", err)
	}
	refused(t, s.Upload(t.Context(), "more.img", 40<<20, neverRead{t}), fusion.ErrInvalid)
	refused(t, s.Upload(t.Context(), "more.img", -1, endless{}), fusion.ErrInvalid)
	fill(t, filepath.Join(config.pool(), "filler"))
	_, err = s.Create(t.Context(), fusion.MachineSpec{Name: "big", DiskBytes: 1 << 30})
	refused(t, err, fusion.ErrInvalid)
	if list := must(s.List(t.Context()))(t); len(list) != 1 {
		t.Errorf("something is left: %+v", list)
	}
	if left := must(filepath.Glob(filepath.Join(config.pool(), "[^.]*")))(t); len(left) != 2 {
		t.Errorf("the pool has %v", left)
	}
	if hidden := must(filepath.Glob(filepath.Join(config.pool(), ".*")))(t); len(hidden) != 1 { // the note on the image
		t.Errorf("the pool hides %v", hidden)
	}
}

// fresh fills an image with bytes that take room.
func fresh(t *testing.T, path string) {
	t.Helper()
	ok(t, os.WriteFile(path, bytes.Repeat([]byte{1}, 12<<20), 0o600))
}

// fill takes what is left of a file system.
func fill(t *testing.T, path string) {
	t.Helper()
	f := must(os.Create(path))(t)
	defer f.Close()
	for block := make([]byte, 1<<16); ; {
		if _, err := f.Write(block); err != nil {
			return
		}
	}
}

type neverRead struct{ t *testing.T }

func (n neverRead) Read([]byte) (int, error) {
	n.t.Error("it was read although there is no room")
	return 0, os.ErrClosed
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestImagesAndNames(t *testing.T) {
	s, config := stage(t, "private")
	for _, name := range []string{"../up", "<xml>", "", "a b", "a/b", "-x"} {
		_, err := s.Create(t.Context(), fusion.MachineSpec{Name: name, DiskBytes: 1 << 20})
		refused(t, err, fusion.ErrInvalid)
	}
	_, err := s.Create(t.Context(), fusion.MachineSpec{Name: "x", ISO: "../../etc/passwd"})
	refused(t, err, fusion.ErrInvalid)
	_, err = s.Create(t.Context(), fusion.MachineSpec{Name: "x", Image: "nothing.qcow2"})
	refused(t, err, fusion.ErrNotFound)

	secret := filepath.Join(config.pool(), "thief.qcow2")
	run(t, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", secret)
	_, err = s.Create(t.Context(), fusion.MachineSpec{Name: "x", Image: "thief.qcow2"})
	refused(t, err, fusion.ErrInvalid)

	run(t, "qemu-img", "create", "-q", "-f", "qcow2", filepath.Join(config.pool(), "base.qcow2"), "64M")
	run(t, "cp", "/etc/passwd", filepath.Join(config.pool(), "cd.iso"))
	m := must(s.Create(t.Context(), fusion.MachineSpec{
		Name: "x", Image: "base.qcow2", DiskBytes: 96 << 20, ISO: "cd.iso", MemoryBytes: 64 << 20, CPUs: 2, Start: true}))(t)
	if len(m.Disks) != 1 || m.Disks[0].TotalBytes != 96<<20 || m.CPUs != 2 {
		t.Errorf("%+v", m)
	}
	_, err = s.Create(t.Context(), fusion.MachineSpec{Name: "y", Image: "base.qcow2", DiskBytes: 32 << 20, MemoryBytes: 64 << 20})
	refused(t, err, fusion.ErrInvalid)
	ok(t, s.Do(t.Context(), "x", fusion.ForceOff))
	ok(t, s.Remove(t.Context(), "x"))
	if left := must(filepath.Glob(filepath.Join(config.pool(), "*")))(t); len(left) != 3 {
		t.Errorf("uploaded images should stay, disks not: %v", left)
	}
}

// TestProbe runs the guest under emulation: there it must work.
func TestProbe(t *testing.T) {
	program := must(exec.LookPath("qemu-system-x86_64"))(t)
	if why := kvm.Boots(t.Context(), program, "tcg", "qemu64"); why != "" {
		t.Error(why)
	}
	if why := kvm.Boots(t.Context(), program, "nonsense", "qemu64"); why == "" {
		t.Error("an accelerator that is none works")
	}
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
}
