package vmctl

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

// storageDriver is what a Store needs of a hypervisor for storage.
type storageDriver interface {
	// pools lists every pool with its state and sizes.
	pools() ([]pool, error)
	// volumes lists what an active pool has now; files that others put there too.
	volumes(poolUUID string) ([]volume, error)
	createVolume(poolUUID, xml string) error
	growVolume(poolUUID, name string, bytes int64) error
	removeVolume(poolUUID, name string) error
	// forgetDefinitions lets all be read anew: what was plugged in by other hands tells
	// no event.
	forgetDefinitions()
}

// pool is a storage pool as the hypervisor has it.
type pool struct {
	uuid, name, kind, path string
	active                 bool
	total, free            int64
}

// volume is a volume of a pool; its paths are the host's.
type volume struct {
	name, path, format   string
	base                 string // path of what it is built on, or ""
	capacity, allocation int64
}

// storage is the Store as fusion.Storage.
type storage struct{ s *Store }

var _ fusion.Storage = storage{}

// Storage is where the disks of this computer's virtual machines are.
func (s *Store) Storage() fusion.Storage { return storage{s} }

// Pools gives Hither's own pool and those of libvirt.
func (t storage) Pools(ctx context.Context) ([]fusion.Pool, error) {
	out := []fusion.Pool{t.own()}
	all, err := t.s.allPools(ctx)
	if err != nil {
		return nil, fail("storage.pools", "", err)
	}
	for _, p := range all {
		out = append(out, p.shown())
	}
	slices.SortFunc(out[1:], func(a, b fusion.Pool) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// allPools gives libvirt's pools, none where there is no libvirt or it is away: what is
// Hither's own can be looked at all the same.
func (s *Store) allPools(ctx context.Context) ([]pool, error) {
	if !s.connected() {
		return nil, ctx.Err()
	}
	all, err := call(ctx, s, func(d driver) ([]pool, error) { return d.pools() }, nil)
	if errors.Is(err, fusion.ErrOffline) || errors.Is(err, fusion.ErrUnsupported) {
		return nil, nil
	}
	return all, err
}

// own is the pool that Hither keeps itself.
func (t storage) own() fusion.Pool {
	p := fusion.Pool{Name: fusion.OwnPool, Kind: fusion.OwnPool, Path: t.s.config.pool(), State: fusion.PoolActive}
	var err error
	if p.TotalBytes, p.FreeBytes, err = computer.DiskSpace(p.Path); err != nil {
		p.State, p.Note, p.Hint = fusion.PoolGone, "its directory cannot be read", "see whether its disk is plugged in; then start the node again"
	} else if p.FreeBytes < imagepool.Reserve {
		p.Note, p.Hint = "it is full", imagepool.SpaceHint
	}
	return p
}

func (p pool) shown() fusion.Pool {
	out := fusion.Pool{Name: p.outside(), Kind: p.kind, Path: p.path, State: fusion.PoolActive, TotalBytes: p.total, FreeBytes: p.free}
	switch {
	case p.gone():
		out.State, out.TotalBytes, out.FreeBytes = fusion.PoolGone, 0, 0
		out.Note, out.Hint = "its directory is not there", "see whether its disk is plugged in or mounted; virsh pool-undefine forgets the pool"
	case !p.active:
		out.State, out.TotalBytes, out.FreeBytes = fusion.PoolInactive, 0, 0
		out.Note, out.Hint = "it was not started", "start it there with: virsh pool-start"
	case p.free < imagepool.Reserve && p.total > 0:
		out.Note, out.Hint = "it is full", "remove volumes that are not needed, or give it a larger disk"
	}
	return out
}

// outside is the name it is shown under; Hither's own pool has its name alone.
func (p pool) outside() string {
	if p.name == fusion.OwnPool {
		return plain(p.name, "pool", head(p.uuid))
	}
	return outsideName(p.name, p.uuid)
}

// gone says whether the directory of a pool of files is missing.
func (p pool) gone() bool {
	if p.kind != "dir" && p.kind != "fs" && p.kind != "netfs" || p.path == "" {
		return false
	}
	_, err := os.Stat(p.path)
	return errors.Is(err, os.ErrNotExist)
}

// findPool finds a pool of libvirt's by the name it is shown under.
func (t storage) findPool(ctx context.Context, op, name string) (pool, error) {
	if why := t.s.whyAway(); why != nil && !errors.Is(why, fusion.ErrUnsupported) {
		return pool{}, away(op, fusionClip(name), why)
	}
	all, err := t.s.allPools(ctx)
	if err != nil {
		return pool{}, fail(op, fusionClip(name), err)
	}
	for _, p := range all {
		if p.outside() != name {
			continue
		}
		if shown := p.shown(); shown.State != fusion.PoolActive {
			return p, invalid(op, name, shown.Note, shown.Hint)
		}
		return p, nil
	}
	return pool{}, &fusion.Error{Op: op, Path: fusionClip(name), Cause: fusion.ErrNotFound, Detail: "no such pool",
		Hint: "hither storage ls shows the pools there are"}
}

// Volumes gives what is in a pool.
func (t storage) Volumes(ctx context.Context, name string) ([]fusion.Volume, error) {
	const op = "storage.volumes"
	list, err := t.volumes(ctx, op, name)
	if err != nil {
		return nil, err
	}
	out := []fusion.Volume{}
	uses, err := t.s.uses(ctx)
	if err != nil {
		return nil, fail(op, name, err)
	}
	for _, v := range list {
		out = append(out, v.shown(name, uses))
	}
	slices.SortFunc(out, func(a, b fusion.Volume) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (t storage) volumes(ctx context.Context, op, name string) ([]volume, error) {
	if name == fusion.OwnPool {
		list, err := ownVolumes(t.s.config.pool())
		return list, fail(op, name, err)
	}
	p, err := t.findPool(ctx, op, name)
	if err != nil {
		return nil, err
	}
	list, err := call(ctx, t.s, func(d driver) ([]volume, error) { return d.volumes(p.uuid) }, nil)
	return list, storageError(op, name, err)
}

// find finds one volume of a pool by the name it is shown under.
func (t storage) find(ctx context.Context, op, poolName, name string) (volume, error) {
	list, err := t.volumes(ctx, op, poolName)
	if err != nil {
		return volume{}, err
	}
	for _, v := range list {
		if outsideVolume(v.name) == name {
			return v, nil
		}
	}
	return volume{}, noSuchVolume(op, poolName, name)
}

func noSuchVolume(op, poolName, name string) error {
	return &fusion.Error{Op: op, Path: fusionClip(poolName) + "/" + fusionClip(name), Cause: fusion.ErrNotFound, Detail: "no such volume",
		Hint: "hither storage volumes shows the volumes there are"}
}

// outsideVolume gives the name under which a volume is shown, as outsideSnapshot does.
func outsideVolume(name string) string { return outsideSnapshot(name) }

// shown makes the fusion value of a volume.
func (v volume) shown(poolName string, u uses) fusion.Volume {
	out := fusion.Volume{Pool: poolName, Name: outsideVolume(v.name), Format: v.format, CapacityBytes: v.capacity, AllocationBytes: v.allocation,
		Machines: u.machines(v.path), BaseOf: u.overlays(v.path)}
	if v.base != "" {
		out.Base = outsideVolume(filepath.Base(v.base))
	}
	return out
}

// ownVolumes reads the images and disks of Hither's pool.
func ownVolumes(dir string) ([]volume, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var list []volume
	for _, entry := range entries {
		if fusion.CheckName(entry.Name()) != nil || !entry.Type().IsRegular() {
			continue // one that is being made, or nothing of ours
		}
		v, err := ownVolume(dir, entry.Name())
		if errors.Is(err, os.ErrNotExist) {
			continue // it went meanwhile
		}
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func ownVolume(dir, name string) (volume, error) {
	v := volume{name: name, path: filepath.Join(dir, name), format: imagefile.Raw}
	info, err := os.Stat(v.path)
	if err != nil {
		return v, err
	}
	v.capacity, v.allocation = info.Size(), computer.Allocated(info)
	if strings.HasSuffix(strings.ToLower(name), ".iso") {
		v.format = "iso"
		return v, nil
	}
	size, base, err := imagefile.ReadBacking(v.path)
	switch {
	case errors.Is(err, imagefile.ErrNoQcow2), errors.Is(err, imagefile.ErrBroken):
		return v, nil
	case err != nil:
		return v, err
	}
	v.format, v.capacity, v.base = imagefile.Qcow2, size, base
	return v, nil
}

// storageError explains what libvirt says of storage.
func storageError(op, path string, err error) error {
	var d *driverError
	if !errors.As(err, &d) {
		return fail(op, path, err)
	}
	e := &fusion.Error{Op: op, Path: path, Cause: d.cause, Detail: d.text, Hint: hintFor(d)}
	switch {
	case errors.Is(d.cause, fusion.ErrNotFound):
		e.Hint = "hither storage ls shows the pools there are"
	case strings.Contains(d.text, "No space left"):
		e.Cause, e.Hint = fusion.ErrInvalid, "remove volumes that are not needed, or give it a larger disk"
	case strings.Contains(d.text, "cannot open"), strings.Contains(d.text, "No such file"):
		e.Cause, e.Hint = fusion.ErrInvalid, "see whether its disk is plugged in or mounted; virsh pool-undefine forgets the pool"
	case strings.Contains(d.text, "asynchronous jobs running"): // a volume is being made in it
		e.Cause, e.Hint = fusion.ErrBusy, "try again in a moment"
	case e.Hint == "":
		e.Hint = "virsh pool-info and the log of libvirtd there say more"
	}
	return e
}
