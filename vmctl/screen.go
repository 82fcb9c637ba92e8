package vmctl

import (
	"bytes"
	"context"
	"net"
	"os"

	"hither/fusion"
)

// Console is a connection to a machine's VNC display.
type Console struct {
	net.Conn
	// Mouse says that the machine has no tablet: its pointer can only be moved.
	Mouse bool
}

// OpenConsole gives a connection to the machine's VNC display (RFB, RFC 6143,
// without authentication): a socket pair that libvirt handed over, never TCP.
// QEMU allows several at a time. It promises ErrNotFound, ErrInvalid when the
// machine is off, and ErrUnsupported when it has no VNC display.
func (s *Store) OpenConsole(ctx context.Context, name string) (*Console, error) {
	const op = "screen.open"
	r, err := s.shown(ctx, op, name)
	if err != nil {
		return nil, err
	}
	if r.VNC < 0 {
		return nil, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported, Detail: "it has no VNC display",
			Hint: "give it one: hither machine display add, then start it anew"}
	}
	f, err := call(ctx, s, func(d driver) (*os.File, error) { return d.graphics(r.uuid, r.VNC) },
		func(f *os.File) { _ = f.Close() }) // nobody took it
	if err != nil {
		return nil, fail(op, name, err)
	}
	defer f.Close() // FileConn made a copy
	s.config.Log.Debug("console opened", "machine", name, "trace", fusion.Trace(ctx))
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, fail(op, name, err)
	}
	return &Console{conn, !r.Tablet}, nil
}

// Screenshot asks libvirt for the present screen and gives it as PNG.
func (s *Store) Screenshot(ctx context.Context, name string) ([]byte, error) {
	const op = "screen.shot"
	r, err := s.shown(ctx, op, name)
	if err != nil {
		return nil, err
	}
	s.config.Log.Debug("screenshot", "machine", name, "trace", fusion.Trace(ctx))
	data, err := call(ctx, s, func(d driver) ([]byte, error) {
		s.screenshots.Add(1)
		var b bytes.Buffer
		err := d.screenshot(r.uuid, &b)
		return b.Bytes(), err
	}, nil)
	if err != nil {
		return nil, fail(op, name, err)
	}
	picture, err := toPNG(data)
	return picture, fail(op, name, err)
}

// shown gives the record of a virtual machine that runs.
func (s *Store) shown(ctx context.Context, op, name string) (record, error) {
	if name == fusion.Self {
		return record{}, &fusion.Error{Op: op, Path: name, Cause: fusion.ErrUnsupported,
			Detail: "the desktop of this computer is no console of libvirt", Hint: "open its desktop"}
	}
	uuid, err := s.find(ctx, op, name)
	if err != nil {
		return record{}, err
	}
	r, err := s.fresh(ctx, op, name, uuid)
	if err != nil {
		return record{}, err
	}
	if !r.active {
		return record{}, invalid(op, name, "it is "+string(r.state), "start it first")
	}
	return r, nil
}
