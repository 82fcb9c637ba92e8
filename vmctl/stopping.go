package vmctl

import (
	"context"
	"time"

	"hither/fusion"
)

// stopShown is how long a guest that was asked to shut down is shown as
// stopping: libvirt says nothing of it until the guest ends. One that still runs
// after that did not listen, and can be asked again.
const stopShown = 60 * time.Second

// asked notes that a guest was asked to shut down. The Store's own question
// after it forgets that again when the guest is off already.
func (s *Store) asked(ctx context.Context, uuid string) {
	s.mu.Lock()
	s.stopping[uuid] = time.Now().Add(stopShown)
	s.mu.Unlock()
	time.AfterFunc(stopShown+time.Second, func() { s.touch(uuid) })
	if _, err := s.refresh(ctx, uuid); err != nil {
		s.touch(uuid) // run asks again
	}
}

// stateLocked is the state to show for a domain. mu is held.
func (s *Store) stateLocked(d domain) fusion.MachineState {
	until, asked := s.stopping[d.uuid]
	if asked && d.state == fusion.Running && time.Now().Before(until) {
		return fusion.Stopping
	}
	delete(s.stopping, d.uuid)
	return d.state
}
