package vmctl

import (
	"context"
	"errors"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/computer"
)

// Stats gives a sample of "self" and of every running machine, by one call to
// libvirt. While libvirt is away it gives "self" alone.
func (s *Store) Stats(ctx context.Context) ([]fusion.Stats, error) {
	out := []fusion.Stats{computer.Stats()}
	if !s.connected() {
		return out, nil
	}
	list, err := call(ctx, s, func(d driver) ([]domainStats, error) { return d.stats() }, nil)
	if errors.Is(err, fusion.ErrOffline) {
		return out, nil
	}
	if err != nil {
		return nil, fail("machine.stats", "", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range list {
		r := s.records[one.uuid]
		if r == nil {
			continue // its event is on the way
		}
		one.stats.Name = r.shown
		out = append(out, one.stats)
	}
	slices.SortFunc(out[1:], func(a, b fusion.Stats) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
