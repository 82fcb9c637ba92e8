//go:build cgo

package vmctl

import (
	"libvirt.org/go/libvirt"

	"hither/fusion"
)

func (c *connection) define(xml string) error {
	d, err := c.conn.DomainDefineXML(xml)
	if err != nil {
		return translate(err)
	}
	defer free(d)
	// What is asked for next is to have it, also before its event has come.
	if uuid, err := d.GetUUIDString(); err == nil {
		c.mu.Lock()
		delete(c.infos, uuid)
		c.mu.Unlock()
	}
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

// startAs gives a domain that is defined another definition as long as it runs
// (virDomainCreateXML).
func (c *connection) startAs(xml string) error {
	d, err := c.conn.DomainCreateXML(xml, 0)
	if err != nil {
		return translate(err)
	}
	free(d)
	return nil
}

// leave keeps what undefine removes by itself, or by its flags. A driver without them
// keeps no such thing.
func (c *connection) leave(uuid string) error {
	d, err := c.lookup(uuid)
	if err != nil {
		return err
	}
	defer free(d)
	err = d.UndefineFlags(libvirt.DOMAIN_UNDEFINE_KEEP_NVRAM | libvirt.DOMAIN_UNDEFINE_KEEP_TPM)
	if isCode(err, libvirt.ERR_INVALID_ARG, libvirt.ERR_NO_SUPPORT, libvirt.ERR_OPERATION_UNSUPPORTED) {
		err = d.UndefineFlags(libvirt.DOMAIN_UNDEFINE_KEEP_NVRAM) // libvirt before 8.9
	}
	if isCode(err, libvirt.ERR_INVALID_ARG, libvirt.ERR_NO_SUPPORT, libvirt.ERR_OPERATION_UNSUPPORTED) {
		err = d.Undefine()
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
