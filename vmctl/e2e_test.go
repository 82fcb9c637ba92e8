//go:build e2e && linux

package vmctl

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/computer"
)

// stage opens a Store in a directory of its own and, when the test ends, ends
// everything it started.
func stage(t *testing.T, uri string) (*Store, Config) {
	t.Helper()
	dir, err := os.MkdirTemp("", "vmctl-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	config := Config{Dir: filepath.Join(dir, "vm"), RunDir: filepath.Join(dir, "r"), URI: uri}
	cache := filepath.Join(config.Dir, "libvirt", "cache", "libvirt", "qemu", "capabilities")
	lendCapabilities(t, cache)
	t.Cleanup(func() {
		last := open(t, config)
		keepCapabilities(cache)
		stopAll(t, last)
		closeStore(t, last)
		noProcessOf(t, dir)
		noProcessOf(t, config.private().Link)
	})
	return open(t, config), config
}

// needsRoot says so: file systems, bridges and other users are made by nobody else. CI and
// a container run as root; the rest of the tests become an ordinary user by themselves.
func needsRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("run the end-to-end tests as root, as in sudo make test-e2e")
	}
}

// limited gives a directory a small file system of its own, until the test ends.
func limited(t *testing.T, dir, size string) {
	t.Helper()
	needsRoot(t)
	ok(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size))
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
}

// capabilities is what a libvirtd found out about the QEMU here, by file name. Each would
// find it out anew, which takes it seconds.
var capabilities sync.Map

func lendCapabilities(t *testing.T, cache string) {
	t.Helper()
	ok(t, os.MkdirAll(cache, 0o700))
	for name, text := range capabilities.Range {
		ok(t, os.WriteFile(filepath.Join(cache, name.(string)), text.([]byte), 0o600))
	}
}

func keepCapabilities(cache string) {
	files, _ := filepath.Glob(filepath.Join(cache, "*.xml")) // the pattern is good
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil { // without it the next one asks QEMU
			capabilities.Store(filepath.Base(file), text)
		}
	}
}

func open(t *testing.T, config Config) *Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	if t.Context().Err() != nil {
		ctx, cancel = context.WithTimeout(context.Background(), patience)
	}
	defer cancel()
	s, err := Open(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	if s.URI() == "" {
		t.Fatalf("no libvirt: %v (hint: %s)", s.why, fusion.Hint(s.why))
	}
	return s
}

func stopAll(t *testing.T, s *Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.StopAll(ctx); err != nil {
		t.Error(err)
	}
}

func noProcessOf(t *testing.T, dir string) {
	t.Helper()
	for pid, args := range computer.Processes() {
		if strings.Contains(args, dir) && !strings.Contains(args, "-machine\x00none") { // by which a libvirtd that was killed asked what QEMU can
			t.Errorf("process %d is left: %q", pid, args)
		}
	}
}

// qemuPID gives the process of a machine, 0 when there is none.
func qemuPID(uuid string) int {
	for pid, args := range computer.Processes() {
		if strings.Contains(args, "\x00-uuid\x00"+uuid+"\x00") {
			return pid
		}
	}
	return 0
}

// aLife takes a machine through its life on any libvirt.
func aLife(t *testing.T, s *Store, name string) {
	ctx := t.Context()
	events := watch(t, s)
	m := must(s.Create(ctx, fusion.MachineSpec{Name: name, MemoryBytes: 64 << 20, DiskBytes: 1 << 30, Start: true}))(t)
	if m.State != fusion.Running || m.UUID == "" || !m.Screen || m.Accelerator == "" || len(m.Disks) != 1 || m.Disks[0].TotalBytes != 1<<30 {
		t.Fatalf("created: %+v", m)
	}
	if m.Accelerator == "tcg" && !strings.Contains(m.Note, "emulated") {
		t.Errorf("the note does not say that it is emulated: %q", m.Note)
	}
	events.await(t, name+" running")
	first := must(s.Screenshot(ctx, name))(t)
	eventually(t, "the screen changes", func() bool {
		return string(must(s.Screenshot(ctx, name))(t)) != string(first)
	})
	if s.Screenshots() < 2 {
		t.Errorf("%d screenshots counted", s.Screenshots())
	}
	speaksRFB(t, s, name)
	_, err := s.Create(ctx, fusion.MachineSpec{Name: name})
	refused(t, err, fusion.ErrExists)
	refused(t, s.Do(ctx, name, fusion.Resume), fusion.ErrInvalid)
	refused(t, s.Remove(ctx, name), fusion.ErrBusy)
	ok(t, s.Do(ctx, name, fusion.Pause))
	events.await(t, name+" paused")
	still := must(s.Screenshot(ctx, name))(t)
	if again := must(s.Screenshot(ctx, name))(t); string(again) != string(still) || len(still) == 0 {
		t.Error("the screen of a machine that is paused does not stand still")
	}
	ok(t, s.Do(ctx, name, fusion.Resume))
	events.await(t, name+" running")
	statsOf(t, s, name)
	ok(t, s.Do(ctx, name, fusion.Reboot))
	ok(t, s.Do(ctx, name, fusion.Stop))
	events.await(t, name+" stopping") // it has no system that listens
	ok(t, s.Do(ctx, name, fusion.ForceOff))
	events.await(t, name+" off")
	_, err = s.Screenshot(ctx, name)
	refused(t, err, fusion.ErrInvalid)
	_, err = s.OpenConsole(ctx, name)
	refused(t, err, fusion.ErrInvalid)
	ok(t, s.Remove(ctx, name))
	events.await(t, name+" removed")
	_, err = s.Get(ctx, name)
	refused(t, err, fusion.ErrNotFound)
	if left := must(os.ReadDir(s.config.pool()))(t); len(left) != 0 {
		t.Errorf("the pool still has %v", left)
	}
}

func speaksRFB(t *testing.T, s *Store, name string) {
	t.Helper()
	conn := must(s.OpenConsole(t.Context(), name))(t)
	defer conn.Close()
	ok(t, conn.SetDeadline(time.Now().Add(patience)))
	hello := make([]byte, 12)
	if _, err := io.ReadFull(conn, hello); err != nil || string(hello) != "RFB 003.008\n" {
		t.Fatalf("the console says %q, %v", hello, err)
	}
}

func statsOf(t *testing.T, s *Store, name string) {
	t.Helper()
	list := must(s.Stats(t.Context()))(t)
	if len(list) < 2 || list[0].Name != fusion.Self || list[0].CPUSeconds <= 0 || list[0].MemoryUsedBytes <= 0 {
		t.Fatalf("stats: %+v", list)
	}
	for _, one := range list[1:] {
		if one.Name == name && one.CPUSeconds > 0 && one.MemoryBytes == 64<<20 && one.CPUs == 1 {
			return
		}
	}
	t.Fatalf("no good stats of %s: %+v", name, list)
}

func TestPrivateLife(t *testing.T) {
	s, _ := stage(t, "private")
	aLife(t, s, "life")
	for _, c := range s.Checks(t.Context()) {
		t.Logf("%+v", c)
		if c.State == CheckBad {
			t.Errorf("%s: %s", c.Name, c.Text)
		}
	}
}
