//go:build amd64 || arm64

package usbredir

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"hither/fusion"
)

// Check says why a device cannot be given away, nil when it can.
func (Host) Check(d Device) error {
	if _, err := load(); err != nil {
		return err
	}
	f, err := os.OpenFile(d.Node(), os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return gone(d)
	case err != nil:
		return denied(d)
	}
	return f.Close()
}

// opened is a device of a libusb context of its own.
type opened struct {
	*libraries
	ctx, handle unsafe.Pointer
}

// open finds the device by its place.
func (h Host) open(d Device) (opened, error) {
	l, err := load()
	if err != nil {
		return opened{}, err
	}
	o := opened{libraries: l}
	if code := l.init(&o.ctx); code != 0 {
		return opened{}, o.failure(d, code)
	}
	if code := o.find(d); code != 0 {
		l.exit(o.ctx)
		return opened{}, o.failure(d, code)
	}
	return o, nil
}

// find opens the device, or gives libusb's code.
func (o *opened) find(d Device) int32 {
	var list *unsafe.Pointer
	n := o.list(o.ctx, &list)
	if n < 0 {
		return int32(n)
	}
	defer o.freeList(list, 1)
	for _, dev := range unsafe.Slice(list, n) {
		if int(o.bus(dev)) == d.Bus && int(o.address(dev)) == d.Number {
			return o.libraries.open(dev, &o.handle)
		}
	}
	return usbNotFound
}

// failure says what a code of libusb means for a device.
func (o *opened) failure(d Device, code int32) error {
	switch code {
	case usbDenied:
		return denied(d)
	case usbNoDevice, usbNotFound:
		return gone(d)
	case usbBusy:
		return busy(d)
	}
	return &fusion.Error{Op: op, Path: d.Node(), Cause: errors.New("libusb: " + o.errorName(code)), Hint: "pull it out and plug it in again"}
}

func busy(d Device) error {
	return &fusion.Error{Op: op, Path: d.Node(), Cause: fusion.ErrBusy, Detail: "another program of its computer uses it", Hint: "end that program there"}
}

// Restore gives a device back to the kernel's drivers, which a process that was killed had
// taken from them. One that has its drivers keeps them.
func (h Host) Restore(d Device) error {
	o, err := h.open(d)
	if err != nil {
		return err
	}
	defer o.exit(o.ctx)
	defer o.libraries.close(o.handle)
	for _, name := range interfaces(d.Port) {
		number, err := strconv.Atoi(name[strings.LastIndexByte(name, '.')+1:])
		if err != nil {
			continue
		}
		switch code := o.attach(o.handle, int32(number)); code {
		case 0, usbNotFound, usbBusy, usbUnsupported: // no driver wants it, or one has it
		default:
			return o.failure(d, code)
		}
	}
	return nil
}
