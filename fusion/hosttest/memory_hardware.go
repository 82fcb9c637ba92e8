package hosttest

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"hither/fusion"
)

// memoryParts is what a machine in memory is made of beside what its Machine says.
type memoryParts struct {
	nics  []fusion.NICPart
	image string
	boot  []string
	tpm   bool
	// firmware and accelerator are "" for bios and emulated.
	firmware, accelerator string
	named                 int                 // names given so far
	devices               []string            // of the host, by ID
	far                   []fusion.DevicePart // of another host
}

type memoryHardware struct{ m *Memory }

// on does something with a virtual machine, which must not be saved for a change of
// its hardware.
func (p memoryHardware) on(ctx context.Context, op, name string, do func(v *memoryMachine) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	v, err := p.m.machine(op, name)
	if err == nil && v.Kind == fusion.KindSelf {
		err = &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported, Detail: "it is the computer itself", Hint: "change virtual machines"}
	}
	if err != nil {
		return err
	}
	return do(v)
}

func (p memoryHardware) Show(ctx context.Context, machine string) (parts fusion.Parts, err error) {
	err = p.on(ctx, "machine.hardware", machine, func(v *memoryMachine) error {
		parts = fusion.Parts{CPUs: v.CPUs, NextCPUs: v.CPUs, MostCPUs: 255, MemoryBytes: v.MemoryBytes, NextMemoryBytes: v.MemoryBytes,
			HostMemoryBytes: memoryOfHost, Disks: []fusion.DiskPart{}, NICs: append([]fusion.NICPart{}, v.parts.nics...),
			Drives: []fusion.DrivePart{{Name: "sda", Kind: "cdrom", Image: v.parts.image}}, Boot: slices.Clone(v.parts.boot),
			Firmware: cmp.Or(v.parts.firmware, "bios"), Accelerator: cmp.Or(v.parts.accelerator, "emulated"), TPM: v.parts.tpm, Displays: []string{"vnc"}, Networks: []string{fusion.UserNetwork}, Images: []string{}, Devices: p.m.devicesOf(v)}
		if len(parts.Boot) == 0 {
			parts.Boot = slices.Clone(fusion.BootWords)
		}
		for _, d := range v.Disks {
			parts.Disks = append(parts.Disks, fusion.DiskPart{Name: d.Name, Bus: "virtio", Format: "qcow2", File: machine + "-" + d.Name, TotalBytes: d.TotalBytes, Made: true})
		}
		for name := range p.m.images {
			parts.Images = append(parts.Images, name)
		}
		slices.Sort(parts.Images)
		return nil
	})
	return parts, err
}

const memoryOfHost = 64 << 30

func (p memoryHardware) Change(ctx context.Context, machine string, c fusion.Change) (done fusion.Changed, err error) {
	const op = "machine.change"
	err = p.on(ctx, op, machine, func(v *memoryMachine) error {
		err := c.Check(machine)
		if err == nil && v.State == fusion.Saved {
			err = &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrInvalid, Detail: "it is saved", Hint: "start it first"}
		}
		if err == nil {
			done, err = p.change(v, c)
		}
		if err == nil {
			p.m.become(v, v.State)
		}
		return err
	})
	return done, err
}

func (p memoryHardware) change(v *memoryMachine, c fusion.Change) (fusion.Changed, error) {
	now := fusion.Changed{When: fusion.Now}
	refuse := func(cause error, detail string) (fusion.Changed, error) {
		return fusion.Changed{}, &fusion.Error{Op: "machine.change", Path: v.Name, Cause: cause, Detail: detail, Hint: "see what it has: hither machine hw"}
	}
	disk := slices.IndexFunc(v.Disks, func(d fusion.Disk) bool { return d.Name == c.Disk })
	off := v.State == fusion.Off
	switch c.Kind {
	case fusion.SetResources:
		if c.MemoryBytes > memoryOfHost {
			return refuse(fusion.ErrInvalid, "the host has less memory")
		}
		v.MemoryBytes, v.CPUs = cmp.Or(c.MemoryBytes, v.MemoryBytes), cmp.Or(c.CPUs, v.CPUs)
	case fusion.AddDisk:
		if c.Volume != "" {
			return refuse(fusion.ErrNotFound, "no such volume")
		}
		v.parts.named++
		now.Part = fmt.Sprintf("vd%d", v.parts.named)
		v.Disks = append(v.Disks, fusion.Disk{Name: now.Part, TotalBytes: c.Bytes})
	case fusion.GrowDisk, fusion.RemoveDisk:
		if disk < 0 {
			return refuse(fusion.ErrNotFound, "it has no such disk")
		}
		if c.Kind == fusion.RemoveDisk {
			v.Disks = slices.Delete(v.Disks, disk, disk+1)
		} else if c.Bytes <= v.Disks[disk].TotalBytes {
			return refuse(fusion.ErrInvalid, "a disk can only grow")
		} else {
			v.Disks[disk].TotalBytes = c.Bytes
		}
	case fusion.AddNIC, fusion.SetNIC:
		return p.m.changeNIC(v, c)
	case fusion.RemoveNIC:
		left := slices.DeleteFunc(slices.Clone(v.parts.nics), func(n fusion.NICPart) bool { return n.MAC == c.NIC })
		if len(left) == len(v.parts.nics) {
			return refuse(fusion.ErrNotFound, "it has no such card")
		}
		v.parts.nics = left
	case fusion.InsertCD, fusion.EjectCD:
		if _, there := p.m.images[c.Image]; !there && c.Kind == fusion.InsertCD {
			return refuse(fusion.ErrNotFound, "no such image")
		}
		v.parts.image = c.Image
	case fusion.SetBoot:
		v.parts.boot = slices.Clone(c.Boot)
		if !off {
			now.When = fusion.NextStart
		}
	case fusion.SetFirmware, fusion.SetTPM:
		if !off {
			return refuse(fusion.ErrInvalid, "it runs")
		}
		if c.Kind == fusion.SetTPM {
			v.parts.tpm = c.TPM
		} else {
			v.parts.firmware = c.Firmware
		}
	case fusion.SetAccelerator:
		v.parts.accelerator = c.Accelerator
		if !off {
			now.When = fusion.NextStart
		}
	case fusion.AttachDevice, fusion.DetachDevice:
		return p.m.changeDevice(v, c)
	case fusion.AddDisplay:
		return refuse(fusion.ErrInvalid, "it has a display")
	}
	return now, nil
}

// changeNIC adds a card, or changes one. Every card is on the network that each host has.
func (m *Memory) changeNIC(v *memoryMachine, c fusion.Change) (fusion.Changed, error) {
	refuse := func(cause error, detail string) (fusion.Changed, error) {
		return fusion.Changed{}, &fusion.Error{Op: "machine.change", Path: v.Name, Cause: cause, Detail: detail, Hint: "see what it has: hither machine hw"}
	}
	if cmp.Or(c.Network, fusion.UserNetwork) != fusion.UserNetwork {
		return refuse(fusion.ErrNotFound, "no such network")
	}
	mac := ""
	if c.MAC != "" {
		var err error
		if mac, err = fusion.ParseMAC(c.MAC); err != nil {
			return fusion.Changed{}, err
		}
	}
	at := func(mac string) int {
		return slices.IndexFunc(v.parts.nics, func(n fusion.NICPart) bool { return n.MAC == mac })
	}
	card := at(c.NIC)
	switch {
	case c.Kind == fusion.SetNIC && card < 0:
		return refuse(fusion.ErrNotFound, "it has no such card")
	case mac != "" && at(mac) >= 0 && mac != c.NIC:
		return refuse(fusion.ErrExists, "another card has this address")
	case c.Kind == fusion.AddNIC:
		if mac == "" {
			v.parts.named++
			mac = fmt.Sprintf("52:54:00:00:00:%02x", v.parts.named)
		}
		v.parts.nics = append(v.parts.nics, fusion.NICPart{MAC: mac, Network: fusion.UserNetwork, Model: "virtio"})
	case mac != "" && v.State != fusion.Off:
		return refuse(fusion.ErrInvalid, "it runs")
	case mac != "":
		v.parts.nics[card].MAC = mac
	}
	return fusion.Changed{When: fusion.Now, Part: cmp.Or(mac, c.NIC)}, nil
}

func (p memoryHardware) Label(ctx context.Context, machine string, c fusion.LabelChange) (m fusion.Machine, err error) {
	err = p.on(ctx, "machine.label", machine, func(v *memoryMachine) error {
		if err := c.Check(machine); err != nil {
			return err
		}
		labels, err := c.Apply(machine, v.Labels)
		if err != nil {
			return err
		}
		v.Labels = labels
		m = v.copy()
		p.m.become(v, v.State)
		return nil
	})
	return m, err
}

func (p memoryHardware) Rename(ctx context.Context, machine, name string) error {
	const op = "machine.rename"
	return p.on(ctx, op, machine, func(v *memoryMachine) error {
		if err := fusion.CheckName(name); err != nil {
			return err
		}
		if _, taken := p.m.machines[name]; taken {
			return &fusion.Error{Op: op, Path: name, Cause: fusion.ErrExists, Hint: "choose another name"}
		}
		if v.State != fusion.Off {
			return &fusion.Error{Op: op, Path: machine, Cause: fusion.ErrInvalid, Detail: "it is " + string(v.State), Hint: "stop it first"}
		}
		delete(p.m.machines, machine)
		p.m.machines[name] = v
		v.Name = name
		p.m.emit(fusion.Event{Kind: fusion.EventMachine, Removed: true, Machine: &fusion.Machine{Name: machine}})
		p.m.become(v, v.State)
		return nil
	})
}

func (p memoryHardware) Save(ctx context.Context, machine string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return memoryMachines(p).Do(ctx, machine, fusion.Save)
}
