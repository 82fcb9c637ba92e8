//go:build cgo

package vmctl

import (
	"errors"
	"time"

	"libvirt.org/go/libvirt"

	"hither/fusion"
)

// measured are the groups of counters that sample reads; the state tells who runs.
const measured = libvirt.DOMAIN_STATS_STATE | libvirt.DOMAIN_STATS_CPU_TOTAL | libvirt.DOMAIN_STATS_BALLOON |
	libvirt.DOMAIN_STATS_VCPU | libvirt.DOMAIN_STATS_INTERFACE | libvirt.DOMAIN_STATS_BLOCK

func (c *connection) stats(uuids ...string) ([]domainStats, error) {
	only, err := c.lookups(uuids)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, d := range only {
			free(d)
		}
	}()
	if len(only) < len(uuids) && len(only) == 0 {
		return nil, nil // they went meanwhile; no domains would be all
	}
	all, err := c.bulk(only)
	if err != nil {
		return nil, translate(err)
	}
	defer freeStats(all)
	now := time.Now()
	var list []domainStats
	for _, one := range all {
		if one.State == nil || one.State.State == libvirt.DOMAIN_SHUTOFF {
			continue
		}
		uuid, err := one.Domain.GetUUIDString()
		if err != nil {
			return nil, translate(err)
		}
		list = append(list, domainStats{uuid, sample(one, now)})
	}
	return list, nil
}

// lookups gives the domains that are still there.
func (c *connection) lookups(uuids []string) ([]*libvirt.Domain, error) {
	var all []*libvirt.Domain
	for _, uuid := range uuids {
		d, err := c.lookup(uuid)
		if errors.Is(err, fusion.ErrNotFound) {
			continue
		}
		if err != nil {
			for _, d := range all {
				free(d)
			}
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// bulk asks without waiting for domains that are busy. The test driver knows no such
// flag, and waits for nothing anyway.
func (c *connection) bulk(only []*libvirt.Domain) ([]libvirt.DomainStats, error) {
	var flags libvirt.ConnectGetAllDomainStatsFlags
	if len(only) == 0 {
		flags = libvirt.CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE // a list takes no filter
	}
	if !c.waits.Load() {
		all, err := c.conn.GetAllDomainStats(only, measured, flags|libvirt.CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT)
		if !isCode(err, libvirt.ERR_INVALID_ARG) {
			return all, err
		}
		c.waits.Store(true)
	}
	return c.conn.GetAllDomainStats(only, measured, flags)
}

func sample(one libvirt.DomainStats, now time.Time) fusion.Stats {
	s := fusion.Stats{Time: now}
	for _, cpu := range one.Vcpu {
		if cpu.StateSet && cpu.State != libvirt.VCPU_OFFLINE { // else there is room for one
			s.CPUs++
		}
	}
	if one.Cpu != nil {
		s.CPUSeconds = float64(one.Cpu.Time) / 1e9
	}
	if b := one.Balloon; b != nil {
		s.MemoryBytes = int64(b.Current) << 10
		s.MemoryUsedBytes = int64(b.Rss) << 10
		if b.UnusedSet && b.Available > b.Unused { // the guest says it itself
			s.MemoryUsedBytes = int64(b.Available-b.Unused) << 10
		}
		s.MemoryUsedBytes = min(s.MemoryUsedBytes, s.MemoryBytes)
	}
	for _, b := range one.Block {
		s.DiskReadBytes += int64(b.RdBytes)
		s.DiskWriteBytes += int64(b.WrBytes)
	}
	for _, n := range one.Net {
		s.NetInBytes += int64(n.RxBytes)
		s.NetOutBytes += int64(n.TxBytes)
	}
	return s
}
