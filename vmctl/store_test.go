package vmctl

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagepool"
)

func vm(uuid, name string, state fusion.MachineState) domain {
	return domain{uuid: uuid, name: name, state: state, active: state == fusion.Running || state == fusion.Paused,
		Info: domxml.Info{CPUs: 2, MemoryBytes: 1 << 30, Accelerator: "tcg", VNC: 0, Display: "vnc"}}
}

func TestList(t *testing.T) {
	f := newFake()
	f.put(vm("22222222-0", "beta", fusion.Running))
	f.put(vm("11111111-0", "self", fusion.Off))
	f.put(vm("33333333-0", "../<evil> Ω", fusion.Paused))
	s := store(t, f)
	list := must(s.List(t.Context()))(t)
	var names []string
	for _, m := range list {
		names = append(names, m.Name)
		ok(t, fusion.CheckName(m.Name))
	}
	if got := strings.Join(names, " "); got != "self beta evil-33333333 self-11111111" {
		t.Errorf("names: %s", got)
	}
	if list[0].OriginalName+list[1].OriginalName != "" || list[2].OriginalName != "../<evil> Ω" || list[3].OriginalName != "self" {
		t.Errorf("their own names: %+v", list)
	}
	if me := list[0]; me.Kind != fusion.KindSelf || me.State != fusion.Running || me.OS == "" || me.CPUs < 1 || !me.Screen {
		t.Errorf("self: %+v", me)
	}
	text := must(json.Marshal(list))(t)
	if strings.Contains(string(text), `"verbs":null`) {
		t.Errorf("a list of verbs is null: %s", text)
	}
	if beta := list[1]; !strings.Contains(beta.Note, "emulated") || beta.Started.IsZero() && beta.State != fusion.Running {
		t.Errorf("beta: %+v", beta)
	}
	if m := must(s.Get(t.Context(), "evil-33333333"))(t); m.UUID != "33333333-0" {
		t.Errorf("by its shown name: %+v", m)
	}
}

func TestVerbs(t *testing.T) {
	states := []fusion.MachineState{fusion.Off, fusion.Saved, fusion.Starting, fusion.Running, fusion.Paused, fusion.Stopping, fusion.Failed}
	for _, state := range states {
		f := newFake()
		f.put(vm("1", "m", state))
		s := store(t, f)
		able := must(s.Get(t.Context(), "m"))(t).Verbs
		for _, verb := range verbs {
			f.put(vm("1", "m", state))
			err := s.Do(t.Context(), "m", verb)
			if contains(able, verb) {
				ok(t, err)
			} else {
				refused(t, err, fusion.ErrInvalid)
			}
		}
		refused(t, s.Do(t.Context(), "m", "explode"), fusion.ErrInvalid)
		refused(t, s.Do(t.Context(), "none", fusion.Start), fusion.ErrNotFound)
		refused(t, s.Do(t.Context(), fusion.Self, fusion.Stop), fusion.ErrUnsupported)
	}
}

func contains(verbs []fusion.Verb, verb fusion.Verb) bool {
	for _, one := range verbs {
		if one == verb {
			return true
		}
	}
	return false
}

func TestWatch(t *testing.T) {
	f := newFake()
	f.put(vm("0", "old", fusion.Off))
	s := store(t, f)
	events := watch(t, s)
	events.await(t, "old off")
	f.put(vm("1", "m", fusion.Off))
	events.await(t, "m off")
	f.put(vm("1", "m", fusion.Running))
	events.await(t, "m running")
	f.put(vm("1", "renamed", fusion.Running))
	events.await(t, "m removed")
	events.await(t, "renamed running")
	ok(t, f.undefine("1"))
	events.await(t, "renamed removed")
}

func TestReconnect(t *testing.T) {
	f := newFake()
	f.put(vm("1", "m", fusion.Running))
	s := store(t, f)
	events := watch(t, s)
	f.refuses("open", &driverError{fusion.ErrOffline, "nobody there"})
	f.lose()
	events.await(t, "m failed")
	list := must(s.List(t.Context()))(t)
	if len(list) != 2 || list[1].State != fusion.Failed || list[1].Note == "" {
		t.Errorf("while it is away: %+v", list)
	}
	refused(t, s.Do(t.Context(), "m", fusion.ForceOff), fusion.ErrOffline)
	_, err := s.Screenshot(t.Context(), "m")
	refused(t, err, fusion.ErrOffline)
	f.refuses("open", nil)
	events.await(t, "m running")
	ok(t, s.Do(t.Context(), "m", fusion.ForceOff))
	events.await(t, "m off")
}

func TestHangingCallEndsWithItsContext(t *testing.T) {
	f := newFake()
	f.put(vm("1", "m", fusion.Running))
	s := store(t, f)
	hang := make(chan struct{})
	f.mu.Lock()
	f.hang = hang
	f.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, err := s.Get(ctx, "m"); done <- err }()
	eventually(t, "a call is on its way", func() bool { return len(s.slots) > 0 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	f.mu.Lock()
	f.hang = nil
	f.mu.Unlock()
	if _, err := s.List(t.Context()); err != nil {
		t.Errorf("another call: %v", err)
	}
	close(hang)
}

func TestWithoutLibvirt(t *testing.T) {
	for name, config := range map[string]Config{
		"off":     {URI: "off"},
		"missing": {URI: "fake:///", open: noLibrary},
	} {
		t.Run(name, func(t *testing.T) {
			config.Dir = t.TempDir()
			s := must(Open(t.Context(), config))(t)
			defer closeStore(t, s)
			ctx := t.Context()
			if list := must(s.List(ctx))(t); len(list) != 1 || list[0].Name != fusion.Self {
				t.Errorf("list: %+v", list)
			}
			if list := must(s.Stats(ctx))(t); len(list) != 1 {
				t.Errorf("stats: %+v", list)
			}
			_, err := s.Create(ctx, fusion.MachineSpec{Name: "m"})
			refused(t, err, fusion.ErrUnsupported)
			helps(t, err, config.URI)
			_, err = s.Get(ctx, "m")
			refused(t, err, fusion.ErrNotFound)
			helps(t, err, config.URI)
			refused(t, s.Do(ctx, "m", fusion.Start), fusion.ErrNotFound)
			refused(t, s.Remove(ctx, "m"), fusion.ErrNotFound)
			_, err = s.OpenConsole(ctx, "m")
			refused(t, err, fusion.ErrNotFound)
			ok(t, s.StopAll(ctx))
			if check := s.Checks(ctx)[0]; check.State == CheckOK || check.Hint == "" || s.URI() != "" {
				t.Errorf("%q: %+v", s.URI(), check)
			}
		})
	}
}

// helps holds the hint to naming the flag that switches machines on.
func helps(t *testing.T, err error, uri string) {
	t.Helper()
	if uri == uriOff && !strings.Contains(fusion.Hint(err), "hither up --libvirt private") {
		t.Errorf("%v (hint: %s)", err, fusion.Hint(err))
	}
}

func noLibrary(string, func(string)) (driver, error) {
	return nil, &fusion.Error{Op: "machines.connect", Cause: fusion.ErrUnsupported, Hint: InstallHint}
}

func TestStopAllLeavesOthersMachines(t *testing.T) {
	f := newFake()
	f.put(vm("1", "theirs", fusion.Running))
	ours := vm("2", "ours", fusion.Running)
	ours.Ours = true
	f.put(ours)
	s := store(t, f)
	ok(t, s.StopAll(t.Context()))
	if f.all["1"].state != fusion.Running || f.all["2"].state != fusion.Off {
		t.Errorf("%+v", f.all)
	}
}

func TestOpenSweepsWhatAKilledNodeLeft(t *testing.T) {
	dir := t.TempDir()
	ok(t, os.MkdirAll(filepath.Join(dir, "images"), 0o700))
	ok(t, os.WriteFile(filepath.Join(dir, "images", imagepool.Partial+"x"), []byte("half"), 0o600))
	ok(t, os.WriteFile(filepath.Join(dir, "images", "whole.iso"), []byte("whole"), 0o600))
	s := must(Open(t.Context(), Config{Dir: dir, URI: "off"}))(t)
	defer closeStore(t, s)
	if left := must(os.ReadDir(filepath.Join(dir, "images")))(t); len(left) != 1 || left[0].Name() != "whole.iso" {
		t.Errorf("%v", left)
	}
}
