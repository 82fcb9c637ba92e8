//go:build cgo

package vmctl

import "libvirt.org/go/libvirt"

func (c *connection) persistent(uuid string) (string, error) {
	d, err := c.lookup(uuid)
	if err != nil {
		return "", err
	}
	defer free(d)
	text, err := d.GetXMLDesc(libvirt.DOMAIN_XML_INACTIVE | libvirt.DOMAIN_XML_SECURE)
	return text, translate(err)
}
