package hosttest

import (
	"context"
	"testing"

	"hither/fusion"
)

// testMigrate checks what is refused; moving needs two hosts.
func (s *suite) testMigrate(t *testing.T) {
	m := s.host.Machines()
	refused(t, "migrate self", m.Migrate(s.ctx(t), fusion.Self, "nobody"), fusion.ErrUnsupported)
	refused(t, "migrate nothing", m.Migrate(s.ctx(t), fresh("none"), "nobody"), fusion.ErrNotFound)
}

// Migrate refuses: there is no other host.
func (m memoryMachines) Migrate(ctx context.Context, name string, to fusion.HostID) error {
	machine, err := m.Get(ctx, name)
	if err != nil {
		return err
	}
	if machine.Kind == fusion.KindSelf {
		return &fusion.Error{Op: "machine.migrate", Path: name, Cause: fusion.ErrUnsupported, Hint: "virtual machines can move"}
	}
	return &fusion.Error{Op: "machine.migrate", Path: string(to), Cause: fusion.ErrNotFound, Hint: "pair the two hosts"}
}
