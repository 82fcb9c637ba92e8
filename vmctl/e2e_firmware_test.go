//go:build machines && e2e && linux

package vmctl

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	linux "hither/internal/guest"
	"hither/vmctl/computer"
	"hither/vmctl/domxml"
	"hither/vmctl/imagepool"
)

// seesFirmware is a guest that tells what its firmware gave it, once it is up.
const seesFirmware = `dmesg | grep -E 'efi: |TPM2|ecure boot'
echo firmware seen
sleep 100000`

// linuxByUEFI makes a machine with UEFI and a TPM that runs a Linux, off.
func linuxByUEFI(t *testing.T, s *Store, name string) fusion.Machine {
	t.Helper()
	dir := t.TempDir()
	kernel, initrd := linux.Busybox(t, dir, seesFirmware)
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: name, MemoryBytes: 256 << 20, DiskBytes: 16 << 20, Firmware: "uefi", TPM: true}))(t)
	text := virsh(t, s, "dumpxml", "--inactive", name)
	text = strings.Replace(text, "</os>", "<kernel>"+kernel+"</kernel><initrd>"+initrd+"</initrd><cmdline>console=ttyS0 quiet mitigations=off</cmdline></os>", 1)
	path := filepath.Join(dir, "domain.xml")
	ok(t, os.WriteFile(path, []byte(text), 0o600))
	virsh(t, s, "define", path)
	s.touch(m.UUID)
	return m
}

// serialSays waits until a running machine has printed something.
func serialSays(t *testing.T, s *Store, name, text string) string {
	t.Helper()
	term := openConsole(t, s, name, fusion.TerminalOptions{ViewOnly: true})
	defer term.Close()
	const slow = 20 * time.Minute // an emulated guest on busy processors
	ends := time.AfterFunc(slow, func() { _ = term.Close() })
	defer ends.Stop()
	said := ""
	for !strings.Contains(said, text) {
		chunk, err := term.Next()
		if said += string(chunk.Data); err != nil {
			t.Fatalf("%s does not say %q but %q: %v", name, text, said, err)
		}
	}
	return said
}

// tpmRuns says whether a swtpm serves a domain.
func tpmRuns(uuid string) bool {
	for _, args := range computer.Processes() {
		if strings.Contains(args, "/swtpm\x00") && strings.Contains(args, uuid) {
			return true
		}
	}
	return false
}

// varsOf and tpmOf read what a machine has beside its disks.
func varsOf(t *testing.T, s *Store, name string) []byte {
	t.Helper()
	r := must(s.fresh(t.Context(), "", name, must(s.find(t.Context(), "", name))(t)))(t)
	if filepath.Dir(r.Vars) != s.config.pool() {
		t.Fatalf("its variables are %q", r.Vars)
	}
	return must(os.ReadFile(r.Vars))(t)
}

func tpmOf(t *testing.T, s *Store, uuid string) []byte {
	t.Helper()
	return must(os.ReadFile(filepath.Join(s.tpmDir(uuid), "tpm2", tpmState)))(t)
}

// TestUEFIAndTPM boots by real firmware with a TPM, and takes both along in copies.
func TestUEFIAndTPM(t *testing.T) {
	s, config := stage(t, "private")
	ctx := t.Context()
	m := linuxByUEFI(t, s, "m")
	ok(t, s.Do(ctx, "m", fusion.Start))
	said := serialSays(t, s, "m", "firmware seen")
	for _, seen := range []string{"efi: EFI v2", "TPM2 0x"} {
		if !strings.Contains(said, seen) {
			t.Errorf("the guest does not see %q: %s", seen, said)
		}
	}
	now, _ := dumps(t, s, "m")
	hasText(t, now, "type='pflash'", true)
	hasText(t, now, "<backend type='emulator' version='2.0'", true)
	hasText(t, now, filepath.Join(config.pool(), varsName("m", m.UUID, domxml.UEFI)), true)
	if !tpmRuns(m.UUID) {
		t.Error("no swtpm serves it")
	}
	_, err := s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "a"})
	refused(t, err, fusion.ErrUnsupported)
	ok(t, s.Do(ctx, "m", fusion.ForceOff))
	eventually(t, "the TPM ends", func() bool { return !tpmRuns(m.UUID) })
	vars, tpm := varsOf(t, s, "m"), tpmOf(t, s, m.UUID)

	// A clone has both, and starts.
	c := must(s.Clone(ctx, "m", fusion.CloneSpec{Name: "c"}))(t)
	if !bytes.Equal(varsOf(t, s, "c"), vars) || !bytes.Equal(tpmOf(t, s, c.UUID), tpm) {
		t.Error("the clone has others")
	}
	ok(t, s.Do(ctx, "c", fusion.Start))
	serialSays(t, s, "c", "firmware seen")
	ok(t, s.Do(ctx, "c", fusion.ForceOff))
	ok(t, s.Remove(ctx, "c"))
	if there(s.tpmDir(c.UUID)) || there(filepath.Join(config.pool(), varsName("c", c.UUID, domxml.UEFI))) {
		t.Error("the removed clone left its firmware's files")
	}

	// A linked clone of a template.
	must(s.SetTemplate(ctx, "m", true))(t)
	l := must(s.Clone(ctx, "m", fusion.CloneSpec{Name: "l"}))(t)
	if !bytes.Equal(varsOf(t, s, "l"), vars) || !bytes.Equal(tpmOf(t, s, l.UUID), tpm) {
		t.Error("the linked clone has others")
	}
	ok(t, s.Remove(ctx, "l"))
	must(s.SetTemplate(ctx, "m", false))(t)

	// A bundle.
	file := exportedBytes(t, s, "m", fusion.Bundle)
	i := must(importBytes(t, s, "i", file))(t)
	if !bytes.Equal(varsOf(t, s, "i"), vars) || !bytes.Equal(tpmOf(t, s, i.UUID), tpm) {
		t.Error("what was imported has others")
	}
	if p := must(s.Show(ctx, "i"))(t); p.Firmware != "uefi" || !p.TPM {
		t.Errorf("%+v", p)
	}
	ok(t, s.Do(ctx, "i", fusion.Start))
	serialSays(t, s, "i", "BdsDxe")
	ok(t, s.Do(ctx, "i", fusion.ForceOff))
	ok(t, s.Remove(ctx, "i"))
	ok(t, s.Remove(ctx, "m"))
	if left := poolFiles(t, s); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestFirmwareIsChanged goes from BIOS to UEFI, to Secure Boot and back.
func TestFirmwareIsChanged(t *testing.T) {
	s, config := stage(t, "private")
	if r := must(s.Resources(t.Context()))(t); strings.Join(r.Firmwares, " ") != "bios uefi uefi-secure" || !r.TPM {
		t.Errorf("its host says %+v", r)
	}
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: "m", MemoryBytes: 128 << 20, DiskBytes: 16 << 20}))(t)
	change(t, s, fusion.Change{Kind: fusion.SetBoot, Boot: []string{"disk"}}, fusion.Now)
	for _, firmware := range []string{"uefi", "uefi-secure"} {
		change(t, s, fusion.Change{Kind: fusion.SetFirmware, Firmware: firmware}, fusion.Now)
		ok(t, s.Do(t.Context(), "m", fusion.Start))
		serialSays(t, s, "m", "BdsDxe")
		now, _ := dumps(t, s, "m")
		hasText(t, now, "secure='yes'", firmware == "uefi-secure")
		ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
		varsOf(t, s, "m")
		if p := parts(t, s); p.Firmware != firmware {
			t.Errorf("it has %s", p.Firmware)
		}
		files := must(filepath.Glob(filepath.Join(config.pool(), "*"+imagepool.VarsSuffix)))(t)
		if len(files) != 1 || filepath.Base(files[0]) != varsName("m", m.UUID, firmware) {
			t.Errorf("the pool has %v", files)
		}
	}
	change(t, s, fusion.Change{Kind: fusion.SetFirmware, Firmware: "bios"}, fusion.Now)
	change(t, s, fusion.Change{Kind: fusion.SetTPM, TPM: true}, fusion.Now)
	ok(t, s.Do(t.Context(), "m", fusion.Start))
	if !tpmRuns(m.UUID) {
		t.Error("no swtpm serves it")
	}
	if files := poolFiles(t, s); len(files) != 1 {
		t.Errorf("the pool has %v", files)
	}
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	change(t, s, fusion.Change{Kind: fusion.SetTPM}, fusion.Now)
}

// TestUEFIAndTPMMove between hosts, off and while it runs, and back.
func TestUEFIAndTPMMove(t *testing.T) {
	a, b, _, _ := between(t)
	ctx := t.Context()
	m := must(a.Create(ctx, fusion.MachineSpec{Name: "m", MemoryBytes: 128 << 20, DiskBytes: 16 << 20, Firmware: "uefi", TPM: true}))(t)
	ok(t, a.Do(ctx, "m", fusion.Start))
	serialSays(t, a, "m", "BdsDxe")
	ok(t, a.Do(ctx, "m", fusion.ForceOff))
	vars, tpm := varsOf(t, a, "m"), tpmOf(t, a, m.UUID)

	ok(t, a.Migrate(ctx, "m", "b", fusion.MigrateOptions{}))
	if !bytes.Equal(varsOf(t, b, "m"), vars) || !bytes.Equal(tpmOf(t, b, m.UUID), tpm) {
		t.Error("others came")
	}
	nothingLeft(t, a, m.UUID)
	ok(t, b.Do(ctx, "m", fusion.Start))
	serialSays(t, b, "m", "BdsDxe")

	ok(t, b.Migrate(ctx, "m", "a", fusion.MigrateOptions{}))
	if there := must(a.Get(ctx, "m"))(t); there.State != fusion.Running {
		t.Errorf("%+v", there)
	}
	nothingLeft(t, b, m.UUID)
	if !soundVars(varsOf(t, a, "m")) || len(tpmOf(t, a, m.UUID)) == 0 {
		t.Error("it came without its variables or its TPM")
	}
	ok(t, a.Do(ctx, "m", fusion.ForceOff))
	ok(t, a.Do(ctx, "m", fusion.Start))
	serialSays(t, a, "m", "BdsDxe")
	ok(t, a.Do(ctx, "m", fusion.ForceOff))
	ok(t, a.Remove(ctx, "m"))
	nothingLeft(t, a, m.UUID)
}

func nothingLeft(t *testing.T, s *Store, uuid string) {
	t.Helper()
	if files := poolFiles(t, s); len(files) != 0 || there(s.tpmDir(uuid)) || pending(t, s) != 0 {
		t.Errorf("left: %v, a TPM: %v, %d intents", files, there(s.tpmDir(uuid)), pending(t, s))
	}
}
