package vmctl

import (
	"slices"
	"strings"
	"testing"

	"hither/fusion"
)

// TestToReadAMachineChangesNothing: else who is told of the change reads it again.
func TestToReadAMachineChangesNothing(t *testing.T) {
	s, made := bench(t, newFake(), fusion.MachineSpec{})
	before := must(s.refresh(t.Context(), made.UUID))(t)
	for range 3 {
		if after := must(s.refresh(t.Context(), made.UUID))(t); after.seq != before.seq || !after.started.IsZero() {
			t.Fatalf("a machine that is off was read, and changed from %d to %d, started %v", before.seq, after.seq, after.started)
		}
	}
}

// TestPausedWithoutAMove: what libvirt calls a move is one only when there is one.
func TestPausedWithoutAMove(t *testing.T) {
	f := newFake()
	s, made := bench(t, f, fusion.MachineSpec{Start: true})
	d := must(f.domain(made.UUID))(t)
	d.state, d.detail = fusion.Paused, onTheWay
	f.put(d)
	read := func() fusion.Machine {
		t.Helper()
		must(s.refresh(t.Context(), made.UUID))(t)
		return must(s.Get(t.Context(), "m"))(t)
	}
	if m := read(); m.Note == onTheWay || !slices.Contains(m.Verbs, fusion.Resume) || !slices.Contains(m.Verbs, fusion.ForceOff) {
		t.Errorf("nobody moves it, and it is %q and can %v", m.Note, m.Verbs)
	}
	s.leave("m", true)
	if m := read(); !strings.HasPrefix(m.Note, onTheWay) || len(m.Verbs) != 0 {
		t.Errorf("it moves, and it is %q and can %v", m.Note, m.Verbs)
	}
	s.leave("m", false)
	_, end, err := s.intend(intent{Op: opMigrate, Name: "m", UUID: made.UUID, Move: "0123456789abcdef0123456789abcdef"})
	ok(t, err)
	defer end(true)
	if m := read(); !strings.HasPrefix(m.Note, onTheWay) || len(m.Verbs) != 0 {
		t.Errorf("a node before this one moves it, and it is %q and can %v", m.Note, m.Verbs)
	}
}

// TestWhileLibvirtIsAway a machine that was off is not said to have failed.
func TestWhileLibvirtIsAway(t *testing.T) {
	f := newFake()
	s, _ := bench(t, f, fusion.MachineSpec{})
	f.refuses("open", &driverError{fusion.ErrOffline, "nobody listens"})
	events := watch(t, s)
	f.lose()
	events.await(t, "m off")
	if m := must(s.Get(t.Context(), "m"))(t); m.State != fusion.Off || m.Note == "" {
		t.Errorf("%+v", m)
	}
}
