//go:build cgo

package vmctl

import (
	"libvirt.org/go/libvirt"

	"hither/vmctl/domxml"
)

// setMetadata writes to all places a definition is at. What is saved has one of its own,
// which its start goes on with.
func (c *connection) setMetadata(uuid, key, uri, element string) error {
	return c.with(uuid, func(d *libvirt.Domain) error {
		active, err := d.IsActive()
		if err != nil {
			return err
		}
		flags := libvirt.DOMAIN_AFFECT_CONFIG
		if active {
			flags |= libvirt.DOMAIN_AFFECT_LIVE
		}
		if err := d.SetMetadata(libvirt.DOMAIN_METADATA_ELEMENT, element, key, uri, flags); err != nil {
			return err
		}
		if active {
			return nil
		}
		saved, err := d.HasManagedSaveImage(0)
		if err != nil || !saved {
			return err
		}
		return c.copyMetadata(d)
	})
}

// copyMetadata gives what is saved the metadata of the next start.
func (c *connection) copyMetadata(d *libvirt.Domain) error {
	next, err := d.GetXMLDesc(libvirt.DOMAIN_XML_INACTIVE)
	if err != nil {
		return err
	}
	saved, err := d.ManagedSaveGetXMLDesc(libvirt.DOMAIN_SAVE_IMAGE_XML_SECURE)
	if err != nil {
		return err
	}
	text, err := domxml.WithMetadataOf(saved, next)
	if err != nil || text == saved {
		return err
	}
	return d.ManagedSaveDefineXML(text, 0)
}

func (c *connection) rename(uuid, name string) error {
	return c.with(uuid, func(d *libvirt.Domain) error { return d.Rename(name, 0) })
}

func (c *connection) setAutostart(uuid string, on bool) error {
	return c.with(uuid, func(d *libvirt.Domain) error { return d.SetAutostart(on) })
}
