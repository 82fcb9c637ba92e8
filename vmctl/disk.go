package vmctl

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"hither/vmctl/computer"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

// domxml.NewDisk makes an empty qcow2 in the pool.
func (s *Store) newDisk(ctx context.Context, name, file string, size int64) error {
	if err := s.pool.Room("machine.create", name, 0); err != nil {
		return err
	}
	return s.makeDisk(ctx, name, file, func(path string) []string {
		return []string{"create", "-q", "-f", imagefile.Qcow2, path, fmt.Sprint(size)}
	})
}

// sector is what disks consist of, in bytes.
const sector = 512

// copyDisk makes a qcow2 in the pool that is a full copy of an image, of size bytes or,
// when size is 0, of the image's own size.
func (s *Store) copyDisk(ctx context.Context, name, file, image string, size int64) error {
	const op = "machine.create"
	path, err := s.pool.Image(op, image)
	if err != nil {
		return err
	}
	h, err := imagefile.ReadHeader(path)
	if err != nil {
		return invalid(op, image, err.Error(), "convert it: qemu-img convert -O qcow2 IMAGE NEW.qcow2, and upload that")
	}
	info, err := os.Stat(path)
	if err != nil {
		return fail(op, image, err)
	}
	has := h.Size
	if h.Format == imagefile.Raw {
		has = info.Size()
	}
	if has == 0 || has%sector != 0 {
		return invalid(op, image, "it is no disk image: it does not end with a sector", "give an image in qcow2, VMDK, VHDX or raw, of whole sectors of 512 bytes")
	}
	if size != 0 && size < has {
		return invalid(op, name, fmt.Sprintf("the disk of the image %s has %s, more than %s", image, imagepool.BytesText(has), imagepool.BytesText(size)),
			fmt.Sprintf("give it a disk of %s or more, or the image's own by saying no size", imagepool.BytesText(has)))
	}
	if err := s.pool.Room(op, name, computer.Allocated(info)); err != nil {
		return err
	}
	steps := []func(string) []string{func(to string) []string {
		return []string{"convert", "-q", "-f", h.Format, "-O", imagefile.Qcow2, path, to}
	}}
	if size > has {
		steps = append(steps, func(to string) []string { return []string{"resize", "-q", "-f", imagefile.Qcow2, to, fmt.Sprint(size)} })
	}
	return s.makeDisk(ctx, name, file, steps...)
}

// makeDisk runs qemu-img on a partial file, step by step, which becomes file when it is
// whole.
func (s *Store) makeDisk(ctx context.Context, name, file string, steps ...func(path string) []string) error {
	job := imageJob{op: "machine.create", name: name}
	temp := filepath.Join(s.config.pool(), imagepool.Partial+file)
	defer os.Remove(temp) // after the rename there is nothing to remove
	for _, args := range steps {
		if err := s.qemuImg(ctx, job, args(temp)...); err != nil {
			return err
		}
	}
	return s.pool.Named(job.op, job.name, temp, file)
}
