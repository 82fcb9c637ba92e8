package vmctl

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"hither/fusion"
	"hither/vmctl/computer"
)

// partial begins the name of a file that is being made; fusion.CheckName
// refuses it, so nobody can ask for one. Open removes those of a killed node.
const partial = ".part-"

// seedSuffix ends the name of a machine's seed in the pool.
const seedSuffix = "-seed.iso"

// reserve is left free on the pool's file system: below it guests and libvirt
// begin to fail in ways nobody understands.
const reserve = 32 << 20

const spaceHint = "remove images or machines that are not needed, or start the node with --home on a larger disk"

func sweep(pool string) {
	left, err := filepath.Glob(filepath.Join(pool, partial+"*"))
	if err != nil {
		return
	}
	for _, path := range left {
		_ = os.RemoveAll(path) // it is tried again at the next start
	}
}

// image gives the path of an image of the pool.
func (s *Store) image(op, name string) (string, error) {
	if err := fusion.CheckName(name); err != nil {
		return "", invalid(op, name, "an image has a name, not a path",
			"upload it first; then name the image: letters, digits and . _ - ~")
	}
	path := filepath.Join(s.config.pool(), name)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", &fusion.Error{Op: op, Path: name, Cause: fusion.ErrNotFound, Detail: "no such image", Hint: "upload it first"}
	case err != nil:
		return "", &fusion.Error{Op: op, Path: name, Cause: err}
	case !info.Mode().IsRegular():
		return "", invalid(op, name, "it is no regular file", "put a copy of the image into "+s.config.pool())
	}
	return path, nil
}

// room refuses when need bytes do not fit into the pool.
func (s *Store) room(op, name string, need int64) error {
	free, err := computer.FreeBytes(s.config.pool())
	if err != nil {
		return &fusion.Error{Op: op, Path: name, Cause: err}
	}
	if need+reserve <= free {
		return nil
	}
	return noRoom(op, name, fmt.Sprintf("%s is full: %s free, %s needed",
		s.config.pool(), bytesText(free), bytesText(need+reserve)))
}

func noRoom(op, name, detail string) error { return invalid(op, name, detail, spaceHint) }

// bytesText gives a size in IEC units, as "1.5 GiB".
func bytesText(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	size, unit := float64(n)/(1<<10), 0
	for units := "KMGTPE"; size >= 1023.95 && unit < len(units)-1; unit++ {
		size /= 1 << 10
	}
	return fmt.Sprintf("%.1f %ciB", size, "KMGTPE"[unit])
}

// ownDisk says whether name can be a disk, or a seed, that Create made for the domain.
func ownDisk(name, uuid string) bool {
	return fusion.CheckName(name) == nil && strings.Contains(name, head(uuid)) &&
		(strings.HasSuffix(name, ".qcow2") || strings.HasSuffix(name, seedSuffix) || strings.HasSuffix(name, varsSuffix))
}

// ownVars says whether name can be the file of the domain's UEFI variables.
func ownVars(name, uuid string) bool {
	return ownDisk(name, uuid) && strings.HasSuffix(name, varsSuffix)
}

// madeName is how plan names the files that belong to one machine.
var madeName = regexp.MustCompile(`-[0-9a-f]{8}(-[0-9]+\.qcow2|` + regexp.QuoteMeta(seedSuffix) + `|(-secure)?` + regexp.QuoteMeta(varsSuffix) + `)$`)
