// Package guest makes small operating systems that tests run in virtual machines.
package guest

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// sector is the size of a disk's sector, in bytes.
const sector = 512

//go:embed count.asm
var counter []byte

//go:embed plug.asm
var plug []byte

//go:embed talk.asm
var talker []byte

//go:embed seed.asm
var seeded []byte

// Counter writes a raw disk of size bytes at path with the system of count.asm, which
// counts as long as it runs. It needs binutils.
func Counter(t testing.TB, path string, size int64) {
	t.Helper()
	assemble(t, counter, path, size)
}

// Plug writes a raw disk of size bytes at path with the system of plug.asm, which counts
// its disks and lets go of devices. It needs binutils.
func Plug(t testing.TB, path string, size int64) {
	t.Helper()
	assemble(t, plug, path, size)
}

// Talker is Counter for talk.asm, which answers on the first serial port.
func Talker(t testing.TB, path string, size int64) {
	t.Helper()
	assemble(t, talker, path, size)
}

// Cloud writes a raw disk of size bytes at path with the system of seed.asm, which calls
// itself what a seed in its CD drive says. It needs binutils.
func Cloud(t testing.TB, path string, size int64) {
	t.Helper()
	assemble(t, seeded, path, size)
}

// assemble makes a raw disk of one boot sector.
func assemble(t testing.TB, text []byte, path string, size int64) {
	t.Helper()
	dir := t.TempDir()
	source, object, image := filepath.Join(dir, "boot.asm"), filepath.Join(dir, "boot.o"), filepath.Join(dir, "boot.bin")
	if err := os.WriteFile(source, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "as", "--32", source, "-o", object)
	run(t, "ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", object, "-o", image)
	made, err := os.ReadFile(image)
	if err == nil && len(made) != sector {
		err = fmt.Errorf("the boot sector has %d bytes", len(made))
	}
	if err == nil {
		err = os.WriteFile(path, made, 0o600)
	}
	if err == nil {
		err = os.Truncate(path, size)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// Counted reads what a counter wrote to its raw disk: how far it counted, without a
// gap, in one boot. It is an error when a count is missing or another boot wrote.
func Counted(disk io.ReaderAt) (count uint32, err error) {
	var boot uint32
	for buf := make([]byte, sector); ; count++ {
		if _, err := disk.ReadAt(buf, int64(count+1)*sector); err != nil {
			return count, err
		}
		id, n := binary.LittleEndian.Uint32(buf), binary.LittleEndian.Uint32(buf[4:])
		switch {
		case n == 0:
			return count, nothingAfter(disk, count+1)
		case count == 0:
			boot = id
		}
		if n != count+1 || id != boot {
			return count, fmt.Errorf("after %d: boot %08x count %d, began with boot %08x", count, id, n, boot)
		}
	}
}

// nothingAfter looks for counts after a gap.
func nothingAfter(disk io.ReaderAt, from uint32) error {
	buf := make([]byte, 64*sector)
	n, err := disk.ReadAt(buf, int64(from+1)*sector)
	if err != nil && err != io.EOF {
		return err
	}
	for i := 0; i+sector <= n; i += sector {
		if count := binary.LittleEndian.Uint32(buf[i+4:]); count != 0 {
			return fmt.Errorf("%d is missing, %d is there", from, count)
		}
	}
	return nil
}
