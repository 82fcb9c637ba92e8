package vmctl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hither/fusion"
)

// scripted is a computer that only says that it goes.
type scripted struct {
	mu     sync.Mutex // guards the fields below
	cannot map[fusion.Verb]string
	fails  error
	did    []string
	asked  int
	signal func(fusion.Away) // of Watch, when it runs
	heard  chan struct{}     // closed when it is set
}

func newScripted() *scripted {
	return &scripted{cannot: map[fusion.Verb]string{}, heard: make(chan struct{})}
}

func (p *scripted) Can(context.Context) map[fusion.Verb]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	return p.cannot
}

func (p *scripted) Do(_ context.Context, verb fusion.Verb) error {
	p.note(string(verb))
	return p.fails
}

func (p *scripted) Watch(ctx context.Context, going func(fusion.Away)) error {
	p.mu.Lock()
	p.signal = going
	close(p.heard)
	p.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

// going is Config.Going.
func (p *scripted) going(_ context.Context, away fusion.Away) { p.note(fmt.Sprintf("says %q", away)) }

func (p *scripted) note(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.did = append(p.did, what)
}

func (p *scripted) story() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.did, ", ")
}

func powered(t *testing.T, p *scripted) *Store {
	t.Helper()
	s := must(Open(t.Context(), Config{Dir: t.TempDir(), URI: "fake:///", open: newFake().open, Power: p, Going: p.going}))(t)
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func TestAComputerSaysThatItGoesBeforeItDoes(t *testing.T) {
	for verb, want := range map[fusion.Verb]string{
		fusion.Sleep: `says "asleep", sleep`, fusion.Stop: `says "off", stop`, fusion.Reboot: `says "restarting", reboot`,
	} {
		p := newScripted()
		s := powered(t, p)
		ok(t, s.Do(t.Context(), fusion.Self, verb))
		if p.story() != want {
			t.Errorf("%s: %s, want %s", verb, p.story(), want)
		}
	}
}

func TestAComputerThatDoesNotGoSaysSo(t *testing.T) {
	p := newScripted()
	p.fails = &fusion.Error{Op: "power", Cause: fusion.ErrBusy, Detail: "an update runs", Hint: "wait for it"}
	s := powered(t, p)
	refused(t, s.Do(t.Context(), fusion.Self, fusion.Sleep), fusion.ErrBusy)
	if want := `says "asleep", sleep, says ""`; p.story() != want {
		t.Errorf("%s, want %s", p.story(), want)
	}
	p.fails, p.did = nil, nil
	ok(t, s.Do(t.Context(), fusion.Self, fusion.Sleep))
	if want := `says "asleep", sleep`; p.story() != want {
		t.Errorf("once more: %s, want %s", p.story(), want)
	}
}

func TestWhatAComputerCannotDoIsNotTried(t *testing.T) {
	p := newScripted()
	p.cannot[fusion.Sleep] = "its memory would not keep it"
	s := powered(t, p)
	self := must(s.Get(t.Context(), fusion.Self))(t)
	if !slices.Equal(self.Verbs, []fusion.Verb{fusion.Reboot, fusion.Stop}) {
		t.Errorf("it can %v", self.Verbs)
	}
	if !slices.Equal(self.Cannot, []fusion.Refusal{{Verb: fusion.Sleep, Reason: "its memory would not keep it"}}) {
		t.Errorf("it cannot %v", self.Cannot)
	}
	refused(t, s.Do(t.Context(), fusion.Self, fusion.Sleep), fusion.ErrUnsupported)
	for _, verb := range []fusion.Verb{fusion.Start, fusion.Pause, fusion.Resume, fusion.ForceOff} {
		refused(t, s.Do(t.Context(), fusion.Self, verb), fusion.ErrUnsupported)
	}
	refused(t, s.Do(t.Context(), fusion.Self, "explode"), fusion.ErrInvalid)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Do(ended, fusion.Self, fusion.Stop); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: %v", err)
	}
	if p.story() != "" {
		t.Errorf("all the same: %s", p.story())
	}
}

func TestWithoutPowerThereAreNoVerbs(t *testing.T) {
	s := store(t, newFake())
	if self := must(s.Get(t.Context(), fusion.Self))(t); len(self.Verbs)+len(self.Cannot) > 0 || self.Verbs == nil {
		t.Errorf("%+v", self)
	}
	for _, verb := range fusion.PowerVerbs {
		refused(t, s.Do(t.Context(), fusion.Self, verb), fusion.ErrUnsupported)
	}
}

// A list does not wait for the system each time.
func TestAbilitiesAreKeptForAWhile(t *testing.T) {
	p := newScripted()
	s := powered(t, p)
	for range 10 {
		must(s.List(t.Context()))(t)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked != 1 {
		t.Errorf("asked %d times", p.asked)
	}
}

// What the system says of a going that a verb told already, in less detail, does not
// count; that somebody else put the computer to sleep does, and that it is back.
func TestTheSystemsWordOnItsGoing(t *testing.T) {
	p := newScripted()
	s := powered(t, p)
	select {
	case <-p.heard:
	case <-time.After(time.Minute):
		t.Fatal("nobody listens")
	}
	ok(t, s.Do(t.Context(), fusion.Self, fusion.Reboot))
	p.signal(fusion.PoweredOff)
	p.signal("")
	p.signal(fusion.Asleep)
	p.signal("")
	p.signal("")
	if want := `says "restarting", reboot, says "", says "asleep", says ""`; p.story() != want {
		t.Errorf("%s, want %s", p.story(), want)
	}
}

// Watchers hear of this computer with what it can and its note.
func TestWatchTellsWhatAComputerCan(t *testing.T) {
	p := newScripted()
	s := must(Open(t.Context(), Config{Dir: t.TempDir(), URI: "fake:///", open: newFake().open, Power: p, SelfNote: "a note"}))(t)
	t.Cleanup(func() { closeStore(t, s) })
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Watch(ctx, func(m fusion.Machine, _ bool) {
		if m.Name == fusion.Self {
			if len(m.Verbs) != 3 || m.Note != "a note" {
				t.Errorf("told of %+v", m)
			}
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestSameSelf(t *testing.T) {
	a := fusion.Machine{Verbs: []fusion.Verb{fusion.Stop}, Disks: []fusion.Disk{{Name: "/", TotalBytes: 1000, UsedBytes: 500}}}
	b := a
	b.Disks = []fusion.Disk{{Name: "/", TotalBytes: 1000, UsedBytes: 505}}
	if !sameSelf(a, b) {
		t.Error("half a percent is told")
	}
	b.Disks = []fusion.Disk{{Name: "/", TotalBytes: 1000, UsedBytes: 494}}
	if sameSelf(a, b) {
		t.Error("more is not told")
	}
	c := a
	c.Verbs = nil
	if sameSelf(a, c) {
		t.Error("a verb that went is not told")
	}
}

func TestResources(t *testing.T) {
	f := newFake()
	s := store(t, f)
	knowsKVM(s, true)
	before := must(s.Resources(t.Context()))(t)
	if before.CPUs < 1 || before.FreeBytes <= 0 || before.FreeBytes > before.MemoryBytes || before.PoolBytes <= 0 || before.Accelerator == "" {
		t.Errorf("got %+v", before)
	}
	giant := vm("1", "giant", fusion.Running)
	giant.MemoryBytes = before.MemoryBytes - 1<<20
	f.put(giant)
	must(s.List(t.Context()))(t)
	if after := must(s.Resources(t.Context()))(t); after.FreeBytes > 1<<20 {
		t.Errorf("what a running machine was promised is free: %+v", after)
	}
	giant.state, giant.active = fusion.Off, false
	f.put(giant)
	must(s.List(t.Context()))(t)
	if after := must(s.Resources(t.Context()))(t); after.FreeBytes <= 1<<20 && before.FreeBytes > 1<<20 {
		t.Errorf("what a machine that is off has is not free: %+v", after)
	}
	off := must(Open(t.Context(), Config{Dir: t.TempDir(), URI: "off"}))(t)
	t.Cleanup(func() { closeStore(t, off) })
	if r := must(off.Resources(t.Context()))(t); r.Accelerator != "" || r.Reason == "" {
		t.Errorf("without libvirt: %+v", r)
	}
}
