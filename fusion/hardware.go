package fusion

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Hardware is the everyday changes of a host's virtual machines: what they are made
// of, what is written on them, and their saved state. "self" has none of it: every
// method promises ErrUnsupported for it, ErrNotFound for a machine that is not there,
// and those that change something ErrBusy while something else is done with it.
type Hardware interface {
	// Show says what a machine is made of, now and at its next start.
	Show(ctx context.Context, machine string) (Parts, error)
	// Change makes one change, at once where the hypervisor and the guest let it, else
	// at the machine's next start: Changed says which. It promises ErrInvalid for what
	// Change.Check or the machine's state refuses, ErrUnsupported for what this host
	// lacks, ErrNotFound for a part or an image that is not there, and that nothing half
	// made is left.
	Change(ctx context.Context, machine string, change Change) (Changed, error)
	// Label changes what is written on a machine, whatever its state, and gives the
	// machine with it. It promises ErrInvalid for what LabelChange.Check refuses.
	Label(ctx context.Context, machine string, change LabelChange) (Machine, error)
	// Rename gives a machine that is off another name; its disks stay as they are. It
	// promises ErrExists, and ErrInvalid while the machine runs or is saved.
	Rename(ctx context.Context, machine, name string) error
	// Save writes the memory of a running machine to the host's disk and ends it, so that
	// Start goes on where it was. When ctx ends first the machine runs on. It promises
	// ErrInvalid when the machine does not run.
	Save(ctx context.Context, machine string) error
}

// When says when a change counts.
type When string

const (
	Now       When = "now"
	NextStart When = "next-start"
)

// Parts is what a machine is made of. While it runs, what it has now and what it
// will have at its next start may differ; of a machine that is off the two are equal.
type Parts struct {
	CPUs            int   `json:"cpus"`
	NextCPUs        int   `json:"nextCpus"`
	MostCPUs        int   `json:"mostCpus"` // what its kind of machine allows
	MemoryBytes     int64 `json:"memoryBytes"`
	NextMemoryBytes int64 `json:"nextMemoryBytes"`
	HostMemoryBytes int64 `json:"hostMemoryBytes"`

	Disks  []DiskPart  `json:"disks"`
	Drives []DrivePart `json:"drives"`
	NICs   []NICPart   `json:"nics"`
	// Boot is the order in which it looks for a system: words of BootWords.
	Boot []string `json:"boot"`
	// Firmware is one of Firmwares.
	Firmware string `json:"firmware"`
	TPM      bool   `json:"tpm"`
	// Accelerator is one of Accelerators, of the next start, or what else the
	// hypervisor calls it.
	Accelerator string   `json:"accelerator"`
	Displays    []string `json:"displays"` // "vnc", "spice", …, of the next start
	// Pending is set when its next start will bring something that it has not now.
	Pending bool `json:"pending"`

	// Networks and Images are what it can be given: networks of the host for a NIC, and
	// images of the host's pool for a drive.
	Networks []string `json:"networks"`
	Images   []string `json:"images"`
	// Devices are those of its host and of others that it has.
	Devices []DevicePart `json:"devices"`
}

// Of is when a part is there: "" always, Now until the machine stops, NextStart from
// its next start on.
type Of = When

// DiskPart is a disk of a machine.
type DiskPart struct {
	Name       string `json:"name"` // the target: "vda"
	Bus        string `json:"bus"`
	Format     string `json:"format"`
	File       string `json:"file"` // the last part of its path, "" for a network disk
	TotalBytes int64  `json:"totalBytes"`
	UsedBytes  int64  `json:"usedBytes"`
	ReadOnly   bool   `json:"readOnly"`
	// Made says that Hither made it for this machine, and removes it with the machine.
	Made bool `json:"made"`
	Of   Of   `json:"of,omitempty"`
}

// DrivePart is a CD or floppy drive.
type DrivePart struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`            // "cdrom" or "floppy"
	Image string `json:"image,omitempty"` // what is in it
	Of    Of     `json:"of,omitempty"`
}

// NICPart is a network card.
type NICPart struct {
	MAC     string `json:"mac"`
	Network string `json:"network"` // of Parts.Networks, or how libvirt calls its kind
	// NextNetwork is the one of the next start, where it is another.
	NextNetwork string `json:"nextNetwork,omitempty"`
	Model       string `json:"model"`
	Of          Of     `json:"of,omitempty"`
}

// UserNetwork is the network that every host has: the guest reaches what its host
// reaches, and nothing reaches the guest.
const UserNetwork = "user"

// BootWords are what a machine can look for a system on.
var BootWords = []string{"disk", "cd", "net"}

// Firmwares are what a machine can start by; uefi-secure is UEFI with Secure Boot.
var Firmwares = []string{"bios", "uefi", "uefi-secure"}

// Accelerators are what can run a machine's processors: KVM, or software, which is slow
// and works everywhere.
var Accelerators = []string{"kvm", "emulated"}

// ChangeKind says what a Change does, and which of its fields count.
type ChangeKind string

const (
	SetResources ChangeKind = "resources"   // MemoryBytes, CPUs; 0 leaves one as it is
	AddDisk      ChangeKind = "disk.add"    // Bytes or Volume; Changed.Part is its name
	GrowDisk     ChangeKind = "disk.grow"   // Disk, Bytes: its new size
	RemoveDisk   ChangeKind = "disk.remove" // Disk, Keep
	AddNIC       ChangeKind = "nic.add"     // Network, MAC; Changed.Part is its MAC
	SetNIC       ChangeKind = "nic.set"     // NIC; Network and MAC, "" leaves one; MAC of a machine that is off
	RemoveNIC    ChangeKind = "nic.remove"  // NIC
	InsertCD     ChangeKind = "cd.insert"   // Drive, Image
	EjectCD      ChangeKind = "cd.eject"    // Drive
	SetBoot      ChangeKind = "boot"        // Boot
	SetFirmware  ChangeKind = "firmware"    // Firmware; of a machine that is off
	SetTPM       ChangeKind = "tpm"         // TPM; of a machine that is off
	AddDisplay   ChangeKind = "display.add" // nothing: a VNC display

	SetAccelerator ChangeKind = "accelerator" // Accelerator; counts at the next start
)

// ChangeKinds are all of them.
var ChangeKinds = []ChangeKind{SetResources, AddDisk, GrowDisk, RemoveDisk, AddNIC, SetNIC, RemoveNIC, InsertCD, EjectCD,
	SetBoot, SetFirmware, SetTPM, AddDisplay, AttachDevice, DetachDevice, SetAccelerator}

// Change is one change of a machine's hardware.
type Change struct {
	Kind        ChangeKind `json:"kind"`
	MemoryBytes int64      `json:"memoryBytes,omitempty"`
	CPUs        int        `json:"cpus,omitempty"`
	Disk        string     `json:"disk,omitempty"`
	Bytes       int64      `json:"bytes,omitempty"`
	// Volume is POOL/NAME of one that no machine has; it stays when the disk is removed.
	Volume string `json:"volume,omitempty"`
	// Keep leaves the removed disk's file in the pool, as an image.
	Keep        bool     `json:"keep,omitempty"`
	NIC         string   `json:"nic,omitempty"`     // a MAC
	Network     string   `json:"network,omitempty"` // of a new card UserNetwork by default
	MAC         string   `json:"mac,omitempty"`     // what the card gets; of a new card one is chosen by default
	Drive       string   `json:"drive,omitempty"`   // default: the first CD drive
	Image       string   `json:"image,omitempty"`
	Boot        []string `json:"boot,omitempty"`
	Firmware    string   `json:"firmware,omitempty"`
	TPM         bool     `json:"tpm,omitempty"`
	Device      string   `json:"device,omitempty"` // a Device's ID
	From        HostID   `json:"from,omitempty"`   // the host that has the device; default: the machine's
	Accelerator string   `json:"accelerator,omitempty"`
}

// Changed is what became of a Change.
type Changed struct {
	When When `json:"when"`
	// Part is the name of what was added.
	Part string `json:"part,omitempty"`
	// Note says why it did not count at once.
	Note string `json:"note,omitempty"`
}

// The bounds of what a machine can be given.
const (
	leastMemory = 16 << 20
	mostMemory  = 16 << 40
	mostCPUs    = 255
	leastDisk   = 1 << 20
	mostDisk    = 64 << 40
)

// Check returns an error with cause ErrInvalid for a change that makes sense for no
// machine.
func (c Change) Check(machine string) error {
	bad := func(detail, hint string) error {
		return &Error{Op: "machine.change", Path: machine, Cause: ErrInvalid, Detail: detail, Hint: hint}
	}
	switch c.Kind {
	case SetResources:
		return c.checkResources(bad)
	case AddDisk, GrowDisk:
		if c.Kind == AddDisk && c.Volume != "" {
			return c.checkVolume(bad)
		}
		if c.Bytes < leastDisk || c.Bytes > mostDisk {
			return bad(fmt.Sprintf("a disk of %d bytes", c.Bytes), "a disk has 1 MiB to 64 TiB, as in 20GiB")
		}
	case AddNIC, SetNIC:
		return c.checkNIC(bad)
	case InsertCD:
		if CheckName(c.Image) != nil {
			return bad("an image has a name, not a path", "an image is named with letters, digits and . _ - ~; hither image ls shows those there are")
		}
	case AttachDevice, DetachDevice:
		if !GoodDevice(c.Device) {
			return bad(fmt.Sprintf("a device called %q", clip(c.Device)), "hither host devices shows the devices there are")
		}
		if c.From != "" && !strings.HasPrefix(c.Device, "usb:") {
			return bad("a PCI device of another computer", "only USB devices go to machines of other computers")
		}
	case SetBoot:
		return c.checkBoot(bad)
	case SetFirmware:
		if !slices.Contains(Firmwares, c.Firmware) {
			return bad(fmt.Sprintf("a firmware called %q", clip(c.Firmware)), "a machine has bios, uefi or uefi-secure")
		}
	case SetAccelerator:
		if !slices.Contains(Accelerators, c.Accelerator) {
			return bad(fmt.Sprintf("an accelerator called %q", clip(c.Accelerator)), "a machine runs with kvm, or emulated")
		}
	}
	if !slices.Contains(ChangeKinds, c.Kind) {
		return bad(fmt.Sprintf("there is no change %q", clip(string(c.Kind))), "update Hither on the other computer")
	}
	return nil
}

func (c Change) checkResources(bad func(detail, hint string) error) error {
	switch {
	case c.MemoryBytes == 0 && c.CPUs == 0:
		return bad("nothing is to change", "give it memory or CPUs, as in --memory 2GiB --cpus 4")
	case c.MemoryBytes != 0 && (c.MemoryBytes < leastMemory || c.MemoryBytes > mostMemory):
		return bad(fmt.Sprintf("%d bytes of memory", c.MemoryBytes), "give it 16 MiB to 16 TiB, as in --memory 1GiB")
	case c.CPUs < 0 || c.CPUs > mostCPUs:
		return bad(fmt.Sprintf("%d CPUs", c.CPUs), fmt.Sprintf("give it 1 to %d CPUs", mostCPUs))
	}
	return nil
}

func (c Change) checkNIC(bad func(detail, hint string) error) error {
	if c.Network != "" && CheckName(c.Network) != nil {
		return bad(fmt.Sprintf("a network called %q", clip(c.Network)), "hither machine hw shows the networks there are")
	}
	if _, err := ParseMAC(c.MAC); c.MAC != "" && err != nil {
		return bad(fmt.Sprintf("a network card with the address %q", clip(c.MAC)), "give six bytes of which the first is even, as in 52:54:00:12:34:56")
	}
	if c.Kind == SetNIC && c.Network == "" && c.MAC == "" {
		return bad("nothing is to change", "name a network or an address for the card")
	}
	return nil
}

func (c Change) checkVolume(bad func(detail, hint string) error) error {
	pool, name, _ := strings.Cut(c.Volume, "/")
	switch {
	case CheckName(pool) != nil || CheckName(name) != nil:
		return bad(fmt.Sprintf("a volume called %q", clip(c.Volume)), "a volume is POOL/NAME; hither storage ls shows the pools there are")
	case c.Bytes != 0:
		return bad("a new disk and a volume that is there", "name one of the two")
	}
	return nil
}

func (c Change) checkBoot(bad func(detail, hint string) error) error {
	const hint = "a boot order is some of disk, cd and net, each once, as in disk,cd"
	for i, word := range c.Boot {
		if !slices.Contains(BootWords, word) || slices.Contains(c.Boot[:i], word) {
			return bad(fmt.Sprintf("a boot order of %q", clip(strings.Join(c.Boot, ","))), hint)
		}
	}
	if len(c.Boot) == 0 {
		return bad("the boot order is empty", hint)
	}
	return nil
}
