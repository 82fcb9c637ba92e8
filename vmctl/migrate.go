package vmctl

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/imagepool"
)

// A machine moves while it runs, with its disks, between two hosts that share
// nothing (https://libvirt.org/migration.html, "Migration over UNIX sockets"). The
// source's libvirtd drives the move and talks to the destination's libvirtd and
// QEMU through unix sockets of the two nodes, which carry them over the pairing's
// own streams (migrate_out.go, migrate_in.go).
//
// libvirt lets the guest wait, paused, at the destination (VIR_MIGRATE_PAUSED): when
// an answer is lost at the end, the source may go on by itself, and the guest at the
// destination must not. It goes on only when the source's node has seen that the
// source is gone. That verdict is the one moment at which the machine changes hosts;
// both nodes write it down as an intent, so that it is given after any crash.

// onTheWay is the detail of a guest that is paused because it moves.
const onTheWay = "it is on its way between two hosts"

// Door is what a stream of a migration leads to at the destination.
type Door string

const (
	LibvirtDoor Door = "libvirt" // the destination's libvirtd
	MemoryDoor  Door = "memory"  // QEMU's incoming migration
	DisksDoor   Door = "disks"   // QEMU's NBD server

	// Of a machine that is off: its definition, and fileDoor with a disk's name.
	DefinitionDoor Door = "definition"
	TPMDoor        Door = "tpm" // the state of its TPM
	fileDoor       Door = "file:"
)

// MigrationOffer is what the source tells of a machine.
type MigrationOffer struct {
	// ID names the migration: 32 hexadecimal digits, random.
	ID          string
	UUID, Name  string
	MemoryBytes int64
	CPUs        int
	Disks       []MigrationDisk
	// Off says that it is off: its disks are copied as files. Start says that it is
	// started then.
	Off, Start bool
	// Images are what is in its CD drives, by name in the pool.
	Images []string
	Needs  MachineNeeds
	// Forwards are its port forwards, which go along.
	Forwards []fusion.Forward
	// Firmware is that of fusion.Parts, Vars the file in the pool of its UEFI variables,
	// and TPM says that it has one. While it runs QEMU brings both along.
	Firmware, Vars string
	TPM            bool
}

// MigrationDisk is one disk: its file in the pool, its virtual size and what of it is
// stored, in bytes.
type MigrationDisk struct {
	File          string
	Bytes, Stored int64
}

// MigrationRoom is what the destination made for a machine.
type MigrationRoom struct {
	// Pool and Agent are paths there, for the domain's new definition.
	Pool, Agent string
	// Secret opens the doors, for this one move.
	Secret string
	// Missing are the images that are not there and come through file doors.
	Missing []string
}

// MigrationPeer is the other host of a migration.
type MigrationPeer interface {
	// Examine says what is in the way of a machine.
	Examine(ctx context.Context, offer MigrationOffer) ([]fusion.Obstacle, error)
	// Prepare makes room for a machine. It promises ErrExists, ErrInvalid when it
	// cannot run there, and that a later Settle(false) leaves nothing.
	Prepare(ctx context.Context, offer MigrationOffer) (MigrationRoom, error)
	// Check says whether all of the machine is there, paused until the verdict.
	Check(ctx context.Context, uuid string) (bool, error)
	// Settle gives the verdict on a machine. It may be given again.
	Settle(ctx context.Context, uuid string, v Verdict) error
	// Dial opens a door.
	Dial(ctx context.Context, id, secret string, door Door) (net.Conn, error)
}

// Verdict says whose a machine is that was to move.
type Verdict struct {
	// Yours says that it is the destination's now.
	Yours bool
	// Console says that somebody looked at its serial console, and will there.
	Console bool
}

// migrationPaths are the sockets of one migration. libvirt gives one path to both
// QEMUs, so these are the same on both hosts, which may be one computer: the
// destination's QEMU makes them, its node puts them aside, and then the source's
// node makes its own.
type migrationPaths struct{ dir string }

// pathsOf gives the sockets of a migration; the directory's name is not to be guessed.
func pathsOf(id string) migrationPaths { return migrationPaths{filepath.Join("/tmp", "hither-"+id)} }

func (p migrationPaths) of(d Door) string    { return filepath.Join(p.dir, string(d)) }
func (p migrationPaths) aside(d Door) string { return filepath.Join(p.dir, string(d)+".there") }

// doors are those of QEMU.
var qemuDoors = []Door{MemoryDoor, DisksDoor}

// checkOffer refuses what would lead out of the pool, or is no machine.
func checkOffer(o MigrationOffer) error {
	const op = "machine.migrate"
	bad := func(why string) error { return invalid(op, fusionClip(o.Name), why, "update Hither on both computers") }
	if err := fusion.CheckName(o.Name); err != nil || o.Name == fusion.Self {
		return bad("no name for a machine")
	}
	if !isHex(o.ID, 32) || len(o.UUID) != 36 || !isHex(strings.ReplaceAll(o.UUID, "-", ""), 32) {
		return bad("its IDs are none")
	}
	if o.MemoryBytes < 0 || o.MemoryBytes > mostMemory || o.CPUs < 1 || o.CPUs > mostCPUs || len(o.Disks) > 26 || len(o.Images) > 26 {
		return bad("no machine is of this size")
	}
	if o.Vars != "" && !imagepool.OwnVars(o.Vars, o.UUID) || o.Firmware != "" && !slices.Contains(domxml.Firmwares, o.Firmware) {
		return bad("its firmware is none")
	}
	for _, image := range o.Images {
		if fusion.CheckName(image) != nil {
			return bad("an image has no sound name")
		}
	}
	if !o.Needs.sound() {
		return bad("no machine needs that")
	}
	if !soundForwards(o.Forwards) {
		return bad("a port forward is none")
	}
	for _, d := range o.Disks {
		if !imagepool.OwnDisk(d.File, o.UUID) || d.Bytes < 0 || d.Bytes > mostDisk || d.Stored < 0 || d.Stored > mostDisk {
			return bad("a disk is not its own")
		}
	}
	return nil
}

func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}
