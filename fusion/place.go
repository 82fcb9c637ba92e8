package fusion

import (
	"cmp"
	"context"
	"slices"
)

// Computer is a host as a computer: what is free on it and what it is for.
type Computer interface {
	// Resources says what is free now for one more machine. It may take some
	// seconds the first time, as KVM is tried by running.
	Resources(ctx context.Context) (Resources, error)
	// SetRoles puts roles in and takes others out, and gives those it has then. It
	// promises ErrInvalid as ChangeRoles does, and that they last.
	SetRoles(ctx context.Context, add, remove []string) ([]string, error)
}

// Resources is what a computer has, and has free for one more machine.
type Resources struct {
	CPUs int     `json:"cpus"`
	Load float64 `json:"load"` // over one minute; 0 where it is not known
	// MemoryBytes is all memory. FreeBytes is what nobody uses and no running
	// machine was promised.
	MemoryBytes int64 `json:"memoryBytes"`
	FreeBytes   int64 `json:"freeBytes"`
	// PoolBytes is the room that images and disks may take.
	PoolBytes int64 `json:"poolBytes"`
	// Accelerator is "kvm" or "tcg" as in Machine, and "" where no machine can run,
	// for Reason.
	Accelerator string `json:"accelerator"`
	Reason      string `json:"reason,omitempty"`
	// Firmwares are those of Firmwares that a machine can start by here, and TPM says
	// whether it can have one. A release that does not say names none.
	Firmwares []string `json:"firmwares,omitempty"`
	TPM       bool     `json:"tpm,omitempty"`
}

// Unfit is why a host is not chosen for a machine.
type Unfit string

const (
	UnfitOffline  Unfit = "offline"
	UnfitGrant    Unfit = "grant"    // this computer may not create machines there
	UnfitOld      Unfit = "old"      // its release does not say what is free
	UnfitSilent   Unfit = "silent"   // it does not answer
	UnfitMachines Unfit = "machines" // no machine can run there
	UnfitMemory   Unfit = "memory"
	UnfitCPUs     Unfit = "cpus"
	UnfitDisk     Unfit = "disk"
	UnfitFirmware Unfit = "firmware" // it has not the firmware that the machine starts by
	UnfitTPM      Unfit = "tpm"
)

// Candidate is a host that is looked at for a machine.
type Candidate struct {
	Host  string   `json:"host"`
	ID    HostID   `json:"id"`
	Roles []string `json:"roles"`
	Fits  bool     `json:"fits"`
	Why   Unfit    `json:"why,omitempty"`
	// HasImage says that the image or CD that the machine is made of is there already.
	HasImage bool `json:"hasImage,omitempty"`
	// Resources are what it said; nil when it was not asked or did not answer.
	Resources *Resources `json:"resources,omitempty"`
}

// Placement is the host that was chosen for a machine; Host and ID are empty when
// none fits.
type Placement struct {
	Host string `json:"host"`
	ID   HostID `json:"id"`
	// Candidates are all hosts that were looked at, the best first.
	Candidates []Candidate `json:"candidates"`
	// Again says that an earlier call with the same idempotency key was answered so.
	Again bool `json:"again,omitempty"`
}

// memoryReserve stays free on a host, for itself.
const memoryReserve = 256 << 20

// Place chooses the host for a machine among candidates whose Why is empty and
// that said what they have. What is too small does not count. Of the others
// comes first what has ComputeRole, then what has no role, then what is for
// something else; of equals what has KVM, then what has as many processors idle
// as the machine wants, then what has its image already, then the most free memory, the most room, the name.
func Place(spec MachineSpec, candidates []Candidate) Placement {
	spec.MemoryBytes, spec.CPUs = cmp.Or(spec.MemoryBytes, 1<<30), cmp.Or(spec.CPUs, 1)
	all := slices.Clone(candidates)
	for i := range all {
		all[i].Why = unfit(spec, all[i])
		all[i].Fits = all[i].Why == ""
	}
	slices.SortStableFunc(all, func(a, b Candidate) int {
		return cmp.Or(first(a.Fits, b.Fits), better(spec, a, b), cmp.Compare(a.Host, b.Host))
	})
	p := Placement{Candidates: all}
	if len(all) > 0 && all[0].Fits {
		p.Host, p.ID = all[0].Host, all[0].ID
	}
	return p
}

func unfit(spec MachineSpec, c Candidate) Unfit {
	switch r := c.Resources; {
	case c.Why != "":
		return c.Why
	case r == nil:
		return UnfitSilent
	case r.Accelerator == "":
		return UnfitMachines
	case spec.MemoryBytes > r.FreeBytes-memoryReserve:
		return UnfitMemory
	case spec.CPUs > r.CPUs:
		return UnfitCPUs
	case spec.DiskBytes > r.PoolBytes:
		return UnfitDisk
	case len(r.Firmwares) == 0: // it does not say, and may have them
	case spec.Firmware != "" && !slices.Contains(r.Firmwares, spec.Firmware):
		return UnfitFirmware
	case spec.TPM && !r.TPM:
		return UnfitTPM
	}
	return ""
}

// better compares two hosts that fit, or two that do not.
func better(spec MachineSpec, a, b Candidate) int {
	if a.Resources == nil || b.Resources == nil {
		return first(a.Resources != nil, b.Resources != nil)
	}
	return cmp.Or(
		cmp.Compare(rank(a.Roles), rank(b.Roles)),
		first(a.Resources.Accelerator == "kvm", b.Resources.Accelerator == "kvm"),
		first(idle(spec, a), idle(spec, b)),
		first(a.HasImage, b.HasImage),
		cmp.Compare(b.Resources.FreeBytes, a.Resources.FreeBytes),
		cmp.Compare(b.Resources.PoolBytes, a.Resources.PoolBytes))
}

// rank is 0 for a host that is for machines, 1 for one that is for nothing in
// particular, 2 for one that is for something else.
func rank(roles []string) int {
	switch {
	case slices.Contains(roles, ComputeRole):
		return 0
	case len(roles) == 0:
		return 1
	}
	return 2
}

// idle says whether a host has the machine's processors to spare.
func idle(spec MachineSpec, c Candidate) bool {
	return float64(c.Resources.CPUs)-c.Resources.Load >= float64(spec.CPUs)
}

func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
