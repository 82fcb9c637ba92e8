package hosttest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"hither/fusion"
)

type memoryBackups struct {
	m     *Memory
	place fusion.BackupPlace
}

// At gives backups elsewhere, of which a host in memory has none: it is not paired.
func (b memoryBackups) At(place fusion.BackupPlace) fusion.Backups { return memoryBackups{b.m, place} }

func (b memoryBackups) Kept(ctx context.Context, _ fusion.HostID, _ string) ([]fusion.KeptMachine, error) {
	return []fusion.KeptMachine{}, ctx.Err()
}

// here refuses what is not on this host.
func (b memoryBackups) here(op, machine string) error {
	if b.place == (fusion.BackupPlace{}) {
		return nil
	}
	return &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrNotFound, Detail: "the two hosts are not paired", Hint: "pair them"}
}

// kept finds what is known of a machine's backups. The caller holds mu.
func (m *Memory) kept(op, machine string) (*fusion.BackupList, error) {
	v, err := m.machine(op, machine)
	switch {
	case err != nil && m.backups[machine] != nil:
		return m.backups[machine], nil
	case err != nil:
		return nil, err
	case v.Kind == fusion.KindSelf:
		return nil, &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrUnsupported, Detail: "it is the computer itself", Hint: "name a virtual machine"}
	}
	if m.backups[machine] == nil {
		m.backups[machine] = &fusion.BackupList{}
	}
	return m.backups[machine], nil
}

// keptOne finds a backup. The caller holds mu.
func (m *Memory) keptOne(op, machine, id string) (*fusion.BackupList, int, error) {
	l, err := m.kept(op, machine)
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(l.Backups, func(b fusion.Backup) bool { return b.ID == id })
	if i < 0 {
		return nil, 0, &fusion.Error{Op: op, Path: machine + "/" + id, Cause: fusion.ErrNotFound, Detail: "no such backup", Hint: "list them"}
	}
	return l, i, nil
}

func (b memoryBackups) List(ctx context.Context, machine string) (fusion.BackupList, error) {
	if err := b.here("machine.backups", machine); err != nil {
		return fusion.BackupList{}, err
	}
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	l, err := b.m.kept("machine.backups", machine)
	if err != nil {
		return fusion.BackupList{}, err
	}
	out := *l
	out.Backups, out.Keepers = append([]fusion.Backup{}, l.Backups...), []fusion.BackupKeeper{}
	return out, ctx.Err()
}

func (b memoryBackups) Take(ctx context.Context, machine string) (fusion.Backup, error) {
	if err := b.here("machine.backup", machine); err != nil {
		return fusion.Backup{}, err
	}
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	l, err := b.m.kept("machine.backup", machine)
	if err == nil {
		_, err = b.m.machine("machine.backup", machine)
	}
	if err != nil {
		return fusion.Backup{}, err
	}
	b.m.launched++
	one := fusion.Backup{ID: fmt.Sprint("b", b.m.launched), Machine: machine, Created: time.Now().UTC(), Kind: fusion.BackupFull, State: fusion.BackupOff, DataBytes: 1 << 20, AddedBytes: 1 << 20}
	if b.m.machines[machine].State == fusion.Running {
		one.State = fusion.BackupRunning
	}
	l.Backups = append(l.Backups, one)
	l.StoredBytes += one.AddedBytes
	fusion.SortBackups(l.Backups)
	return one, ctx.Err()
}

func (b memoryBackups) Restore(ctx context.Context, machine, id string, spec fusion.RestoreSpec) (fusion.Machine, error) {
	const op = "machine.restore"
	if err := b.here(op, machine); err != nil {
		return fusion.Machine{}, err
	}
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	if _, _, err := b.m.keptOne(op, machine, id); err != nil {
		return fusion.Machine{}, err
	}
	if spec.As == "" {
		v, err := b.m.still(op, machine)
		if err != nil {
			return fusion.Machine{}, err
		}
		if spec.Start {
			b.m.become(v, fusion.Running)
		}
		return v.copy(), ctx.Err()
	}
	if err := b.m.vacant(op, spec.As); err != nil {
		return fusion.Machine{}, err
	}
	c := &memoryMachine{Machine: fusion.Machine{Name: spec.As, CPUs: 1, MemoryBytes: 1 << 30}}
	if v := b.m.machines[machine]; v != nil {
		c.CPUs, c.MemoryBytes, c.Disks = v.CPUs, v.MemoryBytes, slices.Clone(v.Disks)
	}
	return b.m.add(c, spec.Start), ctx.Err()
}

func (b memoryBackups) Verify(ctx context.Context, machine, id string) (fusion.Backup, error) {
	if err := b.here("machine.backup.verify", machine); err != nil {
		return fusion.Backup{}, err
	}
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	l, i, err := b.m.keptOne("machine.backup.verify", machine, id)
	if err != nil {
		return fusion.Backup{}, err
	}
	l.Backups[i].Verified = time.Now().UTC()
	return l.Backups[i], ctx.Err()
}

func (b memoryBackups) Remove(ctx context.Context, machine, id string) error {
	if err := b.here("machine.backup.remove", machine); err != nil {
		return err
	}
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	l, i, err := b.m.keptOne("machine.backup.remove", machine, id)
	if err != nil {
		return err
	}
	l.Backups = slices.Delete(l.Backups, i, i+1)
	return ctx.Err()
}

func (b memoryBackups) SetSchedule(ctx context.Context, machine string, schedule fusion.BackupSchedule) (fusion.BackupList, error) {
	b.m.mu.Lock()
	l, err := b.m.kept("machine.schedule", machine)
	if err == nil {
		err = schedule.Check()
	}
	if err == nil {
		l.Schedule, l.Next = schedule, schedule.Next(time.Now())
	}
	b.m.mu.Unlock()
	if err != nil {
		return fusion.BackupList{}, err
	}
	return b.List(ctx, machine)
}
