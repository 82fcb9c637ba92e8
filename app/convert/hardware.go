package convert

import (
	"strings"

	"hither/fusion"
	pb "hither/proto/hither/v1"
)

func PartsToPB(p fusion.Parts) *pb.Parts {
	return &pb.Parts{
		Cpus: int32(p.CPUs), NextCpus: int32(p.NextCPUs), MostCpus: int32(p.MostCPUs),
		MemoryBytes: p.MemoryBytes, NextMemoryBytes: p.NextMemoryBytes, HostMemoryBytes: p.HostMemoryBytes,
		Disks: All(p.Disks, func(d fusion.DiskPart) *pb.DiskPart {
			return &pb.DiskPart{Name: d.Name, Bus: d.Bus, Format: d.Format, File: d.File, TotalBytes: d.TotalBytes,
				UsedBytes: d.UsedBytes, ReadOnly: d.ReadOnly, Made: d.Made, Of: string(d.Of)}
		}),
		Drives: All(p.Drives, func(d fusion.DrivePart) *pb.DrivePart {
			return &pb.DrivePart{Name: d.Name, Kind: d.Kind, Image: d.Image, Of: string(d.Of)}
		}),
		Nics: All(p.NICs, func(n fusion.NICPart) *pb.NICPart {
			return &pb.NICPart{Mac: n.MAC, Network: n.Network, NextNetwork: n.NextNetwork, Model: n.Model, Of: string(n.Of)}
		}),
		Boot: p.Boot, Firmware: p.Firmware, Tpm: p.TPM, Displays: p.Displays, Pending: p.Pending,
		Networks: p.Networks, Images: p.Images, Accelerator: p.Accelerator,
		Devices: All(p.Devices, DevicePartToPB),
	}
}

func PartsFromPB(p *pb.Parts) fusion.Parts {
	return fusion.Parts{
		CPUs: int(p.GetCpus()), NextCPUs: int(p.GetNextCpus()), MostCPUs: int(p.GetMostCpus()),
		MemoryBytes: p.GetMemoryBytes(), NextMemoryBytes: p.GetNextMemoryBytes(), HostMemoryBytes: p.GetHostMemoryBytes(),
		Disks: All(p.GetDisks(), func(d *pb.DiskPart) fusion.DiskPart {
			return fusion.DiskPart{Name: d.GetName(), Bus: d.GetBus(), Format: d.GetFormat(), File: d.GetFile(), TotalBytes: d.GetTotalBytes(),
				UsedBytes: d.GetUsedBytes(), ReadOnly: d.GetReadOnly(), Made: d.GetMade(), Of: fusion.Of(d.GetOf())}
		}),
		Drives: All(p.GetDrives(), func(d *pb.DrivePart) fusion.DrivePart {
			return fusion.DrivePart{Name: d.GetName(), Kind: d.GetKind(), Image: d.GetImage(), Of: fusion.Of(d.GetOf())}
		}),
		NICs: All(p.GetNics(), func(n *pb.NICPart) fusion.NICPart {
			return fusion.NICPart{MAC: n.GetMac(), Network: n.GetNetwork(), NextNetwork: n.GetNextNetwork(), Model: n.GetModel(), Of: fusion.Of(n.GetOf())}
		}),
		Boot: list(p.GetBoot()), Firmware: p.GetFirmware(), TPM: p.GetTpm(), Displays: list(p.GetDisplays()), Pending: p.GetPending(),
		Networks: list(p.GetNetworks()), Images: list(p.GetImages()), Accelerator: p.GetAccelerator(),
		Devices: All(p.GetDevices(), DevicePartFromPB),
	}
}

// ofAnother ends the kind of a change about a device of another host. A release that does not
// know From refuses it so, and does not take a device of its own of the same kind. withMAC ends
// that of a new card whose address was chosen: such a release would choose another.
const (
	ofAnother = ".from"
	withMAC   = ".mac"
)

func ChangeToPB(c fusion.Change) *pb.HardwareChange {
	kind := string(c.Kind)
	if c.From != "" {
		kind += ofAnother
	}
	if c.Kind == fusion.AddNIC && c.MAC != "" {
		kind += withMAC
	}
	return &pb.HardwareChange{
		Kind: kind, MemoryBytes: c.MemoryBytes, Cpus: int32(c.CPUs), Disk: c.Disk, Bytes: c.Bytes, Keep: c.Keep,
		Nic: c.NIC, Network: c.Network, Drive: c.Drive, Image: c.Image, Boot: c.Boot, Firmware: c.Firmware, Tpm: c.TPM,
		Device:      c.Device,
		From:        string(c.From),
		Volume:      c.Volume,
		Accelerator: c.Accelerator,
		Mac:         c.MAC,
	}
}

func ChangeFromPB(c *pb.HardwareChange) fusion.Change {
	return fusion.Change{
		Kind: fusion.ChangeKind(strings.TrimSuffix(strings.TrimSuffix(c.GetKind(), ofAnother), withMAC)), MemoryBytes: c.GetMemoryBytes(), CPUs: int(c.GetCpus()), Disk: c.GetDisk(),
		Bytes: c.GetBytes(), Keep: c.GetKeep(), NIC: c.GetNic(), Network: c.GetNetwork(), Drive: c.GetDrive(),
		Image: c.GetImage(), Boot: c.GetBoot(), Firmware: c.GetFirmware(), TPM: c.GetTpm(),
		Device:      c.GetDevice(),
		From:        fusion.HostID(c.GetFrom()),
		Volume:      c.GetVolume(),
		Accelerator: c.GetAccelerator(),
		MAC:         c.GetMac(),
	}
}

func ChangedToPB(c fusion.Changed) *pb.HardwareChanged {
	return &pb.HardwareChanged{When: string(c.When), Part: c.Part, Note: c.Note}
}

func ChangedFromPB(c *pb.HardwareChanged) fusion.Changed {
	return fusion.Changed{When: fusion.When(c.GetWhen()), Part: c.GetPart(), Note: c.GetNote()}
}

func LabelChangeToPB(c fusion.LabelChange) *pb.LabelChange {
	out := &pb.LabelChange{Add: c.Add, Drop: c.Drop, Notes: c.Notes, Autostart: c.Autostart}
	if c.Order != nil {
		order := int32(*c.Order)
		out.Order = &order
	}
	return out
}

func LabelChangeFromPB(c *pb.LabelChange) fusion.LabelChange {
	if c == nil {
		return fusion.LabelChange{}
	}
	out := fusion.LabelChange{Add: c.Add, Drop: c.Drop, Notes: c.Notes, Autostart: c.Autostart}
	if c.Order != nil {
		order := int(*c.Order)
		out.Order = &order
	}
	return out
}
