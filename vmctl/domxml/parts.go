package domxml

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hither/fusion"
	"hither/vmctl/devxml"
)

// Parts compares what runs with the next start; of a machine that is off both are one.
func Parts(now, next *Element) fusion.Parts {
	devices := next.One("devices")
	p := fusion.Parts{
		CPUs: cpusOf(now), NextCPUs: cpusOf(next), MemoryBytes: memoryNow(now), NextMemoryBytes: memoryNow(next),
		Disks: []fusion.DiskPart{}, Drives: []fusion.DrivePart{}, NICs: []fusion.NICPart{}, Displays: []string{},
		Boot: bootOf(next), Firmware: FirmwareOf(next), TPM: devices.One("tpm") != nil,
		Accelerator: acceleratorOf(next),
	}
	for _, g := range devices.All("graphics") {
		p.Displays = append(p.Displays, g.Attr("type"))
	}
	p.Pending = p.CPUs != p.NextCPUs || p.MemoryBytes != p.NextMemoryBytes ||
		acceleratorOf(now) != p.Accelerator || len(now.One("devices").All("graphics")) != len(p.Displays) || !slices.Equal(bootOf(now), p.Boot)
	eachPart(now, next, "disk", DiskName, func(d *Element, of fusion.Of) {
		p.Pending = p.Pending || of != ""
		switch kind := d.Attr("device"); kind {
		case "cdrom", "floppy":
			drive := fusion.DrivePart{Name: DiskName(d), Kind: kind, Of: of}
			if path := SourceOf(d); path != "" {
				drive.Image = filepath.Base(path)
			}
			p.Drives = append(p.Drives, drive)
		default:
			disk := fusion.DiskPart{Name: DiskName(d), Bus: d.One("target").Attr("bus"), Format: d.One("driver").Attr("type"),
				ReadOnly: d.One("readonly") != nil, Of: of}
			if path := SourceOf(d); path != "" {
				disk.File = filepath.Base(path)
			}
			p.Disks = append(p.Disks, disk)
		}
	})
	eachPart(now, next, "interface", MACOf, func(n *Element, of fusion.Of) {
		card := fusion.NICPart{MAC: MACOf(n), Network: NetworkOf(n), Model: n.One("model").Attr("type"), Of: of}
		if coming := NetworkOf(CardOf(next, card.MAC)); of == "" && coming != card.Network {
			card.NextNetwork = coming
		}
		p.Pending = p.Pending || of != "" || card.NextNetwork != ""
		p.NICs = append(p.NICs, card)
	})
	p.Devices = deviceParts(now, next)
	p.Pending = p.Pending || slices.ContainsFunc(p.Devices, func(d fusion.DevicePart) bool { return d.Of != "" })
	return p
}

// eachPart goes through the devices of a kind: those that run, then those that come.
func eachPart(now, next *Element, kind string, key func(*Element) string, do func(n *Element, of fusion.Of)) {
	has := func(in *Element, wanted string) bool {
		return slices.ContainsFunc(in.One("devices").All(kind), func(n *Element) bool { return key(n) == wanted })
	}
	for _, n := range now.One("devices").All(kind) {
		if has(next, key(n)) {
			do(n, "")
		} else {
			do(n, fusion.Now)
		}
	}
	for _, n := range next.One("devices").All(kind) {
		if !has(now, key(n)) {
			do(n, fusion.NextStart)
		}
	}
}

// DiskName is the target of a disk or drive.
func DiskName(n *Element) string { return n.One("target").Attr("dev") }

// MACOf is the address of a card, in lower case.
func MACOf(n *Element) string { return strings.ToLower(n.One("mac").Attr("address")) }

// CardOf finds the card with an address, which is in lower case.
func CardOf(definition *Element, mac string) *Element {
	for _, n := range definition.One("devices").All("interface") {
		if mac != "" && MACOf(n) == mac {
			return n
		}
	}
	return nil
}

// SourceOf is the file or device of a disk, "" for an empty drive or a network disk.
func SourceOf(n *Element) string {
	source := n.One("source")
	return cmp.Or(source.Attr("file"), source.Attr("dev"))
}

// NetworkOf names what a card is on: a network, or what libvirt calls its kind.
func NetworkOf(n *Element) string {
	source := n.One("source")
	return cmp.Or(source.Attr("network"), source.Attr("bridge"), source.Attr("dev"), n.Attr("type"))
}

func cpusOf(n *Element) int {
	vcpu := n.One("vcpu")
	if vcpu == nil {
		return 1
	}
	return vcpuXML{Current: integer(vcpu.Attr("current")), Value: integer(vcpu.Inner())}.count()
}

// MostCPUs is how many CPUs a definition has room for.
func MostCPUs(n *Element) int {
	vcpu := n.One("vcpu")
	if vcpu == nil {
		return 1
	}
	return max(integer(vcpu.Inner()), 1)
}

// LeastCPUs is how many CPUs of what runs cannot be taken out, 0 where it does not say.
func LeastCPUs(now *Element) (count int) {
	for _, v := range now.All("vcpus", "vcpu") {
		if v.Attr("enabled") == "yes" && v.Attr("hotpluggable") == "no" {
			count++
		}
	}
	return count
}

// TopologyCPUs is how many CPUs a definition lays out in sockets, cores and threads, 0 where it
// leaves that to the hypervisor.
func TopologyCPUs(n *Element) int {
	topology := n.One("cpu", "topology")
	if topology == nil {
		return 0
	}
	count := 1
	for _, part := range []string{"sockets", "dies", "cores", "threads"} {
		count *= max(integer(topology.Attr(part)), 1)
	}
	return count
}

func memoryNow(n *Element) int64 {
	return cmp.Or(MemoryOf(n.One("currentMemory")), MemoryOf(n.One("memory")))
}

// MemoryOf reads a size in bytes, 0 of none.
func MemoryOf(n *Element) int64 {
	if n == nil {
		return 0
	}
	var value int64
	if _, err := fmt.Sscan(n.Inner(), &value); err != nil {
		return 0
	}
	return Size{Unit: n.Attr("unit"), Value: value}.Bytes()
}

// acceleratorOf is fusion's word for what runs a definition.
func acceleratorOf(definition *Element) string {
	if kind := definition.Attr("type"); kind != "qemu" {
		return kind
	}
	return "emulated"
}

// bootDevs are libvirt's words for fusion.BootWords.
var bootDevs = map[string]string{"disk": "hd", "cd": "cdrom", "net": "network"}

// bootOf is the order of a definition: that of its os part, else that of its devices.
func bootOf(definition *Element) []string {
	words := []string{}
	add := func(word string) {
		if word != "" && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	for _, boot := range definition.One("os").All("boot") {
		for word, dev := range bootDevs {
			if dev == boot.Attr("dev") {
				add(word)
			}
		}
	}
	type ordered struct {
		place int
		word  string
	}
	var devices []ordered
	for _, d := range definition.One("devices").AnyOf("disk", "interface") {
		word := "disk"
		switch {
		case d.Name == "interface":
			word = "net"
		case d.Attr("device") == "cdrom":
			word = "cd"
		}
		if place := integer(d.One("boot").Attr("order")); place > 0 {
			devices = append(devices, ordered{place, word})
		}
	}
	slices.SortStableFunc(devices, func(a, b ordered) int { return a.place - b.place })
	for _, d := range devices {
		add(d.word)
	}
	return words
}

// deviceParts compares the devices of the host that run with those of the next start.
func deviceParts(now, next *Element) []fusion.DevicePart {
	parts := []fusion.DevicePart{}
	coming := hostdevsOf(next)
	for _, id := range hostdevsOf(now) {
		at := slices.IndexFunc(coming, func(other string) bool { return devxml.Same(id, other) })
		if at < 0 {
			parts = append(parts, fusion.DevicePart{ID: id, Of: fusion.Now})
			continue
		}
		parts = append(parts, fusion.DevicePart{ID: coming[at]})
		coming = slices.Delete(coming, at, at+1)
	}
	for _, id := range coming {
		parts = append(parts, fusion.DevicePart{ID: id, Of: fusion.NextStart})
	}
	return parts
}

func hostdevsOf(definition *Element) (ids []string) {
	for _, n := range definition.One("devices").All("hostdev") {
		if id := devxml.Of(n.Source()); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// integer is 0 of what is none.
func integer(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0
	}
	return n
}
