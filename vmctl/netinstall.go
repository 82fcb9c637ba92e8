package vmctl

import (
	"context"
	"path/filepath"

	"hither/fusion"
)

// BareInstall is what an installer is told that installs a computer instead of a machine, as
// app/netboot has it done.
type BareInstall struct {
	Seed fusion.Seed
	// Hash is that of the password, as Hashed gives it.
	Hash string
	// Disk is what is wiped; "" leaves that to Early.
	Disk string
	// Early and Late are what the installer's shell runs: before it looks at the disks, and
	// when the system is there below /target. One line each.
	Early, Late string
}

// Preseed gives the script by which Debian's installer asks nothing. What it holds of the
// seed was checked by fusion.Seed.Check.
func Preseed(b BareInstall) ([]byte, error) {
	a := repliesOf(plan{spec: fusion.MachineSpec{Name: b.Seed.Hostname, Seed: &b.Seed}, hash: b.Hash})
	a.Bare, a.Disk, a.Early, a.Late = true, b.Disk, b.Early, b.Late
	files, err := preseed(a)
	return files["preseed.cfg"], err
}

// Hashed gives what a system keeps of a password, "" of none.
func Hashed(password string) (string, error) { return hashed(password) }

// NetInstallerArgs are for the kernel of NetInstaller.
var NetInstallerArgs = netInstaller.args("")

// netSuffix is on the names of catalogue images that NetInstaller takes.
const netSuffix = "-netboot"

// NetInstaller puts the kernel and the initramfs of an installer that needs nothing but a
// network into dir. image is a distribution that the catalogue has such an installer of
// ("debian-12"), or a name that Create takes for a CD; it is brought into the pool.
func (s *Store) NetInstaller(ctx context.Context, image, dir string) (kernel, initrd string, err error) {
	const op = "netboot.install"
	if _, there, err := s.catalogue.find(image + netSuffix); err != nil {
		return "", "", fail(op, image, err)
	} else if there {
		image += netSuffix
	}
	name, release, err := s.bringImage(ctx, image, image)
	if err != nil {
		return "", "", err
	}
	defer release()
	path, err := s.image(op, name)
	if err != nil {
		return "", "", err
	}
	found, err := findInstaller(op, name, path)
	if err != nil {
		return "", "", err
	}
	if found.installer.name != netInstaller.name {
		return "", "", &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported, Detail: "its installer needs its CD",
			Hint: "take one that needs a network only, as debian-12 is"}
	}
	if err := found.unpack(dir, path, nil); err != nil {
		return "", "", s.poolError(op, name, err)
	}
	return filepath.Clean(found.kernel), filepath.Clean(found.initrd), nil
}

// Initramfs packs files, for the kernel to unpack them over its own initramfs.
func Initramfs(files map[string][]byte) []byte { return newc(files) }
