package vmctl

import (
	"bytes"
	"cmp"
	"context"
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

// installer is a kind of installer.
type installer struct {
	name           string
	kernel, initrd string // on its CD
	// label is that of a CD that the installer looks for, with the files of script; "" is
	// in the initramfs.
	label  string
	script func(replies) (map[string][]byte, error)
	// args are the kernel's, with the label of the installer's own CD.
	args func(label string) string
}

// installers are those that are known, by what is on their CDs. libosinfo's database
// names the same kernels for them.
var installers = []installer{
	{"Debian", "/install.amd/vmlinuz", "/install.amd/initrd.gz", "", preseed,
		func(string) string { return "auto=true priority=critical vga=788 --- quiet" }},
	netInstaller,
	{"Ubuntu Server", "/casper/vmlinuz", "/casper/initrd", seedLabel, autoinstall,
		func(string) string { return "autoinstall ds=nocloud --- quiet" }},
	{"Fedora, Red Hat and their kin", "/images/pxeboot/vmlinuz", "/images/pxeboot/initrd.img", "OEMDRV", kickstart,
		func(label string) string { return "inst.stage2=hd:LABEL=" + udevLabel(label) + " quiet" }},
}

// netInstaller is on Debian's mini.iso. It needs nothing of its CD once it runs.
var netInstaller = installer{"Debian, over the network", "/linux", "/initrd.gz", "", preseed,
	func(string) string { return "auto=true priority=critical vga=788 --- quiet" }}

// udevLabel writes a label as /dev/disk/by-label has it.
func udevLabel(label string) string { return strings.ReplaceAll(label, " ", `\x20`) }

const (
	// maxKernel and maxInitrd bound what is taken from a CD, in bytes.
	maxKernel = 64 << 20
	maxInitrd = 512 << 20

	unattendedHint = "create it without installing by itself, and install it on its screen"
)

// installation is an installer that was found on a CD, and the files of it that are in
// the pool until it runs.
type installation struct {
	installer
	label          string // of its CD
	kernel, initrd string // paths
}

// checkUnattended refuses what cannot install by itself.
func checkUnattended(spec fusion.MachineSpec) error {
	const op = "machine.create"
	switch {
	case !spec.Unattended:
		return nil
	case spec.ISO == "" || spec.Image != "" || spec.DiskBytes == 0:
		return invalid(op, spec.Name, "to install by itself it needs an installer's CD and an empty disk", "as in --iso debian.iso --disk 20GiB --unattended")
	case spec.Seed == nil || len(spec.Seed.SSHKeys) == 0 && spec.Seed.Password == "":
		return invalid(op, spec.Name, "nobody could log in to what is installed", "give a key or a password, as in --ssh-key ~/.ssh/id_ed25519.pub")
	case len(spec.Seed.Addresses) > 0:
		return invalid(op, spec.Name, "an installer asks DHCP for its address", "give it its address once it is installed")
	case !spec.Start:
		return invalid(op, spec.Name, "it installs by itself when it starts for the first time", "let it start at once: --start")
	}
	return nil
}

// findInstaller looks at a CD. The library that reads it may panic at a broken one.
func findInstaller(op, machine, iso string) (found installation, err error) {
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
	for _, i := range installers {
		if onCD(cd, i.kernel, maxKernel) && onCD(cd, i.initrd, maxInitrd) {
			return installation{installer: i, label: strings.Trim(cd.Label(), "\x00 ")}, nil
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

// unpack puts the installer's kernel and initramfs into the pool, under names that the
// next Open would sweep, the script in it where it looks for it there.
func (i *installation) unpack(pool, iso string, script map[string][]byte) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("the installer's CD is broken: %v", broken)
		}
		if err != nil {
			i.remove()
		}
	}()
	cd, closeCD, err := openCD(iso)
	if err != nil {
		return err
	}
	defer closeCD()
	if i.kernel, err = takeFromCD(cd, i.installer.kernel, pool, maxKernel, nil); err != nil {
		return err
	}
	var more []byte
	if i.installer.label == "" {
		more = newc(script)
	}
	i.initrd, err = takeFromCD(cd, i.installer.initrd, pool, maxInitrd, more)
	return err
}

// takeFromCD copies a file of a CD, with more after it.
func takeFromCD(cd *iso9660.FileSystem, name, pool string, most int64, more []byte) (path string, err error) {
	from, err := cd.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(pool, partial+"install-*")
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

func (i *installation) remove() {
	for _, path := range []string{i.kernel, i.initrd} {
		if path != "" {
			_ = os.Remove(path) // the next Open sweeps it
		}
	}
}

// newc packs files as an initramfs
// (Documentation/driver-api/early-userspace/buffer-format.rst).
func newc(files map[string][]byte) []byte {
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

// prepare finds the installer of a machine that installs by itself.
func (p *plan) prepare() error {
	if !p.spec.Unattended {
		return nil
	}
	found, err := findInstaller("machine.create", p.spec.Name, p.iso)
	if err != nil {
		return err
	}
	p.install = &found
	p.hash, err = hashed(p.spec.Seed.Password)
	return err
}

// seedContent gives the files of the machine's seed and the CD's label: for cloud-init, or
// for an installer that looks for such a CD.
func (p plan) seedContent() (files map[string][]byte, label string, err error) {
	if p.install != nil {
		files, err = p.install.script(repliesOf(p))
		return files, p.install.installer.label, err
	}
	files, err = seedFiles(p.spec.Name, p.uuid, p.mac(), *p.spec.Seed)
	return files, seedLabel, err
}

// mac is that of the machine's card, where it was chosen.
func (p plan) mac() string {
	if p.card.MAC == nil {
		return ""
	}
	return p.card.MAC.Address
}

// makeInstaller unpacks what the first start needs.
func (s *Store) makeInstaller(p plan) error {
	script, err := p.install.script(repliesOf(p))
	if err != nil {
		return err
	}
	return s.poolError("machine.create", p.spec.Name, p.install.unpack(p.pool, p.iso, script))
}

// startInstaller starts a machine that is defined with its installer's kernel, this once:
// its next start is one from its disk.
func (s *Store) startInstaller(ctx context.Context, p *plan, text string) error {
	root, err := parseTree(text)
	if err != nil {
		return err
	}
	os := root.need("os")
	os.drop("boot")
	for name, value := range map[string]string{"kernel": p.install.kernel, "initrd": p.install.initrd, "cmdline": strings.TrimSpace(p.install.args(p.install.label) + " " + s.config.installArgs)} {
		os.need(name).text = value
	}
	// A restart would install it again.
	root.need("on_reboot").text = "destroy"
	return s.do(ctx, func(d driver) error { return d.startAs(root.String()) })
}
