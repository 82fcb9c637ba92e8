package hosttest

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"slices"
	"time"

	"hither/fusion"
)

const (
	memoryWidth, memoryHeight = 64, 48

	minMemory = 16 << 20
)

// memoryMachine is a machine and what its counters show.
type memoryMachine struct {
	fusion.Machine
	snapshots []fusion.Snapshot
	parts     memoryParts
	iso       string
	base      string // the machine on whose disks it stands, or ""
}

func newMemorySelf() *memoryMachine {
	return &memoryMachine{Machine: fusion.Machine{Name: fusion.Self, Kind: fusion.KindSelf, State: fusion.Running,
		CPUs: 2, MemoryBytes: 4 << 30, OS: "Memory", Screen: true, Started: time.Now(), Labels: fusion.Labels{Tags: []string{}},
		Verbs:  []fusion.Verb{fusion.Sleep, fusion.Stop},
		Cannot: []fusion.Refusal{{Verb: fusion.Reboot, Reason: "a host in memory has nothing to boot from"}}}}
}

// verbsOf gives what makes sense for a VM in a state, and where it leads.
func verbsOf(state fusion.MachineState) map[fusion.Verb][]fusion.MachineState {
	off := []fusion.MachineState{fusion.Stopping, fusion.Off}
	switch state {
	case fusion.Off, fusion.Failed:
		return map[fusion.Verb][]fusion.MachineState{fusion.Start: {fusion.Starting, fusion.Running}}
	case fusion.Saved:
		return map[fusion.Verb][]fusion.MachineState{fusion.Start: {fusion.Starting, fusion.Running}, fusion.Discard: {fusion.Off}}
	case fusion.Running:
		return map[fusion.Verb][]fusion.MachineState{fusion.Stop: off, fusion.ForceOff: off,
			fusion.Pause: {fusion.Paused}, fusion.Reboot: {fusion.Running}, fusion.Save: {fusion.Saved}}
	case fusion.Paused:
		return map[fusion.Verb][]fusion.MachineState{fusion.Resume: {fusion.Running}, fusion.ForceOff: off, fusion.Save: {fusion.Saved}}
	}
	return nil
}

// listMachines gives "self", then the VMs by name. The caller holds mu.
func (m *Memory) listMachines() []fusion.Machine {
	list := []fusion.Machine{m.machines[fusion.Self].copy()}
	for _, name := range slices.Sorted(maps.Keys(m.machines)) {
		if name != fusion.Self {
			list = append(list, m.machines[name].copy())
		}
	}
	return list
}

func (v *memoryMachine) copy() fusion.Machine {
	c := v.Machine
	c.Disks = slices.Clone(c.Disks)
	c.Tags = append([]string{}, c.Tags...)
	if c.Kind == fusion.KindVM {
		c.Verbs = []fusion.Verb{}
	}
	if c.Kind == fusion.KindVM && !c.Template {
		c.Verbs = slices.Sorted(maps.Keys(verbsOf(c.State)))
	}
	return c
}

// become changes a machine's state and tells it. The caller holds mu.
func (m *Memory) become(v *memoryMachine, state fusion.MachineState) {
	v.State = state
	switch state {
	case fusion.Starting:
		v.Started = time.Now()
	case fusion.Off, fusion.Saved:
		v.Started = time.Time{}
		m.endViews(v.Name)
		m.endTerminals(v.Name)
	}
	c := v.copy()
	m.emit(fusion.Event{Kind: fusion.EventMachine, Machine: &c})
}

// machine finds a machine. The caller holds mu.
func (m *Memory) machine(op, name string) (*memoryMachine, error) {
	if v, ok := m.machines[name]; ok {
		return v, nil
	}
	return nil, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrNotFound,
		Hint: "`hither machine ls` shows the machines"}
}

type memoryMachines struct{ m *Memory }

func (p memoryMachines) List(ctx context.Context) ([]fusion.Machine, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	return p.m.listMachines(), ctx.Err()
}

func (p memoryMachines) Get(ctx context.Context, name string) (fusion.Machine, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.machine("machine.get", name)
	if err != nil {
		return fusion.Machine{}, err
	}
	return v.copy(), ctx.Err()
}

func (p memoryMachines) Create(ctx context.Context, spec fusion.MachineSpec) (fusion.Machine, error) {
	if err := ctx.Err(); err != nil {
		return fusion.Machine{}, err
	}
	refuse := func(cause error, detail, hint string) (fusion.Machine, error) {
		return fusion.Machine{}, &fusion.Error{Op: "machine.create", Path: spec.Name, Cause: cause, Detail: detail, Hint: hint}
	}
	if err := fusion.CheckName(spec.Name); err != nil {
		return fusion.Machine{}, err
	}
	if spec.MemoryBytes == 0 {
		spec.MemoryBytes = 1 << 30
	}
	if spec.CPUs == 0 {
		spec.CPUs = 1
	}
	if spec.MemoryBytes < minMemory || spec.CPUs < 0 || spec.DiskBytes < 0 {
		return refuse(fusion.ErrInvalid, "size out of range", "give at least 16 MiB, one CPU, and no negative disk")
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if _, exists := p.m.machines[spec.Name]; exists {
		return refuse(fusion.ErrExists, "", "choose another name")
	}
	for _, image := range []string{spec.ISO, spec.Image} {
		if _, there := p.m.images[image]; image != "" && !there {
			return refuse(fusion.ErrInvalid, fmt.Sprintf("no image %q in the pool", image), "hither image ls shows those there are; to bring one, give the path of its file")
		}
	}
	if spec.Seed != nil {
		if err := spec.Seed.Check(); err != nil {
			return fusion.Machine{}, err
		}
	}
	if size := int64(len(p.m.images[spec.Image])); spec.DiskBytes > 0 && size > spec.DiskBytes {
		return refuse(fusion.ErrInvalid, "the image is larger than the disk", "give it a larger disk")
	}
	if _, there := p.m.networks[spec.Network]; spec.Network != "" && !there {
		return refuse(fusion.ErrNotFound, fmt.Sprintf("no network %q", spec.Network), "`hither network ls` shows the networks")
	}
	p.m.cards[spec.Name] = spec.Network
	v := &memoryMachine{iso: spec.ISO, Machine: fusion.Machine{Name: spec.Name, Kind: fusion.KindVM, State: fusion.Off, CPUs: spec.CPUs,
		MemoryBytes: spec.MemoryBytes, Accelerator: "tcg", UUID: fmt.Sprintf("memory-%s", spec.Name), Screen: true}}
	if spec.DiskBytes > 0 {
		v.Disks = []fusion.Disk{{Name: "vda", TotalBytes: spec.DiskBytes}}
	}
	p.m.machines[spec.Name] = v
	p.m.become(v, fusion.Off)
	if spec.Start {
		p.m.become(v, fusion.Starting)
		p.m.become(v, fusion.Running)
	}
	return v.copy(), nil
}

func (p memoryMachines) Do(ctx context.Context, name string, verb fusion.Verb) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	op := "machine." + string(verb)
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.machine(op, name)
	if err != nil {
		return err
	}
	if slices.Contains(v.Verbs, verb) {
		p.m.went = append(p.m.went, verb)
		return nil
	}
	if v.Kind == fusion.KindSelf {
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported,
			Hint: "use the computer's own power menu"}
	}
	states, ok := verbsOf(v.State)[verb]
	if !ok || v.Template {
		return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrInvalid, Detail: "it is " + string(v.State),
			Hint: fmt.Sprintf("now possible: %v", v.copy().Verbs)}
	}
	for _, state := range states {
		p.m.become(v, state)
	}
	return nil
}

func (p memoryMachines) Remove(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.machine("machine.remove", name)
	switch {
	case err != nil:
		return err
	case v.Kind == fusion.KindSelf:
		return &fusion.Error{Op: "machine.remove", Path: name, Cause: fusion.ErrInvalid,
			Detail: "it is the computer itself", Hint: "forget the host instead"}
	case v.State != fusion.Off:
		return &fusion.Error{Op: "machine.remove", Path: name, Cause: fusion.ErrBusy,
			Detail: "it is " + string(v.State), Hint: "turn it off first"}
	case p.m.isBase(name):
		return isBase("machine.remove", name)
	}
	delete(p.m.machines, name)
	delete(p.m.cards, name)
	p.m.forwards = slices.DeleteFunc(p.m.forwards, func(f fusion.Forward) bool { return f.Machine == name })
	p.m.emit(fusion.Event{Kind: fusion.EventMachine, Removed: true, Machine: &fusion.Machine{Name: name}})
	return nil
}

func (p memoryMachines) Screenshot(ctx context.Context, name string) ([]byte, error) {
	p.m.mu.Lock()
	v, err := p.m.machine("machine.screenshot", name)
	off := err == nil && v.State != fusion.Running && v.State != fusion.Paused
	p.m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if off {
		return nil, isOff("machine.screenshot", name)
	}
	picture := image.NewRGBA(image.Rect(0, 0, memoryWidth, memoryHeight))
	for i := range picture.Pix {
		picture.Pix[i] = 0xff
	}
	picture.Set(0, 0, color.Black)
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		return nil, err
	}
	return out.Bytes(), ctx.Err()
}

func isOff(op, name string) error {
	return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrInvalid, Detail: "it is off", Hint: "start it first"}
}

func (p memoryMachines) Stats(ctx context.Context) ([]fusion.Stats, error) {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	var samples []fusion.Stats
	now := time.Now()
	for _, v := range p.m.listMachines() {
		if v.State == fusion.Running || v.State == fusion.Paused {
			samples = append(samples, fusion.Stats{Name: v.Name, Time: now, CPUs: v.CPUs, MemoryBytes: v.MemoryBytes,
				MemoryUsedBytes: v.MemoryBytes / 2, CPUSeconds: now.Sub(v.Started).Seconds()})
		}
	}
	return samples, ctx.Err()
}

func (p memoryMachines) Upload(ctx context.Context, name string, size int64, r io.Reader) error {
	if err := fusion.CheckName(name); err != nil {
		return err
	}
	exists := func() error {
		p.m.mu.Lock()
		defer p.m.mu.Unlock()
		if _, there := p.m.images[name]; there {
			return &fusion.Error{Op: "machine.upload", Path: name, Cause: fusion.ErrExists, Hint: "choose another name"}
		}
		return nil
	}
	if err := exists(); err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return &fusion.Error{Op: "machine.upload", Path: name, Cause: err, Hint: "send it again"}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if size >= 0 && int64(len(data)) != size {
		return &fusion.Error{Op: "machine.upload", Path: name, Cause: fusion.ErrInvalid,
			Detail: fmt.Sprintf("%d bytes came of %d", len(data), size), Hint: "send it again"}
	}
	if err := exists(); err != nil {
		return err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	p.m.images[name] = data
	return nil
}

func (p memoryMachines) Watch(ctx context.Context, changed func(fusion.Machine, bool)) error {
	return p.m.each(ctx, "machine.watch", func(e fusion.Event) {
		if e.Machine != nil {
			changed(*e.Machine, e.Removed)
		}
	})
}
