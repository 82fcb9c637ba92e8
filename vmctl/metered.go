package vmctl

import (
	"context"

	"hither/fusion"
	"hither/vmctl/meter"
)

// metered is the Store as what Meters measure.
type metered struct{ s *Store }

// Meters gives what measures the machines.
func (s *Store) Meters() *meter.Meters { return s.meters }

func (m metered) Find(ctx context.Context, op, machine string) (string, error) {
	return m.s.find(ctx, op, machine)
}

func (m metered) Processors(uuid string) (int, bool) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	r := m.s.records[uuid]
	if r == nil {
		return 0, false
	}
	return r.CPUs, true
}

func (m metered) Known() (uuids []string, all bool) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	for uuid := range m.s.records {
		uuids = append(uuids, uuid)
	}
	return uuids, m.s.conn != nil
}

func (m metered) Stats(ctx context.Context, uuids ...string) (map[string]fusion.Stats, error) {
	list, err := call(ctx, m.s, func(d driver) ([]domainStats, error) { return d.stats(uuids...) }, nil)
	stats := map[string]fusion.Stats{}
	for _, one := range list {
		stats[one.uuid] = one.stats
	}
	return stats, err
}

func (m metered) Go(work func()) bool {
	m.s.mu.Lock() // Close waits for running after it held mu
	defer m.s.mu.Unlock()
	if m.s.ctx.Err() != nil {
		return false
	}
	m.s.running.Go(work)
	return true
}

// ringName is the name of the file of a machine's measurements. A hypervisor's UUIDs are
// letters, digits and dashes; anything else would be no file of ours.
func ringName(uuid string) string {
	if fusion.CheckName(uuid) != nil {
		return plain(uuid, "vm", head(uuid))
	}
	return uuid
}
