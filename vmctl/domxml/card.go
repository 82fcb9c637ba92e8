package domxml

// NewCard is a network card on a network of libvirt's, "" for QEMU's own user-mode
// networking.
func NewCard(network string) Card {
	card := Card{Type: "user", Model: modelXML{Type: "virtio"}}
	if network != "" {
		card.Type, card.Source = "network", &cardSourceXML{Network: network}
	}
	return card
}

// Address is the card's MAC, "" when libvirt is to choose one.
func (x Card) Address() string {
	if x.MAC == nil {
		return ""
	}
	return x.MAC.Address
}

// SetAddress gives the card a MAC.
func (x *Card) SetAddress(mac string) { x.MAC = &macXML{mac} }

// OffloadNothing has QEMU and its guest compute and check the sums of packets themselves:
// a switch in user space hands on what they leave to hardware.
func (x *Card) OffloadNothing() {
	x.Driver = &cardDriverXML{Host: offloadXML{CSUM: "off", GSO: "off", TSO4: "off", TSO6: "off", ECN: "off", UFO: "off"},
		Guest: offloadXML{CSUM: "off", TSO4: "off", TSO6: "off", ECN: "off", UFO: "off"}}
}

// cardSourceXML, cardDriverXML and offloadXML are parts of a card's definition
// (https://libvirt.org/formatdomain.html#setting-nic-driver-specific-options).
type cardSourceXML struct {
	Network string `xml:"network,attr,omitempty"`
}

type cardDriverXML struct {
	Host  offloadXML `xml:"host"`
	Guest offloadXML `xml:"guest"`
}

type offloadXML struct {
	CSUM string `xml:"csum,attr,omitempty"`
	GSO  string `xml:"gso,attr,omitempty"`
	TSO4 string `xml:"tso4,attr,omitempty"`
	TSO6 string `xml:"tso6,attr,omitempty"`
	ECN  string `xml:"ecn,attr,omitempty"`
	UFO  string `xml:"ufo,attr,omitempty"`
}
