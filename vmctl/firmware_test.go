package vmctl

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// volume is a file of UEFI variables as far as Hither looks at one.
func firmwareVolume(mark string) []byte {
	text := make([]byte, 128)
	copy(text[40:], "_FVH")
	copy(text[64:], mark)
	return text
}

// started gives a machine what libvirt and swtpm make at its first start.
func startedOnce(t *testing.T, s *Store, name string) (vars, tpm []byte) {
	t.Helper()
	r := must(s.fresh(t.Context(), "", name, must(s.find(t.Context(), "", name))(t)))(t)
	vars, tpm = firmwareVolume(name), []byte("state of "+name)
	ok(t, os.WriteFile(r.Vars, vars, 0o600))
	ok(t, s.writeTPM("", name, r.uuid, tpm))
	return vars, tpm
}

// hasFirmware compares a machine's variables and TPM.
func hasFirmware(t *testing.T, s *Store, name string, vars, tpm []byte) {
	t.Helper()
	r := must(s.fresh(t.Context(), "", name, must(s.find(t.Context(), "", name))(t)))(t)
	if filepath.Base(r.Vars) != varsName(name, r.uuid, r.Firmware) || filepath.Dir(r.Vars) != s.config.pool() {
		t.Errorf("the variables of %s are %s", name, r.Vars)
	}
	got, err := os.ReadFile(r.Vars)
	state, failed := s.readTPM("", name, r.uuid)
	if !bytes.Equal(got, vars) || !bytes.Equal(state, tpm) {
		t.Errorf("%s has %d bytes (%v) and a TPM of %q (%v)", name, len(got), err, state, failed)
	}
}

func firmwareStore(t *testing.T) (*Store, *fake) {
	f := newFake()
	f.can.uefi, f.can.secure, f.can.tpm = true, true, true
	s := storeOf(t, f, Config{Dir: t.TempDir(), swtpm: t.TempDir()})
	knowsKVM(s, false)
	return s, f
}

func TestFirmwareGoesAlong(t *testing.T) {
	s, _ := firmwareStore(t)
	ctx := t.Context()
	for _, firmware := range []string{domxml.UEFI, domxml.SecureUEFI} {
		m := must(s.Create(ctx, fusion.MachineSpec{Name: "m", DiskBytes: 1 << 20, Firmware: firmware, TPM: true}))(t)
		// Before its first start there is nothing to copy.
		must(s.Clone(ctx, "m", fusion.CloneSpec{Name: "early"}))(t)
		hasFirmware(t, s, "early", nil, nil)
		vars, tpm := startedOnce(t, s, "m")
		c := must(s.Clone(ctx, "m", fusion.CloneSpec{Name: "c"}))(t)
		hasFirmware(t, s, "c", vars, tpm)
		if p := must(s.Show(ctx, "c"))(t); p.Firmware != firmware || !p.TPM {
			t.Errorf("%+v", p)
		}
		i := must(importBytes(t, s, "i", exportedBytes(t, s, "m", fusion.Bundle)))(t)
		hasFirmware(t, s, "i", vars, tpm)
		if p := must(s.Show(ctx, "i"))(t); p.Firmware != firmware || !p.TPM {
			t.Errorf("%+v", p)
		}
		_, err := s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "a"})
		refused(t, err, fusion.ErrUnsupported)
		for _, name := range []string{"m", "c", "i", "early"} {
			ok(t, s.Remove(ctx, name))
		}
		if files := must(os.ReadDir(s.config.pool()))(t); len(files) != 0 {
			t.Errorf("left: %v", files)
		}
		for _, uuid := range []string{m.UUID, c.UUID, i.UUID} {
			if there(s.tpmDir(uuid)) {
				t.Errorf("the TPM of %s is left", uuid)
			}
		}
	}
}

func TestChangingTheFirmwareForgetsItsVariables(t *testing.T) {
	s, f := firmwareStore(t)
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: "m", DiskBytes: 1 << 20, Firmware: domxml.UEFI, TPM: true}))(t)
	startedOnce(t, s, "m")
	old := filepath.Join(s.config.pool(), varsName("m", m.UUID, domxml.UEFI))
	f.refuses("define", &driverError{fusion.ErrInvalid, "no"})
	_, err := s.Change(t.Context(), "m", fusion.Change{Kind: fusion.SetFirmware, Firmware: domxml.SecureUEFI})
	refused(t, err, fusion.ErrInvalid)
	if !there(old) {
		t.Fatal("a change that was refused took the variables")
	}
	f.refuses("define", nil)
	change(t, s, fusion.Change{Kind: fusion.SetFirmware, Firmware: domxml.SecureUEFI}, fusion.Now)
	if text := f.textsOf(m.UUID).next; there(old) || !strings.Contains(text, varsName("m", m.UUID, domxml.SecureUEFI)) || strings.Count(text, "<nvram>") != 1 {
		t.Errorf("the old variables are there: %v; %s", there(old), text)
	}
	if p := parts(t, s); p.Firmware != domxml.SecureUEFI {
		t.Errorf("%+v", p)
	}
	eventually(t, "nothing is left to do", func() bool { return pending(t, s) == 0 })
	change(t, s, fusion.Change{Kind: fusion.SetFirmware, Firmware: domxml.BIOS}, fusion.Now)
	if p := parts(t, s); p.Firmware != domxml.BIOS {
		t.Errorf("%+v", p)
	}
	f.can.secure = false
	_, err = s.Change(t.Context(), "m", fusion.Change{Kind: fusion.SetFirmware, Firmware: domxml.SecureUEFI})
	refused(t, err, fusion.ErrUnsupported)
}

// TestForeignVariables: a bundle with what is no firmware volume makes nothing.
func TestForeignVariables(t *testing.T) {
	s, _ := firmwareStore(t)
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "m", DiskBytes: 1 << 20, Firmware: domxml.UEFI}))(t)
	r := must(s.fresh(t.Context(), "", "m", must(s.find(t.Context(), "", "m"))(t)))(t)
	ok(t, os.WriteFile(r.Vars, []byte("no variables"), 0o600))
	_, err := importBytes(t, s, "i", exportedBytes(t, s, "m", fusion.Bundle))
	refused(t, err, fusion.ErrInvalid)
	ok(t, os.Truncate(r.Vars, mostVars+1))
	_, err = s.Clone(t.Context(), "m", fusion.CloneSpec{Name: "c"})
	if err == nil || pending(t, s) != 0 {
		t.Errorf("%v", err)
	}
	if files := must(filepath.Glob(filepath.Join(s.config.pool(), "*")))(t); len(files) != 2 {
		t.Errorf("left: %v", files)
	}
}
