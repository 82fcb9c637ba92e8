// Package usbredir gives a USB device of this computer to a machine of another one, by the
// usbredir protocol: it is the protocol's usb-host, QEMU on the other computer its usb-guest.
//
// Host is the one way in. Open takes a device from the kernel's drivers and Session.Serve
// speaks for it over any connection; when that ends, for whatever reason, the drivers get
// the device back. A process that is killed cannot do so: Restore does it later.
//
// The work is done by the computer's own libusb-1.0 and libusbredirhost, which are loaded
// when they are first needed: nothing is needed to build, and a computer without them gets
// ErrUnsupported. Devices are listed from sysfs, without them.
//
// Whoever is at the other end of the connection is not trusted. All that it says goes through
// a gate first, which knows the protocol's packets and bounds how much it can have this
// computer hold or transfer at a time; beyond that libusbredirhost's parser is trusted, see
// docs/threats.md. What it then does with the device is what the device can do.
//
// Sources: usb-redirection-protocol.md and usbredirhost.h of
// https://gitlab.freedesktop.org/spice/usbredir, https://libusb.sourceforge.io/api-1.0,
// Documentation/ABI/stable/sysfs-bus-usb of Linux.
package usbredir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"hither/fusion"
)

// Device is a USB device that is plugged into this computer. Hubs are none.
type Device struct {
	Bus, Number     int    // where it is now; another number after it was pulled out
	Port            string // its name in sysfs, "1-2.3"
	Vendor, Product string // four hexadecimal digits each
	Name            string // in words where the device has some
	Drivers         []string
}

// Node is the file by which it is used.
func (d Device) Node() string { return fmt.Sprintf("/dev/bus/usb/%03d/%03d", d.Bus, d.Number) }

// Session is a device that was taken from this computer's drivers.
type Session interface {
	// Serve speaks for the device over conn until ctx or the connection ends, the device is
	// gone, or the other side breaks the protocol; then it closes conn and gives the device
	// back. An end that the other side brought about is no error. It is called once.
	Serve(ctx context.Context, conn io.ReadWriteCloser) error
	// Close gives a device back that was not served.
	Close()
}

// Host is this computer. Its methods promise *fusion.Error: ErrUnsupported where a library
// is missing, ErrPermission for a device that this process may not use, ErrNotFound for one
// that is gone, and ErrBusy for one that another program uses.
type Host struct {
	// Log hears what the libraries say; nil is silent.
	Log *slog.Logger
}

// ErrGone says that the device was pulled out while it was served.
var ErrGone = errors.New("the device was pulled out")

const op = "device.lend"

// The hints of devices that cannot be given away.
const (
	libraryHint = "install libusbredirhost1 (Debian, Ubuntu) or usbredir (Fedora, Arch) there"
	rightHint   = "give the node's user the device by a udev rule there (MODE=\"0660\" with its group, or TAG+=\"uaccess\"), or run the node as root"
)

func (h Host) log() *slog.Logger {
	if h.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Log
}

func denied(d Device) error {
	return &fusion.Error{Op: op, Path: d.Node(), Cause: fusion.ErrPermission,
		Detail: "its computer's node may not open this device", Hint: rightHint}
}

func gone(d Device) error {
	return &fusion.Error{Op: op, Path: d.Node(), Cause: fusion.ErrNotFound, Detail: "it is not plugged in", Hint: "plug it in again"}
}
