package vmctl

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"hither/fusion"
	"hither/vmctl/usbredir"
)

// fakeUSB is a computer's USB devices in memory. What is served says back what it hears.
type fakeUSB struct {
	mu       sync.Mutex // guards the fields below
	plugged  []usbredir.Device
	refuse   error
	taken    []string // by node, in order
	restored []string
}

func (f *fakeUSB) List() ([]usbredir.Device, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.plugged), nil
}

func (f *fakeUSB) Check(usbredir.Device) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refuse
}

func (f *fakeUSB) Open(d usbredir.Device) (usbredir.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return nil, f.refuse
	}
	f.taken = append(f.taken, d.Node())
	return fakeSession{}, nil
}

func (f *fakeUSB) Restore(d usbredir.Device) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restored = append(f.restored, d.Node())
	return nil
}

func (f *fakeUSB) refuses(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refuse = err
}

type fakeSession struct{}

func (fakeSession) Serve(ctx context.Context, conn io.ReadWriteCloser) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_, err := io.Copy(conn, conn)
	return errors.Join(err, conn.Close())
}

func (fakeSession) Close() {}

const (
	nasID    fusion.HostID = "nas-id"
	laptopID fusion.HostID = "laptop-id"
)

// aStick is the USB device of a fake computer.
var aStick = usbredir.Device{Bus: 1, Number: 2, Port: "1-1", Vendor: "0951", Product: "1666", Name: "Kingston DataTraveler", Drivers: []string{"usb-storage"}}

// lendingStore is a computer without libvirt that has a stick.
func lendingStore(t *testing.T, dir string, usb *fakeUSB) *Store {
	t.Helper()
	s := must(Open(t.Context(), Config{Dir: dir, URI: "off", USB: usb}))(t)
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

// storePeer is a Store as another host's USBPeer, as app makes one of a connection.
type storePeer struct {
	s   *Store
	mu  *sync.Mutex // guards cut and offline
	cut *[]net.Conn
	off *error
}

func newStorePeer(s *Store) storePeer {
	return storePeer{s: s, mu: new(sync.Mutex), cut: new([]net.Conn), off: new(error)}
}

func (p storePeer) ID() fusion.HostID { return laptopID }
func (p storePeer) Name() string      { return "laptop" }

func (p storePeer) Devices(ctx context.Context) ([]fusion.Device, error) {
	return p.s.Devices().List(ctx)
}

func (p storePeer) Borrow(ctx context.Context, r LoanRequest) (net.Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if *p.off != nil {
		return nil, *p.off
	}
	loan, err := p.s.Lend(ctx, nasID, "nas", r)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	*p.cut = append(*p.cut, near)
	p.s.running.Go(func() { _ = loan.Serve(p.s.ctx, far) }) // how it ends is logged
	return near, nil
}

// goes cuts all connections; while why is set there are no new ones.
func (p storePeer) goes(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*p.off = why
	for _, conn := range *p.cut {
		_ = conn.Close()
	}
	*p.cut = nil
}
