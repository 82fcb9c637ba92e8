package vmctl

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

// images are a Store's image pool as fusion.Images.
type images struct{ s *Store }

var _ fusion.Images = images{}

// Images gives the image pool of this computer.
func (s *Store) Images() fusion.Images { return images{s} }

// List gives what is in the pool but for the disks and seeds of machines.
func (i images) List(ctx context.Context) ([]fusion.Image, error) {
	const op = "images"
	entries, err := os.ReadDir(i.s.config.pool())
	if err != nil {
		return nil, i.s.poolError(op, "", err)
	}
	list := []fusion.Image{}
	uses := i.s.imageUses()
	for _, entry := range entries {
		if !entry.Type().IsRegular() || fusion.CheckName(entry.Name()) != nil || imagepool.IsMade(entry.Name()) {
			continue
		}
		image, err := i.s.describeImage(op, entry.Name(), uses)
		if errors.Is(err, os.ErrNotExist) {
			continue // it went meanwhile
		}
		if err != nil {
			return nil, err
		}
		list = append(list, image)
	}
	return list, ctx.Err()
}

// imageUses gives the machines that have a file of the pool in a drive, or as a disk.
func (s *Store) imageUses() map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	uses := map[string][]string{}
	for _, r := range s.records {
		paths := slices.Clone(r.Inserted)
		for _, d := range r.Disks {
			paths = append(paths, d.Path)
		}
		for _, path := range paths {
			if filepath.Dir(path) == s.config.pool() {
				uses[filepath.Base(path)] = append(uses[filepath.Base(path)], r.shown)
			}
		}
	}
	for _, machines := range uses {
		slices.Sort(machines)
	}
	return uses
}

func (s *Store) describeImage(op, name string, uses map[string][]string) (fusion.Image, error) {
	path := filepath.Join(s.config.pool(), name)
	info, err := os.Stat(path)
	if err != nil {
		return fusion.Image{}, fail(op, name, err)
	}
	about := s.pool.About(name, info)
	image := fusion.Image{Name: name, Bytes: info.Size(), Sum: about.Sum, Source: about.Source, Arch: about.Arch, User: about.User,
		Added: info.ModTime(), UsedBy: []string{}}
	image.Format, image.DiskBytes, _ = imagefile.Inspect(path) // what it cannot tell is shown as unknown
	if machines := uses[name]; machines != nil {
		image.UsedBy = machines
	}
	return image, nil
}

// Remove deletes an image that no machine has in a drive.
func (i images) Remove(ctx context.Context, name string) error {
	const op = "image.remove"
	s := i.s
	path, err := s.pool.Image(op, name)
	if err != nil {
		return err
	}
	if imagepool.IsMade(name) {
		return invalid(op, name, "it is a machine's own disk", "remove the machine; its disks go with it")
	}
	release, ok := s.claims.Take("image", name)
	if !ok {
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrBusy, Detail: "a machine is just made of it", Hint: "try again in a moment"}
	}
	defer release()
	if why := s.whyAway(); why != nil && !errors.Is(why, fusion.ErrUnsupported) {
		return away(op, name, why) // nobody knows whether it is in use
	}
	if machines := s.imageUses()[name]; len(machines) > 0 {
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrBusy, Detail: "it is in use by " + strings.Join(machines, ", "),
			Hint: "remove the machine first, or take the image out of its drive"}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return s.poolError(op, name, err)
	}
	s.pool.Forget(name)
	s.config.Log.Info("image removed", "image", name, "trace", fusion.Trace(ctx))
	return nil
}

// Read opens the image with a sum.
func (i images) Read(ctx context.Context, sum string, from int64) (fusion.ImageData, error) {
	const op = "image.read"
	if err := fusion.CheckSum(sum); err != nil {
		return fusion.ImageData{}, err
	}
	list, err := i.List(ctx)
	if err != nil {
		return fusion.ImageData{}, err
	}
	at := slices.IndexFunc(list, func(x fusion.Image) bool { return x.Sum == sum })
	if at < 0 {
		return fusion.ImageData{}, &fusion.Error{Op: op, Path: sum, Cause: fusion.ErrNotFound, Detail: "no image here has this sum",
			Hint: "hither image ls lists what there is"}
	}
	image := list[at]
	if from < 0 || from > image.Bytes {
		return fusion.ImageData{}, invalid(op, image.Name, "it ends before that", "begin at its start")
	}
	f, err := os.Open(filepath.Join(i.s.config.pool(), image.Name))
	if err != nil {
		return fusion.ImageData{}, i.s.poolError(op, image.Name, err)
	}
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return fusion.ImageData{}, fail(op, image.Name, errors.Join(err, f.Close()))
	}
	return fusion.ImageData{ReadCloser: f, Size: image.Bytes}, nil
}

// Catalogue gives the built-in list, then the installation media of libosinfo's
// database if that is installed.
func (i images) Catalogue(ctx context.Context) ([]fusion.CatalogueImage, error) {
	list, err := i.s.catalogue.All()
	if err != nil {
		return nil, err
	}
	return slices.Clone(list), ctx.Err()
}
