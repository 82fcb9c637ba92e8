//go:build amd64 || arm64

package usbredir

import (
	"errors"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"

	"hither/fusion"
)

// Codes of libusb.h and usbredirhost.h.
const (
	usbDenied      = -3
	usbNoDevice    = -4
	usbNotFound    = -5
	usbBusy        = -6
	usbUnsupported = -12

	readParse    = -2
	readRejected = -3
	readLost     = -4

	warnings = 2 // usbredirparser_warning
)

// libraries are the functions of libusb-1.0.so.0 (1.0.21 or later) and
// libusbredirhost.so.1. All but interrupt are called by one goroutine at a time for each
// context.
type libraries struct {
	init      func(ctx *unsafe.Pointer) int32
	exit      func(ctx unsafe.Pointer)
	list      func(ctx unsafe.Pointer, list **unsafe.Pointer) int
	freeList  func(list *unsafe.Pointer, unref int32)
	bus       func(dev unsafe.Pointer) uint8
	address   func(dev unsafe.Pointer) uint8
	open      func(dev unsafe.Pointer, handle *unsafe.Pointer) int32
	close     func(handle unsafe.Pointer)
	attach    func(handle unsafe.Pointer, number int32) int32
	reset     func(handle unsafe.Pointer) int32
	events    func(ctx unsafe.Pointer, limit *timeval, completed *int32) int32
	interrupt func(ctx unsafe.Pointer)
	errorName func(code int32) string
	hostOpen  func(ctx, handle unsafe.Pointer, log, read, write, private uintptr, version string, verbose, flags int32) unsafe.Pointer
	hostClose func(host unsafe.Pointer)
	hostRead  func(host unsafe.Pointer) int32
	hostSays  func(host unsafe.Pointer) int32
	hostWrite func(host unsafe.Pointer) int32
	log       uintptr // the callbacks
	read      uintptr
	write     uintptr
}

// timeval is struct timeval of a 64-bit Linux.
type timeval struct {
	seconds int64
	_       int64 // microseconds
}

var usbNames = func(l *libraries) map[string]any {
	return map[string]any{
		"libusb_init": &l.init, "libusb_exit": &l.exit, "libusb_get_device_list": &l.list, "libusb_free_device_list": &l.freeList,
		"libusb_get_bus_number": &l.bus, "libusb_get_device_address": &l.address, "libusb_open": &l.open, "libusb_close": &l.close,
		"libusb_attach_kernel_driver": &l.attach, "libusb_reset_device": &l.reset,
		"libusb_handle_events_timeout_completed": &l.events, "libusb_interrupt_event_handler": &l.interrupt, "libusb_error_name": &l.errorName,
	}
}

var hostNames = func(l *libraries) map[string]any {
	return map[string]any{
		"usbredirhost_open": &l.hostOpen, "usbredirhost_close": &l.hostClose, "usbredirhost_read_guest_data": &l.hostRead,
		"usbredirhost_has_data_to_write": &l.hostSays, "usbredirhost_write_guest_data": &l.hostWrite,
	}
}

// load loads the two when they are first needed.
var load = sync.OnceValues(func() (*libraries, error) {
	l := new(libraries)
	// usbredirhost finds the libusb that is there already.
	err := errors.Join(bind("libusb-1.0.so.0", usbNames(l)), bind("libusbredirhost.so.1", hostNames(l)))
	if err != nil {
		return nil, &fusion.Error{Op: op, Cause: fusion.ErrUnsupported, Detail: "its computer has no libusbredirhost", Hint: libraryHint}
	}
	l.log, l.read, l.write = purego.NewCallback(onLog), purego.NewCallback(onRead), purego.NewCallback(onWrite)
	return l, nil
})

func bind(library string, functions map[string]any) error {
	handle, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return err
	}
	for name, function := range functions {
		symbol, err := purego.Dlsym(handle, name)
		if err != nil {
			return err
		}
		purego.RegisterFunc(function, symbol)
	}
	return nil
}
