package kvm

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"hither/vmctl/process"
)

// timeout is long for a broken accelerator and short for a person.
const timeout = 15 * time.Second

// exitCode is what QEMU's isa-debug-exit device makes of the 0x31 that the guest
// writes at its end: value << 1 | 1.
const exitCode = 0x31<<1 | 1

// probeGuest is a boot sector, made from probe/guest.S, that does what operating
// systems do before it writes that.
//
//go:embed probe/guest.bin
var probeGuest []byte

// floppy is a disk of 1440 KiB that begins with the guest.
func floppy() []byte {
	return append(probeGuest[:len(probeGuest):len(probeGuest)], make([]byte, 1440<<10-len(probeGuest))...)
}

func probeSum() uint32 { return crc32.ChecksumIEEE(probeGuest) }

// Try runs the guest under KVM. final says whether the answer holds
// until the next boot.
func Try(ctx context.Context) (answer Answer, final bool) {
	if runtime.GOARCH != "amd64" {
		return Answer{Reason: "this computer is not x86-64"}, true
	}
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if errors.Is(err, os.ErrPermission) {
		return Answer{Reason: "/dev/kvm is not open to this user", Denied: true}, false
	}
	if err != nil {
		return Answer{Reason: "there is no /dev/kvm"}, false
	}
	if err := f.Close(); err != nil {
		return Answer{Reason: err.Error()}, false
	}
	program, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		return Answer{Reason: "qemu-system-x86_64 is not here"}, false
	}
	reason := Boots(ctx, program, "kvm", "host")
	return Answer{Works: reason == "", Reason: reason}, true
}

// Boots runs the guest with an accelerator and says why that failed. A QEMU whose
// accelerator gives up says so and stays, stopped.
func Boots(ctx context.Context, program, accel, cpu string) string {
	dir, err := os.MkdirTemp("", "hither-kvm-")
	if err != nil {
		return err.Error()
	}
	defer os.RemoveAll(dir)
	image := filepath.Join(dir, "boot.img")
	if err := os.WriteFile(image, floppy(), 0o600); err != nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-accel", accel, "-machine", "pc", "-cpu", cpu, "-m", "32",
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-device", "isa-debug-exit,iobase=0x501,iosize=2",
		"-drive", "if=floppy,format=raw,readonly=on,file="+strings.ReplaceAll(image, ",", ",,"))
	said := gaveUp{stop: cancel}
	cmd.Stdout, cmd.Stderr = &said, &said // one writer: exec calls it from one goroutine
	err = process.RunHere(cmd, func(int) error { return nil })
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == exitCode:
		return ""
	case said.stopped:
		return "it gave up on a test guest"
	case ctx.Err() != nil:
		return "a test guest hung"
	case err == nil:
		return "a test guest was reset"
	}
	line, _, _ := strings.Cut(strings.TrimSpace(said.out.String()), "\n")
	return strings.TrimPrefix(line, "qemu-system-x86_64: ")
}

// gaveUp keeps what QEMU says and stops it when KVM has given up.
type gaveUp struct {
	out     bytes.Buffer
	stop    func()
	stopped bool
}

func (g *gaveUp) Write(p []byte) (int, error) {
	g.out.Write(p)
	if !g.stopped && bytes.Contains(g.out.Bytes(), []byte("KVM internal error")) {
		g.stopped = true
		g.stop()
	}
	return len(p), nil
}
