package vmctl

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"hither/fusion"
)

// consoleDriver opens serial consoles.
type consoleDriver interface {
	// console opens the first serial console of a running domain. got is called
	// with what comes, one call at a time; it must not block nor keep the bytes.
	// It is refused as busy while another program has it.
	console(uuid string, got func([]byte)) (serialPort, error)
}

// serialPort is an open serial console.
type serialPort interface {
	io.Writer
	// ended is closed when nothing comes any more.
	ended() <-chan struct{}
	// close gives it back; got is not called afterwards.
	close() error
}

const opConsole = "machine.console"

// consoles are the serial consoles that somebody looks at. The zero value is none.
type consoles struct {
	mu   sync.Mutex // guards the field below
	open map[string]*console
}

// console is the serial console of one machine, shared by its viewers, for
// libvirt gives it to one program only. Its goroutine (run) opens it for the
// first viewer, opens it again when libvirt was away, and closes it after the last.
//
// What comes goes into a backlog of backlogBytes, from which each viewer reads at
// its own pace. Nothing waits for a viewer: one that falls behind by more than
// the backlog loses the oldest bytes, and is told how many.
type console struct {
	s          *Store
	uuid, name string
	cancel     context.CancelFunc
	ready      chan struct{} // closed when it is open, or cannot be
	done       chan struct{} // closed when it is closed
	once       sync.Once     // closes ready
	moved      chan struct{} // closed when the machine is another host's
	goes       sync.Once     // closes moved

	mu      sync.Mutex // guards the fields below
	backlog backlog
	viewers map[*consoleViewer]bool
	port    serialPort // nil while there is none
	why     error      // why it has ended
}

// join adds a viewer to a machine's console. wait, when not nil, is closed once
// the console of before is closed; then the caller joins anew.
func (s *Store) join(uuid, name string, viewOnly bool) (v *consoleViewer, wait <-chan struct{}) {
	all := &s.consoles
	all.mu.Lock()
	defer all.mu.Unlock()
	c, there := all.open[uuid]
	if !there {
		if c = s.startConsole(uuid, name); c == nil {
			return nil, nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if there && (c.viewers == nil || c.why != nil) {
		return nil, c.done
	}
	v = &consoleViewer{c: c, viewOnly: viewOnly, at: c.backlog.firstLine(), buf: make([]byte, fusion.MaxTerminalChunk),
		wake: make(chan struct{}, 1), closed: make(chan struct{})}
	c.viewers[v] = true
	return v, nil
}

// startConsole begins a console without viewers yet; nil when the Store closes.
// consoles.mu is held.
func (s *Store) startConsole(uuid, name string) *console {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil
	}
	c := &console{s: s, uuid: uuid, name: name, ready: make(chan struct{}), done: make(chan struct{}), moved: make(chan struct{}),
		viewers: map[*consoleViewer]bool{}}
	ctx, cancel := context.WithCancel(s.ctx)
	c.cancel = cancel
	if s.consoles.open == nil {
		s.consoles.open = map[string]*console{}
	}
	s.consoles.open[uuid] = c
	s.running.Go(func() { c.run(ctx) })
	return c
}

// leave takes a viewer away, and with the last one the console.
func (c *console) leave(v *consoleViewer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.viewers, v)
	if len(c.viewers) == 0 {
		c.viewers = nil // nobody joins any more
		c.cancel()
	}
}

// run has the console open until it ends or nobody looks any more.
func (c *console) run(ctx context.Context) {
	defer close(c.done)
	defer func() {
		c.s.consoles.mu.Lock()
		delete(c.s.consoles.open, c.uuid)
		c.s.consoles.mu.Unlock()
	}()
	defer c.cancel()
	for again := false; ; again = true {
		port, err := c.reach(ctx, again)
		if err != nil {
			c.end(err)
			return
		}
		c.attach(port.serialPort)
		select {
		case <-port.ended():
		case <-port.lost:
		case <-ctx.Done():
		}
		c.attach(nil)
		port.release()
	}
}

// attach sets the open port; nil takes it away.
func (c *console) attach(port serialPort) {
	c.mu.Lock()
	c.port = port
	c.mu.Unlock()
	if port != nil {
		c.once.Do(func() { close(c.ready) })
	}
}

// end tells the viewers why there is nothing more.
func (c *console) end(why error) {
	c.mu.Lock()
	c.why = why
	c.wakeLocked()
	c.mu.Unlock()
	c.once.Do(func() { close(c.ready) })
}

// got takes what the machine wrote. It never blocks.
func (c *console) got(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.backlog.write(p)
	c.wakeLocked()
}

func (c *console) wakeLocked() {
	for v := range c.viewers {
		signal(v.wake)
	}
}

const (
	// reopenPause is between two tries to open a console again.
	reopenPause = 250 * time.Millisecond
	// reopenTries is how often a console of a machine that runs is tried again: a
	// machine that stops shows as running for a moment after its console is gone.
	reopenTries = 20
)

// reach opens the console as soon as libvirt is there. again says that it was
// open before.
func (c *console) reach(ctx context.Context, again bool) (heldPort, error) {
	w := c.s.subscribe()
	defer c.s.unsubscribe(w)
	for try := 1; ; try++ {
		port, err := c.tryOpen(ctx)
		away := errors.Is(err, fusion.ErrOffline)
		switch {
		case err == nil, ctx.Err() != nil, !again, err == errMoved:
			return port, err
		case err == errOnItsWay:
			try = 0 // however long that takes
		case errors.Is(err, io.EOF), errors.Is(err, fusion.ErrUnsupported), !away && try >= reopenTries:
			return port, err
		}
		pause := time.NewTimer(reopenPause)
		var tick <-chan time.Time
		if !away {
			tick = pause.C
		}
		select {
		case <-w.wake: // what is known of some machine changed
			w.take()
		case <-tick:
		case <-c.moved:
		case <-ctx.Done():
		}
		pause.Stop()
	}
}

var errAwayNow = &fusion.Error{Op: opConsole, Cause: fusion.ErrOffline, Detail: "the connection to libvirt broke",
	Hint: "Hither connects again by itself; hither doctor says more"}

// tryOpen looks whether the machine runs, and opens its console.
func (c *console) tryOpen(ctx context.Context) (heldPort, error) {
	if c.hasMoved() {
		return heldPort{}, errMoved
	}
	if why := c.s.whyAway(); why != nil {
		return heldPort{}, away(opConsole, c.name, why)
	}
	r, err := c.s.refresh(ctx, c.uuid)
	switch {
	case (errors.Is(err, fusion.ErrNotFound) || err == nil && !r.active) && c.s.Leaving(c.name):
		return heldPort{}, errOnItsWay
	case errors.Is(err, fusion.ErrNotFound):
		return heldPort{}, &fusion.Error{Op: opConsole, Path: c.name, Cause: io.EOF, Detail: "the machine is not on this computer any more",
			Hint: "hither machine ls shows where it is"}
	case err != nil:
		return heldPort{}, fail(opConsole, c.name, err)
	case c.s.whyAway() != nil: // the record is an old one
		return heldPort{}, errAwayNow
	case !r.active:
		return heldPort{}, &fusion.Error{Op: opConsole, Path: c.name, Cause: io.EOF, Detail: "the machine is off",
			Hint: "start it to see its console again"}
	}
	port, err := c.s.openPort(ctx, c.uuid, c.got)
	return port, fail(opConsole, c.name, err)
}

// heldPort is an open port that keeps its connection from being closed.
type heldPort struct {
	serialPort
	lost    <-chan struct{} // of its connection
	release func()
}

// openPort opens a port on the present connection.
func (s *Store) openPort(ctx context.Context, uuid string, got func([]byte)) (heldPort, error) {
	drop := func(p heldPort) { p.release() }
	return call(ctx, s, func(d driver) (heldPort, error) {
		port, err := d.console(uuid, got)
		if err != nil {
			return heldPort{}, err
		}
		s.mu.Lock()
		calls, present := s.calls, s.conn == d
		if present {
			calls.Add(1) // this call is one of them still
		}
		s.mu.Unlock()
		held := heldPort{serialPort: port, lost: d.lost(), release: func() {
			if err := port.close(); err != nil {
				s.config.Log.Debug("closing a console", "uuid", uuid, "error", err)
			}
			if present {
				calls.Done()
			}
		}}
		if !present {
			held.release()
			return heldPort{}, errAwayNow
		}
		return held, nil
	}, drop)
}
