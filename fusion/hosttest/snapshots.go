package hosttest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hither/fusion"
)

// tree writes snapshots as "a[b c]*": children in brackets, the current one
// with a star.
func tree(list []fusion.Snapshot, parent string) string {
	var parts []string
	for _, s := range list {
		if s.Parent != parent {
			continue
		}
		text := s.Name
		if s.Current {
			text += "*"
		}
		if below := tree(list, s.Name); below != "" {
			text += "[" + below + "]"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// has checks the tree of a machine's snapshots.
func (s *suite) has(t *testing.T, machine, want string) []fusion.Snapshot {
	t.Helper()
	list, err := s.host.Machines().Snapshots(s.ctx(t), machine)
	must(t, "snapshots", err)
	if got := tree(list, ""); got != want {
		t.Fatalf("the tree is %q, want %q", got, want)
	}
	seen := map[string]bool{"": true}
	for _, one := range list {
		if !seen[one.Parent] {
			t.Errorf("%s comes before its parent: %+v", one.Name, list)
		}
		seen[one.Name] = true
	}
	return list
}

// testSnapshots grows a tree, goes back in it and prunes it.
func (s *suite) testSnapshots(t *testing.T) {
	machines := s.host.Machines()
	name := s.create(t, fusion.MachineSpec{DiskBytes: 16 << 20}).Name
	take := func(spec fusion.SnapshotSpec) fusion.Snapshot {
		t.Helper()
		got, err := machines.TakeSnapshot(s.ctx(t), name, spec)
		must(t, "take "+spec.Name, err)
		if got.Name != spec.Name || got.Note != spec.Note || !got.Current || time.Since(got.Created).Abs() > time.Hour {
			t.Errorf("took %+v", got)
		}
		return got
	}
	s.has(t, name, "")
	if a := take(fusion.SnapshotSpec{Name: "a", Note: "<first> & \"best\"\n二"}); a.State != fusion.Off || a.Memory || a.Parent != "" {
		t.Errorf("while off: %+v", a)
	}
	must(t, "start", machines.Do(s.ctx(t), name, fusion.Start))
	s.until(t, name, fusion.Running)
	if b := take(fusion.SnapshotSpec{Name: "b"}); b.State != fusion.Running || !b.Memory || b.Parent != "a" {
		t.Errorf("while running: %+v", b)
	}
	take(fusion.SnapshotSpec{Name: "c"})
	must(t, "revert to b", machines.RevertSnapshot(s.ctx(t), name, "b"))
	s.until(t, name, fusion.Running)
	take(fusion.SnapshotSpec{Name: "d"})
	s.has(t, name, "a[b[c d*]]")
	s.refuseSnapshots(t, name)

	must(t, "remove b", machines.RemoveSnapshot(s.ctx(t), name, "b"))
	s.has(t, name, "a[c d*]")
	must(t, "revert to a", machines.RevertSnapshot(s.ctx(t), name, "a"))
	s.until(t, name, fusion.Off)
	must(t, "revert to c", machines.RevertSnapshot(s.ctx(t), name, "c"))
	s.until(t, name, fusion.Running)
	must(t, "remove a", machines.RemoveSnapshot(s.ctx(t), name, "a"))
	s.has(t, name, "c* d")
	must(t, "force off", machines.Do(s.ctx(t), name, fusion.ForceOff))
	s.until(t, name, fusion.Off)
	must(t, "remove a machine with snapshots", machines.Remove(s.ctx(t), name))
}

func (s *suite) refuseSnapshots(t *testing.T, name string) {
	ctx, machines := s.ctx(t), s.host.Machines()
	_, err := machines.TakeSnapshot(ctx, name, fusion.SnapshotSpec{Name: "a"})
	refused(t, "the name again", err, fusion.ErrExists)
	for _, bad := range append([]string{"7", "</name>", strings.Repeat("9", 20)}, badNames...) {
		_, err := machines.TakeSnapshot(ctx, name, fusion.SnapshotSpec{Name: bad})
		refused(t, fmt.Sprintf("name %q", bad), err, fusion.ErrInvalid)
		refused(t, fmt.Sprintf("revert to %q", bad), machines.RevertSnapshot(ctx, name, bad), fusion.ErrNotFound)
		refused(t, fmt.Sprintf("remove %q", bad), machines.RemoveSnapshot(ctx, name, bad), fusion.ErrNotFound)
	}
	for _, note := range []string{"\x00", "\x1b[2J", strings.Repeat("x", 1001)} {
		_, err := machines.TakeSnapshot(ctx, name, fusion.SnapshotSpec{Name: "n", Note: note})
		refused(t, fmt.Sprintf("note %.10q", note), err, fusion.ErrInvalid)
	}
	diskless := s.create(t, fusion.MachineSpec{}).Name
	_, err = machines.TakeSnapshot(ctx, diskless, fusion.SnapshotSpec{Name: "x"})
	refused(t, "no disk", err, fusion.ErrUnsupported)
}
