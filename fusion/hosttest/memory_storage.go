package hosttest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"hither/fusion"
)

// memoryStorage is one pool: what was made there, and the machines' disks.
type memoryStorage struct{ m *Memory }

func (p memoryStorage) Pools(ctx context.Context) ([]fusion.Pool, error) {
	return []fusion.Pool{{Name: fusion.OwnPool, Kind: fusion.OwnPool, Path: "memory", State: fusion.PoolActive, TotalBytes: 1 << 40, FreeBytes: 1 << 39}}, ctx.Err()
}

// allVolumes gives every volume by name. The caller holds mu.
func (m *Memory) allVolumes() map[string]fusion.Volume {
	all := maps.Clone(m.volumes)
	for _, v := range m.machines {
		if v.Kind == fusion.KindSelf {
			continue
		}
		for _, d := range v.Disks {
			name := fmt.Sprintf("%.40s-%s.qcow2", v.Name, d.Name)
			all[name] = fusion.Volume{Pool: fusion.OwnPool, Name: name, Format: "qcow2", CapacityBytes: d.TotalBytes, Machines: []string{v.Name}, BaseOf: []string{}}
		}
	}
	return all
}

// volume finds one. The caller holds mu.
func (m *Memory) volume(op, pool, name string) (fusion.Volume, error) {
	v, there := m.allVolumes()[name]
	if !there || pool != fusion.OwnPool {
		return v, &fusion.Error{Op: op, Path: pool + "/" + name, Cause: fusion.ErrNotFound, Hint: "`hither storage volumes` shows the volumes"}
	}
	return v, nil
}

func noPool(op, name string) error {
	return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrNotFound, Hint: "`hither storage ls` shows the pools"}
}

func (p memoryStorage) Volumes(ctx context.Context, pool string) ([]fusion.Volume, error) {
	if pool != fusion.OwnPool {
		return nil, noPool("storage.volumes", pool)
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	all := p.m.allVolumes()
	list := []fusion.Volume{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list, ctx.Err()
}

func (p memoryStorage) CreateVolume(ctx context.Context, spec fusion.VolumeSpec) (fusion.Volume, error) {
	const op = "storage.volume.add"
	if err := spec.Check(); err != nil {
		return fusion.Volume{}, err
	}
	if spec.Pool != fusion.OwnPool {
		return fusion.Volume{}, noPool(op, spec.Pool)
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if _, err := p.m.volume(op, spec.Pool, spec.Name); err == nil {
		return fusion.Volume{}, &fusion.Error{Op: op, Path: spec.Name, Cause: fusion.ErrExists, Hint: "choose another name"}
	}
	v := fusion.Volume{Pool: spec.Pool, Name: spec.Name, Format: "qcow2", CapacityBytes: spec.CapacityBytes, Machines: []string{}, BaseOf: []string{}}
	if spec.Format != "" {
		v.Format = spec.Format
	}
	p.m.volumes[v.Name] = v
	return v, ctx.Err()
}

func (p memoryStorage) GrowVolume(ctx context.Context, pool, name string, bytes int64) (fusion.Volume, error) {
	const op = "storage.volume.grow"
	if err := fusion.CheckCapacity(name, bytes); err != nil {
		return fusion.Volume{}, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.volume(op, pool, name)
	switch {
	case err != nil:
		return v, err
	case bytes <= v.CapacityBytes:
		return v, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrInvalid, Detail: "it is as large already", Hint: "give a larger size"}
	}
	v.CapacityBytes = bytes
	p.m.volumes[name] = v
	return v, ctx.Err()
}

func (p memoryStorage) RemoveVolume(_ context.Context, pool, name string) error {
	const op = "storage.volume.rm"
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.volume(op, pool, name)
	if err == nil && len(v.Machines) > 0 {
		err = &fusion.Error{Op: op, Path: name, Cause: fusion.ErrBusy, Detail: "a machine uses it", Hint: "remove the machine first"}
	}
	if err == nil {
		delete(p.m.volumes, name)
	}
	return err
}
