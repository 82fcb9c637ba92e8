package vmctl

import (
	"path/filepath"

	"hither/fusion"
)

// plan is a machine about to be defined. Its paths are the Store's own.
type plan struct {
	spec      fusion.MachineSpec // checked
	uuid      string
	kind      string // "kvm" or "qemu"
	pool      string
	disks     []string // file names in the pool
	iso       string   // path, or ""
	card      interfaceXML
	agentPath string // of the guest agent's socket; "" lets libvirt choose
	key       string // idempotency key, or ""
	half      bool   // it failed, and nobody knows whether it is there
}

// domain is the definition: a q35 computer with what every system has drivers
// for, and no TCP port anywhere.
func (p plan) domain() domainXML {
	return domainXML{
		Type: p.kind, Name: p.spec.Name, UUID: p.uuid,
		Metadata: &metadataXML{Machine: &machineXML{Disks: p.disks, Key: p.key}},
		Memory:   sizeXML{Unit: "bytes", Value: p.spec.MemoryBytes},
		VCPU:     p.spec.CPUs,
		OS: osXML{
			Type: osTypeXML{Arch: "x86_64", Machine: "q35", Value: "hvm"},
			Boot: []devXML{{"hd"}, {"cdrom"}, {"network"}},
		},
		Features: &featuresXML{},
		CPU:      p.cpu(),
		Clock:    &clockXML{Offset: "utc"},
		Devices:  p.devices(),
	}
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
		Controllers: []controllerXML{{Type: "usb", Model: "qemu-xhci"}},
		Interfaces:  []interfaceXML{p.card},
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
	if p.iso != "" {
		d.Disks = append(d.Disks, diskXML{
			Type: "file", Device: "cdrom",
			Driver:   &diskDriverXML{Name: "qemu", Type: formatRaw},
			Source:   &diskSourceXML{File: p.iso},
			Target:   targetXML{Dev: "sda", Bus: "sata"},
			ReadOnly: &struct{}{},
		})
	}
	return d
}
