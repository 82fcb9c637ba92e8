package fusion

import (
	"context"
	"slices"
)

// OwnPool is the name of the pool that Hither keeps itself: uploaded images and the
// disks of the machines it made.
const OwnPool = "hither"

// PoolState says whether a pool can be used.
type PoolState string

const (
	PoolActive   PoolState = "active"
	PoolInactive PoolState = "inactive" // it is known, but was not started
	PoolGone     PoolState = "gone"     // its directory or device is not there
)

// Pool is a place of a host where disks of machines are kept.
type Pool struct {
	// Host is empty inside a Host and filled by whoever holds several hosts.
	Host string `json:"host"`
	Name string `json:"name"`
	// Kind is "hither" for OwnPool, else libvirt's word: "dir", "fs", "logical", …
	Kind  string    `json:"kind"`
	Path  string    `json:"path"`
	State PoolState `json:"state"`
	// TotalBytes and FreeBytes are those of what it lies on; 0 when unknown.
	TotalBytes int64 `json:"totalBytes"`
	FreeBytes  int64 `json:"freeBytes"`
	// Note says what is wrong with it, and Hint what a person can do.
	Note string `json:"note,omitempty"`
	Hint string `json:"hint,omitempty"`
}

// Volume is a disk or an image in a pool.
type Volume struct {
	Pool string `json:"pool"`
	Name string `json:"name"`
	// Format is "qcow2", "raw", "iso" or what else libvirt calls it.
	Format string `json:"format"`
	// CapacityBytes is what a machine sees, AllocationBytes what it takes in the pool.
	CapacityBytes   int64 `json:"capacityBytes"`
	AllocationBytes int64 `json:"allocationBytes"`
	// Base is the name of the volume it is built on, or "".
	Base string `json:"base,omitempty"`
	// Machines use it, BaseOf are volumes that are built on it; both sorted.
	Machines []string `json:"machines"`
	BaseOf   []string `json:"baseOf"`
}

// VolumeSpec says what to create. Pool, Name and CapacityBytes are required.
type VolumeSpec struct {
	Pool          string `json:"pool"`
	Name          string `json:"name"`
	Format        string `json:"format"` // "qcow2" (the default) or "raw"
	CapacityBytes int64  `json:"capacityBytes"`
}

// Storage is where the disks of one host's virtual machines are. To change it another
// host needs the capability admin: a pool may hold what Hither did not make.
type Storage interface {
	// Pools gives OwnPool first, then those of libvirt by name.
	Pools(ctx context.Context) ([]Pool, error)
	// Volumes gives a pool's volumes by name. It promises ErrNotFound, and ErrInvalid
	// for a pool that is not active.
	Volumes(ctx context.Context, pool string) ([]Volume, error)
	// CreateVolume makes an empty volume that takes no room yet, whole or not at all.
	// It promises ErrNotFound for the pool, ErrExists, and ErrInvalid for what Check
	// refuses and when the pool is full.
	CreateVolume(ctx context.Context, spec VolumeSpec) (Volume, error)
	// GrowVolume makes a volume larger; a machine that runs on it sees that at once.
	// It promises ErrNotFound, ErrInvalid for a size that is not larger, and ErrBusy
	// for one that others are built on.
	GrowVolume(ctx context.Context, pool, name string, capacityBytes int64) (Volume, error)
	// RemoveVolume deletes a volume and what it holds. It promises ErrNotFound, and
	// ErrBusy for one that a machine uses, on or off, or that others are built on.
	RemoveVolume(ctx context.Context, pool, name string) error
}

// The sizes of a volume, in bytes.
const (
	leastVolume = 1 << 20
	mostVolume  = 64 << 40
)

// Check returns an error with cause ErrInvalid unless the spec can be asked for.
func (s VolumeSpec) Check() error {
	if err := CheckName(s.Name); err != nil {
		return err
	}
	if !slices.Contains([]string{"", "qcow2", "raw"}, s.Format) {
		return &Error{Op: "volume", Path: s.Name, Cause: ErrInvalid, Detail: "there is no such format to make", Hint: "qcow2, or raw"}
	}
	return CheckCapacity(s.Name, s.CapacityBytes)
}

// CheckCapacity returns an error with cause ErrInvalid for a size no volume has.
func CheckCapacity(name string, bytes int64) error {
	if bytes < leastVolume || bytes > mostVolume {
		return &Error{Op: "volume", Path: clip(name), Cause: ErrInvalid, Detail: "that is no size of a volume", Hint: "a volume has 1 MiB to 64 TiB, as in --size 20GiB"}
	}
	return nil
}
