package vmctl

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// redirector joins a redirection's socket with the other host as long as the machine runs.
type redirector struct {
	cancel context.CancelFunc
	again  chan struct{} // capacity 1: try now
	done   chan struct{} // closed when it has ended
}

// After a break it is tried again after a pause that grows.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// run follows the machines until the Store closes.
func (r *redirections) run() {
	w := r.s.subscribe()
	defer r.s.unsubscribe(w)
	for {
		select {
		case <-r.s.ctx.Done():
			for _, e := range r.all(func(*redirection) bool { return true }) {
				r.stop(e)
			}
			r.work.Wait()
			return
		case <-w.wake:
			w.take()
			r.reconcile()
		case <-r.woken:
			r.reconcile()
		}
	}
}

// hold ends a redirection's keeper, and keeps others from beginning until letGo.
func (r *redirections) hold(e *redirection) {
	r.mu.Lock()
	e.held = true
	r.mu.Unlock()
	r.stop(e)
}

func (r *redirections) letGo(e *redirection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.held = false
	signal(r.woken)
}

// reconcile starts the keepers of machines that run and ends those of others. What a machine
// that is gone had is forgotten.
func (r *redirections) reconcile() {
	uri := r.s.URI()
	if uri == "" || !r.s.connected() {
		return
	}
	gone := map[string]bool{}
	for _, e := range r.all(func(e *redirection) bool { return e.URI == uri }) {
		machine, active, known := r.s.runs(e.UUID)
		switch {
		case known && active:
			r.keep(e, machine, nil)
		case known:
			r.stop(e)
		default:
			_, err := call(r.s.ctx, r.s, func(d driver) (domain, error) { return d.domain(e.UUID) }, nil)
			if errors.Is(err, fusion.ErrNotFound) {
				gone[e.UUID] = true
			}
		}
	}
	if len(gone) == 0 {
		return
	}
	if err := r.forget(func(e *redirection) bool { return e.URI == uri && gone[e.UUID] }); err != nil {
		r.s.config.Log.Warn("devices of machines that are gone stay in their file", "error", err)
	}
}

// runs says what is known of a domain.
func (s *Store) runs(uuid string) (machine string, active, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[uuid]
	if r == nil {
		return "", false, false
	}
	return r.shown, r.active && r.state != fusion.Failed, true
}

// keep starts a redirection's keeper, if it has none. With conn the device is lent and
// plugged in already.
func (r *redirections) keep(e *redirection, machine string, conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.keeper != nil || e.held && conn == nil || r.s.ctx.Err() != nil || !slices.Contains(r.entries, e) {
		closeIf(conn)
		return
	}
	ctx, cancel := context.WithCancel(r.s.ctx)
	k := &redirector{cancel: cancel, again: make(chan struct{}, 1), done: make(chan struct{})}
	e.keeper, e.why = k, nil
	r.work.Go(func() {
		defer close(k.done)
		defer cancel()
		r.keeping(ctx, e, k, machine, conn)
	})
}

func closeIf(conn net.Conn) {
	if conn != nil {
		_ = conn.Close() // nothing was said over it
	}
}

// stop ends a redirection's keeper and waits for it.
func (r *redirections) stop(e *redirection) {
	r.mu.Lock()
	k := e.keeper
	r.mu.Unlock()
	if k == nil {
		return
	}
	k.cancel()
	<-k.done
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.keeper == k {
		e.keeper, e.why = nil, nil
	}
}

// again has what is not there tried now: a host came online.
func (r *redirections) again() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		if e.keeper != nil && e.why != nil {
			signal(e.keeper.again)
		}
	}
}

// keeping joins the machine with the device, and does so again when that breaks.
func (r *redirections) keeping(ctx context.Context, e *redirection, k *redirector, machine string, conn net.Conn) {
	log := r.s.config.Log.With("machine", machine, "device", e.Device, "from", e.FromName)
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		began := time.Now()
		err := r.join(ctx, e, machine, conn)
		if ctx.Err() != nil {
			return
		}
		conn = nil
		if err == nil {
			err = &fusion.Error{Op: opLend, Path: e.Device, Cause: fusion.ErrOffline, Detail: "the connection to its computer broke", Hint: backHint}
		}
		if time.Since(began) > lastRetry {
			pause = firstRetry // it was there meanwhile
		}
		r.mu.Lock()
		fresh := e.why == nil || e.why.Error() != err.Error()
		e.why = err
		r.mu.Unlock()
		if fresh {
			log.Info("a machine has not got a device of another computer", "error", err, "hint", fusion.Hint(err))
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-k.again:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// join borrows the device, unless that was done, and carries what QEMU and the other host say
// to each other until either ends.
func (r *redirections) join(ctx context.Context, e *redirection, machine string, conn net.Conn) (err error) {
	if conn == nil {
		peer, err := r.s.lender(e.From)
		if err != nil {
			return err
		}
		if peer == nil {
			return &fusion.Error{Op: opLend, Path: e.Device, Cause: fusion.ErrInvalid, Detail: "its computer is this one", Hint: "take it away, and give it without --from"}
		}
		if conn, err = peer.Borrow(ctx, e.request(machine)); err != nil {
			return err
		}
	}
	defer func() { _ = conn.Close() }() // what ends it is known
	now, _, err := r.s.made(ctx, opLend, machine, e.UUID)
	if err != nil || now == nil {
		return err
	}
	if err := r.s.plugIn(ctx, e, now); err != nil {
		return err
	}
	socket, err := r.s.socketOf(e.UUID, e.tag())
	if err != nil {
		return err
	}
	qemu, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { closeAll(conn, qemu) })
	defer stop()
	r.mu.Lock()
	e.why = nil
	r.mu.Unlock()
	r.s.config.Log.Info("a machine has a device of another computer", "machine", machine, "device", e.Device, "from", e.FromName)
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{conn, qemu}, {qemu, conn}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // how it ends does not matter: the other host is asked again
			closeAll(conn, qemu)
		})
	}
	both.Wait()
	return nil
}

// redirdev finds a redirection in what runs.
func (s *Store) redirdev(e *redirection, now *domxml.Element) (*domxml.Element, error) {
	socket, err := s.socketOf(e.UUID, e.tag())
	if err != nil {
		return nil, err
	}
	for _, n := range now.One("devices").All("redirdev") {
		if n.One("source").Attr("path") == socket {
			return n, nil
		}
	}
	return nil, nil
}

// plugIn gives what runs its part of a redirection, if it has none.
func (s *Store) plugIn(ctx context.Context, e *redirection, now *domxml.Element) error {
	if there, err := s.redirdev(e, now); there != nil || err != nil {
		return err
	}
	socket, err := s.makeSocketDir(e) // it stays over restarts of the node: while nobody is connected the guest sees nothing
	if err != nil {
		return err
	}
	device, err := domxml.NewRedirection(socket)
	if err != nil {
		return err
	}
	return s.do(ctx, func(d driver) error { return d.attach(e.UUID, device, true) })
}

// pullOut takes it out of what runs.
func (s *Store) pullOut(ctx context.Context, e *redirection, now *domxml.Element) error {
	n, err := s.redirdev(e, now)
	if n == nil || err != nil {
		return err
	}
	return s.do(ctx, func(d driver) error { return d.detach(e.UUID, n.Source(), true) })
}

// noPort explains why libvirt has no place for a device.
func (c *changing) noPort(err error) error {
	if d := (*driverError)(nil); errors.As(err, &d) && (strings.Contains(d.text, "USB") || strings.Contains(d.text, "usb")) {
		return c.lacks("it has no free USB port: "+d.text, "take another device away, or give it a USB controller (qemu-xhci) with the tool that made it")
	}
	return err
}
