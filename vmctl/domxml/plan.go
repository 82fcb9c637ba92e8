package domxml

import (
	"encoding/xml"
	"path/filepath"
	"runtime"
	"slices"

	"hither/fusion"
)

// Plan is a machine about to be defined. Its paths are the caller's own.
type Plan struct {
	Spec  fusion.MachineSpec // checked
	UUID  string
	Kind  string   // "kvm" or "qemu"
	Pool  string   // the directory of its files
	Disks []string // file names in the pool
	ISO   string   // path, or ""
	Seed  string   // file name in the pool, or ""
	Vars  string   // file name in the pool of the UEFI variables, or ""
	Card  Card
	Agent string // of the guest agent's socket; "" lets libvirt choose
	Key   string // idempotency key, or ""
}

// Files are those in the pool that are the machine's alone and go with it.
func (p Plan) Files() []string {
	files := slices.Clone(p.Disks)
	for _, file := range []string{p.Seed, p.Vars} {
		if file != "" {
			files = append(files, file)
		}
	}
	return files
}

// Definition is the plan as libvirt takes it.
func (p Plan) Definition() (string, error) {
	text, err := xml.MarshalIndent(p.domain(), "", "  ")
	return string(text), err
}

// domain is the definition: a q35 computer with what every system has drivers
// for, and no TCP port anywhere.
func (p Plan) domain() domainXML {
	return domainXML{
		Type: p.Kind, Name: p.Spec.Name, UUID: p.UUID,
		Metadata: &metadataXML{Machine: &Ours{Disks: p.Files(), Key: p.Key}, Apps: p.appsOf()},
		Memory:   Size{Unit: "bytes", Value: p.Spec.MemoryBytes},
		VCPU:     vcpus(p.Spec.CPUs),
		OS:       p.os(),
		Features: &featuresXML{},
		CPU:      cpuFor(p.Kind),
		Clock:    &clockXML{Offset: "utc"},
		Devices:  p.devices(),
	}
}

// spareCPUs is how many CPUs a machine can have while it runs, on a computer that has
// as many: a place that nobody uses costs a guest next to nothing.
const spareCPUs = 16

func vcpus(count int) vcpuXML {
	most := max(count, min(runtime.NumCPU(), spareCPUs))
	if most == count {
		return vcpuXML{Value: count}
	}
	return vcpuXML{Current: count, Value: most}
}

func (p Plan) os() osXML {
	os := osXML{
		Type: osTypeXML{Arch: "x86_64", Machine: MachineType, Value: "hvm"},
		Boot: []devXML{{"hd"}, {"cdrom"}, {"network"}},
	}
	if IsUEFI(p.Spec.Firmware) {
		os.Firmware, os.Features = "efi", firmwareFeatures(p.Spec.Firmware)
		os.NVRAM = &nvramXML{Path: filepath.Join(p.Pool, p.Vars)}
	}
	return os
}

// MachineType is the kind of computer that a plan makes.
const MachineType = "q35"

// sparePorts is how many devices can be added while a machine runs: each takes a port
// of its own (https://libvirt.org/pci-hotplug.html, "q35").
const sparePorts = 8

// controllers has a port for each device that is there from the start, too: libvirt
// gives those out first.
func (p Plan) controllers() []controllerXML {
	all := []controllerXML{{Type: "usb", Model: "qemu-xhci"}, {Type: "pci", Model: "pcie-root"}}
	const fixed = 5 // USB, network, channel, balloon, random numbers
	for range fixed + len(p.Disks) + sparePorts {
		all = append(all, controllerXML{Type: "pci", Model: "pcie-root-port"})
	}
	return all
}

// cpuFor is the host's own under KVM; in emulation a plain one that has what
// today's distributions ask for (x86-64-v2).
func cpuFor(kind string) *cpuXML {
	if kind == "kvm" {
		return &cpuXML{Mode: "host-passthrough"}
	}
	return &cpuXML{Mode: "custom", Match: "exact", Check: "none", Model: &modelCPU{Fallback: "allow", Value: "Nehalem"}}
}

func (p Plan) devices() devicesXML {
	d := devicesXML{
		Controllers: p.controllers(),
		Interfaces:  []Card{p.Card},
		Serials:     serialPorts(),
		Channels:    []channelXML{{Type: "unix", Target: targetXML{Type: "virtio", Name: guestAgent}}},
		Inputs:      []inputXML{{"tablet", "usb"}, {"keyboard", "ps2"}},
		Graphics:    []graphicsXML{{Type: "vnc", Listen: []listenXML{{Type: "none"}}}},
		Video:       []videoXML{{modelXML{Type: "vga", VRAM: 32 << 10}}},
		Balloon:     &balloonXML{Model: "virtio", Stats: &statsXML{Period: 10}},
		RNG:         &rngXML{Model: "virtio", Backend: backendXML{Model: "random", Value: "/dev/urandom"}},
	}
	if p.Agent != "" {
		d.Channels[0].Source = &channelSourceXML{Mode: "bind", Path: p.Agent}
	}
	for i, file := range p.Disks {
		d.Disks = append(d.Disks, qcow2Disk(filepath.Join(p.Pool, file), "vd"+string(rune('a'+i)), "virtio"))
	}
	if p.Spec.TPM {
		d.TPM = newTPM()
	}
	d.Disks = append(d.Disks, firstDrive(p.ISO))
	if p.Seed != "" {
		d.Disks = append(d.Disks, cdrom("sdb", filepath.Join(p.Pool, p.Seed)))
	}
	return d
}

// qcow2Disk is a disk, the qcow2 at path.
func qcow2Disk(path, target, bus string) diskXML {
	return diskXML{
		Type: "file", Device: "disk",
		Driver: &diskDriverXML{Name: "qemu", Type: string(fusion.Qcow2), Discard: "unmap"},
		Source: &diskSourceXML{File: path},
		Target: targetXML{Dev: target, Bus: bus},
	}
}

// firstDrive is a CD drive: it cannot be added while a machine runs, and an empty one is
// of use later.
func firstDrive(image string) diskXML { return cdrom("sda", image) }

// cdrom is a CD drive with an image, or with none.
func cdrom(drive, path string) diskXML {
	d := diskXML{
		Type: "file", Device: "cdrom",
		Driver:   &diskDriverXML{Name: "qemu", Type: string(fusion.Raw)},
		Target:   targetXML{Dev: drive, Bus: "sata"},
		ReadOnly: &struct{}{},
	}
	if path != "" {
		d.Source = &diskSourceXML{File: path}
	}
	return d
}

// appsOf marks a machine whose first start installs apps.
func (p Plan) appsOf() *appsXML {
	if p.Spec.Seed == nil || len(p.Spec.Seed.Apps) == 0 {
		return nil
	}
	return &appsXML{State: AppsInstalling, Names: p.Spec.Seed.Apps}
}

func newTPM() *tpmXML {
	return &tpmXML{Model: "tpm-crb", Backend: tpmBackendXML{Type: "emulator", Version: "2.0"}}
}
