//go:build cgo

package vmctl

import (
	"encoding/xml"
	"slices"

	"libvirt.org/go/libvirt"
)

// with looks a domain up for do. What is known of its definition is forgotten then: not
// all that changes it comes with an event.
func (c *connection) with(uuid string, do func(d *libvirt.Domain) error) error {
	d, err := c.lookup(uuid)
	if err != nil {
		return err
	}
	defer free(d)
	defer c.forget(uuid)
	return translate(do(d))
}

func (c *connection) forget(uuid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.infos, uuid)
	delete(c.offs, uuid)
	c.forgotten++
}

func (c *connection) definitions(uuid string) (now, next string, err error) {
	d, err := c.lookup(uuid)
	if err != nil {
		return "", "", err
	}
	defer free(d)
	next, err = d.GetXMLDesc(libvirt.DOMAIN_XML_INACTIVE | libvirt.DOMAIN_XML_SECURE)
	if err != nil {
		return "", "", translate(err)
	}
	active, err := d.IsActive()
	if err == nil && active {
		now, err = d.GetXMLDesc(libvirt.DOMAIN_XML_SECURE)
	}
	return now, next, translate(err)
}

// domainCapabilitiesXML is what is read of libvirt's
// https://libvirt.org/formatdomaincaps.html.
type domainCapabilitiesXML struct {
	VCPU struct {
		Max int `xml:"max,attr"`
	} `xml:"vcpu"`
	OS struct {
		Enums  []enumXML `xml:"enum"`
		Loader struct {
			Enums []enumXML `xml:"enum"`
		} `xml:"loader"`
	} `xml:"os"`
	TPM struct {
		Supported string    `xml:"supported,attr"`
		Enums     []enumXML `xml:"enum"`
	} `xml:"devices>tpm"`
}

type enumXML struct {
	Name   string   `xml:"name,attr"`
	Values []string `xml:"value"`
}

func has(enums []enumXML, name, value string) bool {
	return slices.ContainsFunc(enums, func(e enumXML) bool { return e.Name == name && slices.Contains(e.Values, value) })
}

func (c *connection) limits(kind, arch, machine string) (limits, error) {
	var l limits
	host, err := c.conn.GetNodeInfo()
	if err != nil {
		return l, translate(err)
	}
	l.memoryBytes = int64(host.Memory) << 10
	text, err := c.conn.GetDomainCapabilities("", arch, machine, kind, 0)
	if isCode(err, libvirt.ERR_NO_SUPPORT, libvirt.ERR_INVALID_ARG) {
		return l, nil // a driver that does not say
	}
	if err != nil {
		return l, translate(err)
	}
	var x domainCapabilitiesXML
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return l, &driverError{cause: errHypervisor, text: err.Error()}
	}
	l.cpus = x.VCPU.Max
	l.uefi = has(x.OS.Enums, "firmware", "efi")
	l.secure = has(x.OS.Loader.Enums, "secure", "yes")
	l.tpm = x.TPM.Supported == "yes" && has(x.TPM.Enums, "backendModel", "emulator")
	return l, nil
}

func (c *connection) setMemory(uuid string, bytes int64, live bool) error {
	kib := uint64(bytes) >> 10
	return c.with(uuid, func(d *libvirt.Domain) error {
		if live {
			return d.SetMemoryFlags(kib, libvirt.DOMAIN_MEM_LIVE)
		}
		if err := d.SetMemoryFlags(kib, libvirt.DOMAIN_MEM_CONFIG|libvirt.DOMAIN_MEM_MAXIMUM); err != nil {
			return err
		}
		return d.SetMemoryFlags(kib, libvirt.DOMAIN_MEM_CONFIG)
	})
}

func (c *connection) setCPUs(uuid string, count int, live bool) error {
	return c.with(uuid, func(d *libvirt.Domain) error {
		if live {
			return d.SetVcpusFlags(uint(count), libvirt.DOMAIN_VCPU_LIVE)
		}
		most, err := d.GetVcpusFlags(libvirt.DOMAIN_VCPU_CONFIG | libvirt.DOMAIN_VCPU_MAXIMUM)
		if err == nil && count > int(most) {
			err = d.SetVcpusFlags(uint(count), libvirt.DOMAIN_VCPU_CONFIG|libvirt.DOMAIN_VCPU_MAXIMUM)
		}
		if err != nil {
			return err
		}
		return d.SetVcpusFlags(uint(count), libvirt.DOMAIN_VCPU_CONFIG)
	})
}

func impact(live bool) libvirt.DomainDeviceModifyFlags {
	if live {
		return libvirt.DOMAIN_DEVICE_MODIFY_LIVE
	}
	return libvirt.DOMAIN_DEVICE_MODIFY_CONFIG
}

func (c *connection) attach(uuid, device string, live bool) error {
	return c.with(uuid, func(d *libvirt.Domain) error { return d.AttachDeviceFlags(device, impact(live)) })
}

func (c *connection) detach(uuid, device string, live bool) error {
	return c.with(uuid, func(d *libvirt.Domain) error { return d.DetachDeviceFlags(device, impact(live)) })
}

func (c *connection) update(uuid, device string, live bool) error {
	return c.with(uuid, func(d *libvirt.Domain) error { return d.UpdateDeviceFlags(device, impact(live)) })
}

func (c *connection) diskSize(uuid, target string) (bytes int64, err error) {
	err = c.with(uuid, func(d *libvirt.Domain) error {
		info, err := d.GetBlockInfo(target, 0)
		if err == nil {
			bytes = int64(info.Capacity)
		}
		return err
	})
	return bytes, err
}

func (c *connection) resize(uuid, target string, bytes int64) error {
	return c.with(uuid, func(d *libvirt.Domain) error {
		return d.BlockResize(target, uint64(bytes), libvirt.DOMAIN_BLOCK_RESIZE_BYTES)
	})
}

func (c *connection) save(uuid string) error {
	return c.with(uuid, func(d *libvirt.Domain) error { return d.ManagedSave(0) })
}
