//go:build cgo

package vmctl

import "libvirt.org/go/libvirt"

const giveable = libvirt.CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV | libvirt.CONNECT_LIST_NODE_DEVICES_CAP_USB_DEV |
	libvirt.CONNECT_LIST_NODE_DEVICES_CAP_USB_INTERFACE

func (c *connection) nodeDevices() ([]string, error) {
	all, err := c.conn.ListAllNodeDevices(giveable)
	if isCode(err, libvirt.ERR_NO_SUPPORT) {
		return nil, nil // a hypervisor that knows of none
	}
	if err != nil {
		return nil, translate(err)
	}
	defer func() {
		for i := range all {
			_ = all[i].Free() // it fails for what is no device
		}
	}()
	var texts []string
	for i := range all {
		text, err := all[i].GetXMLDesc(0)
		if isCode(err, libvirt.ERR_NO_NODE_DEVICE) {
			continue // pulled out meanwhile
		}
		if err != nil {
			return nil, translate(err)
		}
		texts = append(texts, text)
	}
	return texts, nil
}
