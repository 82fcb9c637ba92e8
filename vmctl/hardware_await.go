package vmctl

import (
	"context"
	"errors"
	"time"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// guestTime is how long a guest may take to follow: libvirt itself waits five seconds
// for a device that is taken out, then an event tells.
const guestTime = 10 * time.Second

// errHeld says that a guest has not let go of a device.
var errHeld = errors.New("the guest holds it")

const heldNote = "the guest does not let go of it; it goes when the machine stops"

// await waits for the events of the machine until what runs is so, and says whether it
// came to that within guestTime.
func (c *changing) await(ctx context.Context, so func(now *domxml.Element) bool) (bool, error) {
	heard, stop := c.listen(c.r.uuid)
	defer stop()
	limit := time.NewTimer(c.config.guestTime)
	defer limit.Stop()
	for {
		now, _, err := c.made(ctx, opChange, c.name, c.r.uuid)
		if err != nil || so(now) {
			return err == nil, err
		}
		select {
		case <-heard:
		case <-limit.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// listen gives what is signalled after each event of a domain, until stop.
func (s *Store) listen(uuid string) (heard <-chan struct{}, stop func()) {
	channel := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners[uuid] == nil {
		s.listeners[uuid] = map[chan struct{}]bool{}
	}
	s.listeners[uuid][channel] = true
	return channel, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners[uuid], channel)
		if len(s.listeners[uuid]) == 0 {
			delete(s.listeners, uuid)
		}
	}
}

// finder gives an element of a definition's devices.
type finder func(definition *domxml.Element) *domxml.Element

// takeOut detaches a device from the next start and from what runs. The device counts as
// held (errHeld) when the guest does not let go of it in time.
func (c *changing) takeOut(ctx context.Context, device finder) (fusion.Changed, error) {
	if n := device(c.next); n != nil {
		if err := c.do(ctx, func(d driver) error { return d.detach(c.r.uuid, n.Source(), false) }); err != nil {
			return fusion.Changed{}, err
		}
	}
	n := device(c.now)
	if n == nil {
		return fusion.Changed{When: fusion.Now}, nil
	}
	if err := c.do(ctx, func(d driver) error { return d.detach(c.r.uuid, n.Source(), true) }); err != nil {
		return c.settled("", err), nil
	}
	gone, err := c.await(ctx, func(now *domxml.Element) bool { return device(now) == nil })
	if err != nil {
		return fusion.Changed{}, err
	}
	if !gone {
		return c.settled("", errHeld), nil
	}
	return fusion.Changed{When: fusion.Now}, nil
}
