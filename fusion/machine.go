package fusion

import (
	"context"
	"io"
	"time"
)

// MachineState is where a machine is in its life.
type MachineState string

const (
	Off      MachineState = "off"
	Starting MachineState = "starting"
	Running  MachineState = "running"
	Paused   MachineState = "paused"
	Saved    MachineState = "saved"
	Stopping MachineState = "stopping"
	Failed   MachineState = "failed"
)

// MachineKind tells the host's own operating system from a virtual machine.
type MachineKind string

const (
	KindSelf MachineKind = "self"
	KindVM   MachineKind = "vm"
)

// Machine is an operating system one can use.
type Machine struct {
	// Address and Host are empty inside a Host and filled by whoever holds
	// several hosts.
	Address string `json:"address"`
	Host    string `json:"host"`
	Name    string `json:"name"`
	// OriginalName is its name at the hypervisor, where others gave it one that CheckName
	// refuses: Name is of Hither's making then. It is any text without a slash; "" where it
	// is Name. The hypervisor has it once.
	OriginalName string `json:"originalName,omitempty"`

	Kind        MachineKind  `json:"kind"`
	State       MachineState `json:"state"`
	CPUs        int          `json:"cpus"`
	MemoryBytes int64        `json:"memoryBytes"`
	// OS is a name for people ("Debian GNU/Linux 12"), or "" when unknown.
	OS string `json:"os"`
	// Note is something the owner should know ("KVM does not run here; …").
	Note string `json:"note,omitempty"`
	// Accelerator is "kvm" or "tcg" for a VM, "" for a computer.
	Accelerator string `json:"accelerator,omitempty"`
	UUID        string `json:"uuid,omitempty"`
	// Started is when it was last started, zero when it is off or unknown.
	Started time.Time `json:"started,omitzero"`
	Disks   []Disk    `json:"disks,omitempty"`
	// Screen says whether it has a screen that Screens can open.
	Screen bool `json:"screen"`
	// Screenshots says that Screens shows it by screenshots, a few in a second, and that
	// it takes keys and no pointer: it has no display that Screens can open. AddDisplay
	// gives it one.
	Screenshots bool `json:"screenshots,omitempty"`
	// Installing are the apps of its Seed that are not there yet.
	Installing []string `json:"installing,omitempty"`
	// Verbs are the verbs that make sense in its present state.
	Verbs []Verb `json:"verbs"`
	Labels
	// Template says that it is there to be cloned: it cannot be started.
	Template bool `json:"template,omitempty"`
	// Cannot are verbs of its kind that it lacks here, and why.
	Cannot []Refusal `json:"cannot,omitempty"`
}

// Disk is one disk or mounted file system of a machine, in bytes.
type Disk struct {
	Name       string `json:"name"`
	TotalBytes int64  `json:"totalBytes"`
	UsedBytes  int64  `json:"usedBytes"`
}

// Verb is something one does to a machine.
type Verb string

const (
	Start    Verb = "start"
	Stop     Verb = "stop"      // asks the guest to shut down (ACPI)
	ForceOff Verb = "force-off" // pulls the plug
	Pause    Verb = "pause"
	Resume   Verb = "resume"
	Reboot   Verb = "reboot"
	Save     Verb = "save"    // its memory goes to disk, and it ends; Start goes on there
	Discard  Verb = "discard" // forgets what was saved
	// Emulate starts a machine anew, emulated from now on, whose accelerator gave up.
	Emulate Verb = "emulate"
)

// MachineSpec says what to create. Name is required; zero values take the
// defaults in the comments.
type MachineSpec struct {
	Name        string `json:"name"`
	MemoryBytes int64  `json:"memoryBytes"` // default 1 GiB, at least 16 MiB
	CPUs        int    `json:"cpus"`        // default 1
	// DiskBytes is the size of its disk: a new one, or that of Image, which is
	// grown to it; 0 is none, or Image's own.
	DiskBytes int64 `json:"diskBytes"`
	// ISO is in the CD drive, Image is copied as the first disk. Each is an image
	// in the host's pool, or what Images.Fetch takes, which is brought there first
	// and stays there.
	ISO   string `json:"iso"`
	Image string `json:"image"`
	Start bool   `json:"start"`
	// Firmware is one of Firmwares, default bios; TPM gives it a TPM 2.0.
	Firmware string `json:"firmware"`
	TPM      bool   `json:"tpm"`
	// Seed is what a cloud image makes of itself; nil is none.
	Seed *Seed `json:"seed,omitempty"`
	// Network is one of the host's; default: user-mode networking, which needs none.
	Network string `json:"network"`
	// Unattended lets the installer on ISO install by itself, with what Seed says. The
	// machine starts at once, and is off when that is done.
	Unattended bool `json:"unattended,omitempty"`
}

// Stats is one sample of a machine's counters.
type Stats struct {
	Name string    `json:"name"`
	Time time.Time `json:"time"`
	// CPUSeconds is the CPU time used since start, over all CPUs.
	CPUSeconds      float64 `json:"cpuSeconds"`
	CPUs            int     `json:"cpus"`
	MemoryUsedBytes int64   `json:"memoryUsedBytes"`
	MemoryBytes     int64   `json:"memoryBytes"`
	DiskReadBytes   int64   `json:"diskReadBytes"`
	DiskWriteBytes  int64   `json:"diskWriteBytes"`
	NetInBytes      int64   `json:"netInBytes"`
	NetOutBytes     int64   `json:"netOutBytes"`
	// Load is the load average over one minute; only a computer has one.
	Load float64 `json:"load"`
}

// Machines are the operating systems of one host. Names are those of
// CheckName; "self" is the host's own and cannot be created or removed.
type Machines interface {
	// List gives every machine, "self" first, then by name.
	List(ctx context.Context) ([]Machine, error)
	// Get promises ErrNotFound.
	Get(ctx context.Context, name string) (Machine, error)
	// Create makes a machine and, if asked, starts it. It promises ErrExists,
	// ErrInvalid, and that nothing is left behind when it fails.
	Create(ctx context.Context, spec MachineSpec) (Machine, error)
	// Do applies a verb and returns once the hypervisor has taken it; the new
	// state comes as an event. It promises ErrNotFound, ErrInvalid for a verb
	// that makes no sense now, and ErrUnsupported for one the kind or the computer
	// lacks. "self" has PowerVerbs: the computer tells its paired ones that it goes.
	Do(ctx context.Context, name string, verb Verb) error
	// Remove forgets a machine that is off, with the disks that Create made.
	// It promises ErrNotFound, and ErrBusy while the machine runs or clones stand
	// on its disks.
	Remove(ctx context.Context, name string) error
	// Migrate moves a machine to another host with its disks and port forwards, while
	// it runs or when it is off; the two need a pairing with admin both ways. When it
	// fails, or ctx ends in time, the machine is here as before. It promises
	// ErrNotFound, ErrInvalid and ErrExists when the machine cannot move there, before
	// anything is sent, and ErrBusy when the hosts lost each other in the middle: then
	// they settle it by themselves.
	Migrate(ctx context.Context, name string, to HostID, o MigrateOptions) error
	// CheckMigrate says whether a machine can move to another host, and changes
	// nothing. It promises ErrNotFound, and ErrOffline when that host does not answer.
	CheckMigrate(ctx context.Context, name string, to HostID) (MigrateCheck, error)
	// Screenshot gives the present screen as PNG. It promises ErrNotFound, and
	// ErrInvalid when the machine is off.
	Screenshot(ctx context.Context, name string) ([]byte, error)
	// Stats gives a sample of every running machine in one call.
	Stats(ctx context.Context) ([]Stats, error)
	// Upload streams an image into the host's pool under name; size is its
	// length in bytes, -1 when unknown. It promises ErrExists, ErrInvalid, and
	// that a broken upload leaves nothing.
	Upload(ctx context.Context, name string, size int64, r io.Reader) error
	// Snapshots gives a machine's snapshots in the order of SortSnapshots:
	// parents before their children, then by time. It promises ErrNotFound, and
	// ErrUnsupported for "self".
	Snapshots(ctx context.Context, machine string) ([]Snapshot, error)
	// TakeSnapshot keeps the machine as it is now; a running one stands still
	// meanwhile, and its memory is kept. It returns when the snapshot is whole;
	// when ctx ends first, the snapshot may still come to be. It promises
	// ErrNotFound, ErrExists for a name that is taken, ErrInvalid for one that
	// SnapshotSpec.Check refuses and when there is no room, ErrUnsupported for
	// "self" and for a machine whose disks cannot keep one, ErrBusy while
	// something else is done with the machine, and that nothing half made is
	// left.
	TakeSnapshot(ctx context.Context, machine string, spec SnapshotSpec) (Snapshot, error)
	// RevertSnapshot takes a machine back: its disks, its memory and its state.
	// What it was since is lost unless a snapshot has it. It promises
	// ErrNotFound, ErrUnsupported and ErrBusy as TakeSnapshot does.
	RevertSnapshot(ctx context.Context, machine, snapshot string) error
	// RemoveSnapshot forgets a snapshot and frees its room; the machine stays as
	// it is, and children get the snapshot's parent. It promises ErrNotFound,
	// ErrUnsupported and ErrBusy as TakeSnapshot does.
	RemoveSnapshot(ctx context.Context, machine, snapshot string) error
	// Watch calls changed with each machine that is there now, then with each
	// that changed or is gone (removed; then only the names are set), until ctx
	// ends. Nothing falls between the two, steps may be left out, and the last
	// that is told of a machine is how it is. The calls come one at a time.
	Watch(ctx context.Context, changed func(m Machine, removed bool)) error
}
