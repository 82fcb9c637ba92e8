package vmctl

import (
	"context"
	"slices"
	"time"

	"hither/fusion"
	"hither/vmctl/computer"
)

// selfPause is the time between two looks at this computer itself.
const selfPause = time.Minute

// self is this computer, with what it can and what its owner should know of it.
func (s *Store) self(ctx context.Context) fusion.Machine {
	m := computer.Machine()
	m.Note, m.Tags = s.config.SelfNote, []string{}
	m.Verbs, m.Cannot = s.abilities.Get(ctx)
	return m
}

// followSelf tells watchers when this computer can something else than before or
// its file systems have filled, until Close: nothing else tells of that.
func (s *Store) followSelf() {
	told := s.self(s.ctx)
	tick := time.NewTicker(selfPause)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		if now := s.self(s.ctx); !sameSelf(told, now) {
			told = now
			s.mu.Lock()
			s.tellLocked(now, false)
			s.mu.Unlock()
		}
	}
}

// sameSelf leaves out what changes all the time and nobody would see: less than
// half a percent of a disk.
func sameSelf(a, b fusion.Machine) bool {
	return slices.Equal(a.Verbs, b.Verbs) && slices.Equal(a.Cannot, b.Cannot) &&
		slices.EqualFunc(a.Disks, b.Disks, func(x, y fusion.Disk) bool {
			moved := max(x.UsedBytes-y.UsedBytes, y.UsedBytes-x.UsedBytes)
			return x.Name == y.Name && x.TotalBytes == y.TotalBytes && moved <= x.TotalBytes/200
		})
}
