package vmctl

import "encoding/xml"

// domainNIC is a network card of a domain, as its definition has it.
type domainNIC struct {
	mac, model string
	kind       string // "user", "network", "bridge", …
	network    string // libvirt's name, or ""
	bridge     string // of the host, while it runs or when the definition says it
	backend    string // "passt", or "" for QEMU's own user-mode networking
	netdev     string // what QEMU calls its other side, "" while it is off
}

// parseNICs reads the network cards of a domain's XML
// (https://libvirt.org/formatdomain.html#network-interfaces).
func parseNICs(text string) []domainNIC {
	var x struct {
		Interfaces []struct {
			Type string `xml:"type,attr"`
			MAC  struct {
				Address string `xml:"address,attr"`
			} `xml:"mac"`
			Source struct {
				Network string `xml:"network,attr"`
				Bridge  string `xml:"bridge,attr"`
			} `xml:"source"`
			Model   modelXML `xml:"model"`
			Backend struct {
				Type string `xml:"type,attr"`
			} `xml:"backend"`
			Alias struct {
				Name string `xml:"name,attr"`
			} `xml:"alias"`
		} `xml:"devices>interface"`
	}
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return nil // parseDomain says so
	}
	var nics []domainNIC
	for _, i := range x.Interfaces {
		nic := domainNIC{mac: i.MAC.Address, model: i.Model.Type, kind: i.Type, network: i.Source.Network,
			bridge: i.Source.Bridge, backend: i.Backend.Type}
		if i.Alias.Name != "" {
			nic.netdev = "host" + i.Alias.Name // qemuAliasHostDevice: "hostnet0"
		}
		nics = append(nics, nic)
	}
	return nics
}
