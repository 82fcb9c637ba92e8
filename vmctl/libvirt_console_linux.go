//go:build cgo

package vmctl

import (
	"errors"
	"io"
	"strings"
	"sync"

	"libvirt.org/go/libvirt"

	"hither/fusion"
)

// serial is a console over a stream of libvirt's that does not block
// (virDomainOpenConsole, https://libvirt.org/html/libvirt-libvirt-stream.html).
// The event loop reads it, so that it needs no goroutine.
type serial struct {
	gone chan struct{}
	once sync.Once // closes gone

	writing sync.Mutex // held while the stream is written to, and while it is freed
	closed  bool       // guarded by writing

	mu     sync.Mutex // held while the stream is read; guards the fields below
	stream *libvirt.Stream
	got    func([]byte) // nil once it is closed
}

func (c *connection) console(uuid string, got func([]byte)) (serialPort, error) {
	d, err := c.lookup(uuid)
	if err != nil {
		return nil, err
	}
	defer free(d)
	stream, err := c.conn.NewStream(libvirt.STREAM_NONBLOCK)
	if err != nil {
		return nil, translate(err)
	}
	p := &serial{gone: make(chan struct{}), stream: stream, got: got}
	if err := d.OpenConsole("", stream, libvirt.DOMAIN_CONSOLE_SAFE); err != nil {
		return nil, errors.Join(consoleError(err), translate(stream.Free()))
	}
	const events = libvirt.STREAM_EVENT_READABLE | libvirt.STREAM_EVENT_ERROR | libvirt.STREAM_EVENT_HANGUP
	if err := stream.EventAddCallback(events, p.event); err != nil {
		return nil, errors.Join(translate(err), translate(stream.Abort()), translate(stream.Free()))
	}
	return p, nil
}

// consoleError tells by libvirt's words (qemu_driver.c) what has no code.
func consoleError(err error) error {
	switch text := err.Error(); {
	case strings.Contains(text, "Active console session exists"):
		return &driverError{fusion.ErrBusy, "another program has its console open"}
	case strings.Contains(text, "cannot find"), strings.Contains(text, "is not using a PTY"), strings.Contains(text, "Operation not supported"):
		return &driverError{fusion.ErrUnsupported, "it has no serial console"}
	}
	return translate(err)
}

// readsAtOnce bounds how long the event loop is kept from others' events.
const readsAtOnce = 32

// event runs in the event loop: it takes what is there and returns.
func (p *serial) event(_ *libvirt.Stream, events libvirt.StreamEventType) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.got == nil {
		return
	}
	var buf [fusion.MaxTerminalChunk]byte
	for range readsAtOnce {
		n, err := p.stream.Recv(buf[:])
		switch {
		case err == nil:
			p.got(buf[:n])
			continue
		case !wouldBlock(err), events&(libvirt.STREAM_EVENT_ERROR|libvirt.STREAM_EVENT_HANGUP) != 0:
			p.endLocked()
		}
		return
	}
}

// wouldBlock says whether nothing is there now: the binding makes of libvirt's -2
// an error without a code.
func wouldBlock(err error) bool {
	var e libvirt.Error
	return errors.As(err, &e) && e.Code == libvirt.ERR_OK
}

// endLocked says that nothing comes any more, and asks for no more events: they
// would come for ever.
func (p *serial) endLocked() {
	_ = p.stream.EventUpdateCallback(0) // it fails only when there is no callback
	p.once.Do(func() { close(p.gone) })
}

func (p *serial) ended() <-chan struct{} { return p.gone }

// Write waits until libvirt has taken p.
func (p *serial) Write(b []byte) (int, error) {
	p.writing.Lock()
	defer p.writing.Unlock()
	for sent := 0; sent < len(b); {
		if p.closed {
			return sent, io.ErrClosedPipe
		}
		n, err := p.stream.Send(b[sent:])
		switch {
		case wouldBlock(err):
			return sent, &driverError{fusion.ErrBusy, "the machine does not read its console"}
		case err != nil:
			return sent, io.ErrClosedPipe // ended says so too
		}
		sent += n
	}
	return len(b), nil
}

func (p *serial) close() error {
	p.mu.Lock()
	p.got = nil
	p.mu.Unlock()
	p.writing.Lock()
	defer p.writing.Unlock()
	if p.closed {
		return nil
	}
	p.closed = true
	// The first two fail when the other end went first; then there is nothing to end.
	_ = p.stream.EventRemoveCallback()
	_ = p.stream.Abort()
	return translate(p.stream.Free())
}
