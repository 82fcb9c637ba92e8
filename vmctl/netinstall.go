package vmctl

import (
	"context"
	"errors"
	"path/filepath"

	"hither/fusion"
	"hither/vmctl/imagepool"
	"hither/vmctl/seed"
)

// netSuffix is on the names of catalogue images that NetInstaller takes.
const netSuffix = "-netboot"

// NetInstaller puts the kernel and the initramfs of an installer that needs nothing but a
// network into dir. image is a distribution that the catalogue has such an installer of
// ("debian-12"), or a name that Create takes for a CD; it is brought into the pool.
func (s *Store) NetInstaller(ctx context.Context, image, dir string) (kernel, initrd string, err error) {
	const op = "netboot.install"
	if _, there, err := s.catalogue.Find(image + netSuffix); err != nil {
		return "", "", fail(op, image, err)
	} else if there {
		image += netSuffix
	}
	name, release, err := s.bringImage(ctx, image, image)
	if err != nil {
		return "", "", err
	}
	defer release()
	path, err := s.pool.Image(op, name)
	if err != nil {
		return "", "", err
	}
	found, err := seed.FindInstaller(op, name, path)
	detail := "its installer needs its CD"
	switch {
	case errors.Is(err, fusion.ErrUnsupported):
		detail = "no installer that is known is on it"
	case err != nil:
		return "", "", err
	case found.Name == seed.NetInstaller.Name:
		detail = ""
	}
	if detail != "" {
		return "", "", &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported, Detail: detail, Hint: "take one that needs a network only, as debian-12 is"}
	}
	if err := found.Unpack(path, dir, imagepool.Partial+"install-*", nil); err != nil {
		return "", "", s.poolError(op, name, err)
	}
	return filepath.Clean(found.KernelPath), filepath.Clean(found.InitrdPath), nil
}
