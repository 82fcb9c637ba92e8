package vmctl

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// kvmTimeout is long for a broken accelerator and short for a person.
const kvmTimeout = 15 * time.Second

// kvmExit is what QEMU's isa-debug-exit device makes of the 0x31 that the boot
// sector writes: value << 1 | 1.
const kvmExit = 0x31<<1 | 1

// bootSector is a floppy image that ends QEMU with kvmExit. Reaching it means
// that the BIOS ran, in protected and in real mode.
func bootSector() []byte {
	image := make([]byte, 1440<<10)
	copy(image, []byte{
		0xba, 0x01, 0x05, // mov dx, 0x501
		0xb0, 0x31, // mov al, 0x31
		0xee,       // out dx, al
		0xf4,       // hlt
		0xeb, 0xfd, // jmp to hlt
	})
	image[510], image[511] = 0x55, 0xaa
	return image
}

// probeKVM runs the boot sector under KVM. final says whether the answer holds
// until the next boot.
func probeKVM(ctx context.Context) (answer kvmAnswer, final bool) {
	if runtime.GOARCH != "amd64" {
		return kvmAnswer{Reason: "this computer is not x86-64"}, true
	}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if errors.Is(err, os.ErrPermission) {
		return kvmAnswer{Reason: "/dev/kvm is not open to this user", Denied: true}, false
	}
	if err != nil {
		return kvmAnswer{Reason: "there is no /dev/kvm"}, false
	}
	if err := f.Close(); err != nil {
		return kvmAnswer{Reason: err.Error()}, false
	}
	program, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		return kvmAnswer{Reason: "qemu-system-x86_64 is not here"}, false
	}
	reason := boots(ctx, program, "kvm", "host")
	return kvmAnswer{Works: reason == "", Reason: reason}, true
}

// boots runs the boot sector with an accelerator and says why that failed.
func boots(ctx context.Context, program, accel, cpu string) string {
	dir, err := os.MkdirTemp("", "hither-kvm-")
	if err != nil {
		return err.Error()
	}
	defer os.RemoveAll(dir)
	image := filepath.Join(dir, "boot.img")
	if err := os.WriteFile(image, bootSector(), 0o600); err != nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(ctx, kvmTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-accel", accel, "-machine", "pc", "-cpu", cpu, "-m", "32",
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-device", "isa-debug-exit,iobase=0x501,iosize=2",
		"-drive", "if=floppy,format=raw,readonly=on,file="+strings.ReplaceAll(image, ",", ",,"))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == kvmExit:
		return ""
	case ctx.Err() != nil:
		return "a test guest hung"
	case err == nil:
		return "a test guest was reset"
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return strings.TrimPrefix(line, "qemu-system-x86_64: ")
}

func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
