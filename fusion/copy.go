package fusion

import (
	"context"
	"io"
)

// CloneMode says where a clone's disks are.
type CloneMode string

const (
	// CloneAuto is linked for a template and full for any other machine.
	CloneAuto CloneMode = ""
	// CloneFull copies the disks whole: the clone needs nothing of its origin.
	CloneFull CloneMode = "full"
	// CloneLinked keeps only what the clone changes; the rest stays in the origin's
	// disks, which are never written again.
	CloneLinked CloneMode = "linked"
)

// CloneSpec says what a clone is to be. Name is required.
type CloneSpec struct {
	Name  string    `json:"name"`
	Mode  CloneMode `json:"mode"`
	Start bool      `json:"start"`
}

// Check returns an error with cause ErrInvalid for a mode that is none.
func (s CloneSpec) Check() error {
	switch s.Mode {
	case CloneAuto, CloneFull, CloneLinked:
		return nil
	}
	return &Error{Op: "machine.clone", Path: s.Name, Cause: ErrInvalid, Detail: "there is no such kind of clone", Hint: "a clone is full or linked"}
}

// ExportFormat is the form of a machine in a file.
type ExportFormat string

const (
	// Bundle is a tar archive of Hither's own: what the machine is, sums, and its
	// disks as compressed qcow2.
	Bundle ExportFormat = "qcow2"
	// OVA is the Open Virtualization Format of the DMTF (DSP0243) in a tar archive,
	// with stream-optimized VMDK disks; VirtualBox, VMware and others read it.
	OVA ExportFormat = "ova"
)

// ImportSpec says what a file is to become. Name is required.
type ImportSpec struct {
	Name string `json:"name"`
	// Raw takes a file without any mark of a format as a raw disk; without it such a
	// file is refused, as it may be anything.
	Raw bool `json:"raw"`
	// MemoryBytes and CPUs go before what the file says; a bare disk says nothing and
	// has MachineSpec's defaults.
	MemoryBytes int64 `json:"memoryBytes"`
	CPUs        int   `json:"cpus"`
	Start       bool  `json:"start"`
}

// Copies makes machines out of machines, and brings them into files and back.
type Copies interface {
	// Clone makes a machine like another one that is off, with a UUID, network
	// addresses and disks of its own, and if asked starts it. Snapshots do not go
	// along. It promises ErrNotFound, ErrExists for a name that is taken, ErrInvalid
	// when there is no room and when the machine is not off, ErrUnsupported for
	// "self" and for disks that cannot be cloned so, ErrBusy while something else is
	// done with the machine, and that nothing is left when it fails or ctx ends.
	Clone(ctx context.Context, machine string, spec CloneSpec) (Machine, error)
	// SetTemplate makes a machine that is off a template, which cannot be started and
	// whose disks are never written, or a machine again. It promises ErrNotFound,
	// ErrInvalid when the machine is not off, ErrUnsupported for "self", and ErrBusy
	// for a template on whose disks clones stand.
	SetTemplate(ctx context.Context, machine string, on bool) (Machine, error)
	// Export makes a file of a machine that is off; the caller closes what it is
	// given. It promises Clone's errors, and that nothing is left when it fails.
	Export(ctx context.Context, machine string, format ExportFormat) (Exported, error)
	// Import makes a machine of a file: what Export made, an OVA of another program,
	// or one disk (qcow2, VMDK, VHDX; raw if asked). size is the file's length in
	// bytes, -1 when unknown. It promises ErrExists, ErrInvalid for a file that is
	// none of these, is broken or does not fit, and that nothing is left when it
	// fails or ctx ends.
	Import(ctx context.Context, spec ImportSpec, size int64, r io.Reader) (Machine, error)
	// Deploy makes copies of a machine that is off, or a template, on several hosts at
	// a time; its bytes go to each of them once. The hosts must be paired with this
	// one and let it make machines. A host that fails is an error that names it, and
	// has nothing left; the others keep theirs. When ctx ends, nothing is left anywhere.
	// It promises Export's errors, and ErrInvalid for a spec that DeploySpec.Check
	// refuses.
	Deploy(ctx context.Context, machine string, spec DeploySpec) ([]Machine, error)
	// DeployImage makes machines of an image of this host's pool on several hosts at a
	// time, each as of says (whose Name, Image, ISO and Start are not asked). A host that
	// lacks the image gets it once, and keeps it. Hosts, failures and the end of ctx are
	// as for Deploy. It promises ErrNotFound for an image that is not in the pool, and
	// ErrInvalid for a spec that DeploySpec.CheckImage refuses.
	DeployImage(ctx context.Context, image string, of MachineSpec, spec DeploySpec) ([]Machine, error)
}

// Exported is a machine as a file that is ready to be read, until Close. It may be
// read more than once.
type Exported interface {
	// Name is a name for the file ("web.ova"), and Size its length in bytes.
	Name() string
	Size() int64
	// Open reads from offset on. It promises ErrNotFound when the file is gone, as a
	// while after nobody read it.
	Open(ctx context.Context, offset int64) (io.ReadCloser, error)
	// Close removes the file from the machine's host.
	Close() error
}
