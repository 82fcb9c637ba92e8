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
	// Machines have it, now or at their next start; sorted.
	Machines []string `json:"machines"`
	// Note says why no machine can be given it, and Hint what a person can do; both are
	// "" when one can.
	Note string `json:"note,omitempty"`
	Hint string `json:"hint,omitempty"`
}

// Devices are the devices of a host that its virtual machines can be given, by the
// changes AttachDevice and DetachDevice.
type Devices interface {
	// List gives USB devices before PCI devices, each by ID. A host without a hypervisor
	// has none.
	List(ctx context.Context) ([]Device, error)
}

// DevicePart is a device of the host that a machine has.
type DevicePart struct {
	ID   string `json:"id"`   // as in Device
	Name string `json:"name"` // "" when it is not plugged in
	Of   Of     `json:"of,omitempty"`
}

const (
	// AttachDevice gives a machine a device of its host: USB at once, PCI at the next
	// start. Another host needs AdminCap for it. It promises ErrNotFound for a device
	// that is not there, ErrBusy for one that a running machine has, and ErrUnsupported
	// with the reason where none can be given.
	AttachDevice ChangeKind = "device.attach" // Device
	// DetachDevice takes one away.
	DetachDevice ChangeKind = "device.detach" // Device
)

var deviceID = regexp.MustCompile(`^(usb:[0-9a-f]{4}:[0-9a-f]{4}(@[0-9]{1,3}\.[0-9]{1,3})?|pci:[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$`)

// GoodDevice says whether id is that of a device.
func GoodDevice(id string) bool { return deviceID.MatchString(id) }
