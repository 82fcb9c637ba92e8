//go:build cgo

package vmctl

import (
	"libvirt.org/go/libvirt"

	"hither/fusion"
)

func (c *connection) definition(uuid string, live bool) (string, error) {
	d, err := c.lookup(uuid)
	if err != nil {
		return "", err
	}
	defer free(d)
	flags := libvirt.DOMAIN_XML_SECURE | libvirt.DOMAIN_XML_MIGRATABLE
	if !live {
		flags |= libvirt.DOMAIN_XML_INACTIVE
	}
	text, err := d.GetXMLDesc(flags)
	return text, translate(err)
}

// migrate is virDomainMigrateToURI3
// (https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainMigrateToURI3).
func (c *connection) migrate(uuid string, plan migrationPlan) error {
	live, err := c.definition(uuid, true)
	if err != nil {
		return err
	}
	persistent, err := c.definition(uuid, false)
	if err != nil {
		return err
	}
	d, err := c.lookup(uuid)
	if err != nil {
		return err
	}
	defer free(d)
	flags := libvirt.MIGRATE_LIVE | libvirt.MIGRATE_PEER2PEER | libvirt.MIGRATE_PERSIST_DEST | libvirt.MIGRATE_UNDEFINE_SOURCE |
		libvirt.MIGRATE_PAUSED | libvirt.MIGRATE_AUTO_CONVERGE
	params := &libvirt.DomainMigrateParameters{
		URISet: true, URI: plan.memory,
		DestXMLSet: true, DestXML: plan.rewrite(live),
		PersistXMLSet: true, PersistXML: plan.rewrite(persistent),
	}
	if plan.hasDisks {
		flags |= libvirt.MIGRATE_NON_SHARED_DISK
		params.DisksURISet, params.DisksURI = true, plan.disks
	}
	return translate(d.MigrateToURI3(plan.to, params, flags))
}

// recovered asks for what only one call at a time may look at: after its start
// libvirtd keeps that from others until it is through with the domain
// (qemuProcessReconnect in libvirt's src/qemu/qemu_process.c).
func (c *connection) recovered(uuid string) error {
	d, err := c.lookup(uuid)
	if err != nil {
		return err
	}
	defer free(d)
	_, err = d.GetDiskErrors(0)
	if isCode(err, libvirt.ERR_OPERATION_INVALID, libvirt.ERR_NO_SUPPORT) {
		return nil // it is off, or of a driver that recovers nothing
	}
	return translate(err)
}

func (c *connection) abortJob(uuid string) error {
	d, err := c.lookup(uuid)
	if err != nil {
		return err
	}
	defer free(d)
	return translate(d.AbortJob())
}

// progress adds up memory and disks; what changed meanwhile is sent again.
func (c *connection) progress(uuid string) (fusion.Progress, error) {
	d, err := c.lookup(uuid)
	if err != nil {
		return fusion.Progress{}, err
	}
	defer free(d)
	job, err := d.GetJobStats(0)
	if err != nil || job.Type == libvirt.DOMAIN_JOB_NONE {
		return fusion.Progress{}, translate(err)
	}
	var p fusion.Progress
	if job.DataTotalSet && job.DataRemainingSet {
		p.Total = int64(job.DataTotal)
		p.Done = p.Total - int64(job.DataRemaining)
	}
	return p, nil
}
