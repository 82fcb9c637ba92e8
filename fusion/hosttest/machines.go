package hosttest

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"hither/fusion"
)

func (s *suite) testInfo(t *testing.T) {
	info, err := s.host.Info(s.ctx(t))
	must(t, "info", err)
	if info.ID == "" || info.Name == "" || !info.Online || info.OS == "" || info.Fingerprint == "" {
		t.Errorf("something is missing in %+v", info)
	}
}

func (s *suite) testMachines(t *testing.T) {
	ctx, machines := s.ctx(t), s.host.Machines()
	list, err := machines.List(ctx)
	must(t, "list", err)
	if len(list) == 0 || list[0].Name != fusion.Self {
		t.Fatalf("%q is not the first of %+v", fusion.Self, list)
	}
	if !slices.IsSortedFunc(list[1:], func(a, b fusion.Machine) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("not by name: %+v", list)
	}
	for _, m := range list {
		got, err := machines.Get(ctx, m.Name)
		if err != nil || got.Name != m.Name || got.Kind != m.Kind {
			t.Errorf("get %s: %+v, %v", m.Name, got, err)
		}
	}
	missing := fresh("none")
	_, err = machines.Get(ctx, missing)
	refused(t, "get", err, fusion.ErrNotFound)
	refused(t, "start", machines.Do(ctx, missing, fusion.Start), fusion.ErrNotFound)
	refused(t, "remove", machines.Remove(ctx, missing), fusion.ErrNotFound)
	_, err = machines.Screenshot(ctx, missing)
	refused(t, "screenshot", err, fusion.ErrNotFound)
	_, err = machines.Snapshots(ctx, missing)
	refused(t, "snapshots", err, fusion.ErrNotFound)
	_, err = machines.TakeSnapshot(ctx, missing, fusion.SnapshotSpec{Name: "x"})
	refused(t, "take", err, fusion.ErrNotFound)
	_, err = machines.Get(ctx, "../"+fusion.Self)
	refused(t, "get ../self", err, fusion.ErrNotFound, fusion.ErrInvalid)
}

func (s *suite) testSelf(t *testing.T) {
	ctx, machines := s.ctx(t), s.host.Machines()
	self, err := machines.Get(ctx, fusion.Self)
	must(t, "get", err)
	if self.Kind != fusion.KindSelf || self.State != fusion.Running || self.CPUs < 1 || self.MemoryBytes <= 0 || self.OS == "" {
		t.Errorf("something is missing in %+v", self)
	}
	for _, verb := range []fusion.Verb{fusion.Pause, fusion.Resume, fusion.ForceOff} {
		if !slices.Contains(self.Verbs, verb) {
			refused(t, string(verb), machines.Do(ctx, fusion.Self, verb), fusion.ErrUnsupported, fusion.ErrInvalid)
		}
	}
	refused(t, "remove", machines.Remove(ctx, fusion.Self), fusion.ErrInvalid, fusion.ErrUnsupported, fusion.ErrBusy)
	_, err = machines.Create(ctx, fusion.MachineSpec{Name: fusion.Self})
	refused(t, "create", err, fusion.ErrExists, fusion.ErrInvalid, fusion.ErrUnsupported)
	_, err = machines.Snapshots(ctx, fusion.Self)
	refused(t, "snapshots", err, fusion.ErrUnsupported)
	_, err = machines.TakeSnapshot(ctx, fusion.Self, fusion.SnapshotSpec{Name: "x"})
	refused(t, "take", err, fusion.ErrUnsupported)
	refused(t, "revert", machines.RevertSnapshot(ctx, fusion.Self, "x"), fusion.ErrUnsupported)
	refused(t, "remove snapshot", machines.RemoveSnapshot(ctx, fusion.Self, "x"), fusion.ErrUnsupported)
	samples, err := machines.Stats(ctx)
	must(t, "stats", err)
	i := slices.IndexFunc(samples, func(x fusion.Stats) bool { return x.Name == fusion.Self })
	if i < 0 || samples[i].CPUs < 1 || samples[i].MemoryBytes <= 0 || samples[i].Time.IsZero() {
		t.Errorf("self is missing in %+v", samples)
	}
	if _, err := machines.Screenshot(ctx, fusion.Self); err != nil {
		refused(t, "screenshot", err, fusion.ErrUnsupported)
	} else {
		isPicture(t, machines, fusion.Self)
	}
}

func isPicture(t *testing.T, machines fusion.Machines, name string) {
	t.Helper()
	data, err := machines.Screenshot(t.Context(), name)
	must(t, "screenshot", err)
	conf, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil || conf.Width < 1 || conf.Height < 1 {
		t.Errorf("screenshot of %s: %+v, %v", name, conf, err)
	}
}

func (s *suite) testUpload(t *testing.T) {
	ctx, machines := s.ctx(t), s.host.Machines()
	if !s.VMs {
		return // a pool is for VMs
	}
	data := bytes.Repeat([]byte("hither"), 100_000)
	for _, name := range badNames {
		refused(t, "name "+name, machines.Upload(ctx, name, 3, strings.NewReader("abc")), fusion.ErrInvalid)
	}
	name := fresh("image")
	broken := io.MultiReader(bytes.NewReader(data), iotest.ErrReader(errors.New("the line broke")))
	if err := machines.Upload(ctx, name, int64(2*len(data)), broken); err == nil {
		t.Error("a broken upload was taken")
	}
	if err := machines.Upload(ctx, name, int64(2*len(data)), bytes.NewReader(data)); err == nil {
		t.Error("half an upload was taken")
	}
	// Neither left anything, so the name is free.
	must(t, "upload", machines.Upload(ctx, name, int64(len(data)), bytes.NewReader(data)))
	refused(t, "the name again", machines.Upload(ctx, name, 3, strings.NewReader("abc")), fusion.ErrExists)
	must(t, "upload of unknown length", machines.Upload(ctx, fresh("image"), -1, bytes.NewReader(data)))
}

// create makes a small VM that the test removes in the end.
func (s *suite) create(t *testing.T, spec fusion.MachineSpec) fusion.Machine {
	t.Helper()
	spec.Name, spec.MemoryBytes = fresh("vm"), 64<<20
	t.Cleanup(func() { s.discard(t, spec.Name) })
	m, err := s.host.Machines().Create(s.ctx(t), spec)
	must(t, "create", err)
	return m
}

// discard forces a VM off and removes it, if it is there.
func (s *suite) discard(t *testing.T, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), s.Patience)
	defer cancel()
	machines := s.host.Machines()
	s.eventually(t, "the end of "+name, func() bool {
		err := machines.Remove(ctx, name)
		if err == nil || errors.Is(err, fusion.ErrNotFound) {
			return true
		}
		if !errors.Is(err, fusion.ErrBusy) {
			t.Fatalf("remove %s: %v", name, err)
		}
		_ = machines.Do(ctx, name, fusion.ForceOff) // it may be off by now
		return false
	})
}

// until waits for a VM's state.
func (s *suite) until(t *testing.T, name string, states ...fusion.MachineState) fusion.Machine {
	t.Helper()
	var m fusion.Machine
	s.eventually(t, name+" "+string(states[0]), func() bool {
		var err error
		m, err = s.host.Machines().Get(t.Context(), name)
		must(t, "get", err)
		return slices.Contains(states, m.State)
	})
	return m
}

func (s *suite) testCreate(t *testing.T) {
	ctx, machines := s.ctx(t), s.host.Machines()
	for _, name := range badNames {
		_, err := machines.Create(ctx, fusion.MachineSpec{Name: name, MemoryBytes: 64 << 20})
		refused(t, "name "+name, err, fusion.ErrInvalid)
	}
	for what, spec := range map[string]fusion.MachineSpec{
		"memory":     {MemoryBytes: 1},
		"no memory":  {MemoryBytes: -1},
		"cpus":       {CPUs: -1, MemoryBytes: 64 << 20},
		"disk":       {DiskBytes: -1, MemoryBytes: 64 << 20},
		"iso":        {ISO: fresh("image"), MemoryBytes: 64 << 20},
		"image":      {Image: fresh("image"), MemoryBytes: 64 << 20},
		"outer path": {ISO: "/etc/passwd", MemoryBytes: 64 << 20},
		"image path": {Image: "../../etc/passwd", MemoryBytes: 64 << 20},
	} {
		spec.Name = fresh("vm")
		_, err := machines.Create(ctx, spec)
		refused(t, what, err, fusion.ErrInvalid, fusion.ErrNotFound, fusion.ErrPermission)
		_, err = machines.Get(ctx, spec.Name)
		refused(t, what+" left", err, fusion.ErrNotFound)
	}
	m := s.create(t, fusion.MachineSpec{CPUs: 1})
	if m.Kind != fusion.KindVM || m.State != fusion.Off || m.CPUs != 1 || m.MemoryBytes != 64<<20 {
		t.Errorf("created %+v", m)
	}
	list, err := machines.List(ctx)
	must(t, "list", err)
	if !slices.ContainsFunc(list, func(x fusion.Machine) bool { return x.Name == m.Name }) {
		t.Errorf("%s is not in %+v", m.Name, list)
	}
	_, err = machines.Create(ctx, fusion.MachineSpec{Name: m.Name, MemoryBytes: 64 << 20})
	refused(t, "the name again", err, fusion.ErrExists)
	must(t, "remove", machines.Remove(ctx, m.Name))
	_, err = machines.Get(ctx, m.Name)
	refused(t, "get after remove", err, fusion.ErrNotFound)
	_, err = machines.Create(ctx, fusion.MachineSpec{Name: m.Name, MemoryBytes: 64 << 20})
	must(t, "the name after remove", err)
}

// testLife goes through the states of a VM, and the verbs that each refuses.
func (s *suite) testLife(t *testing.T) {
	machines := s.host.Machines()
	name := s.create(t, fusion.MachineSpec{}).Name
	refuses := func(state fusion.MachineState, verbs ...fusion.Verb) {
		t.Helper()
		m := s.until(t, name, state)
		for _, verb := range verbs {
			refused(t, string(verb)+" while "+string(state), machines.Do(s.ctx(t), name, verb), fusion.ErrInvalid)
			if slices.Contains(m.Verbs, verb) {
				t.Errorf("%s offers %s", state, verb)
			}
		}
	}
	do := func(verb fusion.Verb) {
		t.Helper()
		m, err := machines.Get(s.ctx(t), name)
		must(t, "get", err)
		if !slices.Contains(m.Verbs, verb) {
			t.Errorf("%s does not offer %s, but %v", m.State, verb, m.Verbs)
		}
		must(t, string(verb), machines.Do(s.ctx(t), name, verb))
	}
	refuses(fusion.Off, fusion.Stop, fusion.ForceOff, fusion.Pause, fusion.Resume, fusion.Reboot)
	_, err := machines.Screenshot(s.ctx(t), name)
	refused(t, "screenshot while off", err, fusion.ErrInvalid)
	refused(t, "dance", machines.Do(s.ctx(t), name, "dance"), fusion.ErrInvalid, fusion.ErrUnsupported)

	do(fusion.Start)
	refuses(fusion.Running, fusion.Start, fusion.Resume)
	refused(t, "remove while running", machines.Remove(s.ctx(t), name), fusion.ErrBusy)
	s.eventually(t, "a sample of "+name, func() bool {
		samples, err := machines.Stats(s.ctx(t))
		must(t, "stats", err)
		return slices.ContainsFunc(samples, func(x fusion.Stats) bool { return x.Name == name && x.MemoryBytes > 0 })
	})
	m := s.until(t, name, fusion.Running)
	if m.Started.IsZero() || m.Accelerator == "" {
		t.Errorf("running, but %+v", m)
	}
	if m.Screen {
		isPicture(t, machines, name)
	}
	do(fusion.Pause)
	refuses(fusion.Paused, fusion.Start, fusion.Pause)
	refused(t, "remove while paused", machines.Remove(s.ctx(t), name), fusion.ErrBusy)
	do(fusion.Resume)
	s.until(t, name, fusion.Running)
	do(fusion.Reboot)
	s.until(t, name, fusion.Running)
	do(fusion.Stop) // a guest without an operating system may ignore it
	if s.until(t, name, fusion.Running, fusion.Stopping, fusion.Off).State != fusion.Off {
		if err := machines.Do(s.ctx(t), name, fusion.ForceOff); err != nil && !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("force-off: %v", err)
		}
	}
	s.until(t, name, fusion.Off)
	must(t, "remove", machines.Remove(s.ctx(t), name))
}
