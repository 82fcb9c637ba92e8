package vmctl

import (
	"errors"
	"strings"

	"hither/fusion"
	"hither/vmctl/imagepool"
)

// InstallHint is what a person does on a host without libvirt or QEMU.
const InstallHint = "install libvirt and QEMU (Debian, Ubuntu: apt install libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 qemu-utils ipxe-qemu seabios), then start Hither again"

func invalid(op, path, detail, hint string) error {
	return &fusion.Error{Op: op, Path: path, Cause: fusion.ErrInvalid, Detail: detail, Hint: hint}
}

// fail wraps err with what the caller did, once.
func fail(op, path string, err error) error {
	said, d := (*fusion.Error)(nil), (*driverError)(nil)
	if errors.As(err, &said) && said.Op == op {
		return err
	}
	if errors.As(err, &d) {
		return &fusion.Error{Op: op, Path: path, Cause: d.cause, Detail: d.text, Hint: hintFor(d)}
	}
	return imagepool.Fail(op, path, err)
}

// noRoomForMemory is what QEMU says when the memory of a snapshot does not fit:
// it calls that an input/output error.
const noRoomForMemory = "Error while writing VM state"

// hintFor says what can be done about the hypervisor's refusals that people
// meet.
func hintFor(d *driverError) string {
	has := func(words ...string) bool {
		for _, word := range words {
			if strings.Contains(d.text, word) {
				return true
			}
		}
		return false
	}
	switch {
	case has("No space left", noRoomForMemory):
		return imagepool.SpaceHint
	case has("internal snapshot") && errors.Is(d.cause, fusion.ErrUnsupported):
		return "only qcow2 disks keep snapshots, and none beside UEFI firmware; convert a disk with: qemu-img convert -O qcow2 OLD NEW"
	case has("hostdev mode=", "host devices"):
		return "take the devices of its computer away first: hither machine device rm"
	case has(lostJob):
		return otherLostHint
	case has("requires ACPI"):
		return "switch ACPI on in its definition first, with the tool that made it"
	case has("block backend provides"):
		return "its UEFI variables are of another build of the firmware; install the one that it had on its host"
	case has("failed to initialize kvm", "Could not access KVM", "invalid accelerator kvm", "domain type kvm", "KVM is not available"):
		return kvmHint
	case has("any firmware"):
		return "the machine starts by UEFI, whose firmware is not here; install it (Debian, Ubuntu: apt install ovmf)"
	case has("No such file or directory") && has("Cannot access storage file", "Could not open"):
		return imagepool.HintGone
	case has("Cannot access storage file", "Permission denied", "Could not open"):
		return "libvirt's QEMU cannot read the file: start the node again with hither up --libvirt private, or let its user enter the directory"
	case has("Cannot allocate memory", "cannot set up guest memory"):
		return "give the machine less memory, or stop another one"
	case errors.Is(d.cause, fusion.ErrOffline):
		return "libvirt does not answer; Hither connects again by itself, hither doctor says more"
	case errors.Is(d.cause, fusion.ErrPermission):
		return "join the group libvirt, or start the node again with: hither up --libvirt private"
	case errors.Is(d.cause, fusion.ErrBusy):
		return "try again in a moment"
	case errors.Is(d.cause, fusion.ErrNotFound):
		return "hither machine ls shows the machines there are"
	case errors.Is(d.cause, fusion.ErrInvalid):
		return "see what state it is in"
	}
	return ""
}
