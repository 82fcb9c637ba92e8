package domxml

import (
	"encoding/xml"

	"hither/fusion"
)

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

// OffloadsNothing says whether a card in a definition is as OffloadNothing makes it.
func OffloadsNothing(card *Element) bool {
	return card.One("driver", "host").Attr("csum") == "off" && card.One("driver", "guest").Attr("csum") == "off"
}

// Plug says what changes of a card; what is "" stays.
type Plug struct {
	Network string // one of libvirt's, or fusion.UserNetwork
	MAC     string
	// OffloadNothing is as in Card.
	OffloadNothing bool
}

// Into writes a card of a definition with the change. What belonged to its network before
// goes; the rest stays, also what libvirt noted of a card that runs.
func (p Plug) Into(card *Element) (device string, err error) {
	n, err := Parse(card.Source())
	if err != nil {
		return "", err
	}
	if p.Network != "" {
		n.Drop("source", "virtualport", "backend", "portForward")
		n.Set("type", "network")
	}
	switch p.Network {
	case "":
	case fusion.UserNetwork:
		n.Set("type", "user")
	default:
		n.Need("source").Set("network", p.Network)
	}
	if p.MAC != "" {
		n.Need("mac").Set("address", p.MAC)
	}
	if p.OffloadNothing {
		var like Card
		like.OffloadNothing()
		text, err := xml.Marshal(like)
		if err != nil {
			return "", err
		}
		whole, err := Parse(string(text))
		if err != nil {
			return "", err
		}
		driver := n.Need("driver")
		driver.Drop("host", "guest")
		driver.Children = append(driver.Children, whole.All("driver", "host")...)
		driver.Children = append(driver.Children, whole.All("driver", "guest")...)
	}
	return n.String(), nil
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
