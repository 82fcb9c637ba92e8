package vmctl

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"hither/fusion"
)

// installCD makes an installer's CD in the pool.
func installCD(t *testing.T, s *Store, name, kernel, initrd string, vmlinuz, ramfs []byte) {
	t.Helper()
	tree := filepath.Join(t.TempDir(), "tree")
	for path, data := range map[string][]byte{kernel: vmlinuz, initrd: ramfs} {
		ok(t, os.MkdirAll(filepath.Dir(filepath.Join(tree, path)), 0o700))
		ok(t, os.WriteFile(filepath.Join(tree, path), data, 0o600))
	}
	ok(t, writeISO(filepath.Join(s.config.pool(), name), tree, "CD"))
}

var unattended = fusion.MachineSpec{Name: "Web_1", ISO: "cd.iso", DiskBytes: 1 << 20, Unattended: true, Start: true,
	Seed: &fusion.Seed{User: "anna", SSHKeys: []string{aKey}, Packages: []string{"vim", "git"}, Locale: "de_DE.UTF-8"}}

// TestInstallsByItself: the first start is the installer's, with its script where it
// looks; the definition of the next knows nothing of it, and nothing is left over.
func TestInstallsByItself(t *testing.T) {
	for _, i := range installers {
		f := newFake()
		s := storeOf(t, f, Config{Dir: t.TempDir()})
		knowsKVM(s, false)
		installCD(t, s, "cd.iso", i.kernel, i.initrd, []byte("the kernel"), []byte("the initramfs"))
		spec := unattended
		m := must(s.Create(t.Context(), spec))(t)
		now, next := f.textsOf(m.UUID).now, f.textsOf(m.UUID).next
		if !strings.Contains(now, "<kernel>") || !strings.Contains(now, ">destroy<") || strings.Contains(next, "<kernel>") || strings.Contains(next, "on_reboot") {
			t.Errorf("%s: it runs as %s\nand is %s", i.name, now, next)
		}
		disks, seeds := 1, 0
		if i.label != "" {
			seeds = 1
		}
		if files := inPool(t, s.config); len(files) != 1+disks+seeds {
			t.Errorf("%s: the pool has %v", i.name, files)
		}
	}
}

func TestInstallIsUndone(t *testing.T) {
	f := newFake()
	s := storeOf(t, f, Config{Dir: t.TempDir()})
	knowsKVM(s, false)
	installCD(t, s, "cd.iso", installers[0].kernel, installers[0].initrd, []byte("k"), []byte("i"))
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
	if left := must(os.ReadDir(s.config.pool()))(t); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
}

// hostileKey has in its comment what a shell and an installer would take for more.
const hostileKey = aKey + ` "'; rm -rf / #$(reboot)`

func TestInstallScripts(t *testing.T) {
	spec := unattended
	spec.Seed = &fusion.Seed{User: "anna", SSHKeys: []string{hostileKey}, Packages: []string{"vim", "git"}, Locale: "de_DE.UTF-8"}
	ok(t, spec.Seed.Check())
	key := strings.Join(strings.Fields(aKey)[:2], " ")
	for _, hash := range []string{"", "$2a$10$abcdefghijklmnopqrstuv"} {
		a := repliesOf(plan{spec: spec, uuid: "u-1", hash: hash})
		pre := string(must(preseed(a))(t)["preseed.cfg"])
		kick := string(must(kickstart(a))(t)["ks.cfg"])
		auto := must(autoinstall(a))(t)
		for _, text := range []string{pre, kick, string(auto["user-data"])} {
			for _, part := range []string{key, "anna", "web-1", "de_DE.UTF-8", "vim", "qemu-guest-agent", hash} {
				if !strings.Contains(text, part) {
					t.Errorf("%q is not in %s", part, text)
				}
			}
			if strings.Contains(text, "rm -rf") || strings.Contains(text, "<no value>") || strings.Contains(text, "NOPASSWD") != (hash == "") {
				t.Errorf("it is %s", text)
			}
		}
		for line := range strings.Lines(pre) {
			if strings.HasPrefix(line, "d-i ") && len(strings.Fields(line)) < 3 {
				t.Errorf("half a line: %q", line)
			}
		}
		var x autoinstallYAML
		ok(t, yaml.Unmarshal(auto["user-data"], &x))
		if y := x.Autoinstall; y.Identity.Username != "anna" || y.SSH.Password != (hash != "") || y.Shutdown != "poweroff" {
			t.Errorf("%+v", y)
		}
	}
}

// TestInitramfsArchive has what Linux looks for: a magic, sizes, and an end.
func TestInitramfsArchive(t *testing.T) {
	out := newc(map[string][]byte{"preseed.cfg": []byte("d-i x\n")})
	if len(out)%4 != 0 || !bytes.HasPrefix(out, []byte("070701")) || !bytes.Contains(out, []byte("preseed.cfg\x00")) || !bytes.Contains(out, []byte("TRAILER!!!\x00")) {
		t.Errorf("%q", out)
	}
}
