package vmctl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagepool"
)

// A machine that starts by UEFI has variables (boot entries, the keys of Secure Boot),
// and one with a TPM has that TPM's state. They belong to it as its disks do: they go
// along when it is copied or moves, and go with it (docs/decisions/0029).
const (
	// FirmwareHint and TPMHint are what a person does on a host without them.
	FirmwareHint = "install the firmware on the machine's host (Debian, Ubuntu: apt install ovmf)"
	TPMHint      = "install the TPM on the machine's host (Debian, Ubuntu: apt install swtpm swtpm-tools)"

	// mostVars and mostTPM bound the variables and a TPM's state, in bytes. OVMF's
	// variables have 528 KiB at most, and swtpm's state some KiB.
	mostVars = 16 << 20
	mostTPM  = 1 << 20
)

// varsName names the file in the pool that has a machine's UEFI variables. The two kinds
// of UEFI have one each: variables without keys would switch Secure Boot off.
func varsName(name, uuid, firmware string) string {
	if firmware == domxml.SecureUEFI {
		return fmt.Sprintf("%.40s-%s-secure", name, head(uuid)) + imagepool.VarsSuffix
	}
	return fmt.Sprintf("%.40s-%s", name, head(uuid)) + imagepool.VarsSuffix
}

// soundVars refuses what is no firmware volume: QEMU maps it into the guest as it is
// (UEFI PI specification, volume 3, "EFI_FIRMWARE_VOLUME_HEADER").
func soundVars(text []byte) bool {
	return len(text) > 44 && len(text) <= mostVars && string(text[40:44]) == "_FVH"
}

// copyVars copies a machine's variables into the pool. Where there are none yet, libvirt
// makes them at the first start.
func (s *Store) copyVars(op, machine, from, file string) error {
	text, err := readVars(from)
	if err != nil || text == nil {
		return fail(op, machine, err)
	}
	return s.poolError(op, machine, imagepool.WriteWhole(s.config.pool(), file, text))
}

// readVars gives nil where there are none.
func readVars(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if path == "" || errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err == nil && info.Size() > mostVars {
		err = fmt.Errorf("%s has %s, and is no file of UEFI variables", path, imagepool.BytesText(info.Size()))
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// tpmDir is where libvirt keeps the state of a domain's TPM; nobody but libvirt chooses
// it (qemuTPMEmulatorStorageBuildPath in src/qemu/qemu_tpm.c).
func (s *Store) tpmDir(uuid string) string {
	base := s.config.swtpm
	switch {
	case base != "":
	case s.privateUsed():
		base = filepath.Join(s.config.private().Dir, "c/libvirt/qemu/swtpm")
	case s.connectionKind() == "system":
		base = "/var/lib/libvirt/swtpm"
	default:
		base = filepath.Join(cmp.Or(os.Getenv("XDG_CONFIG_HOME"), filepath.Join(os.Getenv("HOME"), ".config")), "libvirt/qemu/swtpm")
	}
	return filepath.Join(base, uuid)
}

const tpmState = "tpm2-00.permall" // as swtpm calls it

// readTPM gives the state of a machine's TPM, nil where there is none yet: a TPM that was
// never started has none.
func (s *Store) readTPM(op, machine, uuid string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(s.tpmDir(uuid), "tpm2", tpmState))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return text, tpmError(op, machine, err)
}

// writeTPM gives a domain's TPM a state before it starts for the first time.
func (s *Store) writeTPM(op, machine, uuid string, text []byte) error {
	if text == nil {
		return nil
	}
	dir := filepath.Join(s.tpmDir(uuid), "tpm2")
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = imagepool.WriteWhole(dir, tpmState, text)
	}
	return tpmError(op, machine, err)
}

func tpmError(op, machine string, err error) error {
	if !errors.Is(err, os.ErrPermission) {
		return fail(op, machine, err)
	}
	return &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrUnsupported, Detail: "the state of its TPM is open to libvirt alone on this host",
		Hint: "take its TPM away first, or use a host whose node runs its own libvirt: hither up --libvirt private"}
}

// removeFiles deletes what belonged to a domain that is not there: files of the pool, and
// the state of its TPM.
func (s *Store) removeFiles(uuid string, files []string) {
	s.removeDisks(files)
	if uuid == "" {
		return
	}
	if err := os.RemoveAll(s.tpmDir(uuid)); err != nil {
		s.config.Log.Warn("the state of a TPM stays", "uuid", uuid, "error", err)
	}
}

// canGive refuses what this host cannot give a machine.
func (s *Store) canGive(ctx context.Context, op, machine, firmware string, tpm bool, kind string) error {
	if !domxml.IsUEFI(firmware) && !tpm {
		return nil
	}
	most, err := s.mostOf(ctx, kind)
	if err != nil {
		return err
	}
	return most.withholds(op, machine, firmware, tpm)
}

// mostOf is what this host can give a machine that Hither makes.
func (s *Store) mostOf(ctx context.Context, kind string) (limits, error) {
	return call(ctx, s, func(d driver) (limits, error) { return d.limits(kind, "x86_64", domxml.MachineType) }, nil)
}

// firmwares are the words for what a machine can start by here.
func (l limits) firmwares() []string {
	list := []string{domxml.BIOS}
	if l.uefi {
		list = append(list, domxml.UEFI)
	}
	if l.uefi && l.secure {
		list = append(list, domxml.SecureUEFI)
	}
	return list
}

func (l limits) withholds(op, machine, firmware string, tpm bool) error {
	e := &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrUnsupported}
	switch {
	case domxml.IsUEFI(firmware) && !l.uefi:
		e.Detail, e.Hint = "its host has no UEFI firmware", FirmwareHint
	case firmware == domxml.SecureUEFI && !l.secure:
		e.Detail, e.Hint = "its host has no UEFI firmware with Secure Boot", "choose uefi without it, or "+FirmwareHint
	case tpm && !l.tpm:
		e.Detail, e.Hint = "its host has no TPM to give", TPMHint
	default:
		return nil
	}
	return e
}
