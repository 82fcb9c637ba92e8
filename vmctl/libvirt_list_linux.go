//go:build cgo

package vmctl

import (
	"errors"

	"libvirt.org/go/libvirt"

	"hither/fusion"
)

// domains lists all. To ask libvirt for the states of all takes longer than all the rest,
// so two lists tell who runs, and why one is off is asked for once between two events.
func (c *connection) domains() ([]domain, error) {
	all, err := c.conn.ListAllDomains(0)
	if err != nil {
		return nil, translate(err)
	}
	defer func() {
		for i := range all {
			free(&all[i])
		}
	}()
	states, err := c.states(all)
	if err != nil {
		return nil, err
	}
	saved, err := c.those(libvirt.CONNECT_LIST_DOMAINS_MANAGEDSAVE)
	if err != nil {
		return nil, err
	}
	starting, err := c.those(libvirt.CONNECT_LIST_DOMAINS_AUTOSTART)
	if err != nil {
		return nil, err
	}
	list := make([]domain, 0, len(all))
	for i, state := range states {
		if state == nil {
			continue // went meanwhile
		}
		d, err := c.describe(&all[i], state.State, state.Reason, saved)
		if errors.Is(err, fusion.ErrNotFound) {
			continue // so did this
		}
		if err != nil {
			return nil, err
		}
		d.autostart = starting[d.uuid]
		list = append(list, d)
	}
	return list, nil
}

// states gives each domain's state, nil for one that is gone. Who is active is asked for
// before who runs: what is in neither of the two lists was off in between.
func (c *connection) states(all []libvirt.Domain) ([]*libvirt.DomainStatsState, error) {
	active, err := c.those(libvirt.CONNECT_LIST_DOMAINS_ACTIVE)
	if err != nil {
		return nil, err
	}
	running, err := c.those(libvirt.CONNECT_LIST_DOMAINS_RUNNING)
	if err != nil {
		return nil, err
	}
	states := make([]*libvirt.DomainStatsState, len(all))
	unknown := map[string]int{} // UUID to index
	var ask []*libvirt.Domain
	c.mu.Lock()
	since := c.forgotten
	for i := range all {
		uuid, err := all[i].GetUUIDString() // asks nobody: it is part of the handle
		if err != nil {
			continue
		}
		reason, known := c.offs[uuid]
		switch {
		case running[uuid]:
			states[i] = &libvirt.DomainStatsState{State: libvirt.DOMAIN_RUNNING}
		case known && !active[uuid]:
			states[i] = &libvirt.DomainStatsState{State: libvirt.DOMAIN_SHUTOFF, Reason: reason}
		default:
			unknown[uuid] = i
			ask = append(ask, &all[i])
		}
	}
	c.mu.Unlock()
	if len(ask) == 0 { // libvirt would take it for all
		return states, nil
	}
	stats, err := c.conn.GetAllDomainStats(ask, libvirt.DOMAIN_STATS_STATE, 0)
	if err != nil {
		return nil, translate(err)
	}
	defer freeStats(stats)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range stats {
		uuid, err := one.Domain.GetUUIDString()
		if i, asked := unknown[uuid]; err == nil && asked && one.State != nil {
			states[i] = one.State
			if one.State.State == libvirt.DOMAIN_SHUTOFF && c.forgotten == since {
				c.offs[uuid] = one.State.Reason
			}
		}
	}
	return states, nil
}

// those gives the UUIDs of the domains that a filter names: those that run, or have a saved
// state, or that libvirt starts by itself.
func (c *connection) those(filter libvirt.ConnectListAllDomainsFlags) (map[string]bool, error) {
	list, err := c.conn.ListAllDomains(filter)
	if err != nil {
		return nil, translate(err)
	}
	those := make(map[string]bool, len(list))
	for i := range list {
		if uuid, err := list[i].GetUUIDString(); err == nil {
			those[uuid] = true
		}
		free(&list[i])
	}
	return those, nil
}
