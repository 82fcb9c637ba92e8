// Package devxml reads libvirt's descriptions of this computer's USB and PCI devices, gives each
// an ID of fusion's, and writes and reads the element by which a machine has one.
package devxml

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hither/fusion"
)

// Device is a device as libvirt lists it.
type Device struct {
	fusion.Device
	Node            string // the file of a USB device, "/dev/bus/usb/001/002"
	Port            string // its name in sysfs, "" when that is not known
	Vendor, Product string // four hexadecimal digits
	Bus, Number     int    // of a USB device
	Bare            string // its ID without an address
}

// nodeXML is what is read of https://libvirt.org/formatnode.html
type nodeXML struct {
	Name    string          `xml:"name"`
	Parent  string          `xml:"parent"`
	Drivers []string        `xml:"driver>name"`
	Nodes   []devnodeXML    `xml:"devnode"`
	Caps    []capabilityXML `xml:"capability"`
}

type devnodeXML struct {
	Type string `xml:"type,attr"`
	Path string `xml:",chardata"`
}

type capabilityXML struct {
	Type     string      `xml:"type,attr"` // "usb_device", "usb" for one of its interfaces, "pci"
	Class    string      `xml:"class"`
	Domain   int         `xml:"domain"`
	Bus      int         `xml:"bus"`
	Slot     int         `xml:"slot"`
	Function int         `xml:"function"`
	Device   int         `xml:"device"`
	Product  *namedIDXML `xml:"product"`
	Vendor   *namedIDXML `xml:"vendor"`
	Group    *struct {
		Number int `xml:"number,attr"`
	} `xml:"iommuGroup"`
}

type namedIDXML struct {
	ID   string `xml:"id,attr"`
	Name string `xml:",chardata"`
}

const (
	usbHub       = 9      // https://www.usb.org/defined-class-codes
	usbRootHub   = "1d6b" // the Linux Foundation, as which root hubs name themselves
	pciBridge    = 0x06   // base class, https://pcisig.com (Code and ID Assignment)
	longestName  = 100
	usbInterface = "usb"
)

// Parse reads libvirt's descriptions; its error is encoding/xml's. What is no device to give (a hub, a bridge)
// is left out; they are in the order of Order.
func Parse(texts []string) ([]Device, error) {
	var all []nodeXML
	of := map[string][]nodeXML{} // interfaces by the device that has them
	for _, text := range texts {
		var x nodeXML
		if err := xml.Unmarshal([]byte(text), &x); err != nil {
			return nil, err
		}
		all = append(all, x)
		if x.cap(usbInterface) != nil {
			of[x.Parent] = append(of[x.Parent], x)
		}
	}
	devices := []Device{}
	for _, x := range all {
		if d, ok := x.usb(of[x.Name]); ok {
			devices = append(devices, d)
		} else if d, ok := x.pci(); ok {
			devices = append(devices, d)
		}
	}
	return Order(devices), nil
}

func (x nodeXML) cap(kind string) *capabilityXML {
	for i := range x.Caps {
		if x.Caps[i].Type == kind {
			return &x.Caps[i]
		}
	}
	return nil
}

func (x nodeXML) usb(interfaces []nodeXML) (d Device, ok bool) {
	c := x.cap("usb_device")
	if c == nil || c.Vendor == nil || c.Product == nil {
		return d, false
	}
	d = Device{Vendor: hexID(c.Vendor.ID), Product: hexID(c.Product.ID), Bus: c.Bus, Number: c.Device}
	if d.Vendor == "" || d.Product == "" || d.Vendor == usbRootHub {
		return d, false
	}
	for _, i := range interfaces {
		if class, err := strconv.ParseUint(i.cap(usbInterface).Class, 0, 8); err == nil && class == usbHub {
			return d, false
		}
		d.Drivers = append(d.Drivers, i.Drivers...)
	}
	for _, n := range x.Nodes {
		if n.Type == "dev" {
			d.Node = n.Path
		}
	}
	d.Bare = "usb:" + d.Vendor + ":" + d.Product
	d.Device = fusion.Device{ID: d.Bare, Kind: "usb", Group: -1, Drivers: once(d.Drivers), Name: c.name()}
	return d, true
}

func (x nodeXML) pci() (d Device, ok bool) {
	c := x.cap("pci")
	if c == nil {
		return d, false
	}
	if class, err := strconv.ParseUint(c.Class, 0, 32); err == nil && class>>16 == pciBridge {
		return d, false
	}
	d.Bare = pciID(c.Domain, c.Bus, c.Slot, c.Function)
	d.Device = fusion.Device{ID: d.Bare, Kind: "pci", Group: -1, Drivers: once(x.Drivers), Name: c.name()}
	if c.Group != nil {
		d.Group = c.Group.Number
	}
	return d, true
}

// name is what the device is called, in words where somebody knows them.
func (c capabilityXML) name() string {
	var words []string
	for _, id := range []*namedIDXML{c.Vendor, c.Product} {
		if id != nil {
			words = append(words, cmp.Or(strings.TrimSpace(id.Name), id.ID))
		}
	}
	name := strings.ToValidUTF8(cmp.Or(strings.Join(words, " "), "unknown"), "?")
	if runes := []rune(name); len(runes) > longestName {
		name = string(runes[:longestName]) + "…"
	}
	return name
}

// once gives words sorted, each once.
func once(words []string) []string {
	words = append([]string{}, words...)
	slices.Sort(words)
	return slices.Compact(words)
}

// Order gives devices that are alike their addresses, and puts USB devices first,
// each kind by ID.
func Order(devices []Device) []Device {
	count := map[string]int{}
	for _, d := range devices {
		count[d.Bare]++
	}
	for i := range devices {
		if d := &devices[i]; d.Kind == "usb" && count[d.Bare] > 1 {
			d.ID = fmt.Sprintf("%s@%d.%d", d.Bare, d.Bus, d.Number)
		}
	}
	slices.SortFunc(devices, func(a, b Device) int {
		return cmp.Or(-cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return devices
}

// hexID gives a number such as 0x46d as four digits, "" when it is none.
func hexID(text string) string {
	n, err := strconv.ParseUint(text, 0, 16)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%04x", n)
}

func pciID(domain, bus, slot, function int) string {
	return fmt.Sprintf("pci:%04x:%02x:%02x.%x", domain, bus, slot, function)
}

// Hostdev is a device of the host in a domain's definition
// (https://libvirt.org/formatdomain.html#host-device-assignment).
type Hostdev struct {
	XMLName xml.Name         `xml:"hostdev"`
	Mode    string           `xml:"mode,attr"`
	Type    string           `xml:"type,attr"`
	Managed string           `xml:"managed,attr,omitempty"`
	Source  hostdevSourceXML `xml:"source"`
}

type hostdevSourceXML struct {
	// StartupPolicy "optional" lets a machine start without a stick that was pulled out.
	StartupPolicy string          `xml:"startupPolicy,attr,omitempty"`
	Vendor        *idXML          `xml:"vendor,omitempty"`
	Product       *idXML          `xml:"product,omitempty"`
	Address       *hostAddressXML `xml:"address,omitempty"`
}

type idXML struct {
	ID string `xml:"id,attr"`
}

// hostAddressXML has numbers as libvirt writes them: decimal for USB, hexadecimal for PCI.
type hostAddressXML struct {
	Domain   string `xml:"domain,attr,omitempty"`
	Bus      string `xml:"bus,attr"`
	Slot     string `xml:"slot,attr,omitempty"`
	Function string `xml:"function,attr,omitempty"`
	Device   string `xml:"device,attr,omitempty"`
}

// Definition is how a domain is given the device.
func (d Device) Definition() Hostdev {
	x := Hostdev{Mode: "subsystem", Type: d.Kind, Managed: "yes"}
	if d.Kind == "usb" {
		x.Source = hostdevSourceXML{StartupPolicy: "optional", Vendor: &idXML{"0x" + d.Vendor}, Product: &idXML{"0x" + d.Product}}
		if d.ID != d.Bare {
			x.Source.Address = &hostAddressXML{Bus: strconv.Itoa(d.Bus), Device: strconv.Itoa(d.Number)}
		}
		return x
	}
	var domain, bus, slot, function int
	if _, err := fmt.Sscanf(d.ID, "pci:%x:%x:%x.%x", &domain, &bus, &slot, &function); err == nil { // pciID wrote it
		x.Source.Address = &hostAddressXML{Domain: fmt.Sprintf("0x%04x", domain), Bus: fmt.Sprintf("0x%02x", bus),
			Slot: fmt.Sprintf("0x%02x", slot), Function: fmt.Sprintf("0x%x", function)}
	}
	return x
}

// ID is the fusion.Device's, "" of what is neither USB nor PCI or says too little.
func (x Hostdev) ID() string {
	number := func(text string) int {
		n, err := strconv.ParseUint(cmp.Or(text, "0"), 0, 32)
		if err != nil {
			return 0
		}
		return int(n)
	}
	a := x.Source.Address
	switch {
	case x.Mode != "subsystem":
	case x.Type == "pci" && a != nil:
		return pciID(number(a.Domain), number(a.Bus), number(a.Slot), number(a.Function))
	case x.Type == "usb" && x.Source.Vendor != nil && x.Source.Product != nil:
		id := "usb:" + hexID(x.Source.Vendor.ID) + ":" + hexID(x.Source.Product.ID)
		if a != nil && a.Device != "" {
			id = fmt.Sprintf("%s@%d.%d", id, number(a.Bus), number(a.Device))
		}
		return id
	}
	return ""
}

// Of gives the ID of what a hostdev element of a definition is, "" as id does.
func Of(element string) string {
	var x Hostdev
	if err := xml.Unmarshal([]byte(element), &x); err != nil {
		return "" // it is not one of ours then
	}
	return x.ID()
}

// Same compares IDs. One without an address is any of its kind: libvirt writes the
// address of what runs into a definition that had none.
func Same(a, b string) bool {
	bareA, atA, _ := strings.Cut(a, "@")
	bareB, atB, _ := strings.Cut(b, "@")
	return bareA == bareB && (atA == "" || atB == "" || atA == atB)
}
