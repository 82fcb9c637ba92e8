package seed

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/iso9660"

	"hither/fusion"
)

// An installer can install by itself when it is told everything that it would ask. It is
// told by a script in a place where it looks: in its initramfs, or on a CD with a certain
// label. Its kernel is taken from its CD and started with the words that make it look, as
// virt-install does; the machine is switched off when it is done.
// docs/decisions/0029 says why the scripts are Hither's own.

// Installer is a kind of installer.
type Installer struct {
	Name           string
	Kernel, Initrd string // on its CD
	// Memory is what it needs in bytes to ask nothing: with less, Debian 12's stops in its
	// "low memory mode" (780 MiB in QEMU, S15lowmem in its initrd), and others do not start.
	Memory int64
	// CDLabel is that of a CD that the installer looks for, with the files of script; "" is
	// in the initramfs.
	CDLabel string
	script  func(replies) (map[string][]byte, error)
	// Args are the kernel's, with the label of the installer's own CD, "" where it needs none.
	Args func(label string) string
}

// Installers are those that are known, by what is on their CDs. libosinfo's database
// names the same kernels for them.
var Installers = []Installer{
	{"Debian", "/install.amd/vmlinuz", "/install.amd/initrd.gz", 800 << 20, "", preseed,
		func(string) string { return "auto=true priority=critical vga=788 --- quiet" }},
	NetInstaller,
	{"Ubuntu Server", "/casper/vmlinuz", "/casper/initrd", 2 << 30, Label, autoinstall,
		func(string) string { return "autoinstall ds=nocloud --- quiet" }},
	{"Fedora, Red Hat and their kin", "/images/pxeboot/vmlinuz", "/images/pxeboot/initrd.img", 2 << 30, "OEMDRV", kickstart,
		func(label string) string { return "inst.stage2=hd:LABEL=" + udevLabel(label) + " quiet" }},
}

// NetInstaller is on Debian's mini.iso. It needs nothing of its CD once it runs.
var NetInstaller = Installer{"Debian, over the network", "/linux", "/initrd.gz", 800 << 20, "", preseed,
	func(string) string { return "auto=true priority=critical vga=788 --- quiet" }}

// udevLabel writes a label as /dev/disk/by-label has it.
func udevLabel(label string) string { return strings.ReplaceAll(label, " ", `\x20`) }

const (
	// maxKernel and maxInitrd bound what is taken from a CD, in bytes.
	maxKernel = 64 << 20
	maxInitrd = 512 << 20

	unattendedHint = "create it without installing by itself, and install it on its screen"
)

// Installation is an installer that was found on a CD, and the files of it that are in
// a directory of ours until it has run.
type Installation struct {
	Installer
	volume                 string // the label of its CD
	KernelPath, InitrdPath string
}

// FindInstaller looks at a CD. The library that reads it may panic at a broken one.
func FindInstaller(op, machine, iso string) (found Installation, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = invalid(op, machine, "its CD cannot be read", "copy it again, and see that it came whole")
		}
	}()
	cd, closeCD, err := openCD(iso)
	if err != nil {
		return found, err
	}
	defer closeCD()
	for _, i := range Installers {
		if onCD(cd, i.Kernel, maxKernel) && onCD(cd, i.Initrd, maxInitrd) {
			return Installation{Installer: i, volume: strings.Trim(cd.Label(), "\x00 ")}, nil
		}
	}
	return found, &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrUnsupported, Detail: "nothing is known of how this CD installs by itself", Hint: unattendedHint}
}

func openCD(path string) (*iso9660.FileSystem, func(), error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	var cd *iso9660.FileSystem
	if err == nil {
		cd, err = iso9660.Read(file.New(f, true), info.Size(), 0, 2048)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s is no CD: %w", filepath.Base(path), err), f.Close())
	}
	return cd, func() { _ = f.Close() }, nil
}

func onCD(cd *iso9660.FileSystem, path string, most int64) bool {
	entries, err := cd.ReadDir(cmp.Or(strings.TrimPrefix(filepath.Dir(path), "/"), "."))
	if err != nil {
		return false
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && e.Name() == filepath.Base(path) && !e.IsDir() {
			return info.Size() > 0 && info.Size() <= most
		}
	}
	return false
}

// CommandLine gives the words for its kernel that make it look for its script.
func (i *Installation) CommandLine() string { return i.Args(i.volume) }

// Script answers what the installer of a machine would ask, with the hash of the
// password that its user is to have (hashed), as files by their names: of a CD with the
// installer's label, or, where it has none, for unpack.
func (i *Installation) Script(machine, uuid, hash string, seed fusion.Seed) (map[string][]byte, error) {
	return i.script(repliesOf(machine, uuid, hash, seed))
}

// Unpack copies the installer's kernel and initramfs from its CD into dir, under names of
// a pattern (os.CreateTemp), with the script in the latter where it looks for it there.
// They are there until remove.
func (i *Installation) Unpack(iso, dir, pattern string, script map[string][]byte) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("the installer's CD is broken: %v", broken)
		}
		if err != nil {
			i.Remove()
		}
	}()
	cd, closeCD, err := openCD(iso)
	if err != nil {
		return err
	}
	defer closeCD()
	if i.KernelPath, err = takeFromCD(cd, i.Kernel, dir, pattern, maxKernel, nil); err != nil {
		return err
	}
	var more []byte
	if i.CDLabel == "" {
		more = Initramfs(script)
	}
	i.InitrdPath, err = takeFromCD(cd, i.Initrd, dir, pattern, maxInitrd, more)
	return err
}

// takeFromCD copies a file of a CD, with more after it.
func takeFromCD(cd *iso9660.FileSystem, name, dir, pattern string, most int64, more []byte) (path string, err error) {
	from, err := cd.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return "", err
	}
	n, err := io.Copy(f, io.LimitReader(from, most))
	if err == nil && len(more) > 0 { // the kernel wants each archive at a multiple of four
		_, err = f.Write(append(make([]byte, -n&3), more...))
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// Remove deletes what unpack made.
func (i *Installation) Remove() {
	for _, path := range []string{i.KernelPath, i.InitrdPath} {
		if path != "" {
			_ = os.Remove(path) // the next Open sweeps it
		}
	}
}

// Initramfs packs files, for the kernel to unpack them over its own initramfs
// (Documentation/driver-api/early-userspace/buffer-format.rst).
func Initramfs(files map[string][]byte) []byte {
	var out bytes.Buffer
	entry := func(name string, mode int, data []byte) {
		fmt.Fprintf(&out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name)+1, 0)
		for _, part := range [][]byte{[]byte(name + "\x00"), data} {
			out.Write(part)
			out.Write(make([]byte, -out.Len()&3))
		}
	}
	for name, data := range files {
		entry(name, 0o100600, data)
	}
	entry("TRAILER!!!", 0, nil)
	return out.Bytes()
}
