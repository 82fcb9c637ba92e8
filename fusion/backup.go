package fusion

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// BackupKind says how much of the disks was read for a backup. What it can restore is
// the same: a backup is whole by itself.
type BackupKind string

const (
	// BackupFull read the disks whole.
	BackupFull BackupKind = "full"
	// BackupIncremental read what was written since an earlier backup, by QEMU's
	// account of it.
	BackupIncremental BackupKind = "incremental"
)

// BackupState is what the machine did when its disks were kept.
type BackupState string

const (
	BackupOff BackupState = "off"
	// BackupFrozen: it ran, and its file systems stood still for that moment.
	BackupFrozen BackupState = "frozen"
	// BackupRunning: it ran, and nobody told it; restored, it is as after a power cut.
	BackupRunning BackupState = "running"
)

// Backup is a virtual machine as it was at one moment: its definition and its disks,
// without its memory. It outlives the machine.
type Backup struct {
	// ID names it among the machine's, one of CheckName.
	ID string `json:"id"`
	// Machine is the machine's name at that moment.
	Machine string      `json:"machine"`
	Created time.Time   `json:"created"`
	Kind    BackupKind  `json:"kind"`
	State   BackupState `json:"state"`
	// Scheduled says that the schedule took it, which then also removes it.
	Scheduled bool `json:"scheduled"`
	// DataBytes is what its disks hold, without their empty parts; ReadBytes what of that
	// was read for it, and AddedBytes what it took on the host's disk when it was made:
	// what other backups of the machine have too is kept once.
	DataBytes  int64 `json:"dataBytes"`
	ReadBytes  int64 `json:"readBytes"`
	AddedBytes int64 `json:"addedBytes"`
	// Verified is when all of it was last read and found as it was written; zero when it
	// never was.
	Verified time.Time `json:"verified,omitzero"`
	// Broken says what was found wrong, "" when nothing was.
	Broken string `json:"broken,omitempty"`
	// Keeper is the host that keeps it, and Where that host's name; both are empty when it
	// lies on the host that was asked.
	Keeper HostID `json:"keeper,omitempty"`
	Where  string `json:"where,omitempty"`
}

// BackupPlace says which backups are meant: whose, and where. The zero value means those of
// the machines of the host that is asked, on that host.
type BackupPlace struct {
	// Of is the host that has the machine, or had it, "" for the one that is asked.
	Of HostID `json:"of"`
	// At is the host that keeps the backups, "" for the one that is asked.
	At HostID `json:"at"`
}

// BackupKeeper is another host that keeps backups of a machine.
type BackupKeeper struct {
	ID          HostID `json:"id"`
	Name        string `json:"name"`
	StoredBytes int64  `json:"storedBytes"` // 0 while it cannot be asked
	// Error says why it cannot be asked, "" when it was; its backups are then listed as this
	// host last knew them.
	Error string `json:"error,omitempty"`
}

// KeptMachine is what a host keeps for a machine of another host.
type KeptMachine struct {
	Of   HostID `json:"of"`
	Host string `json:"host"` // the other host's name, its ID when it is not paired any more
	// Machine is the name that it had last. Of one host several may have had the same name:
	// the UUID tells them apart, and may be given instead of it.
	Machine     string   `json:"machine"`
	UUID        string   `json:"uuid"`
	Backups     []Backup `json:"backups"` // newest first
	StoredBytes int64    `json:"storedBytes"`
}

// BackupList is all there is to know of the backups of one machine.
type BackupList struct {
	Backups  []Backup       `json:"backups"` // newest first
	Schedule BackupSchedule `json:"schedule"`
	// Next is when the schedule takes the next one, zero when it does not.
	Next time.Time `json:"next,omitzero"`
	// Last is when the schedule last tried, and Error why that failed, "" when it did not.
	Last  time.Time `json:"last,omitzero"`
	Error string    `json:"error,omitempty"`
	// StoredBytes is what those take that lie on the machine's host.
	StoredBytes int64 `json:"storedBytes"`
	// Keepers are the other hosts that keep some.
	Keepers []BackupKeeper `json:"keepers"`
}

// RestoreSpec says what a backup is to become: the machine itself again, when As is "",
// or a machine of that name.
type RestoreSpec struct {
	As    string `json:"as"`
	Start bool   `json:"start"`
}

// Backups keeps virtual machines as they were, on the disk of their host or of another one.
//
// A machine that is gone is still known here by the name it last had.
type Backups interface {
	// At gives the backups of a place: what it lists, takes, restores, verifies and removes
	// lies there. What a host keeps of another one's machines can become new machines only.
	// Calls promise ErrNotFound when the hosts are not paired, ErrOffline when the place
	// cannot be reached, and ErrPermission when it does not let the host do this.
	At(place BackupPlace) Backups
	// Kept gives what this host keeps for machines of other hosts: of one, or with "" of all;
	// and for one machine, or with "" for each. It is sorted by host and machine.
	Kept(ctx context.Context, of HostID, machine string) ([]KeptMachine, error)
	// List gives the backups of a machine, without At wherever they lie. It promises
	// ErrNotFound for a machine that is not there and has no backup, and ErrUnsupported
	// for "self".
	List(ctx context.Context, machine string) (BackupList, error)
	// Take makes a backup of a machine that runs, which goes on meanwhile, or that is off,
	// which cannot be started meanwhile. It promises ErrNotFound, ErrUnsupported for "self"
	// and for disks that are no files, ErrInvalid when there is no room or it is saved,
	// ErrBusy while another one is made, and that nothing is left when it fails or ctx ends.
	Take(ctx context.Context, machine string) (Backup, error)
	// Restore brings a backup back: into the machine itself, which must be off and whose
	// disks are replaced once the new ones are whole, or as a new machine with a UUID and
	// network addresses of its own. All that is read is checked. It promises ErrNotFound,
	// ErrExists for a name that is taken, ErrInvalid for a backup that is broken, a machine
	// that is not off or has snapshots, and when there is no room, ErrBusy, and that all is
	// as before when it fails or ctx ends.
	Restore(ctx context.Context, machine, backup string, spec RestoreSpec) (Machine, error)
	// Verify reads all of a backup and says what is wrong in Broken. It promises
	// ErrNotFound and ErrBusy.
	Verify(ctx context.Context, machine, backup string) (Backup, error)
	// Remove forgets a backup; the others stay whole. It promises ErrNotFound and ErrBusy.
	Remove(ctx context.Context, machine, backup string) error
	// SetSchedule says when backups are taken from now on; the zero schedule takes none.
	// It promises ErrNotFound, ErrUnsupported for "self", and ErrInvalid for a schedule
	// that Check refuses.
	SetSchedule(ctx context.Context, machine string, schedule BackupSchedule) (BackupList, error)
}

// SortBackups puts the newest first.
func SortBackups(list []Backup) {
	slices.SortFunc(list, func(a, b Backup) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(b.ID, a.ID))
	})
}
