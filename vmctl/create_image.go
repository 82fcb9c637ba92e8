package vmctl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"hither/fusion"
	"hither/vmctl/catalogue"
)

// bringImages sees that the images of a machine are in the pool, under the names that
// spec has afterwards, and keeps them there until release.
func (s *Store) bringImages(ctx context.Context, spec *fusion.MachineSpec) (release func(), err error) {
	var kept []func()
	release = func() {
		for _, letGo := range kept {
			letGo()
		}
	}
	for _, image := range []*string{&spec.Image, &spec.ISO} {
		if *image == "" {
			continue
		}
		name, letGo, err := s.bringImage(ctx, spec.Name, *image)
		if err != nil {
			release()
			return nil, err
		}
		*image = name
		kept = append(kept, letGo)
	}
	return release, nil
}

// bringImage fetches an image that is not in the pool, if it is one that can be.
func (s *Store) bringImage(ctx context.Context, machine, image string) (name string, release func(), err error) {
	const op = "machine.create"
	name, err = s.imageNamed(ctx, image)
	if err != nil {
		return "", nil, err
	}
	release, ok := s.claims.Share("image", name)
	if !ok {
		return "", nil, &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrBusy, Detail: "something is being done with the image " + name, Hint: "try again in a moment"}
	}
	path, err := s.pool.Image(op, name)
	var info os.FileInfo
	if err == nil {
		info, err = os.Stat(path)
	}
	if err == nil {
		err = wrongArch(op, name, s.pool.About(name, info).Arch)
	}
	if err != nil {
		release()
		return "", nil, err
	}
	return name, release, nil
}

// imageNamed gives the name in the pool of what a person calls an image: a name in
// the pool, one of the catalogue, or an address.
func (s *Store) imageNamed(ctx context.Context, image string) (string, error) {
	if fusion.IsURL(image) {
		got, err := s.Images().Fetch(ctx, fusion.FetchSpec{From: image})
		return got.Name, err
	}
	if fusion.CheckName(image) != nil {
		_, err := s.pool.Image("machine.create", image)
		return "", err
	}
	_, err := os.Lstat(filepath.Join(s.config.pool(), image))
	if !errors.Is(err, os.ErrNotExist) {
		return image, err
	}
	known, there, err := s.catalogue.Find(image)
	if err != nil || !there {
		return image, err // whoever opens it says that it is not there
	}
	if err := wrongArch("machine.create", image, known.Arch); err != nil {
		return "", err
	}
	_, err = s.Images().Fetch(ctx, fusion.FetchSpec{From: image})
	return image, err
}

// wrongArch refuses an image for other processors.
func wrongArch(op, name, arch string) error {
	if arch == "" || arch == catalogue.Arch {
		return nil
	}
	return invalid(op, name, fmt.Sprintf("the image is for %s, machines here are %s", arch, catalogue.Arch),
		"choose the image for x86-64 (amd64)")
}
