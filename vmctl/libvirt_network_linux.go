//go:build cgo

package vmctl

import (
	"libvirt.org/go/libvirt"

	"hither/fusion"
	"hither/vmctl/netxml"
)

func (c *connection) networks() ([]netxml.Network, error) {
	all, err := c.conn.ListAllNetworks(0)
	if isCode(err, libvirt.ERR_NO_SUPPORT) {
		return nil, nil // a hypervisor without networks
	}
	if err != nil {
		return nil, translate(err)
	}
	defer func() {
		for i := range all {
			freeNetwork(&all[i])
		}
	}()
	var list []netxml.Network
	for i := range all {
		one, err := describeNetwork(&all[i])
		if isCode(err, libvirt.ERR_NO_NETWORK) {
			continue // went meanwhile
		}
		if err != nil {
			return nil, translate(err)
		}
		list = append(list, one)
	}
	return list, nil
}

func describeNetwork(n *libvirt.Network) (out netxml.Network, err error) {
	if out.UUID, err = n.GetUUIDString(); err != nil {
		return out, err
	}
	if out.Name, err = n.GetName(); err != nil {
		return out, err
	}
	if out.Active, err = n.IsActive(); err != nil {
		return out, err
	}
	persistent, err := n.IsPersistent()
	if err == nil && persistent {
		out.Autostart, err = n.GetAutostart()
	}
	if err != nil {
		return out, err
	}
	text, err := n.GetXMLDesc(0)
	if err == nil {
		out.Info, err = netxml.Parse(text)
	}
	return out, err
}

func (c *connection) defineNetwork(xml string) error {
	n, err := c.conn.NetworkDefineXML(xml)
	if err != nil {
		return translate(err)
	}
	freeNetwork(n)
	return nil
}

// undefineNetwork ends it first. One that was never defined is gone then.
func (c *connection) undefineNetwork(uuid string) error {
	return c.withNetwork(uuid, func(n *libvirt.Network) error {
		active, err := n.IsActive()
		if err != nil {
			return err
		}
		persistent, err := n.IsPersistent()
		if err != nil {
			return err
		}
		if active {
			if err := n.Destroy(); err != nil && !isCode(err, libvirt.ERR_OPERATION_INVALID, libvirt.ERR_NO_NETWORK) {
				return err
			}
		}
		if !persistent {
			return nil
		}
		return n.Undefine()
	})
}

func (c *connection) startNetwork(uuid string) error {
	return c.withNetwork(uuid, func(n *libvirt.Network) error {
		active, err := n.IsActive()
		if err == nil && !active {
			err = n.Create()
		}
		if err != nil {
			return err
		}
		return n.SetAutostart(true)
	})
}

func (c *connection) stopNetwork(uuid string) error {
	return c.withNetwork(uuid, (*libvirt.Network).Destroy)
}

func (c *connection) leases(uuid string) (list []fusion.Lease, err error) {
	err = c.withNetwork(uuid, func(n *libvirt.Network) error {
		all, err := n.GetDHCPLeases()
		for _, l := range all {
			list = append(list, fusion.Lease{MAC: l.Mac, IP: l.IPaddr, Name: l.Hostname, Expires: l.ExpiryTime})
		}
		return err
	})
	return list, err
}

func (c *connection) withNetwork(uuid string, do func(*libvirt.Network) error) error {
	n, err := c.conn.LookupNetworkByUUIDString(uuid)
	if err != nil {
		return translate(err)
	}
	defer freeNetwork(n)
	return translate(do(n))
}

func freeNetwork(n *libvirt.Network) { _ = n.Free() } // fails only on a nil network

var sourcesOfAddresses = map[string]libvirt.DomainInterfaceAddressesSource{
	"lease": libvirt.DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE,
	"arp":   libvirt.DOMAIN_INTERFACE_ADDRESSES_SRC_ARP,
	"agent": libvirt.DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT,
}

func (c *connection) addresses(uuid, source string) (map[string][]string, error) {
	from, known := sourcesOfAddresses[source]
	if !known {
		return nil, &driverError{cause: errHypervisor, text: "there is no source of addresses " + source}
	}
	d, err := c.lookup(uuid)
	if err != nil {
		return nil, err
	}
	defer free(d)
	all, err := d.ListAllInterfaceAddresses(from)
	if err != nil {
		return nil, translate(err)
	}
	out := map[string][]string{}
	for _, i := range all {
		for _, a := range i.Addrs {
			out[i.Hwaddr] = append(out[i.Hwaddr], a.Addr)
		}
	}
	return out, nil
}

// monitor uses QEMU's human monitor; it says what went wrong as text.
func (c *connection) monitor(uuid, line string) (string, error) {
	d, err := c.lookup(uuid)
	if err != nil {
		return "", err
	}
	defer free(d)
	text, err := d.QemuMonitorCommand(line, libvirt.DOMAIN_QEMU_MONITOR_COMMAND_HMP)
	if isCode(err, libvirt.ERR_NO_SUPPORT) {
		return "", &driverError{cause: fusion.ErrUnsupported, text: "it is no QEMU"}
	}
	return text, translate(err)
}
