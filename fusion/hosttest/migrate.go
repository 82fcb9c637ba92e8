package hosttest

import (
	"context"
	"errors"
	"testing"

	"hither/fusion"
)

// testMigrate checks what is refused; moving needs two hosts.
func (s *suite) testMigrate(t *testing.T) {
	m := s.host.Machines()
	refused(t, "migrate self", m.Migrate(s.ctx(t), fusion.Self, "nobody", fusion.MigrateOptions{}), fusion.ErrUnsupported)
	refused(t, "migrate nothing", m.Migrate(s.ctx(t), fresh("none"), "nobody", fusion.MigrateOptions{}), fusion.ErrNotFound)
	_, err := m.CheckMigrate(s.ctx(t), fusion.Self, "nobody")
	refused(t, "check self", err, fusion.ErrUnsupported)
	_, err = m.CheckMigrate(s.ctx(t), fresh("none"), "nobody")
	refused(t, "check nothing", err, fusion.ErrNotFound)
}

// Migrate refuses: there is no other host.
func (m memoryMachines) Migrate(ctx context.Context, name string, to fusion.HostID, _ fusion.MigrateOptions) error {
	machine, err := m.Get(ctx, name)
	if err != nil {
		return err
	}
	if machine.Kind == fusion.KindSelf {
		return &fusion.Error{Op: "machine.migrate", Path: name, Cause: fusion.ErrUnsupported, Hint: "virtual machines can move"}
	}
	return &fusion.Error{Op: "machine.migrate", Path: string(to), Cause: fusion.ErrNotFound, Hint: "pair the two hosts"}
}

// CheckMigrate finds one obstacle.
func (m memoryMachines) CheckMigrate(ctx context.Context, name string, to fusion.HostID) (fusion.MigrateCheck, error) {
	err := m.Migrate(ctx, name, to, fusion.MigrateOptions{})
	var why *fusion.Error
	if errors.As(err, &why) && why.Path == string(to) {
		return fusion.MigrateCheck{Obstacles: []fusion.Obstacle{{Detail: "there is no such host", Hint: why.Hint}}}, nil
	}
	return fusion.MigrateCheck{}, err
}
