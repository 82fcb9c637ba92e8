//go:build cgo

package vmctl

import (
	"time"

	"libvirt.org/go/libvirt"

	"hither/fusion"
)

func (c *connection) define(xml string) error {
	d, err := c.conn.DomainDefineXML(xml)
	if err != nil {
		return translate(err)
	}
	free(d)
	return nil
}

func (c *connection) undefine(uuid string) error {
	d, err := c.lookup(uuid)
	if err != nil {
		return err
	}
	defer free(d)
	err = d.UndefineFlags(libvirt.DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
		libvirt.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | libvirt.DOMAIN_UNDEFINE_NVRAM)
	if isCode(err, libvirt.ERR_INVALID_ARG, libvirt.ERR_NO_SUPPORT, libvirt.ERR_OPERATION_UNSUPPORTED) {
		err = d.Undefine() // a driver without those flags
	}
	return translate(err)
}

func (c *connection) act(uuid string, verb fusion.Verb) error {
	d, err := c.lookup(uuid)
	if err != nil {
		return err
	}
	defer free(d)
	switch verb {
	case fusion.Start:
		err = d.Create()
	case fusion.Stop:
		err = d.Shutdown()
	case fusion.ForceOff:
		err = d.Destroy()
	case fusion.Pause:
		err = d.Suspend()
	case fusion.Resume:
		err = resume(d)
	case fusion.Reboot:
		err = d.Reboot(0)
	case fusion.Discard:
		err = d.ManagedSaveRemove(0)
	}
	return translate(err)
}

// resume wakes a domain that is paused or asleep.
func resume(d *libvirt.Domain) error {
	if state, _, err := d.GetState(); err == nil && state == libvirt.DOMAIN_PMSUSPENDED {
		return d.PMWakeup(0)
	}
	return d.Resume()
}

func (c *connection) stats() ([]domainStats, error) {
	all, err := c.conn.GetAllDomainStats(nil, libvirt.DOMAIN_STATS_CPU_TOTAL|libvirt.DOMAIN_STATS_BALLOON|
		libvirt.DOMAIN_STATS_VCPU|libvirt.DOMAIN_STATS_INTERFACE|libvirt.DOMAIN_STATS_BLOCK,
		libvirt.CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE|libvirt.CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT)
	if err != nil {
		return nil, translate(err)
	}
	defer freeStats(all)
	now := time.Now()
	var list []domainStats
	for _, one := range all {
		uuid, err := one.Domain.GetUUIDString()
		if err != nil {
			return nil, translate(err)
		}
		list = append(list, domainStats{uuid, sample(one, now)})
	}
	return list, nil
}

func sample(one libvirt.DomainStats, now time.Time) fusion.Stats {
	s := fusion.Stats{Time: now}
	for _, cpu := range one.Vcpu {
		if cpu.StateSet && cpu.State != libvirt.VCPU_OFFLINE {
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
