package vmctl

import (
	"path/filepath"
	"runtime"
	"slices"

	"hither/fusion"
	"hither/vmctl/seed"
)

// plan is a machine about to be defined. Its paths are the Store's own.
type plan struct {
	spec      fusion.MachineSpec // checked
	uuid      string
	kind      string // "kvm" or "qemu"
	pool      string
	disks     []string           // file names in the pool
	iso       string             // path, or ""
	seed      string             // file name in the pool, or ""
	install   *seed.Installation // of a machine that installs by itself, or nil
	hash      string             // of the password that it is to have, or ""
	vars      string             // file name in the pool of the UEFI variables, or ""
	card      interfaceXML
	agentPath string // of the guest agent's socket; "" lets libvirt choose
	key       string // idempotency key, or ""
	half      bool   // it failed, and nobody knows whether it is there
}

// files are those in the pool that are the machine's alone and go with it.
func (p plan) files() []string {
	files := slices.Clone(p.disks)
	for _, file := range []string{p.seed, p.vars} {
		if file != "" {
			files = append(files, file)
		}
	}
	return files
}

// domain is the definition: a q35 computer with what every system has drivers
// for, and no TCP port anywhere.
func (p plan) domain() domainXML {
	return domainXML{
		Type: p.kind, Name: p.spec.Name, UUID: p.uuid,
		Metadata: &metadataXML{Machine: &machineXML{Disks: p.files(), Key: p.key}, Apps: p.appsOf()},
		Memory:   sizeXML{Unit: "bytes", Value: p.spec.MemoryBytes},
		VCPU:     vcpus(p.spec.CPUs),
		OS:       p.os(),
		Features: &featuresXML{},
		CPU:      p.cpu(),
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

func (p plan) os() osXML {
	os := osXML{
		Type: osTypeXML{Arch: "x86_64", Machine: machineType, Value: "hvm"},
		Boot: []devXML{{"hd"}, {"cdrom"}, {"network"}},
	}
	if isUEFI(p.spec.Firmware) {
		os.Firmware, os.Features = "efi", firmwareFeatures(p.spec.Firmware)
		os.NVRAM = &nvramXML{Path: filepath.Join(p.pool, p.vars)}
	}
	return os
}

const machineType = "q35"

// sparePorts is how many devices can be added while a machine runs: each takes a port
// of its own (https://libvirt.org/pci-hotplug.html, "q35").
const sparePorts = 8

// controllers has a port for each device that is there from the start, too: libvirt
// gives those out first.
func (p plan) controllers() []controllerXML {
	all := []controllerXML{{Type: "usb", Model: "qemu-xhci"}, {Type: "pci", Model: "pcie-root"}}
	const fixed = 5 // USB, network, channel, balloon, random numbers
	for range fixed + len(p.disks) + sparePorts {
		all = append(all, controllerXML{Type: "pci", Model: "pcie-root-port"})
	}
	return all
}

// cpu is the host's own under KVM; in emulation a plain one that has what
// today's distributions ask for (x86-64-v2).
func (p plan) cpu() *cpuXML {
	if p.kind == "kvm" {
		return &cpuXML{Mode: "host-passthrough"}
	}
	return &cpuXML{Mode: "custom", Match: "exact", Check: "none", Model: &modelCPU{Fallback: "allow", Value: "Nehalem"}}
}

func (p plan) devices() devicesXML {
	d := devicesXML{
		Controllers: p.controllers(),
		Interfaces:  []interfaceXML{p.card},
		Serials:     serialPorts(),
		Channels:    []channelXML{{Type: "unix", Target: targetXML{Type: "virtio", Name: "org.qemu.guest_agent.0"}}},
		Inputs:      []inputXML{{"tablet", "usb"}, {"keyboard", "ps2"}},
		Graphics:    []graphicsXML{{Type: "vnc", Listen: []listenXML{{Type: "none"}}}},
		Video:       []videoXML{{modelXML{Type: "vga", VRAM: 32 << 10}}},
		Balloon:     &balloonXML{Model: "virtio", Stats: &statsXML{Period: 10}},
		RNG:         &rngXML{Model: "virtio", Backend: backendXML{Model: "random", Value: "/dev/urandom"}},
	}
	if p.agentPath != "" {
		d.Channels[0].Source = &channelSourceXML{Mode: "bind", Path: p.agentPath}
	}
	for i, file := range p.disks {
		d.Disks = append(d.Disks, diskXML{
			Type: "file", Device: "disk",
			Driver: &diskDriverXML{Name: "qemu", Type: formatQcow2, Discard: "unmap"},
			Source: &diskSourceXML{File: filepath.Join(p.pool, file)},
			Target: targetXML{Dev: "vd" + string(rune('a'+i)), Bus: "virtio"},
		})
	}
	if p.spec.TPM {
		d.TPM = newTPM()
	}
	d.Disks = append(d.Disks, newDrive(p.iso))
	if p.seed != "" {
		d.Disks = append(d.Disks, cdrom("sdb", filepath.Join(p.pool, p.seed)))
	}
	return d
}

// newDrive is a CD drive: it cannot be added while a machine runs, and an empty one is
// of use later.
func newDrive(image string) diskXML { return cdrom("sda", image) }

// cdrom is a CD drive with an image, or with none.
func cdrom(drive, path string) diskXML {
	d := diskXML{
		Type: "file", Device: "cdrom",
		Driver:   &diskDriverXML{Name: "qemu", Type: formatRaw},
		Target:   targetXML{Dev: drive, Bus: "sata"},
		ReadOnly: &struct{}{},
	}
	if path != "" {
		d.Source = &diskSourceXML{File: path}
	}
	return d
}
