//go:build amd64 || arm64

package usbredir

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"hither/fusion"
)

// session is a device with its libusbredirhost. One goroutine at a time calls C for it:
// who opened it, then Serve. The library calls back within those calls only, so what it
// reads and writes needs no lock. Serve starts two goroutines more, which only copy between
// the connection and it.
type session struct {
	opened
	device Device
	host   unsafe.Pointer
	id     uintptr // by which callbacks find it
	log    *slog.Logger

	in   []byte // of the machine's side, let through and not yet taken by the library
	out  []byte // of the library, not yet given to the writer
	said string // the last error that the library told of
}

const (
	chunk = 64 << 10
	// maxOut is how much of what the library says is taken from it before the connection
	// has taken it; the rest stays in the library, which then hears no more requests.
	maxOut = 1 << 20
	// maxSays is how many packets the library may have to say when it is given requests.
	maxSays = 64
)

// sessions are those that C knows by a number: it must not keep Go's pointers.
var (
	sessions    sync.Map // uintptr to *session
	lastSession atomic.Uintptr
)

// Open takes a device from the kernel's drivers.
func (h Host) Open(d Device) (Session, error) {
	o, err := h.open(d)
	if err != nil {
		return nil, err
	}
	s := &session{opened: o, device: d, id: lastSession.Add(1), log: h.log().With("device", d.Vendor+":"+d.Product)}
	sessions.Store(s.id, s)
	// It closes the handle, also when it fails.
	if s.host = s.hostOpen(s.ctx, s.handle, s.libraries.log, s.read, s.write, s.id, "hither", warnings, 0); s.host == nil {
		sessions.Delete(s.id)
		s.exit(s.ctx)
		return nil, s.refused()
	}
	return s, nil
}

// refused says why the library did not take the device.
func (s *session) refused() error {
	if _, err := os.Stat(s.device.Node()); err != nil {
		return gone(s.device)
	}
	if s.said == "" {
		s.said = "the device was not taken"
	}
	return &fusion.Error{Op: op, Path: s.device.Node(), Cause: fusion.ErrBusy, Detail: s.said, Hint: "end what uses it there, or pull it out and plug it in again"}
}

// Close gives the device back: the library cancels what is under way, resets the device and
// attaches the kernel's drivers.
func (s *session) Close() {
	s.hostClose(s.host)
	sessions.Delete(s.id)
	s.exit(s.ctx)
}

func (s *session) Serve(ctx context.Context, conn io.ReadWriteCloser) error {
	defer s.Close()
	l := &loop{session: s, gate: newGate(), conn: conn, heard: make(chan []byte, 1), say: make(chan []byte, 1),
		over: make(chan error, 3), ended: make(chan struct{})}
	l.idle.Store(true)
	var all sync.WaitGroup
	all.Go(l.reader)
	all.Go(l.writer)
	all.Go(func() {
		select {
		case <-ctx.Done():
			l.over <- ctx.Err()
			l.interrupt(l.ctx)
		case <-l.ended:
		}
	})
	err := l.run()
	close(l.ended)
	_ = conn.Close() // what was to be sent was sent, or that it cannot be is why this ends
	all.Wait()
	return err
}
