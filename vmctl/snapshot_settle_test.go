package vmctl

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagefile"
)

// halfDone is a machine with two disks, of which the first so many keep the snapshot s, and
// the note of a node that was killed.
func halfDone(t *testing.T, f *fake, note intent, state fusion.MachineState, keeping int) (*Store, domain) {
	t.Helper()
	d := keeper(t, state)
	d.Disks = append(d.Disks, domxml.Disk{Target: "vdb", Path: d.Disks[0].Path + "2", Format: imagefile.Qcow2})
	for i, disk := range d.Disks {
		img(t, "create", "-q", "-f", "qcow2", disk.Path, "1M")
		img(t, "snapshot", "-c", "a name with blanks", disk.Path)
		if i < keeping {
			img(t, "snapshot", "-c", "s", disk.Path)
		}
	}
	f.put(d)
	s := store(t, f)
	note.Name, note.UUID, note.Snapshot = "m", d.uuid, "s"
	_, end, err := s.intend(note)
	ok(t, err)
	end(false)
	eventually(t, "it is settled", func() bool { return pending(t, s) == 0 })
	return s, d
}

func TestSnapshotsThatAreHalfDone(t *testing.T) {
	const listed = true
	for name, c := range map[string]struct {
		op      string
		state   fusion.MachineState
		listed  bool
		keeping int // of the two disks
		after   int // so many keep it then
		lists   bool
		asked   string // of QEMU's monitor
	}{
		"taken":                          {opTake, fusion.Off, listed, 2, 2, true, ""},
		"taken, but nobody lists it":     {opTake, fusion.Off, false, 2, 0, false, ""},
		"in one disk of two":             {opTake, fusion.Off, false, 1, 0, false, ""},
		"not begun":                      {opTake, fusion.Running, false, 0, 0, false, ""},
		"in the disks of one that is on": {opTake, fusion.Running, false, 2, 2, false, "delvm s"},
		"not removed":                    {opForget, fusion.Off, listed, 2, 2, true, ""},
		"removed from one disk":          {opForget, fusion.Off, listed, 1, 1, false, ""}, // libvirt takes the rest
		"removed":                        {opForget, fusion.Off, false, 0, 0, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			if c.listed {
				f.kept["1"] = []fusion.Snapshot{{Name: "s", State: fusion.Off, Created: time.Now()}}
			}
			s, d := halfDone(t, f, intent{Op: c.op}, c.state, c.keeping)
			keeping := 0
			for _, disk := range d.Disks {
				names := must(imagefile.Snapshots(disk.Path))(t)
				if !slices.Contains(names, "a name with blanks") {
					t.Errorf("another snapshot is gone: %q", names)
				}
				if slices.Contains(names, "s") {
					keeping++
				}
			}
			if list := must(s.Snapshots(t.Context(), "m"))(t); keeping != c.after || (len(list) == 1) != c.lists {
				t.Errorf("%d disks keep it, libvirt lists %+v", keeping, list)
			}
			if asked := strings.Join(f.plugged.asked, ""); asked != c.asked {
				t.Errorf("QEMU was asked for %q", asked)
			}
		})
	}
}

// TestOneThatRanGoesOn: who was paused before stays so.
func TestOneThatRanGoesOn(t *testing.T) {
	for _, ran := range []bool{true, false} {
		for _, keeping := range []int{0, 2} {
			want := fusion.Paused
			if ran {
				want = fusion.Running
			}
			f := newFake()
			if keeping > 0 {
				f.kept["1"] = []fusion.Snapshot{{Name: "s", State: fusion.Running}}
			}
			s, _ := halfDone(t, f, intent{Op: opTake, Ran: ran}, fusion.Paused, keeping)
			if m := must(s.Get(t.Context(), "m"))(t); m.State != want {
				t.Errorf("ran %v, kept by %d: it is %s", ran, keeping, m.State)
			}
		}
	}
}

// TestARevertIsEnded: of a machine that was off and is, and of no other.
func TestARevertIsEnded(t *testing.T) {
	for name, c := range map[string]struct {
		off      bool
		state    fusion.MachineState
		reverted bool
	}{
		"off":             {true, fusion.Off, true},
		"it was started":  {true, fusion.Running, false},
		"it was on":       {false, fusion.Off, false},
		"it is, and runs": {false, fusion.Running, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			f.kept["1"] = []fusion.Snapshot{{Name: "s", State: fusion.Off}, {Name: "later", Parent: "s", Current: true}}
			s, _ := halfDone(t, f, intent{Op: opRevert, Off: c.off}, c.state, 2)
			for _, one := range must(s.Snapshots(t.Context(), "m"))(t) {
				if one.Name == "s" && one.Current != c.reverted {
					t.Errorf("%+v", one)
				}
			}
		})
	}
}

// TestASnapshotThatNobodyListsIsNotOverwritten: who made it is not known.
func TestASnapshotThatNobodyListsIsNotOverwritten(t *testing.T) {
	f := newFake()
	d := keeper(t, fusion.Off)
	img(t, "create", "-q", "-f", "qcow2", d.Disks[0].Path, "1M")
	img(t, "snapshot", "-c", "s", d.Disks[0].Path)
	f.put(d)
	_, err := store(t, f).TakeSnapshot(t.Context(), "m", fusion.SnapshotSpec{Name: "s"})
	refused(t, err, fusion.ErrExists)
	if names := must(imagefile.Snapshots(d.Disks[0].Path))(t); !slices.Equal(names, []string{"s"}) {
		t.Errorf("the disk keeps %q", names)
	}
}
