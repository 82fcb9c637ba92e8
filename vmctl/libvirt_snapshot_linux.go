//go:build cgo

package vmctl

import (
	"libvirt.org/go/libvirt"

	"hither/fusion"
	"hither/vmctl/domxml"
)

func (c *connection) snapshots(uuid string) ([]fusion.Snapshot, error) {
	d, err := c.lookup(uuid)
	if err != nil {
		return nil, err
	}
	defer free(d)
	all, err := d.ListAllSnapshots(0)
	if err != nil {
		return nil, translate(err)
	}
	defer freeSnapshots(all)
	var list []fusion.Snapshot
	for i := range all {
		one, err := describeSnapshot(&all[i])
		if isCode(err, libvirt.ERR_NO_DOMAIN_SNAPSHOT) {
			continue // went meanwhile
		}
		if err != nil {
			return nil, translate(err)
		}
		list = append(list, one)
	}
	return list, nil
}

func describeSnapshot(s *libvirt.DomainSnapshot) (fusion.Snapshot, error) {
	text, err := s.GetXMLDesc(0)
	if err != nil {
		return fusion.Snapshot{}, err
	}
	out, err := domxml.ParseSnapshot(text)
	if err == nil {
		out.Current, err = s.IsCurrent(0)
	}
	return out, err
}

func (c *connection) takeSnapshot(uuid, xml string) (fusion.Snapshot, error) {
	d, err := c.lookup(uuid)
	if err != nil {
		return fusion.Snapshot{}, err
	}
	defer free(d)
	s, err := d.CreateSnapshotXML(xml, 0)
	if err != nil {
		return fusion.Snapshot{}, translate(err)
	}
	defer freeSnapshot(s)
	out, err := describeSnapshot(s)
	return out, translate(err)
}

func (c *connection) revertSnapshot(uuid, name string) error {
	return c.withSnapshot(uuid, name, func(s *libvirt.DomainSnapshot) error { return s.RevertToSnapshot(0) })
}

func (c *connection) removeSnapshot(uuid, name string) error {
	return c.withSnapshot(uuid, name, func(s *libvirt.DomainSnapshot) error { return s.Delete(0) })
}

func (c *connection) withSnapshot(uuid, name string, do func(*libvirt.DomainSnapshot) error) error {
	d, err := c.lookup(uuid)
	if err != nil {
		return err
	}
	defer free(d)
	s, err := d.SnapshotLookupByName(name, 0)
	if err != nil {
		return translate(err)
	}
	defer freeSnapshot(s)
	return translate(do(s))
}

func freeSnapshots(all []libvirt.DomainSnapshot) {
	for i := range all {
		freeSnapshot(&all[i])
	}
}

func freeSnapshot(s *libvirt.DomainSnapshot) { _ = s.Free() } // fails only on a nil snapshot
