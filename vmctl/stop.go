package vmctl

import (
	"context"
	"errors"
	"time"

	"hither/fusion"
)

// stopGrace is how long guests may take to shut down before StopAll pulls the
// plug.
const stopGrace = 10 * time.Second

// StopAll ends machines: asks each to shut down, and after ten seconds ends what
// still runs. Of a libvirt that is not the node's own only those that Create
// made; a private one ends whole, with its daemon, and leaves no process. The
// Store is of no use afterwards but to be closed.
func (s *Store) StopAll(ctx context.Context) error {
	s.mu.Lock()
	s.ending = true
	s.mu.Unlock()
	err := s.stopMachines(ctx)
	s.forgetStarted() // who ends all wants them again with the next node
	if !s.privateUsed() {
		return fail("machine.stop", "", err)
	}
	s.mu.Lock()
	conn, calls := s.conn, s.calls
	s.conn, s.uri = nil, ""
	s.why = &fusion.Error{Op: "machines", Cause: fusion.ErrUnsupported, Detail: "machines were ended", Hint: "start the node again"}
	s.mu.Unlock()
	if conn != nil {
		s.running.Go(func() { s.release(conn, calls) })
	}
	s.config.private().End(ctx)
	return fail("machine.stop", "", errors.Join(err, ctx.Err()))
}

func (s *Store) privateUsed() bool { return s.config.URI == uriPrivate }

func (s *Store) stopMachines(ctx context.Context) error {
	if !s.connected() {
		return nil
	}
	running, err := s.mine(ctx)
	if err != nil || len(running) == 0 {
		return err
	}
	for _, uuid := range running {
		// One that is paused, or has no ACPI, ends when the grace does.
		_ = s.do(ctx, func(d driver) error { return d.act(uuid, fusion.Stop) })
	}
	if err := s.awaitOff(ctx); err != nil {
		return err
	}
	running, err = s.mine(ctx)
	for _, uuid := range running {
		e := s.do(ctx, func(d driver) error { return d.act(uuid, fusion.ForceOff) })
		if !errors.Is(e, fusion.ErrInvalid) && !errors.Is(e, fusion.ErrNotFound) { // just gone
			err = errors.Join(err, e)
		}
	}
	return err
}

// mine lists the machines that run and that StopAll may end.
func (s *Store) mine(ctx context.Context) ([]string, error) {
	all, err := call(ctx, s, func(d driver) ([]domain, error) { return d.domains() }, nil)
	var uuids []string
	for _, d := range all {
		if d.active && (d.Ours || s.privateUsed()) {
			uuids = append(uuids, d.uuid)
		}
	}
	return uuids, err
}

// awaitOff returns when none runs any more or the grace is over; events wake it.
func (s *Store) awaitOff(ctx context.Context) error {
	grace, cancel := context.WithTimeout(ctx, stopGrace)
	defer cancel()
	w := s.subscribe()
	defer s.unsubscribe(w)
	for {
		running, err := s.mine(ctx)
		if err != nil || len(running) == 0 {
			return err
		}
		select {
		case <-w.wake:
			w.take()
		case <-grace.Done():
			return ctx.Err()
		}
	}
}
