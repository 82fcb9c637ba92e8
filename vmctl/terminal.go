package vmctl

import (
	"context"
	"errors"
	"io"
	"sync"

	"hither/fusion"
)

// Terminals gives the serial consoles of the machines, and shells of "self".
func (s *Store) Terminals() fusion.Terminals { return terminals{s} }

type terminals struct{ s *Store }

var _ fusion.Terminals = terminals{}

func (t terminals) Open(ctx context.Context, machine string, options fusion.TerminalOptions) (fusion.Terminal, error) {
	if err := options.Check(); err != nil {
		return nil, err
	}
	if machine != fusion.Self {
		return t.s.openSerial(ctx, machine, options.ViewOnly)
	}
	if options.ViewOnly {
		return nil, &fusion.Error{Op: opConsole, Path: machine, Cause: fusion.ErrPermission, Detail: "a shell is not for looking only",
			Hint: "open it with the permission to control"}
	}
	shell, err := t.s.openShell(options)
	if err != nil {
		return nil, err
	}
	t.s.config.Log.Info("shell opened", "trace", fusion.Trace(ctx))
	return shell, nil
}

// openSerial begins a view of a machine's serial console.
func (s *Store) openSerial(ctx context.Context, name string, viewOnly bool) (fusion.Terminal, error) {
	r, err := s.shown(ctx, opConsole, name)
	if err != nil {
		return nil, err
	}
	if !r.Serial {
		return nil, &fusion.Error{Op: opConsole, Path: name, Cause: fusion.ErrUnsupported, Detail: "it has no serial console",
			Hint: "give it one, as in virt-manager: Add Hardware, Serial, then stop and start it"}
	}
	return s.joinConsole(ctx, r.uuid, name, viewOnly)
}

// joinConsole is openSerial of a machine that is known to have a console.
func (s *Store) joinConsole(ctx context.Context, uuid, name string, viewOnly bool) (fusion.Terminal, error) {
	for {
		v, before := s.join(uuid, name, viewOnly)
		switch {
		case v != nil:
			return v.begin(ctx)
		case before == nil:
			return nil, errClosed
		}
		select {
		case <-before:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// consoleViewer is one view of a console.
type consoleViewer struct {
	c        *console
	viewOnly bool
	at       int64  // what it read of the console so far; Next's own
	buf      []byte // Next's own
	wake     chan struct{}
	closed   chan struct{}
	once     sync.Once
}

// begin waits until the console is open.
func (v *consoleViewer) begin(ctx context.Context) (fusion.Terminal, error) {
	var err error
	select {
	case <-v.c.ready:
		v.c.mu.Lock()
		err = v.c.why
		v.c.mu.Unlock()
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		_ = v.Close() // never fails
		if errors.Is(err, io.EOF) {
			err = invalid(opConsole, v.c.name, "it is off", "start it first")
		}
		return nil, err
	}
	v.c.s.config.Log.Info("console opened", "machine", v.c.name, "trace", fusion.Trace(ctx))
	return v, nil
}

func (v *consoleViewer) Next() (fusion.TerminalChunk, error) {
	for {
		chunk, why := v.take()
		if len(chunk.Data) > 0 || why != nil {
			return chunk, why
		}
		select {
		case <-v.wake:
		case <-v.closed:
			return fusion.TerminalChunk{}, io.ErrClosedPipe
		}
	}
}

// take gives what there is; why the console ended comes after all of it.
func (v *consoleViewer) take() (fusion.TerminalChunk, error) {
	v.c.mu.Lock()
	defer v.c.mu.Unlock()
	n, lost := v.c.backlog.read(v.at, v.buf)
	v.at += lost + int64(n)
	if n > 0 {
		return fusion.TerminalChunk{Skipped: lost, Data: v.buf[:n]}, nil
	}
	return fusion.TerminalChunk{}, v.c.why
}

// Write types. While libvirt is away it is lost, as on a cable that is pulled.
func (v *consoleViewer) Write(p []byte) (int, error) {
	if v.viewOnly {
		return 0, looksOnly(v.c.name)
	}
	v.c.mu.Lock()
	port, why := v.c.port, v.c.why
	v.c.mu.Unlock()
	switch {
	case why != nil:
		return 0, why
	case port == nil:
		return len(p), nil
	}
	n, err := port.Write(p)
	if errors.Is(err, io.ErrClosedPipe) {
		return len(p), nil // it went just now; Next says why
	}
	return n, fail(opConsole, v.c.name, err)
}

func looksOnly(name string) error {
	return &fusion.Error{Op: opConsole, Path: name, Cause: fusion.ErrPermission, Detail: "this view is for looking only",
		Hint: "open it with the permission to control"}
}

func (v *consoleViewer) Resize(columns, rows int) error {
	return fusion.CheckTerminalSize(columns, rows)
}

func (v *consoleViewer) ViewOnly() bool { return v.viewOnly }

func (v *consoleViewer) Close() error {
	v.once.Do(func() {
		close(v.closed)
		v.c.leave(v)
	})
	return nil
}
