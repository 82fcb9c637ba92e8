package domxml

import (
	"encoding/xml"
	"slices"

	"hither/fusion"
)

// Info is what a domain's definition says.
type Info struct {
	CPUs        int
	MemoryBytes int64    // without what the balloon has
	Accelerator string   // "kvm", "tcg", or what else libvirt calls it
	VNC         int      // index of the VNC display, -1 when there is none
	Display     string   // type of the first display: "vnc", "spice", …
	Pictured    bool     // it has a graphics card, so screenshots can be made
	Tablet      bool     // its pointer can be put at a place
	Serial      bool     // it has a console that libvirt can open
	Disks       []Disk   // not CD drives
	Drives      []string // the targets of CD and floppy drives
	Inserted    []string // the files in them
	OwnDisks    []string // file names in the pool that were made for it
	Added       []string // those of them that came after it was made
	Labels      fusion.Labels
	Ours        bool   // Hither made it
	Key         string // the idempotency key of the call that made it, or ""
	NICs        []NIC
	Bases       []string // file names in the pool that its disks stand on
	Template    bool
	AppsState   string   // of the apps that its first start installs: "installing", "failed" or ""
	Apps        []string // those
	Devices     []string // of the host, by fusion.Device.ID
	Firmware    string   // of Firmwares
	Vars        string   // path of the UEFI variables, "" when there are none or libvirt chooses
	TPM         bool     // it has an emulated TPM, whose state libvirt keeps
}

// Disk is a disk of a domain; CD drives are none.
type Disk struct {
	Target   string // "vda"
	Path     string // "" for a network disk
	Format   string // "qcow2", "raw", …
	ReadOnly bool
}

// ReadInfo reads what a definition says. Its error is encoding/xml's.
func ReadInfo(text string) (Info, error) {
	var x domainXML
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return Info{}, err
	}
	info := Info{
		CPUs: x.VCPU.count(), MemoryBytes: x.Memory.Bytes(), Accelerator: accelerator(x.Type), VNC: -1, NICs: parseNICs(text),
	}
	if now := x.Current; now != nil && now.Bytes() > 0 {
		info.MemoryBytes = min(info.MemoryBytes, now.Bytes()) // a balloon has the rest
	}
	info.Serial = opensSerial(x.Devices)
	info.Pictured = slices.ContainsFunc(x.Devices.Video, func(v videoXML) bool { return v.Model.Type != "none" })
	info.Tablet = slices.ContainsFunc(x.Devices.Inputs, func(i inputXML) bool { return i.Type == "tablet" })
	info.Firmware, info.Vars = x.OS.firmware(), x.OS.NVRAM.path()
	info.TPM = x.Devices.TPM != nil && x.Devices.TPM.Backend.Type == "emulator"
	if len(x.Devices.Graphics) > 0 {
		info.Display = x.Devices.Graphics[0].Type
	}
	for i, g := range x.Devices.Graphics {
		if g.Type == "vnc" {
			info.VNC = i
			break
		}
	}
	for _, d := range x.Devices.Disks {
		if d.Device != "disk" && d.Device != "" {
			info.Drives = append(info.Drives, d.Target.Dev)
			if d.Source != nil && d.Source.File != "" {
				info.Inserted = append(info.Inserted, d.Source.File)
			}
			continue
		}
		disk := Disk{Target: d.Target.Dev, ReadOnly: d.ReadOnly != nil}
		if d.Driver != nil {
			disk.Format = d.Driver.Type
		}
		if d.Source != nil {
			disk.Path = d.Source.File + d.Source.Dev
		}
		info.Disks = append(info.Disks, disk)
	}
	for _, d := range x.Devices.Hostdevs {
		if id := d.ID(); id != "" {
			info.Devices = append(info.Devices, id)
		}
	}
	info.metadata(x.Metadata)
	return info, nil
}

// metadata reads what Hither wrote into the definition, or somebody in its name.
func (info *Info) metadata(x *metadataXML) {
	if x == nil {
		return
	}
	if x.Machine != nil {
		m := x.Machine
		info.Ours, info.OwnDisks, info.Key, info.Bases, info.Template = true, m.Disks, m.Key, m.Bases, m.Template != nil
	}
	if x.Disks != nil {
		info.OwnDisks = slices.Concat(info.OwnDisks, x.Disks.Disks)
		info.Added = x.Disks.Disks
	}
	if x.Apps != nil {
		info.AppsState, info.Apps = x.Apps.apps()
	}
	if x.Label != nil {
		info.Labels = x.Label.labels()
	}
}

func accelerator(domainType string) string {
	if domainType == "qemu" {
		return "tcg"
	}
	return domainType
}

// NIC is a network card of a domain, as its definition has it.
type NIC struct {
	MAC, Model string
	Kind       string // "user", "network", "bridge", …
	Network    string // libvirt's name, or ""
	Bridge     string // of the host, while it runs or when the definition says it
	Backend    string // "passt", or "" for QEMU's own user-mode networking
	Netdev     string // what QEMU calls its other side, "" while it is off
}

// parseNICs reads the network cards of a domain's XML
// (https://libvirt.org/formatdomain.html#network-interfaces).
func parseNICs(text string) []NIC {
	var x struct {
		Interfaces []struct {
			Type string `xml:"type,attr"`
			MAC  struct {
				Address string `xml:"address,attr"`
			} `xml:"mac"`
			Source struct {
				Network string `xml:"network,attr"`
				Bridge  string `xml:"bridge,attr"`
			} `xml:"source"`
			Model   modelXML `xml:"model"`
			Backend struct {
				Type string `xml:"type,attr"`
			} `xml:"backend"`
			Alias struct {
				Name string `xml:"name,attr"`
			} `xml:"alias"`
		} `xml:"devices>interface"`
	}
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return nil // ReadInfo says so
	}
	var nics []NIC
	for _, i := range x.Interfaces {
		nic := NIC{MAC: i.MAC.Address, Model: i.Model.Type, Kind: i.Type, Network: i.Source.Network,
			Bridge: i.Source.Bridge, Backend: i.Backend.Type}
		if i.Alias.Name != "" {
			nic.Netdev = "host" + i.Alias.Name // qemuAliasHostDevice: "hostnet0"
		}
		nics = append(nics, nic)
	}
	return nics
}
