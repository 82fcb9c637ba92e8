//go:build cgo

package vmctl

import (
	"errors"

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

// progress adds up memory and disks; what changed meanwhile is sent again. While disks
// are copied that go before the memory, libvirt does not count the memory yet.
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
	if info, err := d.GetInfo(); err == nil && p.Total > 0 && job.MemTotal == 0 {
		p.Total += int64(info.MaxMem) << 10
	}
	return p, nil
}

// canRun is virConnectGetDomainCapabilities
// (https://libvirt.org/html/libvirt-libvirt-domain.html#virConnectGetDomainCapabilities),
// which refuses a type of machine that the emulator does not have.
func (c *connection) canRun(kind, arch, machine string) (string, error) {
	_, err := c.conn.GetDomainCapabilities("", arch, machine, kind, 0)
	if isCode(err, libvirt.ERR_INVALID_ARG, libvirt.ERR_CONFIG_UNSUPPORTED, libvirt.ERR_OPERATION_UNSUPPORTED, libvirt.ERR_ARGUMENT_UNSUPPORTED) {
		return words(err), nil
	}
	if isCode(err, libvirt.ERR_NO_SUPPORT) {
		return "", nil // a driver that does not say
	}
	return "", translate(err)
}

// hasCPU is virConnectCompareHypervisorCPU
// (https://libvirt.org/html/libvirt-libvirt-host.html#virConnectCompareHypervisorCPU).
func (c *connection) hasCPU(kind, arch, machine, cpu string) (string, error) {
	_, err := c.conn.CompareHypervisorCPU("", arch, machine, kind, cpu, libvirt.CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE)
	if isCode(err, libvirt.ERR_CPU_INCOMPATIBLE) {
		return words(err), nil
	}
	if isCode(err, libvirt.ERR_NO_SUPPORT, libvirt.ERR_CONFIG_UNSUPPORTED, libvirt.ERR_OPERATION_UNSUPPORTED) {
		return "", nil // it cannot compare this one
	}
	return "", translate(err)
}

// hostCPU is the processor of libvirt's capabilities
// (https://libvirt.org/formatcaps.html).
func (c *connection) hostCPU() (string, error) {
	text, err := c.conn.GetCapabilities()
	return cpuElement.FindString(text), translate(err)
}

// words is what libvirt says in an error.
func words(err error) string {
	if d := (*driverError)(nil); errors.As(translate(err), &d) {
		return d.text
	}
	return err.Error()
}
