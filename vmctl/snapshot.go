package vmctl

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"hither/fusion"
	"hither/vmctl/computer"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
	"hither/vmctl/imagepool"
)

// Snapshots gives the snapshots of a machine, also those made with other tools;
// an odd name among them is shown as a plain one.
func (s *Store) Snapshots(ctx context.Context, machine string) ([]fusion.Snapshot, error) {
	const op = "machine.snapshots"
	uuid, err := s.findVM(ctx, op, machine)
	if err != nil {
		return nil, err
	}
	list, err := s.listSnapshots(ctx, op, machine, uuid)
	for i := range list {
		list[i].Name, list[i].Parent = outsideSnapshot(list[i].Name), outsideSnapshot(list[i].Parent)
	}
	fusion.SortSnapshots(list)
	return list, err
}

// TakeSnapshot keeps the machine's disks, and the memory of one that runs,
// inside its qcow2 disks (https://libvirt.org/formatsnapshot.html, "internal").
func (s *Store) TakeSnapshot(ctx context.Context, machine string, spec fusion.SnapshotSpec) (fusion.Snapshot, error) {
	const op = opTake
	var made fusion.Snapshot
	if machine == fusion.Self {
		return made, noSnapshots(op)
	}
	if err := spec.Check(); err != nil {
		return made, err
	}
	path := machine + "/" + spec.Name
	err := s.exclusively(ctx, op, machine, func(r record) (func(driver) error, intent, error) {
		note := intent{Op: op, UUID: r.uuid, Name: machine, Snapshot: spec.Name, Ran: r.state == fusion.Running}
		list, err := s.listSnapshots(ctx, op, machine, r.uuid)
		if err != nil {
			return nil, note, err
		}
		if _, taken := named(list, spec.Name); taken {
			return nil, note, &fusion.Error{Op: op, Path: path, Cause: fusion.ErrExists, Hint: "choose another name, or remove that snapshot first"}
		}
		if err := s.keeps(op, r); err != nil {
			return nil, note, err
		}
		if err := s.canKeep(ctx, op, machine, r.domain, spec); err != nil {
			return nil, note, err
		}
		if err := s.unmark(ctx, r.domain); err != nil { // libvirt takes none beside a checkpoint
			return nil, note, err
		}
		text, err := domxml.NewSnapshot(spec, r.Info, r.active)
		return func(d driver) error {
			plug, err := s.redirections.unplug(d, r.uuid)
			if err != nil {
				return err
			}
			defer plug()
			made, err = d.takeSnapshot(r.uuid, text)
			return err
		}, note, err
	})
	if err != nil {
		return fusion.Snapshot{}, err
	}
	made.Parent = outsideSnapshot(made.Parent)
	s.config.Log.Info("snapshot taken", "machine", machine, "snapshot", made.Name, "memory", made.Memory, "trace", fusion.Trace(ctx))
	return made, nil
}

const (
	opTake   = "machine.snapshot.take"
	opRevert = "machine.snapshot.revert"
	opForget = "machine.snapshot.remove"
)

// RevertSnapshot takes a machine back to a snapshot. libvirt starts or ends QEMU
// where the two states differ.
func (s *Store) RevertSnapshot(ctx context.Context, machine, snapshot string) error {
	err := s.onSnapshot(ctx, opRevert, machine, snapshot, driver.revertSnapshot)
	if err == nil {
		s.config.Log.Info("snapshot reverted to", "machine", machine, "snapshot", snapshot, "trace", fusion.Trace(ctx))
	}
	return err
}

// RemoveSnapshot forgets a snapshot.
func (s *Store) RemoveSnapshot(ctx context.Context, machine, snapshot string) error {
	err := s.onSnapshot(ctx, opForget, machine, snapshot, driver.removeSnapshot)
	if err == nil {
		s.config.Log.Info("snapshot removed", "machine", machine, "snapshot", snapshot, "trace", fusion.Trace(ctx))
	}
	return err
}

// onSnapshot does something with one snapshot, named as it is shown.
func (s *Store) onSnapshot(ctx context.Context, op, machine, snapshot string, do func(d driver, uuid, name string) error) error {
	return s.exclusively(ctx, op, machine, func(r record) (func(driver) error, intent, error) {
		note := intent{Op: op, UUID: r.uuid, Name: machine, Off: r.state == fusion.Off}
		list, err := s.listSnapshots(ctx, op, machine, r.uuid)
		if err != nil {
			return nil, note, err
		}
		real, there := named(list, snapshot)
		note.Snapshot = real
		if !there {
			return nil, note, noSuchSnapshot(op, machine, snapshot)
		}
		if err := s.keeps(op, r); err != nil {
			return nil, note, err
		}
		if r.state == fusion.Saved && op == opRevert {
			return nil, note, isSaved(op, machine)
		}
		if op == opRevert { // QEMU does not revert a disk that keeps account for backups
			if err := s.unmark(ctx, r.domain); err != nil {
				return nil, note, err
			}
		}
		return func(d driver) error { return do(d, r.uuid, real) }, note, nil
	})
}

// named finds the real name of the snapshot that is shown as name.
func named(list []fusion.Snapshot, name string) (real string, there bool) {
	for _, one := range list {
		if outsideSnapshot(one.Name) == name {
			return one.Name, true
		}
	}
	return "", false
}

// exclusively claims a machine, lets prepare look at it, and runs what that gives, with
// the intent written down. The claim is held until the hypervisor has answered, also when
// ctx ends first.
func (s *Store) exclusively(ctx context.Context, op, machine string, prepare func(record) (func(driver) error, intent, error)) error {
	if machine == fusion.Self {
		return noSnapshots(op)
	}
	r, release, err := s.alone(ctx, op, machine)
	if err != nil {
		return err
	}
	run, giveUp := held(release)
	defer giveUp()
	if err := s.unlost(ctx, op, r); err != nil {
		return err
	}
	do, note, err := prepare(r)
	if err != nil {
		return err
	}
	err = s.do(ctx, s.noted(note, run(func(d driver) error {
		defer s.touch(r.uuid) // the state may be another now; watchers hear of it
		return do(d)
	})))
	return fail(op, machine, err)
}

func (s *Store) findVM(ctx context.Context, op, machine string) (uuid string, err error) {
	if machine == fusion.Self {
		return "", noSnapshots(op)
	}
	return s.find(ctx, op, machine)
}

func (s *Store) listSnapshots(ctx context.Context, op, machine, uuid string) ([]fusion.Snapshot, error) {
	list, err := call(ctx, s, func(d driver) ([]fusion.Snapshot, error) { return d.snapshots(uuid) }, nil)
	if errors.Is(err, fusion.ErrNotFound) {
		return nil, fusion.NoMachine(op, machine)
	}
	return list, fail(op, machine, err)
}

// canKeep refuses a snapshot that cannot be taken: libvirt's own words for it
// tell nobody what to do.
func (s *Store) canKeep(ctx context.Context, op, machine string, d domain, spec fusion.SnapshotSpec) error {
	keeps := ""
	for _, disk := range d.Disks {
		switch {
		case disk.ReadOnly:
		case disk.Format != imagefile.Qcow2:
			return keepsNone(op, machine, fmt.Sprintf("its disk %s is %s, which keeps no snapshots", disk.Target, disk.Format),
				"convert the disk: qemu-img convert -O qcow2 OLD NEW, or make a machine of it with hither machine create --image")
		case hasKept(disk, spec.Name): // libvirt does not list it, and QEMU would write over it
			return &fusion.Error{Op: op, Path: machine + "/" + spec.Name, Cause: fusion.ErrExists,
				Detail: "its disk " + disk.Target + " keeps a snapshot of that name, which libvirt does not know", Hint: "choose another name"}
		case keeps == "":
			keeps = disk.Path
		}
	}
	switch {
	case domxml.IsUEFI(d.Firmware):
		return keepsNone(op, machine, "it starts by UEFI, whose variables are not kept in a disk", "shut it down and clone it: hither machine clone --full keeps it as it is, variables and TPM included")
	case keeps == "":
		return keepsNone(op, machine, "it has no disk of its own to keep one in", "give it a qcow2 disk, as in hither machine create --disk 1GiB")
	case d.state == fusion.Saved:
		return isSaved(op, machine)
	case d.active && spec.NoMemory:
		return keepsNone(op, machine, "the disks of a running machine are kept with its memory only", "stop the machine first, or keep the memory")
	}
	return s.roomToKeep(ctx, op, machine, d, keeps)
}

// roomToKeep refuses when the memory in use may not fit beside the disk: a guest
// whose disk is full stands still. A disk that is not to be seen from here is
// left to libvirt.
func (s *Store) roomToKeep(ctx context.Context, op, machine string, d domain, disk string) error {
	dir := filepath.Dir(disk)
	free, err := computer.FreeBytes(dir)
	if err != nil {
		return nil
	}
	need := int64(imagepool.Reserve)
	if d.active {
		used, err := s.memoryUsed(ctx, d)
		if err != nil {
			return fail(op, machine, err)
		}
		need += used
	}
	if need <= free {
		return nil
	}
	return imagepool.NoRoom(op, machine, fmt.Sprintf("%s is full: %s free, up to %s needed", dir, imagepool.BytesText(free), imagepool.BytesText(need)))
}

// memoryUsed is at most the machine's memory, which it is when nothing is known.
func (s *Store) memoryUsed(ctx context.Context, d domain) (int64, error) {
	all, err := call(ctx, s, func(c driver) ([]domainStats, error) { return c.stats() }, nil)
	for _, one := range all {
		if one.uuid == d.uuid && one.stats.MemoryUsedBytes > 0 {
			return min(one.stats.MemoryUsedBytes, d.MemoryBytes), nil
		}
	}
	return d.MemoryBytes, err
}

func noSnapshots(op string) error {
	return &fusion.Error{Op: op, Path: fusion.Self, Cause: fusion.ErrUnsupported,
		Detail: "it is this computer itself", Hint: "virtual machines have snapshots; for a computer, use those of its file system"}
}

func keepsNone(op, machine, detail, hint string) error {
	return &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrUnsupported, Detail: detail, Hint: hint}
}

func noSuchSnapshot(op, machine, snapshot string) error {
	return &fusion.Error{Op: op, Path: machine + "/" + fusionClip(snapshot), Cause: fusion.ErrNotFound, Detail: "no such snapshot",
		Hint: "hither machine snapshot ls shows the snapshots there are"}
}

// isSaved refuses what would part a saved memory from the disks it belongs to.
func isSaved(op, machine string) error {
	return invalid(op, machine, "it is saved, and its memory belongs to its disks as they are", "start it first")
}
