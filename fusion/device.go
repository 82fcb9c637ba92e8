package fusion

import (
	"context"
	"regexp"
)

// Device is a USB or PCI device of a host that a virtual machine can be given as its
// own. Hubs and bridges are none.
type Device struct {
	// Host is empty inside a Host and filled by whoever holds several hosts.
	Host string `json:"host"`
	// ID is "usb:VENDOR:PRODUCT", four hexadecimal digits each, with "@BUS.DEVICE" where
	// several are alike, or "pci:DOMAIN:BUS:SLOT.FUNCTION" as lspci -D writes it.
	ID   string `json:"id"`
	Kind string `json:"kind"` // "usb" or "pci"
	// Name is vendor and product in words, or their numbers.
	Name string `json:"name"`
	// Drivers are the host's own that use it now.
	Drivers []string `json:"drivers"`
	// Group is its IOMMU group, -1 without one. What shares a group goes together.
	Group int `json:"group"`
	// Machines have it, now or at their next start; sorted. One of another host is named
	// HOST/MACHINE, as its host is called here, and has it now.
	Machines []string `json:"machines"`
	// Note says why no machine can be given it, and Hint what a person can do; both are
	// "" when one can.
	Note string `json:"note,omitempty"`
	Hint string `json:"hint,omitempty"`
	// FarNote and FarHint say the same of machines of other hosts, which can be given USB
	// devices only.
	FarNote string `json:"farNote,omitempty"`
	FarHint string `json:"farHint,omitempty"`
}

// Devices are the devices of a host that its virtual machines can be given, by the
// changes AttachDevice and DetachDevice.
type Devices interface {
	// List gives USB devices before PCI devices, each by ID. A host without a hypervisor
	// has USB devices only, for machines of other hosts.
	List(ctx context.Context) ([]Device, error)
}

// DevicePart is a device that a machine has, of its host or of another one.
type DevicePart struct {
	ID   string `json:"id"`   // as in Device
	Name string `json:"name"` // "" when it is not plugged in
	Of   Of     `json:"of,omitempty"`
	// From is the other host, and FromName what the machine's host calls it.
	From     HostID `json:"from,omitempty"`
	FromName string `json:"fromName,omitempty"`
	// Note says why a machine that runs has not got a device of another host just now, and
	// Hint what a person can do. It comes back by itself.
	Note string `json:"note,omitempty"`
	Hint string `json:"hint,omitempty"`
}

const (
	// AttachDevice gives a machine a device of its host: USB at once, PCI at the next
	// start. Another host needs AdminCap for it. It promises ErrNotFound for a device
	// that is not there, ErrBusy for one that a running machine has, and ErrUnsupported
	// with the reason where none can be given.
	//
	// From names another host whose USB device it is. That host must have given this one
	// AdminCap, else the answer is ErrPermission; ErrOffline and ErrNotFound tell of that
	// host too. The device is the machine's until it is taken away, or the machine is
	// removed: it is there whenever the machine runs and the other host is online.
	AttachDevice ChangeKind = "device.attach" // Device, From
	// DetachDevice takes one away; without From, of whichever host it is.
	DetachDevice ChangeKind = "device.detach" // Device, From
)

var deviceID = regexp.MustCompile(`^(usb:[0-9a-f]{4}:[0-9a-f]{4}(@[0-9]{1,3}\.[0-9]{1,3})?|pci:[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$`)

// GoodDevice says whether id is that of a device.
func GoodDevice(id string) bool { return deviceID.MatchString(id) }
