package hosttest

import (
	"context"
	"slices"
	"time"

	"hither/fusion"
)

// memoryPlace is the network of a host in memory.
var memoryPlace = fusion.NetBootInterface{Name: "eth0", Address: "192.0.2.1/24"}

// MemoryBare is a computer that asks a host in memory to start from the network once that
// is on.
const MemoryBare = "52:54:00:12:34:56"

// memoryBoot is its network boot.
type memoryBoot struct {
	on       bool
	revision int64
	changed  chan struct{} // nil while nobody waits
	all      []fusion.BareComputer
}

type memoryNetBoot struct{ m *Memory }

var _ fusion.NetBoot = memoryNetBoot{}

func (m *Memory) NetBoot() fusion.NetBoot { return memoryNetBoot{m} }

func (b memoryNetBoot) Show(ctx context.Context, after int64) (fusion.NetBootState, error) {
	late := time.NewTimer(fusion.NetBootWait)
	defer late.Stop()
	for waiting := true; ; {
		b.m.mu.Lock()
		state, changed := b.stateLocked()
		b.m.mu.Unlock()
		if after == 0 || state.Revision != after || !waiting || ctx.Err() != nil {
			return state, ctx.Err()
		}
		select {
		case <-changed:
		case <-late.C:
			waiting = false
		case <-ctx.Done():
		}
	}
}

func (b memoryNetBoot) stateLocked() (fusion.NetBootState, chan struct{}) {
	boot := &b.m.boot
	if boot.changed == nil {
		boot.changed = make(chan struct{})
	}
	state := fusion.NetBootState{Revision: boot.revision + 1, On: boot.on, Interface: memoryPlace.Name,
		Interfaces: []fusion.NetBootInterface{memoryPlace}, Computers: append([]fusion.BareComputer{}, boot.all...)}
	if boot.on {
		state.Address = "192.0.2.1"
	}
	return state, boot.changed
}

func (b memoryNetBoot) touchLocked() {
	boot := &b.m.boot
	boot.revision++
	if boot.changed != nil {
		close(boot.changed)
	}
	boot.changed = nil
}

func (b memoryNetBoot) Switch(ctx context.Context, spec fusion.NetBootSpec) (fusion.NetBootState, error) {
	if spec.On && spec.Interface != "" && spec.Interface != memoryPlace.Name {
		return fusion.NetBootState{}, &fusion.Error{Op: "netboot.switch", Path: spec.Interface, Cause: fusion.ErrNotFound,
			Detail: "there is no interface of this name with an IPv4 address", Hint: "there are: " + memoryPlace.Name}
	}
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	b.m.boot.on = spec.On
	if spec.On && len(b.m.boot.all) == 0 {
		now := time.Now()
		b.m.boot.all = []fusion.BareComputer{{MAC: MemoryBare, Firmware: "efi", Vendor: "PXEClient:Arch:00007", Seen: now, State: fusion.BareSeen,
			Steps: []fusion.BareStep{{State: fusion.BareSeen, At: now}}}}
	}
	b.touchLocked()
	state, _ := b.stateLocked()
	return state, ctx.Err()
}

// Install is done at once.
func (b memoryNetBoot) Install(ctx context.Context, spec fusion.BareSpec) (fusion.BareComputer, error) {
	spec, err := spec.WithDefaults()
	if err != nil {
		return fusion.BareComputer{}, err
	}
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	if !b.m.boot.on {
		return fusion.BareComputer{}, &fusion.Error{Op: "netboot.install", Path: spec.Name, Cause: fusion.ErrUnsupported, Detail: "network boot is off here",
			Hint: "switch it on: hither netboot on"}
	}
	at := slices.IndexFunc(b.m.boot.all, func(c fusion.BareComputer) bool { return c.MAC == spec.MAC })
	if at < 0 {
		at = len(b.m.boot.all)
		b.m.boot.all = append(b.m.boot.all, fusion.BareComputer{MAC: spec.MAC})
	}
	c := &b.m.boot.all[at]
	c.Name, c.ID = spec.Name, fusion.HostID("id-"+spec.Name)
	for _, state := range []fusion.BareState{fusion.BareOrdered, fusion.BareBooting, fusion.BareInstalling, fusion.BareInstalled, fusion.BarePaired} {
		c.State = state
		c.Steps = append(slices.Clone(c.Steps), fusion.BareStep{State: state, At: time.Now()})
	}
	b.touchLocked()
	return *c, ctx.Err()
}

func (b memoryNetBoot) Forget(ctx context.Context, mac string) error {
	mac, err := fusion.ParseMAC(mac)
	if err != nil {
		return err
	}
	b.m.mu.Lock()
	defer b.m.mu.Unlock()
	at := slices.IndexFunc(b.m.boot.all, func(c fusion.BareComputer) bool { return c.MAC == mac })
	if at < 0 {
		return &fusion.Error{Op: "netboot.forget", Path: mac, Cause: fusion.ErrNotFound, Detail: "no such computer asked", Hint: "hither netboot ls lists those that did"}
	}
	b.m.boot.all = slices.Delete(slices.Clone(b.m.boot.all), at, at+1)
	b.touchLocked()
	return ctx.Err()
}
