//go:build cgo

package vmctl

import (
	"libvirt.org/go/libvirt"
)

func (c *connection) pools() ([]pool, error) {
	all, err := c.conn.ListAllStoragePools(0)
	if isCode(err, libvirt.ERR_NO_SUPPORT) {
		return nil, nil // a hypervisor without pools
	}
	if err != nil {
		return nil, translate(err)
	}
	defer func() {
		for i := range all {
			freePool(&all[i])
		}
	}()
	var list []pool
	for i := range all {
		one, err := describePool(&all[i])
		if isCode(err, libvirt.ERR_NO_STORAGE_POOL) {
			continue // went meanwhile
		}
		if err != nil {
			return nil, translate(err)
		}
		list = append(list, one)
	}
	return list, nil
}

func describePool(p *libvirt.StoragePool) (out pool, err error) {
	if out.uuid, err = p.GetUUIDString(); err != nil {
		return out, err
	}
	if out.name, err = p.GetName(); err != nil {
		return out, err
	}
	info, err := p.GetInfo()
	if err != nil {
		return out, err
	}
	out.active = info.State == libvirt.STORAGE_POOL_RUNNING || info.State == libvirt.STORAGE_POOL_DEGRADED
	out.total, out.free = int64(info.Capacity), int64(info.Available)
	text, err := p.GetXMLDesc(0)
	if err == nil {
		out.kind, out.path, err = parsePool(text)
	}
	return out, err
}

// volumes lets libvirt look at the pool first: it does not see by itself what others
// put there.
func (c *connection) volumes(poolUUID string) (list []volume, err error) {
	err = c.withPool(poolUUID, func(p *libvirt.StoragePool) error {
		if err := p.Refresh(0); err != nil {
			return err
		}
		all, err := p.ListAllStorageVolumes(0)
		if err != nil {
			return err
		}
		defer func() {
			for i := range all {
				freeVolume(&all[i])
			}
		}()
		for i := range all {
			text, err := all[i].GetXMLDesc(0)
			if isCode(err, libvirt.ERR_NO_STORAGE_VOL) {
				continue // went meanwhile
			}
			var v volume
			if err == nil {
				v, err = parseVolume(text)
			}
			if err != nil {
				return err
			}
			list = append(list, v)
		}
		return nil
	})
	return list, err
}

func (c *connection) createVolume(poolUUID, xml string) error {
	return c.withPool(poolUUID, func(p *libvirt.StoragePool) error {
		v, err := p.StorageVolCreateXML(xml, 0)
		if err == nil {
			freeVolume(v)
		}
		return err
	})
}

func (c *connection) growVolume(poolUUID, name string, bytes int64) error {
	return c.withVolume(poolUUID, name, func(v *libvirt.StorageVol) error { return v.Resize(uint64(bytes), 0) })
}

func (c *connection) removeVolume(poolUUID, name string) error {
	return c.withVolume(poolUUID, name, func(v *libvirt.StorageVol) error { return v.Delete(0) })
}

func (c *connection) forgetDefinitions() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.infos)
}

func (c *connection) withPool(uuid string, do func(*libvirt.StoragePool) error) error {
	p, err := c.conn.LookupStoragePoolByUUIDString(uuid)
	if err != nil {
		return translate(err)
	}
	defer freePool(p)
	return translate(do(p))
}

func (c *connection) withVolume(poolUUID, name string, do func(*libvirt.StorageVol) error) error {
	return c.withPool(poolUUID, func(p *libvirt.StoragePool) error {
		v, err := p.LookupStorageVolByName(name)
		if err != nil {
			return err
		}
		defer freeVolume(v)
		return do(v)
	})
}

func freePool(p *libvirt.StoragePool)  { _ = p.Free() } // fails only on a nil pool
func freeVolume(v *libvirt.StorageVol) { _ = v.Free() } // likewise
