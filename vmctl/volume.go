package vmctl

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

const (
	opVolumeCreate = "storage.volume.add"
	opVolumeGrow   = "storage.volume.grow"
	opVolumeRemove = "storage.volume.rm"
)

// volumeXML asks for a volume that takes no room yet
// (https://libvirt.org/formatstorage.html).
type volumeXML struct {
	XMLName    xml.Name        `xml:"volume"`
	Name       string          `xml:"name"`
	Capacity   domxml.Size     `xml:"capacity"`
	Allocation domxml.Size     `xml:"allocation"`
	Target     volumeTargetXML `xml:"target"`
	Backing    *volumeBaseXML  `xml:"backingStore,omitempty"`
}

type volumeTargetXML struct {
	Path   string   `xml:"path,omitempty"`
	Format *typeXML `xml:"format,omitempty"`
}

type typeXML struct {
	Type string `xml:"type,attr"`
}

type volumeBaseXML struct {
	Path string `xml:"path"`
}

// parseVolume reads libvirt's description of a volume.
func parseVolume(text string) (volume, error) {
	var x volumeXML
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return volume{}, err
	}
	v := volume{name: x.Name, path: x.Target.Path, format: imagefile.Raw, capacity: x.Capacity.Bytes(), allocation: x.Allocation.Bytes()}
	if x.Target.Format != nil && x.Target.Format.Type != "" {
		v.format = x.Target.Format.Type
	}
	if x.Backing != nil {
		v.base = x.Backing.Path
	}
	return v, nil
}

// parsePool reads the kind and the place of a pool.
func parsePool(text string) (kind, path string, err error) {
	var x struct {
		Type string `xml:"type,attr"`
		Path string `xml:"target>path"`
	}
	err = xml.Unmarshal([]byte(text), &x)
	return x.Type, x.Path, err
}

// CreateVolume makes an empty volume.
func (t storage) CreateVolume(ctx context.Context, spec fusion.VolumeSpec) (fusion.Volume, error) {
	path := fusionClip(spec.Pool) + "/" + fusionClip(spec.Name)
	if err := spec.Check(); err != nil {
		return fusion.Volume{}, volumeRefusal(opVolumeCreate, path, err)
	}
	if spec.Format == "" {
		spec.Format = imagefile.Qcow2
	}
	spec.CapacityBytes = (spec.CapacityBytes + 511) &^ 511
	release, ok := t.s.claims.Take("image", spec.Name) // as an upload does
	if !ok {
		return fusion.Volume{}, inWork(opVolumeCreate, path)
	}
	defer release()
	_, err := t.find(ctx, opVolumeCreate, spec.Pool, spec.Name)
	switch {
	case err == nil:
		return fusion.Volume{}, &fusion.Error{Op: opVolumeCreate, Path: path, Cause: fusion.ErrExists, Hint: "choose another name"}
	case !errors.Is(err, fusion.ErrNotFound):
		return fusion.Volume{}, err
	}
	if spec.Pool == fusion.OwnPool {
		err = t.createOwn(ctx, path, spec)
	} else {
		err = t.createIn(ctx, path, spec)
	}
	if err != nil {
		return fusion.Volume{}, err
	}
	t.s.config.Log.Info("volume created", "volume", path, "bytes", spec.CapacityBytes, "trace", fusion.Trace(ctx))
	return t.get(ctx, opVolumeCreate, spec.Pool, spec.Name)
}

func volumeRefusal(op, path string, err error) error {
	e := &fusion.Error{Op: op, Path: path, Cause: fusion.ErrInvalid, Hint: fusion.Hint(err)}
	var inner *fusion.Error
	if errors.As(err, &inner) {
		e.Detail = inner.Detail
	}
	return e
}

// get gives one volume as it is shown.
func (t storage) get(ctx context.Context, op, poolName, name string) (fusion.Volume, error) {
	v, err := t.find(ctx, op, poolName, name)
	if err != nil {
		return fusion.Volume{}, err
	}
	u, err := t.s.uses(ctx)
	if err != nil {
		return fusion.Volume{}, fail(op, poolName, err)
	}
	return v.shown(poolName, u), nil
}

// createOwn makes a file in Hither's pool: under another name first, so that it is
// there whole or not at all.
func (t storage) createOwn(ctx context.Context, path string, spec fusion.VolumeSpec) error {
	if err := t.s.pool.Room(opVolumeCreate, path, 0); err != nil {
		return err
	}
	temp := filepath.Join(t.s.config.pool(), imagepool.Partial+spec.Name)
	defer os.Remove(temp) // after the rename there is nothing to remove
	if err := qemuImg(ctx, opVolumeCreate, path, "create", "-q", "-f", spec.Format, temp, fmt.Sprint(spec.CapacityBytes)); err != nil {
		return err
	}
	return t.s.poolError(opVolumeCreate, path, os.Rename(temp, filepath.Join(t.s.config.pool(), spec.Name)))
}

// createIn makes a volume in a pool of libvirt's, which goes on if this node is killed.
func (t storage) createIn(ctx context.Context, path string, spec fusion.VolumeSpec) error {
	p, err := t.findPool(ctx, opVolumeCreate, spec.Pool)
	if err != nil {
		return err
	}
	if p.total > 0 && p.free < imagepool.Reserve {
		return invalid(opVolumeCreate, path, fmt.Sprintf("the pool is full: %s free", imagepool.BytesText(p.free)), "remove volumes that are not needed, or give it a larger disk")
	}
	x := volumeXML{Name: spec.Name, Capacity: domxml.Size{Unit: "bytes", Value: spec.CapacityBytes}, Allocation: domxml.Size{Unit: "bytes", Value: 0},
		Target: volumeTargetXML{Format: &typeXML{spec.Format}}}
	text, err := xml.Marshal(x)
	if err != nil {
		return err
	}
	err = t.s.do(ctx, func(d driver) error { return d.createVolume(p.uuid, string(text)) })
	return storageError(opVolumeCreate, path, err)
}

// qemuImg runs qemu-img.
func qemuImg(ctx context.Context, op, path string, args ...string) error {
	program, err := exec.LookPath("qemu-img")
	if err != nil {
		return &fusion.Error{Op: op, Path: path, Cause: fusion.ErrUnsupported, Detail: "qemu-img is not here", Hint: InstallHint}
	}
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return fail(op, path, ctx.Err())
	case err != nil && strings.Contains(string(out), "No space left"):
		return imagepool.NoRoom(op, path, "the pool is full")
	case err != nil:
		return &fusion.Error{Op: op, Path: path, Cause: errors.New("qemu-img refuses"), Detail: strings.TrimSpace(string(out)), Hint: "see whether the file is sound: qemu-img check"}
	}
	return nil
}

// GrowVolume makes a volume larger, under a running machine too.
func (t storage) GrowVolume(ctx context.Context, poolName, name string, bytes int64) (fusion.Volume, error) {
	path := fusionClip(poolName) + "/" + fusionClip(name)
	if err := fusion.CheckCapacity(name, bytes); err != nil {
		return fusion.Volume{}, volumeRefusal(opVolumeGrow, path, err)
	}
	bytes = (bytes + 511) &^ 511
	release, ok := t.s.claims.Take("image", name)
	if !ok {
		return fusion.Volume{}, inWork(opVolumeGrow, path)
	}
	defer release()
	v, err := t.find(ctx, opVolumeGrow, poolName, name)
	if err != nil {
		return fusion.Volume{}, err
	}
	u, err := t.s.freshUses(ctx, opVolumeGrow, path)
	if err != nil {
		return fusion.Volume{}, err
	}
	switch {
	case v.format != imagefile.Qcow2 && v.format != imagefile.Raw:
		return fusion.Volume{}, invalid(opVolumeGrow, path, "a volume of the format "+v.format+" does not grow", "convert it: qemu-img convert -O qcow2 OLD NEW")
	case bytes <= v.capacity:
		return fusion.Volume{}, invalid(opVolumeGrow, path, fmt.Sprintf("it has %s already; a volume does not shrink", imagepool.BytesText(v.capacity)), "give a larger size")
	case len(u.overlays(v.path)) > 0:
		return fusion.Volume{}, isBase(opVolumeGrow, path, u.overlays(v.path))
	}
	if err := t.grow(ctx, path, poolName, v, bytes); err != nil {
		return fusion.Volume{}, err
	}
	t.s.config.Log.Info("volume grown", "volume", path, "bytes", bytes, "trace", fusion.Trace(ctx))
	return t.get(ctx, opVolumeGrow, poolName, name)
}

// grow asks whoever has the volume open: the machine that runs on it, or its pool.
func (t storage) grow(ctx context.Context, path, poolName string, v volume, bytes int64) error {
	if uuid, target := t.s.runsOn(v.path); uuid != "" {
		return fail(opVolumeGrow, path, t.s.do(ctx, func(d driver) error { return d.resize(uuid, target, bytes) }))
	}
	if poolName == fusion.OwnPool {
		return qemuImg(ctx, opVolumeGrow, path, "resize", "-q", "-f", v.format, v.path, fmt.Sprint(bytes))
	}
	p, err := t.findPool(ctx, opVolumeGrow, poolName)
	if err != nil {
		return err
	}
	return storageError(opVolumeGrow, path, t.s.do(ctx, func(d driver) error { return d.growVolume(p.uuid, v.name, bytes) }))
}

// runsOn gives the running domain that has a file open as a disk, and which.
func (s *Store) runsOn(path string) (uuid, target string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.records {
		for _, d := range r.Disks {
			if r.active && d.Path != "" && realPath(d.Path) == realPath(path) {
				return r.uuid, d.Target
			}
		}
	}
	return "", ""
}

// freshUses is uses after a look at the machines as they are now: what is deleted does
// not come back.
func (s *Store) freshUses(ctx context.Context, op, path string) (uses, error) {
	switch why := s.whyAway(); {
	case why == nil:
		if err := s.relistAnew(ctx); err != nil {
			return uses{}, fail(op, path, err)
		}
	case !errors.Is(why, fusion.ErrUnsupported): // nobody knows who uses it
		return uses{}, away(op, path, why)
	}
	u, err := s.uses(ctx)
	return u, fail(op, path, err)
}

// relistAnew is relist with every definition as it is now.
func (s *Store) relistAnew(ctx context.Context) error {
	err := s.do(ctx, func(d driver) error { d.forgetDefinitions(); return nil })
	if err != nil {
		return err
	}
	return s.relist(ctx)
}

// RemoveVolume deletes a volume that nobody needs.
func (t storage) RemoveVolume(ctx context.Context, poolName, name string) error {
	path := fusionClip(poolName) + "/" + fusionClip(name)
	release, ok := t.s.claims.Take("image", name)
	if !ok {
		return inWork(opVolumeRemove, path)
	}
	defer release()
	v, err := t.find(ctx, opVolumeRemove, poolName, name)
	if err != nil {
		return err
	}
	u, err := t.s.freshUses(ctx, opVolumeRemove, path)
	if err != nil {
		return err
	}
	if on := u.machines(v.path); len(on) > 0 {
		return &fusion.Error{Op: opVolumeRemove, Path: path, Cause: fusion.ErrBusy, Detail: "machines use it: " + strings.Join(on, ", "),
			Hint: "remove those machines first, or take the disk away from them"}
	}
	if on := u.overlays(v.path); len(on) > 0 {
		return isBase(opVolumeRemove, path, on)
	}
	if poolName == fusion.OwnPool {
		err = fail(opVolumeRemove, path, os.Remove(v.path))
	} else {
		err = t.removeIn(ctx, path, poolName, v.name)
	}
	if err == nil {
		t.s.config.Log.Info("volume removed", "volume", path, "trace", fusion.Trace(ctx))
	}
	return err
}

func (t storage) removeIn(ctx context.Context, path, poolName, name string) error {
	p, err := t.findPool(ctx, opVolumeRemove, poolName)
	if err != nil {
		return err
	}
	return storageError(opVolumeRemove, path, t.s.do(ctx, func(d driver) error { return d.removeVolume(p.uuid, name) }))
}

func isBase(op, path string, overlays []string) error {
	return &fusion.Error{Op: op, Path: path, Cause: fusion.ErrBusy, Detail: "other volumes are built on it: " + strings.Join(overlays, ", "),
		Hint: "remove those first: without it they hold nothing"}
}
