package vmctl

import (
	"os"
	"path/filepath"
	"testing"

	"hither/fusion"
)

// killed leaves what a node leaves that is killed in the middle: a disk, an
// intent, and the domain if it came so far.
func killed(t *testing.T, s *Store, f *fake, i intent, defined bool) (disk string) {
	t.Helper()
	i.UUID = newUUID()
	i.Files = []string{"m-" + head(i.UUID) + "-0.qcow2"}
	disk = filepath.Join(s.config.pool(), i.Files[0])
	ok(t, os.WriteFile(disk, nil, 0o600))
	_, _, err := s.intend(i)
	ok(t, err)
	if defined {
		f.put(domain{uuid: i.UUID, name: i.Name, state: fusion.Off})
	}
	return disk
}

// pending counts the intents that are written down.
func pending(t *testing.T, s *Store) int {
	return len(must(os.ReadDir(s.config.intents()))(t))
}

func TestHalfDoneIsSettledAtTheNextStart(t *testing.T) {
	for name, c := range map[string]struct {
		defined, start bool
		state          fusion.MachineState
	}{
		"not defined":   {},
		"defined":       {defined: true, state: fusion.Off},
		"to be started": {defined: true, start: true, state: fusion.Running},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			s := store(t, f)
			disk := killed(t, s, f, intent{Op: "machine.create", Name: "m", Start: c.start}, c.defined)
			ok(t, s.Close())
			s = must(Open(t.Context(), s.config))(t)
			defer s.Close()
			if there(disk) != c.defined || pending(t, s) != 0 {
				t.Errorf("the disk is there: %v, %d intents", there(disk), pending(t, s))
			}
			m, err := s.Get(t.Context(), "m")
			if !c.defined {
				refused(t, err, fusion.ErrNotFound)
			} else if m.State != c.state {
				t.Errorf("it is %v, %v", m.State, err)
			}
		})
	}
}

func TestHalfDoneOfAnotherHypervisorWaits(t *testing.T) {
	f := newFake()
	s := store(t, f)
	disk := killed(t, s, f, intent{Op: "machine.create", Name: "m"}, false)
	ok(t, s.Close())
	other := s.config
	other.URI = "test:///other"
	elsewhere := must(Open(t.Context(), other))(t)
	if !there(disk) || pending(t, elsewhere) != 1 {
		t.Error("a disk of another hypervisor's machine went")
	}
	ok(t, elsewhere.Close())
	s = must(Open(t.Context(), s.config))(t)
	defer s.Close()
	if there(disk) || pending(t, s) != 0 {
		t.Error("it stays")
	}
}

func TestWhatIsMadeNowIsNotSettled(t *testing.T) {
	f := newFake()
	s := store(t, f)
	disk := killed(t, s, f, intent{Op: "machine.create", Name: "m"}, false)
	s.settle(t.Context(), true)
	if !there(disk) || pending(t, s) != 1 {
		t.Error("settled under the hands of its operation")
	}
}

func TestRemoveThatBreaksKeepsTheDisk(t *testing.T) {
	f := newFake()
	s := store(t, f)
	m := must(s.Create(t.Context(), fusion.MachineSpec{Name: "m"}))(t)
	own := "m-" + head(m.UUID) + "-0.qcow2"
	ok(t, os.WriteFile(filepath.Join(s.config.pool(), own), nil, 0o600))
	d := f.all[m.UUID]
	d.OwnDisks = []string{own}
	f.put(d)
	f.refuses("undefine", &driverError{errHypervisor, "broken pipe"})
	if err := s.Remove(t.Context(), "m"); err == nil {
		t.Fatal("removed")
	}
	s.settle(t.Context(), true)
	if !there(filepath.Join(s.config.pool(), own)) || pending(t, s) != 0 {
		t.Error("the disk went before its machine, or the intent stays")
	}
}

func TestOneKeyMakesOneMachine(t *testing.T) {
	f := newFake()
	s := store(t, f)
	ctx := fusion.WithKey(t.Context(), "k1")
	first := must(s.Create(ctx, fusion.MachineSpec{Name: "m"}))(t)
	second := must(s.Create(ctx, fusion.MachineSpec{Name: "m"}))(t)
	if first.UUID != second.UUID || len(f.all) != 1 {
		t.Errorf("%s and %s, %d domains", first.UUID, second.UUID, len(f.all))
	}
	_, err := s.Create(ctx, fusion.MachineSpec{Name: "other"})
	refused(t, err, fusion.ErrInvalid)
	_, err = s.Create(t.Context(), fusion.MachineSpec{Name: "m"})
	refused(t, err, fusion.ErrExists)
}
