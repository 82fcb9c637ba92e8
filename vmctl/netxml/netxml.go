// Package netxml writes and reads libvirt's definitions of networks. Of one that somebody else
// wrote it takes what it knows; what it does not know is of no harm.
package netxml

import (
	"encoding/xml"
	"net/netip"

	"hither/fusion"
)

// The structs below are the parts of libvirt's network XML that Create writes and
// that reading needs (https://libvirt.org/formatnetwork.html).
type networkXML struct {
	XMLName     xml.Name        `xml:"network"`
	Name        string          `xml:"name"`
	UUID        string          `xml:"uuid"`
	Metadata    *metadataXML    `xml:"metadata,omitempty"`
	Forward     *forwardModeXML `xml:"forward,omitempty"`
	Bridge      *bridgeXML      `xml:"bridge,omitempty"`
	VirtualPort *virtualPortXML `xml:"virtualport,omitempty"`
	IPs         []addressXML    `xml:"ip"`
}

type metadataXML struct {
	Network *keyXML `xml:"urn:hither:network:1 network"`
}

type keyXML struct {
	Key string `xml:"urn:hither:network:1 key,omitempty"`
}

type forwardModeXML struct {
	Mode string `xml:"mode,attr,omitempty"` // libvirt's default is nat
}

type bridgeXML struct {
	Name string `xml:"name,attr,omitempty"`
}

type virtualPortXML struct {
	Type string `xml:"type,attr"`
}

type addressXML struct {
	Family  string   `xml:"family,attr,omitempty"`
	Address string   `xml:"address,attr"`
	Prefix  int      `xml:"prefix,attr,omitempty"`
	Netmask string   `xml:"netmask,attr,omitempty"`
	DHCP    *dhcpXML `xml:"dhcp,omitempty"`
}

type dhcpXML struct {
	Range *rangeXML `xml:"range,omitempty"`
}

type rangeXML struct {
	Start string `xml:"start,attr"`
	End   string `xml:"end,attr"`
}

// Network is a network as the hypervisor has it.
type Network struct {
	UUID, Name        string
	Active, Autostart bool
	Info
}

// Info is what a network's definition says.
type Info struct {
	Kind   fusion.NetworkKind
	Bridge string
	Subnet netip.Prefix // not valid when there is none
	Key    string       // the idempotency key of the call that made it, or ""
}

// New is the definition of a network that Check has passed. The host has
// the first address of a subnet, machines get the others by DHCP.
func New(spec fusion.NetworkSpec, subnet netip.Prefix, uuid, key string) (string, error) {
	x := networkXML{Name: spec.Name, UUID: uuid, Metadata: &metadataXML{&keyXML{Key: key}}}
	switch spec.Kind {
	case fusion.NAT:
		x.Forward = &forwardModeXML{"nat"}
	case fusion.Routed:
		x.Forward = &forwardModeXML{"route"}
	case fusion.Bridged, fusion.Switched:
		x.Forward, x.Bridge = &forwardModeXML{"bridge"}, &bridgeXML{spec.SwitchName()}
	}
	if spec.Kind == fusion.Switched {
		x.VirtualPort = &virtualPortXML{"openvswitch"}
	}
	if spec.Kind.HasSubnet() {
		gateway := subnet.Addr().Next()
		x.IPs = []addressXML{{Address: gateway.String(), Prefix: subnet.Bits(),
			DHCP: &dhcpXML{&rangeXML{Start: gateway.Next().String(), End: lastHost(subnet).String()}}}}
	}
	text, err := xml.MarshalIndent(x, "", "  ")
	return string(text), err
}

// lastHost is the address before an IPv4 subnet's broadcast address.
func lastHost(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	for bit := p.Bits(); bit < 31; bit++ { // all host bits but the last
		a[bit/8] |= 1 << (7 - bit%8)
	}
	return netip.AddrFrom4(a)
}

// Parse reads a definition. Its error is encoding/xml's.
func Parse(text string) (Info, error) {
	var x networkXML
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return Info{}, err
	}
	info := Info{Kind: x.kind()}
	if x.Bridge != nil {
		info.Bridge = x.Bridge.Name
	}
	for _, ip := range x.IPs {
		if p, ok := ip.subnet(); ok && !info.Subnet.IsValid() {
			info.Subnet = p
		}
	}
	if x.Metadata != nil && x.Metadata.Network != nil {
		info.Key = x.Metadata.Network.Key
	}
	return info, nil
}

func (x networkXML) kind() fusion.NetworkKind {
	if x.VirtualPort != nil && x.VirtualPort.Type == "openvswitch" {
		return fusion.Switched
	}
	if x.Forward == nil {
		return fusion.Isolated
	}
	switch x.Forward.Mode {
	case "", "nat":
		return fusion.NAT
	case "route", "open":
		return fusion.Routed
	case "bridge":
		return fusion.Bridged
	}
	return fusion.OtherNetwork
}

// subnet gives an IPv4 address's subnet; libvirt writes it with a prefix or a netmask.
func (x addressXML) subnet() (netip.Prefix, bool) {
	addr, err := netip.ParseAddr(x.Address)
	if err != nil || !addr.Is4() {
		return netip.Prefix{}, false
	}
	bits := x.Prefix
	if mask, err := netip.ParseAddr(x.Netmask); err == nil && mask.Is4() {
		bits = 0
		for _, b := range mask.As4() {
			for ; b&0x80 != 0; b <<= 1 {
				bits++
			}
		}
	}
	p, err := addr.Prefix(bits)
	return p, err == nil && bits > 0
}
