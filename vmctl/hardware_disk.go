package vmctl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

const (
	opAddDisk    = "machine.disk.add"
	opRemoveDisk = "machine.disk.remove"
)

// addDisk makes a disk in the pool and gives it to the machine. An intent stands for it
// until the definition names it: then it is the machine's (settleDisk).
func (c *changing) addDisk(ctx context.Context) (fusion.Changed, error) {
	bus, target, free := domxml.FreeTarget(c.next, c.now)
	if !free {
		return fusion.Changed{}, c.bad("it has all the disks that it can have", "remove one first")
	}
	if c.change.Volume != "" {
		return c.addVolume(ctx, bus, target)
	}
	file := c.newFile()
	_, end, err := c.intend(intent{Op: opAddDisk, Name: c.name, UUID: c.r.uuid, Files: []string{file}, Part: true})
	if err != nil {
		return fusion.Changed{}, err
	}
	known := true
	defer func() { end(known) }()
	if err := c.newDisk(ctx, c.name, file, (c.change.Bytes+511)&^511); err != nil {
		c.removeDisks([]string{file})
		return fusion.Changed{}, ofChange(err)
	}
	device, err := domxml.NewDisk(filepath.Join(c.config.pool(), file), imagefile.Qcow2, target, bus)
	if err != nil {
		return fusion.Changed{}, err
	}
	if err := ctx.Err(); err != nil {
		c.removeDisks([]string{file})
		return fusion.Changed{}, err
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	err = c.owns(ctx, append(slices.Clone(c.r.Added), file))
	var done fusion.Changed
	if err == nil {
		done, err = c.both(ctx, target, func(d driver, live bool) error { return d.attach(c.r.uuid, device, live) })
	}
	known = err == nil // else it is settled, once libvirt answers
	return done, err
}

// ofChange says of an error of making a disk that it is a change's.
func ofChange(err error) error {
	if f := (*fusion.Error)(nil); errors.As(err, &f) {
		e := *f
		e.Op = opChange
		return &e
	}
	return err
}

// newFile names a disk's file as Create does, with a number that none has.
func (c *changing) newFile() string {
	for n := 0; ; n++ {
		file := fmt.Sprintf("%.40s-%s-%d.qcow2", c.name, head(c.r.uuid), n)
		_, err := os.Lstat(filepath.Join(c.config.pool(), file))
		if errors.Is(err, os.ErrNotExist) && !slices.Contains(c.r.OwnDisks, file) {
			return file
		}
	}
}

// owns writes down which disks were added to the machine, so that they go with it.
func (c *changing) owns(ctx context.Context, files []string) error {
	return c.writeAdded(ctx, c.r.uuid, files)
}

func (s *Store) writeAdded(ctx context.Context, uuid string, files []string) error {
	element, err := domxml.DisksElement(files)
	if err != nil {
		return err
	}
	return s.do(ctx, func(d driver) error { return d.setMetadata(uuid, "disks", domxml.DisksURI, element) })
}

// disk finds the machine's disk that the change names.
func (c *changing) disk(definition *domxml.Element) *domxml.Element {
	for _, d := range definition.One("devices").All("disk") {
		if domxml.DiskName(d) == c.change.Disk && domxml.IsDisk(d) {
			return d
		}
	}
	return nil
}

func (c *changing) noDisk() error {
	return c.missing(fmt.Sprintf("it has no disk %q", fusionClip(c.change.Disk)))
}

// growDisk makes a disk larger: while it runs through QEMU, else through qemu-img.
func (c *changing) growDisk(ctx context.Context) (fusion.Changed, error) {
	d := c.disk(c.next)
	if running := c.disk(c.now); running != nil {
		d = running
	}
	if d == nil {
		return fusion.Changed{}, c.noDisk()
	}
	if d.One("readonly") != nil {
		return fusion.Changed{}, c.bad("its disk "+c.change.Disk+" is read only", "add another disk")
	}
	size, err := call(ctx, c.Store, func(dr driver) (int64, error) { return dr.diskSize(c.r.uuid, c.change.Disk) }, nil)
	if err != nil {
		return fusion.Changed{}, err
	}
	want := (c.change.Bytes + 511) &^ 511
	if want <= size {
		return fusion.Changed{}, c.bad(fmt.Sprintf("its disk %s has %s already", c.change.Disk, imagepool.BytesText(size)),
			"a disk can only grow: its guest's data may lie anywhere on it; for a smaller one, add a disk and copy")
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	if c.disk(c.now) != nil {
		err = c.do(ctx, func(dr driver) error { return dr.resize(c.r.uuid, c.change.Disk, want) })
	} else {
		err = c.growFile(ctx, d, want)
	}
	return fusion.Changed{When: fusion.Now}, err
}

// growFile grows a disk that nobody runs on. Only its header changes.
func (c *changing) growFile(ctx context.Context, d *domxml.Element, size int64) error {
	path, format := d.One("source").Attr("file"), d.One("driver").Attr("type")
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || format != imagefile.Qcow2 && format != imagefile.Raw {
		return c.lacks("its disk "+c.change.Disk+" is no file that this node can write", "start the machine, and grow it then")
	}
	program, err := exec.LookPath("qemu-img")
	if err != nil {
		return c.lacks("qemu-img is not here", InstallHint)
	}
	out, err := exec.CommandContext(ctx, program, "resize", "-q", "-f", format, path, fmt.Sprint(size)).CombinedOutput()
	if err != nil {
		return &fusion.Error{Op: opChange, Path: c.name, Cause: errors.New("qemu-img refuses"), Detail: strings.TrimSpace(string(out)),
			Hint: "start the machine, and grow it then"}
	}
	return nil
}

// removeDisk takes a disk away, and its file when it was made for this machine. While a
// guest holds it an intent waits for the machine's end.
func (c *changing) removeDisk(ctx context.Context) (fusion.Changed, error) {
	d := c.disk(c.next)
	if d == nil {
		d = c.disk(c.now)
	}
	if d == nil {
		return fusion.Changed{}, c.noDisk()
	}
	file := filepath.Base(domxml.SourceOf(d))
	if !slices.Contains(c.r.madeDisks(), file) || domxml.SourceOf(d) != filepath.Join(c.config.pool(), file) {
		return c.takeOut(ctx, c.disk) // somebody else's: it stays where it is
	}
	if c.change.Keep {
		return c.release(ctx, file)
	}
	if err := c.noSnapshotHas(ctx); err != nil {
		return fusion.Changed{}, err
	}
	_, end, err := c.intend(intent{Op: opRemoveDisk, Name: c.name, UUID: c.r.uuid, Files: []string{file}, Part: true})
	if err != nil {
		return fusion.Changed{}, err
	}
	gone := false
	defer func() { end(gone) }()
	ctx, cancel := withinCall(ctx)
	defer cancel()
	done, err := c.takeOut(ctx, c.disk)
	if err != nil || done.When == fusion.NextStart {
		return done, err
	}
	if err := c.disown(ctx, c.r.uuid, file); err != nil {
		return done, err
	}
	c.removeDisks([]string{file})
	gone = true
	return done, nil
}

// release takes a disk out and leaves its file in the pool, as an image.
func (c *changing) release(ctx context.Context, file string) (fusion.Changed, error) {
	ctx, cancel := withinCall(ctx)
	defer cancel()
	done, err := c.takeOut(ctx, c.disk)
	if err == nil {
		err = c.disown(ctx, c.r.uuid, file)
	}
	return done, err
}

// disown forgets that a disk was made for a machine.
func (s *Store) disown(ctx context.Context, uuid, file string) error {
	d, err := call(ctx, s, func(c driver) (domain, error) { return c.domain(uuid) }, nil)
	if err != nil {
		return err
	}
	if slices.Contains(d.Added, file) {
		return s.writeAdded(ctx, uuid, slices.DeleteFunc(slices.Clone(d.Added), func(f string) bool { return f == file }))
	}
	return s.do(ctx, func(c driver) error {
		return c.setMetadata(uuid, "machine", domxml.MachineURI, domxml.MachineElement(d.Info, file))
	})
}

// noSnapshotHas refuses to delete what a snapshot would miss.
func (c *changing) noSnapshotHas(ctx context.Context) error {
	list, err := c.listSnapshots(ctx, opChange, c.name, c.r.uuid)
	if err == nil && len(list) > 0 {
		err = c.bad("it has snapshots, and they have the disk", "remove the snapshots first, or keep the disk's file")
	}
	return err
}
