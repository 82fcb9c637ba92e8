package imagepool

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"hither/fusion"
	"hither/vmctl/computer"
)

// Partial begins the name of a file that is being made; fusion.CheckName
// refuses it, so nobody can ask for one. Sweep removes those of a killed node.
const Partial = ".part-"

// The files of a machine beside its disks end so: its seed, and its UEFI variables.
const (
	SeedSuffix = "-seed.iso"
	VarsSuffix = "-vars.fd"
)

// Reserve is what is left free on the pool's file system, in bytes: below it guests and libvirt
// begin to fail in ways nobody understands.
const Reserve = 32 << 20

// SpaceHint is what a person does about a full disk.
const SpaceHint = "remove images or machines that are not needed, or start the node with --home on a larger disk"

// Sweep removes from a directory what a node that was killed was making there.
func Sweep(dir string) {
	left, err := filepath.Glob(filepath.Join(dir, Partial+"*"))
	if err != nil {
		return
	}
	for _, path := range left {
		_ = os.RemoveAll(path) // it is tried again at the next start
	}
}

// Pool is the directory of images and of the disks of machines. All its methods may be
// called from many goroutines.
type Pool struct {
	Dir    string
	Claims *Claims // of kind "image" and "download", by name
	Log    *slog.Logger
}

// Image gives the path of an image of the pool. It promises fusion.ErrInvalid for what is no
// name of one, and fusion.ErrNotFound.
func (p *Pool) Image(op, name string) (string, error) {
	if err := fusion.CheckName(name); err != nil {
		return "", invalid(op, name, "an image has a name, not a path",
			"an image is named with letters, digits and . _ - ~; hither image ls shows those there are")
	}
	path := filepath.Join(p.Dir, name)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", &fusion.Error{Op: op, Path: name, Cause: fusion.ErrNotFound, Detail: "no such image", Hint: "hither image ls shows those there are; to bring one, give the path of its file"}
	case err != nil:
		return "", &fusion.Error{Op: op, Path: name, Cause: err}
	case !info.Mode().IsRegular():
		return "", invalid(op, name, "it is no regular file", "put a copy of the image into "+p.Dir)
	}
	return path, nil
}

// Room refuses (fusion.ErrInvalid) when need bytes do not fit into the pool beside the
// reserve.
func (p *Pool) Room(op, name string, need int64) error {
	free, err := computer.FreeBytes(p.Dir)
	if err != nil {
		return &fusion.Error{Op: op, Path: name, Cause: err}
	}
	if need+Reserve <= free {
		return nil
	}
	return NoRoom(op, name, fmt.Sprintf("%s is full: %s free, %s needed",
		p.Dir, BytesText(free), BytesText(need+Reserve)))
}

// NoRoom says that something does not fit.
func NoRoom(op, name, detail string) error { return invalid(op, name, detail, SpaceHint) }

// BytesText gives a size in IEC units, as "1.5 GiB".
func BytesText(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	size, unit := float64(n)/(1<<10), 0
	for units := "KMGTPE"; size >= 1023.95 && unit < len(units)-1; unit++ {
		size /= 1 << 10
	}
	return fmt.Sprintf("%.1f %ciB", size, "KMGTPE"[unit])
}

// OwnDisk says whether name can be a disk, or a seed, that was made for the domain.
func OwnDisk(name, uuid string) bool {
	return fusion.CheckName(name) == nil && strings.Contains(name, uuid[:min(len(uuid), 8)]) &&
		(strings.HasSuffix(name, ".qcow2") || strings.HasSuffix(name, SeedSuffix) || strings.HasSuffix(name, VarsSuffix))
}

// OwnVars says whether name can be the file of the domain's UEFI variables.
func OwnVars(name, uuid string) bool {
	return OwnDisk(name, uuid) && strings.HasSuffix(name, VarsSuffix)
}

// IsMade says whether a file has a name of those that belong to one machine.
func IsMade(name string) bool { return madeName.MatchString(name) }

var madeName = regexp.MustCompile(`-[0-9a-f]{8}(-[0-9]+\.qcow2|` + regexp.QuoteMeta(SeedSuffix) + `|(-secure)?` + regexp.QuoteMeta(VarsSuffix) + `)$`)
