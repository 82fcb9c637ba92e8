package hosttest

import (
	"context"
	"slices"
	"time"

	"hither/fusion"
)

// snapshotsOf finds a machine that can have snapshots. The caller holds mu.
func (m *Memory) snapshotsOf(op, name string) (*memoryMachine, error) {
	v, err := m.machine(op, name)
	if err == nil && v.Kind == fusion.KindSelf {
		err = &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported,
			Detail: "it is the computer itself", Hint: "take snapshots of virtual machines"}
	}
	return v, err
}

// snapshot finds one by name. The caller holds mu.
func (v *memoryMachine) snapshot(op, name string) (int, error) {
	i := slices.IndexFunc(v.snapshots, func(s fusion.Snapshot) bool { return s.Name == name })
	if i < 0 {
		return 0, &fusion.Error{Op: op, Path: v.Name + "/" + name, Cause: fusion.ErrNotFound,
			Hint: "`hither machine snapshot ls` shows the snapshots"}
	}
	return i, nil
}

// goOnFrom marks the snapshot that the machine goes on from.
func (v *memoryMachine) goOnFrom(name string) {
	for i := range v.snapshots {
		v.snapshots[i].Current = v.snapshots[i].Name == name
	}
}

func (p memoryMachines) Snapshots(ctx context.Context, machine string) ([]fusion.Snapshot, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.snapshotsOf("machine.snapshots", machine)
	if err != nil {
		return nil, err
	}
	list := slices.Clone(v.snapshots)
	fusion.SortSnapshots(list)
	return list, ctx.Err()
}

func (p memoryMachines) TakeSnapshot(ctx context.Context, machine string, spec fusion.SnapshotSpec) (fusion.Snapshot, error) {
	const op = "machine.snapshot.take"
	if err := ctx.Err(); err != nil {
		return fusion.Snapshot{}, err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.snapshotsOf(op, machine)
	if err == nil {
		err = spec.Check()
	}
	if err != nil {
		return fusion.Snapshot{}, err
	}
	if len(v.Disks) == 0 {
		return fusion.Snapshot{}, &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrUnsupported,
			Detail: "it has no disk", Hint: "give it a disk"}
	}
	if _, err := v.snapshot(op, spec.Name); err == nil {
		return fusion.Snapshot{}, &fusion.Error{Op: op, Path: machine + "/" + spec.Name, Cause: fusion.ErrExists, Hint: "choose another name"}
	}
	s := fusion.Snapshot{Name: spec.Name, Note: spec.Note, Created: time.Now(), State: fusion.Off}
	if v.State == fusion.Running || v.State == fusion.Paused {
		s.Memory = !spec.NoMemory
	}
	if s.Memory {
		s.State = v.State
	}
	for _, other := range v.snapshots {
		if other.Current {
			s.Parent = other.Name
		}
	}
	v.snapshots = append(v.snapshots, s)
	v.goOnFrom(s.Name)
	s.Current = true
	return s, nil
}

func (p memoryMachines) RevertSnapshot(ctx context.Context, machine, snapshot string) error {
	return p.onSnapshot(ctx, "machine.snapshot.revert", machine, snapshot, func(v *memoryMachine, i int) {
		v.goOnFrom(snapshot)
		if state := v.snapshots[i].State; state != v.State {
			p.m.become(v, state)
		}
	})
}

func (p memoryMachines) RemoveSnapshot(ctx context.Context, machine, snapshot string) error {
	return p.onSnapshot(ctx, "machine.snapshot.remove", machine, snapshot, func(v *memoryMachine, i int) {
		gone := v.snapshots[i]
		v.snapshots = slices.Delete(v.snapshots, i, i+1)
		for i := range v.snapshots {
			if v.snapshots[i].Parent == gone.Name {
				v.snapshots[i].Parent = gone.Parent
			}
		}
		if gone.Current {
			v.goOnFrom(gone.Parent)
		}
	})
}

// onSnapshot does something with one snapshot of a machine: its i-th.
func (p memoryMachines) onSnapshot(ctx context.Context, op, machine, snapshot string, do func(v *memoryMachine, i int)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.snapshotsOf(op, machine)
	if err != nil {
		return err
	}
	i, err := v.snapshot(op, snapshot)
	if err != nil {
		return err
	}
	do(v, i)
	return nil
}
