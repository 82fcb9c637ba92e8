package domxml

import (
	"cmp"
	"encoding/xml"
	"regexp"
	"slices"
	"strings"
)

// domainKind matches the type in the first tag of a definition.
var domainKind = regexp.MustCompile(`(\stype=)("[^"]*"|'[^']*')`)

// RunBy has a definition run by kind, "kvm" or "qemu", with the processor that goes with
// it where it has the other's. It promises domxml.ErrNoDefinition.
func RunBy(definition *Element, kind string) ([]Edit, error) {
	tag := definition.Whole[definition.Start:definition.From]
	at := domainKind.FindStringIndex(tag)
	if at == nil {
		return nil, ErrNoDefinition
	}
	edits := []Edit{{Start: definition.Start + at[0], End: definition.Start + at[1], With: " type='" + kind + "'"}}
	old := definition.One("cpu")
	theirs := old.Attr("mode") == "host-passthrough"
	if kind == "kvm" {
		theirs = old != nil && old.One("model").Inner() == cpuFor("qemu").Model.Value
	}
	if !theirs {
		return edits, nil
	}
	text, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"cpu"`
		*cpuXML
	}{cpuXML: cpuFor(kind)})
	return append(edits, Edit{Start: old.Start, End: old.End, With: string(text)}), err
}

// BootFrom writes the order into a definition's os part, which it must have, in
// fusion.BootWords. Orders of single devices, as other tools write them, exclude that, and go.
func BootFrom(definition *Element, words []string) (edits []Edit) {
	os := definition.One("os")
	for _, old := range os.All("boot") {
		edits = append(edits, old.Cut())
	}
	for _, device := range definition.One("devices").AnyOf("disk", "interface", "hostdev", "redirdev") {
		for _, old := range device.All("boot") {
			edits = append(edits, old.Cut())
		}
	}
	var order strings.Builder
	for _, word := range words {
		order.WriteString("<boot dev='" + bootDevs[word] + "'/>")
	}
	return append(edits, os.Put(order.String()))
}

// StartBy writes the firmware, one of firmwares, into a definition's os part, which it must
// have. vars is the path of the UEFI variables.
func StartBy(definition *Element, firmware, vars string) (edits []Edit, err error) {
	os := definition.One("os")
	for _, old := range os.AnyOf("loader", "nvram", "firmware") {
		edits = append(edits, old.Cut())
	}
	if !IsUEFI(firmware) {
		return append(edits, os.Open("<os>")), nil
	}
	features, err := xml.Marshal(firmwareFeatures(firmware))
	if err != nil {
		return nil, err
	}
	file, err := xml.Marshal(nvramXML{Path: vars})
	return append(edits, os.Open("<os firmware='efi'>"), os.Put(string(features)+string(file))), err
}

// WithTPM gives a definition an emulated TPM.
func WithTPM(definition *Element) (Edit, error) {
	device, err := xml.Marshal(newTPM())
	return definition.One("devices").Put(string(device)), err
}

// WithDisplay gives a definition a VNC display without a port, and a graphics card where it
// has none, so that its screen can be seen.
func WithDisplay(definition *Element) []Edit {
	devices := definition.One("devices")
	edits := []Edit{devices.Put("<graphics type='vnc'><listen type='none'/></graphics>")}
	cards := devices.All("video")
	for _, card := range cards {
		if card.One("model").Attr("type") == "none" {
			edits, cards = append(edits, card.Cut()), nil
		}
	}
	if len(cards) == 0 {
		edits = append(edits, devices.Put("<video><model type='vga' vram='32768'/></video>"))
	}
	return edits
}

// Loaded is a drive as it is written, with another disc in it; path is "" for none.
func Loaded(drive *Element, path string) string {
	var edits []Edit
	for _, old := range drive.AnyOf("source", "backingStore") {
		edits = append(edits, old.Cut())
	}
	if path != "" {
		edits = append(edits, drive.Put("<source file="+Quoted(path)+"/>"))
		if drive.Attr("type") != "file" {
			edits = append(edits, drive.Open(`<disk type='file' device='cdrom'>`))
		}
	}
	for i := range edits {
		edits[i].Start, edits[i].End = edits[i].Start-drive.Start, edits[i].End-drive.Start
	}
	return Apply(drive.Source(), edits...)
}

// NewDrive is a CD drive for a definition, with the image at path or empty, on the bus that
// its kind of machine has. It gives the drive's target too.
func NewDrive(definition *Element, path string) (device, target string, err error) {
	drive := firstDrive(path)
	if kind := definition.One("os", "type").Attr("machine"); strings.Contains(kind, "i440fx") || kind == "pc" {
		drive.Target.Bus = "ide"
	}
	taken := targetsOf(definition)
	for letter := 'a'; letter <= 'z' && (letter == 'a' || slices.Contains(taken, drive.Target.Dev)); letter++ {
		drive.Target.Dev = cmp.Or(busPrefix[drive.Target.Bus], "sd") + string(letter)
	}
	text, err := xml.Marshal(drive)
	return string(text), drive.Target.Dev, err
}

// NewDisk is a disk, the qcow2 or raw file at path.
func NewDisk(path, format, target, bus string) (device string, err error) {
	disk := qcow2Disk(path, target, bus)
	disk.Driver.Type = format
	text, err := xml.Marshal(disk)
	return string(text), err
}

// busPrefix is how Linux, and so libvirt, calls the disks of a bus.
var busPrefix = map[string]string{"virtio": "vd", "scsi": "sd", "sata": "sd", "ide": "hd"}

// FreeTarget chooses the bus of a machine's first disk, for which its guest has a driver, and
// a name that is free at the next start and in what runs, which may be nil. ok is false when
// the machine has all the disks that it can have.
func FreeTarget(next, now *Element) (bus, target string, ok bool) {
	bus = "virtio"
	taken := slices.Concat(targetsOf(next), targetsOf(now))
	for _, d := range next.One("devices").All("disk") {
		if !IsDisk(d) {
			continue
		}
		if first := d.One("target").Attr("bus"); busPrefix[first] != "" {
			bus = first
		}
		break
	}
	for letter := 'a'; letter <= 'z'; letter++ {
		if target = busPrefix[bus] + string(letter); !slices.Contains(taken, target) {
			return bus, target, true
		}
	}
	return "", "", false
}

func targetsOf(definition *Element) (targets []string) {
	for _, d := range definition.One("devices").All("disk") {
		targets = append(targets, DiskName(d))
	}
	return targets
}

// NewRedirection is a device of another computer in a running domain
// (https://libvirt.org/formatdomain.html#redirected-devices). QEMU listens on the socket.
func NewRedirection(socket string) (device string, err error) {
	text, err := xml.Marshal(struct {
		XMLName xml.Name          `xml:"redirdev"`
		Bus     string            `xml:"bus,attr"`
		Type    string            `xml:"type,attr"`
		Source  *channelSourceXML `xml:"source"`
	}{Bus: "usb", Type: "unix", Source: &channelSourceXML{Mode: "bind", Path: socket}})
	return string(text), err
}

// Quoted writes an attribute's value as libvirt does.
func Quoted(value string) string { return "'" + Escaped(value) + "'" }

// Escaped writes a text or an attribute as libvirt does.
func Escaped(value string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(value)
}
