package vmctl

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hither/vmctl/domxml"
)

// The Open Virtualization Format 1.x (DMTF DSP0243,
// https://www.dmtf.org/standards/ovf): a descriptor in XML, and disks beside it.

// The types of hardware that are read and written (CIM_ResourceAllocationSettingData).
const (
	ovfCPU    = 3
	ovfMemory = 4
	ovfIDE    = 5
	ovfSCSI   = 6
	ovfCard   = 10
	ovfDisk   = 17
	ovfSATA   = 20
)

// ovfInterfaces are the buses of disks that OVF has no hardware for, by the words of oVirt.
// They are written in a namespace of Hither's own beside a SATA controller, so that programs
// which do not know them have disks that every system has a driver for (DSP0243 lets a disk
// have attributes of other namespaces, and oVirt writes this one in OVF's).
var ovfInterfaces = map[string]string{"virtio": "VirtIO", "scsi": "VirtIO_SCSI"}

// ovfXML is the part of a descriptor that is read. Names match in any namespace:
// programs differ in theirs.
type ovfXML struct {
	XMLName    xml.Name    `xml:"Envelope"`
	Files      []ovfFile   `xml:"References>File"`
	Disks      []ovfDrive  `xml:"DiskSection>Disk"`
	System     *ovfSystem  `xml:"VirtualSystem"`
	Collection []ovfSystem `xml:"VirtualSystemCollection>VirtualSystem"`
}

type ovfDrive struct {
	ID      string `xml:"diskId,attr"`
	FileRef string `xml:"fileRef,attr"`
	Parent  string `xml:"parentRef,attr"`
	// Interface is one of ovfInterfaces, or of oVirt's others.
	Interface string `xml:"disk-interface,attr"`
}

type ovfFile struct {
	ID          string `xml:"id,attr"`
	Href        string `xml:"href,attr"`
	Compression string `xml:"compression,attr"`
	Chunk       string `xml:"chunkSize,attr"`
}

type ovfSystem struct {
	Hardware struct {
		Items []ovfItem `xml:"Item"`
		// OVF 2 writes these as elements of their own.
		Storage []ovfItem `xml:"StorageItem"`
		Ports   []ovfItem `xml:"EthernetPortItem"`
		Config  []struct {
			Key   string `xml:"key,attr"`
			Value string `xml:"value,attr"`
		} `xml:"Config"`
	} `xml:"VirtualHardwareSection"`
}

type ovfItem struct {
	Type     int    `xml:"ResourceType"`
	SubType  string `xml:"ResourceSubType"`
	Instance string `xml:"InstanceID"`
	Parent   string `xml:"Parent"`
	Address  string `xml:"AddressOnParent"`
	Quantity int64  `xml:"VirtualQuantity"`
	Units    string `xml:"AllocationUnits"`
	Disk     string `xml:"HostResource"`
}

// ovfMachine is a descriptor as it is understood: the machine, and the names of the
// files that its disks are, in the machine's order.
type ovfMachine struct {
	domxml.Blueprint
	files []string
}

// unusable is why a file cannot become a machine, in words for people.
type unusable struct{ text string }

func (u unusable) Error() string { return u.text }

func cannotUse(why string) error { return unusable{why} }

// readOVF reads a descriptor. encoding/xml expands no entities of the document's own.
func readOVF(text []byte) (m ovfMachine, err error) {
	var x ovfXML
	if err := xml.Unmarshal(text, &x); err != nil {
		return m, cannotUse("its descriptor is no OVF: " + err.Error())
	}
	switch {
	case x.System == nil && len(x.Collection) == 1:
		x.System = &x.Collection[0]
	case x.System == nil && len(x.Collection) > 1:
		return m, cannotUse("it has several machines")
	case x.System == nil:
		return m, cannotUse("its descriptor has no machine")
	}
	hardware := x.System.Hardware
	items := slices.Concat(hardware.Items, hardware.Storage, hardware.Ports)
	m.Chipset = "q35"
	for _, c := range hardware.Config {
		m.EFI = m.EFI || c.Key == "firmware" && c.Value == "efi"
	}
	for _, item := range items {
		switch item.Type {
		case ovfCPU:
			m.CPUs = int(min(max(item.Quantity, 0), 1<<20))
		case ovfMemory:
			m.Memory = ovfBytes(item.Quantity, item.Units)
		case ovfCard:
			m.Cards = append(m.Cards, strings.ToLower(item.SubType))
		}
	}
	m.Blueprint = m.Sane()
	for i, card := range m.Cards {
		if card == "virtio" && !hasSubType(items, ovfCard, "virtio") {
			m.Cards[i] = "e1000e" // what systems from elsewhere have a driver for
		}
	}
	return m, m.disksOf(x, items)
}

func hasSubType(items []ovfItem, kind int, subType string) bool {
	return slices.ContainsFunc(items, func(i ovfItem) bool { return i.Type == kind && strings.EqualFold(i.SubType, subType) })
}

// disksOf follows the disks of the hardware to their files. Disks go to SATA, which
// every system has a driver for, unless the descriptor says that theirs has one for virtio.
func (m *ovfMachine) disksOf(x ovfXML, items []ovfItem) error {
	disks := slices.DeleteFunc(slices.Clone(items), func(i ovfItem) bool { return i.Type != ovfDisk })
	slices.SortStableFunc(disks, func(a, b ovfItem) int {
		if a.Parent != b.Parent {
			return strings.Compare(a.Parent, b.Parent)
		}
		return ordinal(a.Address) - ordinal(b.Address)
	})
	for _, item := range disks {
		id := item.Disk[strings.LastIndex(item.Disk, "/")+1:]
		file, bus, err := x.fileOf(id)
		if err != nil {
			return err
		}
		m.files = append(m.files, file)
		m.Buses = append(m.Buses, bus)
	}
	if len(m.files) > domxml.MaxDisks {
		return cannotUse("it has more disks than a machine may have")
	}
	return nil
}

// fileOf gives the name of the file that a disk is, and its bus.
func (x ovfXML) fileOf(disk string) (file, bus string, err error) {
	for _, d := range x.Disks {
		if d.ID != disk {
			continue
		}
		if d.Parent != "" {
			return "", "", cannotUse("a disk of it stands on another one")
		}
		for _, f := range x.Files {
			switch {
			case f.ID != d.FileRef:
			case f.Compression != "" && f.Compression != "identity", f.Chunk != "":
				return "", "", cannotUse("a disk of it is compressed or in pieces, apart from its format")
			default:
				return f.Href, d.bus(), nil
			}
		}
	}
	return "", "", cannotUse("its descriptor names no file for a disk")
}

func (d ovfDrive) bus() string {
	for bus, word := range ovfInterfaces {
		if d.Interface == word {
			return bus
		}
	}
	return "sata"
}

func ordinal(text string) int {
	n, _ := strconv.Atoi(text) // what is no number comes first
	return n
}

// ovfBytes reads a size; its units are "byte * 2^20", or words of older programs.
func ovfBytes(quantity int64, units string) int64 {
	shift := 20
	unit := strings.ReplaceAll(strings.ToLower(units), " ", "")
	if _, power, ok := strings.Cut(unit, "byte*2^"); ok {
		shift = ordinal(power)
	} else if n, ok := map[string]int{"byte": 0, "bytes": 0, "kilobytes": 10, "kb": 10, "megabytes": 20, "mb": 20, "gigabytes": 30, "gb": 30}[unit]; ok {
		shift = n
	}
	if quantity < 0 || shift < 0 || shift > 40 || quantity > mostMemory>>shift {
		return mostMemory
	}
	return quantity << shift
}

// writeOVF writes a descriptor for machines of other programs: SATA disks and Intel
// network cards. Beside them it says which disks are virtio's.
func writeOVF(name string, b domxml.Blueprint, disks []exportedDisk) ([]byte, error) {
	items := []ovfOut{
		{Name: fmt.Sprintf("%d virtual CPU(s)", b.CPUs), Instance: 1, Type: ovfCPU, Quantity: int64(b.CPUs), Units: "hertz * 10^6"},
		{Name: fmt.Sprintf("%d MB of memory", b.Memory>>20), Instance: 2, Type: ovfMemory, Quantity: b.Memory >> 20, Units: "byte * 2^20"},
		{Name: "SATA Controller 0", Instance: 3, Type: ovfSATA, SubType: "AHCI", Address: "0"},
	}
	x := ovfEnvelope{NS: ovfNS, Ovf: ovfNS, Rasd: cimNS + "CIM_ResourceAllocationSettingData", Vssd: cimNS + "CIM_VirtualSystemSettingData",
		Vmw: "http://www.vmware.com/schema/ovf", Hither: "urn:hither:ovf:1", DiskInfo: "Virtual disks", NetInfo: "Networks"}
	for i, d := range disks {
		n := strconv.Itoa(i + 1)
		x.Files = append(x.Files, ovfOutFile{"file" + n, d.name, d.size})
		x.Disks = append(x.Disks, ovfOutDisk{d.capacity, "byte", "disk" + n, "file" + n, "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized", interfaceOf(b, i)})
		items = append(items, ovfOut{Name: "Disk " + n, Instance: 10 + i, Type: ovfDisk, Parent: "3", Address: strconv.Itoa(i), Disk: "ovf:/disk/disk" + n})
	}
	for i := range b.Cards {
		items = append(items, ovfOut{Name: fmt.Sprintf("Ethernet %d", i+1), Instance: 50 + i, Type: ovfCard, SubType: "E1000", Address: strconv.Itoa(i), Connection: "NAT"})
	}
	if len(b.Cards) > 0 {
		x.Networks = []ovfOutNetwork{{"NAT", "The network of the computer it runs on"}}
	}
	s := &x.System
	s.ID, s.Info, s.Name, s.OS.ID, s.OS.Info = name, "A virtual machine", name, 1, "The system it runs"
	s.Hardware.Info, s.Hardware.Items = "Virtual hardware", items
	s.Hardware.System = ovfOutSystem{"Virtual Hardware Family", 0, name, "vmx-13"}
	if b.EFI {
		s.Hardware.Config = []ovfOutConfig{{"false", "firmware", "efi"}}
	}
	text, err := xml.MarshalIndent(x, "", "  ")
	return append([]byte(xml.Header), text...), err
}

// interfaceOf gives the word for a disk's bus, "" where SATA says enough of it.
func interfaceOf(b domxml.Blueprint, disk int) string {
	if disk >= len(b.Buses) || b.Buses[disk] == "scsi" && b.SCSI != "virtio-scsi" {
		return ""
	}
	return ovfInterfaces[b.Buses[disk]]
}
