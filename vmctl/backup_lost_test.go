package vmctl

import (
	"context"
	"errors"
	"testing"

	"hither/fusion"
)

// lostIn is a hypervisor that has lost its account of a backup of the running machine m, whose
// intent is there. Each renewal is told on renewed.
func lostIn(t *testing.T, own bool) (s *Store, f *fake, renewed chan bool) {
	t.Helper()
	f, renewed = newFake(), make(chan bool, 4)
	f.put(vm("1", "m", fusion.Running))
	f.refuses("backup job", &driverError{errHypervisor, "internal error: " + lostJob})
	config := Config{Dir: t.TempDir()}
	if own {
		config.renew = func(context.Context) {
			f.refuses("backup job", nil)
			renewed <- true
			f.lose()
		}
	}
	s = storeOf(t, f, config)
	_, end, err := s.intend(intent{Op: opBackup, Name: "m", UUID: "1", Frozen: true})
	ok(t, err)
	end(false)
	return s, f, renewed
}

func TestALostJobEndsWithLibvirtd(t *testing.T) {
	s, f, renewed := lostIn(t, true)
	ctx := t.Context()
	eventually(t, "it is noted", func() bool { return s.lost("1") })
	var err error
	eventually(t, "nobody else works at its backups", func() bool {
		_, err = s.Backups().Take(ctx, "m")
		return !errors.Is(err, fusion.ErrBusy)
	})
	if fusion.Hint(err) != lostHint || pending(t, s) != 1 {
		t.Errorf("%v (hint: %s), %d intents", err, fusion.Hint(err), pending(t, s))
	}
	release, _ := s.claims.Take("backup", "2") // of another machine
	f.put(vm("1", "m", fusion.Off))
	eventually(t, "it is off", func() bool { return !must(s.refresh(ctx, "1"))(t).active })
	refused(t, s.Do(ctx, "m", fusion.Start), fusion.ErrBusy)
	s.settle(ctx, true)
	if len(renewed) != 0 || pending(t, s) != 1 {
		t.Fatalf("libvirtd was ended %d times amid a backup", len(renewed))
	}
	release()
	signal(s.unsettled)
	<-renewed
	eventually(t, "it starts", func() bool { return s.Do(ctx, "m", fusion.Start) == nil })
	if len(renewed) != 0 || pending(t, s) != 0 {
		t.Errorf("libvirtd was ended %d times more, %d intents", len(renewed), pending(t, s))
	}
}

// TestALostJobIsToldByWhatItHoldsUp: at once, and where no backup left an intent renew learns of it too.
func TestALostJobIsToldByWhatItHoldsUp(t *testing.T) {
	for hint, renew := range map[string]func(context.Context){lostHint: func(context.Context) {}, otherLostHint: nil} {
		f := newFake()
		f.put(vm("1", "m", fusion.Running))
		f.refuses("backup job", &driverError{errHypervisor, "internal error: " + lostJob})
		s := storeOf(t, f, Config{Dir: t.TempDir(), renew: renew})
		ctx := t.Context()
		for what, do := range map[string]func() error{
			"save":   func() error { return s.Save(ctx, "m") },
			"verb":   func() error { return s.Do(ctx, "m", fusion.Save) },
			"take":   func() error { _, err := s.TakeSnapshot(ctx, "m", fusion.SnapshotSpec{Name: "s"}); return err },
			"revert": func() error { return s.RevertSnapshot(ctx, "m", "s") },
			"remove": func() error { return s.RemoveSnapshot(ctx, "m", "s") },
		} {
			err := do()
			refused(t, err, fusion.ErrBusy)
			if fusion.Hint(err) != hint {
				t.Errorf("%s: %v (hint: %s)", what, err, fusion.Hint(err))
			}
		}
		check := must(s.CheckMigrate(ctx, "m", "other"))(t)
		if len(check.Obstacles) != 1 || check.Obstacles[0].Hint != hint {
			t.Errorf("a move: %+v", check.Obstacles)
		}
		want := 0
		if renew != nil {
			want = 1
		}
		if pending(t, s) != want || s.lost("1") != (renew != nil) {
			t.Errorf("%d intents, want %d", pending(t, s), want)
		}
	}
}

// TestRenewWaitsForCalls: also for those that claim nothing.
func TestRenewWaitsForCalls(t *testing.T) {
	s, f, renewed := lostIn(t, true)
	eventually(t, "it is noted", func() bool { return s.lost("1") })
	goOn, begun, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- s.do(t.Context(), func(driver) error { close(begun); <-goOn; return nil })
	}()
	<-begun
	f.put(vm("1", "m", fusion.Off))
	if err := s.renew(t.Context(), "m"); !errors.Is(err, errUnderWay) || len(renewed) != 0 {
		t.Errorf("%v, ended %d times", err, len(renewed))
	}
	close(goOn)
	ok(t, <-ended)
	signal(s.unsettled)
	<-renewed
	eventually(t, "all is settled", func() bool { return s.connected() && pending(t, s) == 0 })
}

func TestALostJobOfAnotherLibvirtd(t *testing.T) {
	s, f, _ := lostIn(t, false)
	ctx := t.Context()
	var err error
	eventually(t, "nobody else works at its backups", func() bool {
		_, err = s.Backups().Take(ctx, "m")
		return !errors.Is(err, fusion.ErrBusy)
	})
	if hint := fusion.Hint(err); hint == lostHint || hint == "" || s.lost("1") || pending(t, s) != 1 {
		t.Errorf("%v (hint: %s), %d intents", err, hint, pending(t, s))
	}
	f.put(vm("1", "m", fusion.Off))
	eventually(t, "it is settled", func() bool { return pending(t, s) == 0 })
	ok(t, s.Do(ctx, "m", fusion.Start))
}
