package vmctl

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hither/fusion"
	"hither/vmctl/computer"
)

func yes() *bool            { v := true; return &v }
func no() *bool             { v := false; return &v }
func at(n int) *int         { return &n }
func text(s string) *string { return &s }

func label(t *testing.T, s *Store, c fusion.LabelChange) fusion.Machine {
	t.Helper()
	return must(s.Label(t.Context(), "m", c))(t)
}

func TestLabels(t *testing.T) {
	f := newFake()
	s, made := bench(t, f, fusion.MachineSpec{DiskBytes: 1 << 20, Start: true})
	const note = "</note><x> & \"quotes\" 二\nsecond line"
	m := label(t, s, fusion.LabelChange{Add: []string{"lab", "二"}, Notes: text(note), Autostart: yes(), Order: at(2)})
	if strings.Join(m.Tags, " ") != "lab 二" || m.Notes != note || !m.Autostart || m.Order != 2 {
		t.Errorf("%+v", m.Labels)
	}
	m = label(t, s, fusion.LabelChange{Add: []string{"a", "a"}, Drop: []string{"lab", "none"}})
	if strings.Join(m.Tags, " ") != "a 二" || m.Notes != note || m.Order != 2 {
		t.Errorf("%+v", m.Labels)
	}
	if d := must(f.domain(made.UUID))(t); !d.Ours || len(d.OwnDisks) != 1 {
		t.Errorf("a label changed what Create wrote: %+v", d.Info)
	}
	m = label(t, s, fusion.LabelChange{Drop: []string{"a", "二"}, Notes: text(""), Autostart: no()})
	if len(m.Tags) != 0 || m.Tags == nil || m.Notes != "" || m.Autostart {
		t.Errorf("%+v", m.Labels)
	}
	for what, c := range map[string]fusion.LabelChange{
		"capital": {Add: []string{"Lab"}}, "blank": {Add: []string{"a b"}}, "markup": {Add: []string{"<x>"}}, "nothing": {Add: []string{""}},
		"long": {Add: []string{strings.Repeat("x", 33)}}, "control": {Notes: text("\x00")}, "much": {Notes: text(strings.Repeat("x", 1001))},
		"no text": {Notes: text("\xff")}, "order": {Order: at(-1)}, "many": {Add: strings.Split("abcdefghijklmnopq", "")},
	} {
		_, err := s.Label(t.Context(), "m", c)
		if !errors.Is(err, fusion.ErrInvalid) || fusion.Hint(err) == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := s.Label(t.Context(), fusion.Self, fusion.LabelChange{})
	refused(t, err, fusion.ErrUnsupported)
}

func TestRename(t *testing.T) {
	f := newFake()
	s, m := bench(t, f, fusion.MachineSpec{DiskBytes: 1 << 20})
	must(s.Create(t.Context(), fusion.MachineSpec{Name: "other"}))(t)
	events := watch(t, s)
	events.await(t, "m off")
	for name, cause := range map[string]error{"other": fusion.ErrExists, "self": fusion.ErrExists, "../x": fusion.ErrInvalid, "": fusion.ErrInvalid} {
		refused(t, s.Rename(t.Context(), "m", name), cause)
	}
	refused(t, s.Rename(t.Context(), "none", "x"), fusion.ErrNotFound)
	ok(t, s.Rename(t.Context(), "m", "n"))
	events.await(t, "m removed")
	events.await(t, "n off")
	if got := must(s.Get(t.Context(), "n"))(t); got.UUID != m.UUID || len(got.Disks) != 1 {
		t.Errorf("%+v", got)
	}
	ok(t, s.Do(t.Context(), "n", fusion.Start))
	refused(t, s.Rename(t.Context(), "n", "m"), fusion.ErrInvalid)
	ok(t, s.Do(t.Context(), "n", fusion.ForceOff))
	ok(t, s.Remove(t.Context(), "n"))
	if left := must(filepath.Glob(filepath.Join(s.config.pool(), "*")))(t); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestSaveAndDiscard(t *testing.T) {
	f := newFake()
	s, _ := bench(t, f, fusion.MachineSpec{})
	refused(t, s.Save(t.Context(), "m"), fusion.ErrInvalid)
	refused(t, s.Save(t.Context(), fusion.Self), fusion.ErrUnsupported)
	refused(t, s.Do(t.Context(), "m", fusion.Discard), fusion.ErrInvalid)
	ok(t, s.Do(t.Context(), "m", fusion.Start))
	ok(t, s.Save(t.Context(), "m"))
	m := must(s.Get(t.Context(), "m"))(t)
	if m.State != fusion.Saved || !slices.Contains(m.Verbs, fusion.Discard) || !slices.Contains(m.Verbs, fusion.Start) {
		t.Errorf("%+v", m)
	}
	_, err := s.Change(t.Context(), "m", fusion.Change{Kind: fusion.AddNIC})
	refused(t, err, fusion.ErrInvalid)
	refused(t, s.Rename(t.Context(), "m", "n"), fusion.ErrInvalid)
	if m := label(t, s, fusion.LabelChange{Add: []string{"kept"}}); m.State != fusion.Saved || len(m.Tags) != 1 {
		t.Errorf("%+v", m)
	}
	ok(t, s.Do(t.Context(), "m", fusion.Discard))
	if m := must(s.Get(t.Context(), "m"))(t); m.State != fusion.Off {
		t.Errorf("%+v", m)
	}
}

// TestASaveThatIsCanceled waits for the hypervisor's own end of it.
func TestASaveThatIsCanceled(t *testing.T) {
	f := newFake()
	s, _ := bench(t, f, fusion.MachineSpec{Start: true})
	f.acting, f.goOn = make(chan fusion.Verb), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Save(ctx, "m") }()
	<-f.acting
	refused(t, s.Do(t.Context(), "m", fusion.Pause), fusion.ErrBusy)
	f.refuses("save", &driverError{errHypervisor, "operation aborted: canceled by client"})
	cancel()
	close(f.goOn)
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if m := must(s.Get(t.Context(), "m"))(t); m.State != fusion.Running {
		t.Errorf("%+v", m)
	}
}

// TestAutostart: in their order, once for each start of the computer.
func TestAutostart(t *testing.T) {
	f := newFake()
	dir := t.TempDir()
	for name, order := range map[string]int{"c": 2, "b": 1, "a": 2} {
		d := vm(newUUID(), name, fusion.Off)
		d.Labels = fusion.Labels{Autostart: true, Order: order}
		f.put(d)
	}
	f.put(vm(newUUID(), "not", fusion.Off))
	config := Config{Dir: dir, URI: "fake:///", open: f.open}
	ok(t, os.WriteFile(filepath.Join(dir, startedFile), []byte(computer.BootID()), 0o600))
	s := must(Open(t.Context(), config))(t)
	if order := strings.Join(s.toStart(), ""); order != "bac" {
		t.Errorf("they start as %q", order)
	}
	closeStore(t, s)
	ok(t, os.WriteFile(filepath.Join(dir, startedFile), []byte("the boot before"), 0o600))
	s = must(Open(t.Context(), config))(t)
	running := func(s *Store) (n int) {
		for _, m := range must(s.List(t.Context()))(t)[1:] {
			if m.State == fusion.Running {
				n++
			}
		}
		return n
	}
	eventually(t, "they run, and it is written down", func() bool {
		return running(s) == 3 && string(must(os.ReadFile(filepath.Join(dir, startedFile)))(t)) == computer.BootID()
	})
	ok(t, s.Do(t.Context(), "a", fusion.ForceOff))
	closeStore(t, s)

	s = must(Open(t.Context(), config))(t)
	signal(s.unsettled)
	if n := running(s); n != 2 {
		t.Errorf("after a restart of the node %d run", n)
	}
	ok(t, s.StopAll(t.Context()))
	if there(filepath.Join(dir, startedFile)) {
		t.Error("who ends all wants them again")
	}
	closeStore(t, s)
}
