//go:build cgo

package vmctl

import (
	"errors"
	"slices"
	"strings"

	"libvirt.org/go/libvirt"

	"hither/fusion"
)

// askedOff are the reasons for being off that somebody wanted, in the guest or outside.
var askedOff = []libvirt.DomainShutoffReason{libvirt.DOMAIN_SHUTOFF_SHUTDOWN, libvirt.DOMAIN_SHUTOFF_DESTROYED,
	libvirt.DOMAIN_SHUTOFF_SAVED, libvirt.DOMAIN_SHUTOFF_FROM_SNAPSHOT}

// stateOf maps virDomainState and its reason; detail is for the owner.
func stateOf(state libvirt.DomainState, reason int, saved bool) (fusion.MachineState, string) {
	switch state {
	case libvirt.DOMAIN_RUNNING, libvirt.DOMAIN_BLOCKED:
		return fusion.Running, ""
	case libvirt.DOMAIN_PAUSED:
		return pausedState(libvirt.DomainPausedReason(reason))
	case libvirt.DOMAIN_PMSUSPENDED:
		return fusion.Paused, "the guest sleeps"
	case libvirt.DOMAIN_SHUTDOWN:
		return fusion.Stopping, ""
	case libvirt.DOMAIN_CRASHED:
		return fusion.Failed, "the guest crashed"
	case libvirt.DOMAIN_SHUTOFF:
		switch {
		case saved:
			return fusion.Saved, ""
		case libvirt.DomainShutoffReason(reason) == libvirt.DOMAIN_SHUTOFF_CRASHED:
			return fusion.Failed, "QEMU ended by itself"
		}
		return fusion.Off, ""
	}
	return fusion.Failed, "libvirt does not know its state"
}

func pausedState(reason libvirt.DomainPausedReason) (fusion.MachineState, string) {
	switch reason {
	case libvirt.DOMAIN_PAUSED_MIGRATION:
		return fusion.Paused, onTheWay
	case libvirt.DOMAIN_PAUSED_STARTING_UP:
		return fusion.Starting, ""
	case libvirt.DOMAIN_PAUSED_IOERROR:
		return fusion.Paused, "a disk could not be written; make room, then resume"
	case libvirt.DOMAIN_PAUSED_CRASHED:
		return fusion.Failed, "the guest crashed"
	case libvirt.DOMAIN_PAUSED_SHUTTING_DOWN:
		return fusion.Stopping, ""
	}
	return fusion.Paused, ""
}

// translate gives libvirt's error one of fusion's causes.
func translate(err error) error {
	if err == nil {
		return nil
	}
	var e libvirt.Error
	if !errors.As(err, &e) {
		return &driverError{cause: errHypervisor, text: err.Error()}
	}
	return &driverError{cause: causeOf(e), text: strings.TrimSpace(e.Message)}
}

func isCode(err error, codes ...libvirt.ErrorNumber) bool {
	var e libvirt.Error
	return errors.As(err, &e) && slices.Contains(codes, e.Code)
}

func causeOf(e libvirt.Error) error {
	switch e.Code {
	case libvirt.ERR_NO_DOMAIN, libvirt.ERR_NO_DOMAIN_SNAPSHOT, libvirt.ERR_NO_NETWORK, libvirt.ERR_NO_STORAGE_POOL, libvirt.ERR_NO_STORAGE_VOL:
		return fusion.ErrNotFound
	case libvirt.ERR_DOM_EXIST, libvirt.ERR_NETWORK_EXIST, libvirt.ERR_STORAGE_VOL_EXIST:
		return fusion.ErrExists
	case libvirt.ERR_OPERATION_INVALID, libvirt.ERR_XML_ERROR, libvirt.ERR_XML_DETAIL,
		libvirt.ERR_XML_INVALID_SCHEMA, libvirt.ERR_INVALID_ARG:
		return fusion.ErrInvalid
	case libvirt.ERR_NO_SUPPORT, libvirt.ERR_OPERATION_UNSUPPORTED, libvirt.ERR_CONFIG_UNSUPPORTED,
		libvirt.ERR_ARGUMENT_UNSUPPORTED:
		return fusion.ErrUnsupported
	case libvirt.ERR_AUTH_FAILED, libvirt.ERR_AUTH_CANCELLED, libvirt.ERR_AUTH_UNAVAILABLE,
		libvirt.ERR_ACCESS_DENIED, libvirt.ERR_OPERATION_DENIED:
		return fusion.ErrPermission
	case libvirt.ERR_OPERATION_TIMEOUT, libvirt.ERR_SNAPSHOT_REVERT_RISKY:
		return fusion.ErrBusy
	case libvirt.ERR_NO_CONNECT, libvirt.ERR_INVALID_CONN, libvirt.ERR_RPC:
		return fusion.ErrOffline
	}
	switch {
	case strings.Contains(e.Message, "already exists with uuid"), strings.Contains(e.Message, "is already defined"):
		return fusion.ErrExists
	case strings.Contains(e.Message, "No space left"), strings.Contains(e.Message, noRoomForMemory):
		return fusion.ErrInvalid
	case strings.Contains(e.Message, "client socket is closed"), strings.Contains(e.Message, "Failed to connect socket"),
		strings.Contains(e.Message, "End of file while reading data"):
		return fusion.ErrOffline
	}
	return errHypervisor
}
