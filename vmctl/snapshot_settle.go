package vmctl

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
	"hither/vmctl/process"
)

// noted gives a call that writes its intent down first. When the call fails, libvirt may
// have gone in its middle: then the intent is looked after. What libvirt refused is not
// asked for again.
func (s *Store) noted(i intent, fn func(driver) error) func(driver) error {
	return func(d driver) error {
		_, end, err := s.intend(i)
		if err != nil {
			return err
		}
		err = fn(d)
		known := err == nil
		if err != nil && i.Op != opTake {
			_, away := d.domain(i.UUID)
			known = away == nil || errors.Is(away, fusion.ErrNotFound)
		}
		end(known)
		return err
	}
}

// settleSnapshot ends what was left half done with a snapshot. libvirt writes its note of
// one last, when it is taken and when it is removed: one that it does not list was not
// taken, and goes from the disks; one that it lists and not every disk keeps is removed.
// A machine that was off, and is, has not run since a revert began: all its disks go back.
// One that ran stands still while its memory is kept: a libvirt that is killed just then, and
// finds it so, takes it for one that somebody paused.
func (s *Store) settleSnapshot(ctx context.Context, i intent) error {
	release, ok := s.claims.Take("machine", i.Name)
	if !ok {
		return errors.New("somebody works at it")
	}
	defer release()
	// A libvirt whose client was killed goes on; this waits until it has ended.
	err := s.do(ctx, func(c driver) error { return c.recovered(i.UUID) })
	var d domain
	if err == nil {
		d, err = call(ctx, s, func(c driver) (domain, error) { return c.domain(i.UUID) }, nil)
	}
	var list []fusion.Snapshot
	if err == nil {
		list, err = call(ctx, s, func(c driver) ([]fusion.Snapshot, error) { return c.snapshots(i.UUID) }, nil)
	}
	if errors.Is(err, fusion.ErrNotFound) {
		return nil // it took its disks with it
	}
	if err != nil {
		return err
	}
	listed := slices.ContainsFunc(list, func(one fusion.Snapshot) bool { return one.Name == i.Snapshot })
	stands := i.Ran && d.state == fusion.Paused
	switch {
	case i.Op == opTake && !listed:
		err = s.dropKept(ctx, d, i.Snapshot)
	case i.Op == opForget && listed && !d.keepWhole(i.Snapshot):
		err = s.do(ctx, func(c driver) error { return c.removeSnapshot(i.UUID, i.Snapshot) })
	case i.Op == opRevert && listed && i.Off && d.state == fusion.Off:
		err = s.do(ctx, func(c driver) error { return c.revertSnapshot(i.UUID, i.Snapshot) })
	case !stands:
		return nil
	}
	if err == nil && stands {
		err = s.do(ctx, func(c driver) error { return c.act(i.UUID, fusion.Resume) })
	}
	if errors.Is(err, fusion.ErrUnsupported) || errors.Is(err, fusion.ErrInvalid) {
		s.config.Log.Warn("a snapshot stays as it is", "operation", i.Op, "machine", i.Name, "snapshot", i.Snapshot, "error", err)
		return nil
	}
	if err == nil {
		s.config.Log.Info("a snapshot that was half done is settled", "operation", i.Op, "machine", i.Name, "snapshot", i.Snapshot)
		s.touch(i.UUID)
	}
	return err
}

// dropKept removes a snapshot from the disks that keep it; QEMU does so for a machine that
// is on.
func (s *Store) dropKept(ctx context.Context, d domain, name string) error {
	for _, disk := range d.Disks {
		if !hasKept(disk, name) {
			continue
		}
		if d.active {
			text, err := s.monitor(ctx, d.uuid, "delvm "+name)
			if text = strings.TrimSpace(text); err == nil && text != "" {
				err = errors.New(text)
			}
			return err
		}
		said := &process.Tail{}
		cmd := exec.CommandContext(ctx, "qemu-img", "snapshot", "-d", name, disk.Path)
		cmd.Stderr = said
		if err := process.RunBound(cmd, math.MaxInt64); err != nil {
			return fmt.Errorf("%w: %s", err, said)
		}
	}
	return nil
}

// keepWhole says whether every disk that can keep a snapshot has this one.
func (d domain) keepWhole(name string) bool {
	return !slices.ContainsFunc(d.Disks, func(disk domxml.Disk) bool {
		return !disk.ReadOnly && disk.Format == imagefile.Qcow2 && !hasKept(disk, name)
	})
}

// hasKept says whether a snapshot of that name is inside a disk, as far as that can be read
// here.
func hasKept(d domxml.Disk, name string) bool {
	if d.Format != imagefile.Qcow2 || d.Path == "" {
		return false
	}
	names, err := imagefile.Snapshots(d.Path)
	return err == nil && slices.Contains(names, name)
}
