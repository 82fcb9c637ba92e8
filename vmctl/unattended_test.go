package vmctl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/seed"
)

// installCD makes an installer's CD in the pool.
func installCD(t *testing.T, s *Store, name, kernel, initrd string, vmlinuz, ramfs []byte) {
	t.Helper()
	tree := filepath.Join(t.TempDir(), "tree")
	for path, data := range map[string][]byte{kernel: vmlinuz, initrd: ramfs} {
		ok(t, os.MkdirAll(filepath.Dir(filepath.Join(tree, path)), 0o700))
		ok(t, os.WriteFile(filepath.Join(tree, path), data, 0o600))
	}
	ok(t, seed.WriteISO(filepath.Join(s.config.pool(), name), tree, "CD"))
}

// someKey has in its comment what YAML takes for more.
const someKey = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKj7Zk anna: "#home" {x} %y`

var unattended = fusion.MachineSpec{Name: "Web_1", ISO: "cd.iso", DiskBytes: 1 << 20, Unattended: true, Start: true,
	Seed: &fusion.Seed{User: "anna", SSHKeys: []string{someKey}, Packages: []string{"vim", "git"}, Locale: "de_DE.UTF-8"}}

// TestInstallsByItself: the first start is the installer's, with its script where it
// looks; the definition of the next knows nothing of it, and nothing is left over.
func TestInstallsByItself(t *testing.T) {
	for _, i := range seed.Installers {
		f := newFake()
		s := storeOf(t, f, Config{Dir: t.TempDir()})
		knowsKVM(s, false)
		installCD(t, s, "cd.iso", i.Kernel, i.Initrd, []byte("the kernel"), []byte("the initramfs"))
		spec := unattended
		m := must(s.Create(t.Context(), spec))(t)
		now, next := f.textsOf(m.UUID).now, f.textsOf(m.UUID).next
		if !strings.Contains(now, "<kernel>") || !strings.Contains(now, ">destroy<") || strings.Contains(next, "<kernel>") || strings.Contains(next, "on_reboot") {
			t.Errorf("%s: it runs as %s\nand is %s", i.Name, now, next)
		}
		disks, seeds := 1, 0
		if i.CDLabel != "" {
			seeds = 1
		}
		if files := inPool(t, s.config); len(files) != 1+disks+seeds {
			t.Errorf("%s: the pool has %v", i.Name, files)
		}
	}
}

func TestInstallIsUndone(t *testing.T) {
	f := newFake()
	s := storeOf(t, f, Config{Dir: t.TempDir()})
	knowsKVM(s, false)
	installCD(t, s, "cd.iso", seed.Installers[0].Kernel, seed.Installers[0].Initrd, []byte("k"), []byte("i"))
	f.refuses("startAs", &driverError{fusion.ErrInvalid, "no"})
	_, err := s.Create(t.Context(), unattended)
	refused(t, err, fusion.ErrInvalid)
	left := must(os.ReadDir(s.config.pool()))(t)
	if _, gone := s.Get(t.Context(), unattended.Name); gone == nil || len(left) != 1 || pending(t, s) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestUnattendedRefusals(t *testing.T) {
	f := newFake()
	s := storeOf(t, f, Config{Dir: t.TempDir()})
	knowsKVM(s, false)
	ok(t, os.WriteFile(filepath.Join(s.config.pool(), "cd.iso"), append(make([]byte, 0x8001), "CD001 broken"...), 0o600))
	installCD(t, s, "other.iso", "/a", "/b", []byte("a"), []byte("b"))
	installCD(t, s, "debian.iso", seed.Installers[0].Kernel, seed.Installers[0].Initrd, []byte("k"), []byte("i"))
	for what, c := range map[string]struct {
		change func(*fusion.MachineSpec)
		cause  error
	}{
		"a broken CD":    {func(*fusion.MachineSpec) {}, nil},
		"another CD":     {func(s *fusion.MachineSpec) { s.ISO = "other.iso" }, fusion.ErrUnsupported},
		"no CD":          {func(s *fusion.MachineSpec) { s.ISO = "" }, fusion.ErrInvalid},
		"no disk":        {func(s *fusion.MachineSpec) { s.DiskBytes = 0 }, fusion.ErrInvalid},
		"nobody logs in": {func(s *fusion.MachineSpec) { s.Seed = &fusion.Seed{User: "anna"} }, fusion.ErrInvalid},
		"not started":    {func(s *fusion.MachineSpec) { s.Start = false }, fusion.ErrInvalid},
		"little memory":  {func(s *fusion.MachineSpec) { s.ISO, s.MemoryBytes = "debian.iso", 512<<20 }, fusion.ErrInvalid},
		"a hostile locale": {func(s *fusion.MachineSpec) {
			s.Seed = &fusion.Seed{Password: "x", Locale: "de_DE\nd-i preseed/late_command string reboot"}
		}, fusion.ErrInvalid},
	} {
		spec := unattended
		c.change(&spec)
		_, err := s.Create(t.Context(), spec)
		if err == nil || c.cause != nil && fusion.CauseName(err) != fusion.CauseName(c.cause) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if left := must(os.ReadDir(s.config.pool()))(t); len(left) != 3 {
		t.Errorf("left: %v", left)
	}
}
