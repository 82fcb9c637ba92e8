package vmctl

import (
	"cmp"
	"context"
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
	"hither/vmctl/netxml"
)

// Show says what a machine is made of.
func (s *Store) Show(ctx context.Context, machine string) (fusion.Parts, error) {
	const op = "machine.hardware"
	if machine == fusion.Self {
		return fusion.Parts{}, isComputer(op)
	}
	uuid, err := s.find(ctx, op, machine)
	if err != nil {
		return fusion.Parts{}, err
	}
	r, err := s.fresh(ctx, op, machine, uuid)
	if err != nil {
		return fusion.Parts{}, err
	}
	now, next, err := s.made(ctx, op, machine, uuid)
	if err != nil {
		return fusion.Parts{}, err
	}
	p := partsOf(cmp.Or(now, next), next)
	s.sizes(&p, r)
	most, err := s.limitsOf(ctx, next)
	if err != nil {
		return fusion.Parts{}, fail(op, machine, err)
	}
	p.HostMemoryBytes, p.MostCPUs = most.memoryBytes, cmp.Or(most.cpus, mostCPUs)
	if p.Networks, err = s.networksHere(ctx); err != nil {
		return fusion.Parts{}, fail(op, machine, err)
	}
	p.Images = s.imagesHere()
	if err := s.nameDevices(ctx, p.Devices); err != nil {
		s.config.Log.Warn("devices have no names", "machine", machine, "error", err)
	}
	p.Devices = append(p.Devices, s.redirections.parts(r.uuid, r.active)...)
	return p, nil
}

// partsOf compares what runs with the next start; of a machine that is off both are one.
func partsOf(now, next *domxml.Element) fusion.Parts {
	devices := next.One("devices")
	p := fusion.Parts{
		CPUs: cpusOf(now), NextCPUs: cpusOf(next), MemoryBytes: memoryNow(now), NextMemoryBytes: memoryNow(next),
		Disks: []fusion.DiskPart{}, Drives: []fusion.DrivePart{}, NICs: []fusion.NICPart{}, Displays: []string{},
		Boot: bootOf(next), Firmware: firmwareOf(next), TPM: devices.One("tpm") != nil,
		Accelerator: acceleratorOf(next),
	}
	for _, g := range devices.All("graphics") {
		p.Displays = append(p.Displays, g.Attr("type"))
	}
	p.Pending = p.CPUs != p.NextCPUs || p.MemoryBytes != p.NextMemoryBytes ||
		acceleratorOf(now) != p.Accelerator || len(now.One("devices").All("graphics")) != len(p.Displays) || !slices.Equal(bootOf(now), p.Boot)
	eachPart(now, next, "disk", diskName, func(d *domxml.Element, of fusion.Of) {
		p.Pending = p.Pending || of != ""
		switch kind := d.Attr("device"); kind {
		case "cdrom", "floppy":
			drive := fusion.DrivePart{Name: diskName(d), Kind: kind, Of: of}
			if path := sourceOf(d); path != "" {
				drive.Image = filepath.Base(path)
			}
			p.Drives = append(p.Drives, drive)
		default:
			disk := fusion.DiskPart{Name: diskName(d), Bus: d.One("target").Attr("bus"), Format: d.One("driver").Attr("type"),
				ReadOnly: d.One("readonly") != nil, Of: of}
			if path := sourceOf(d); path != "" {
				disk.File = filepath.Base(path)
			}
			p.Disks = append(p.Disks, disk)
		}
	})
	eachPart(now, next, "interface", macOf, func(n *domxml.Element, of fusion.Of) {
		p.Pending = p.Pending || of != ""
		p.NICs = append(p.NICs, fusion.NICPart{MAC: macOf(n), Network: networkOf(n), Model: n.One("model").Attr("type"), Of: of})
	})
	p.Devices = deviceParts(now, next)
	p.Pending = p.Pending || slices.ContainsFunc(p.Devices, func(d fusion.DevicePart) bool { return d.Of != "" })
	return p
}

// eachPart goes through the devices of a kind: those that run, then those that come.
func eachPart(now, next *domxml.Element, kind string, key func(*domxml.Element) string, do func(n *domxml.Element, of fusion.Of)) {
	has := func(in *domxml.Element, wanted string) bool {
		return slices.ContainsFunc(in.One("devices").All(kind), func(n *domxml.Element) bool { return key(n) == wanted })
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

func diskName(n *domxml.Element) string { return n.One("target").Attr("dev") }
func macOf(n *domxml.Element) string    { return strings.ToLower(n.One("mac").Attr("address")) }

// sourceOf is the file or device of a disk, "" for an empty drive or a network disk.
func sourceOf(n *domxml.Element) string {
	source := n.One("source")
	return cmp.Or(source.Attr("file"), source.Attr("dev"))
}

// networkOf names what a card is on.
func networkOf(n *domxml.Element) string {
	source := n.One("source")
	return cmp.Or(source.Attr("network"), source.Attr("bridge"), source.Attr("dev"), n.Attr("type"))
}

func cpusOf(n *domxml.Element) int {
	vcpu := n.One("vcpu")
	if vcpu == nil {
		return 1
	}
	return vcpuXML{Current: integer(vcpu.Attr("current")), Value: integer(vcpu.Inner())}.count()
}

func memoryNow(n *domxml.Element) int64 {
	return cmp.Or(memoryOf(n.One("currentMemory")), memoryOf(n.One("memory")))
}

func firmwareOf(n *domxml.Element) string {
	var os osXML
	if part := n.One("os"); part == nil || xml.Unmarshal([]byte(part.Source()), &os) != nil {
		return firmwareBIOS
	}
	return os.firmware()
}

// sizes fills in what the disks' files say.
func (s *Store) sizes(p *fusion.Parts, r record) {
	made := r.madeDisks()
	for i := range p.Disks {
		disk := &p.Disks[i]
		disk.Made = slices.Contains(made, disk.File)
		at := slices.IndexFunc(r.disks, func(d domainDisk) bool { return d.target == disk.Name })
		known := domainDisk{path: filepath.Join(s.config.pool(), disk.File)}
		if at >= 0 {
			known = r.disks[at]
		} else if !disk.Made {
			continue
		}
		size := measure(known)
		disk.TotalBytes, disk.UsedBytes = size.TotalBytes, size.UsedBytes
	}
}

// networksHere names the networks that a card can be on; one with a name that Hither does
// not take is left out.
func (s *Store) networksHere(ctx context.Context) ([]string, error) {
	all, err := call(ctx, s, func(d driver) ([]netxml.Network, error) { return d.networks() }, nil)
	var list []string
	for _, n := range all {
		if n.Active && fusion.CheckName(n.Name) == nil && n.Name != fusion.UserNetwork {
			list = append(list, n.Name)
		}
	}
	slices.Sort(list)
	return append([]string{fusion.UserNetwork}, list...), err
}

// imagesHere names the images of the pool: its files but the disks made for machines.
func (s *Store) imagesHere() []string {
	s.mu.Lock()
	var disks []string
	for _, r := range s.records {
		disks = append(disks, r.madeDisks()...)
	}
	s.mu.Unlock()
	entries, err := os.ReadDir(s.config.pool())
	if err != nil {
		s.config.Log.Warn("the image pool cannot be read", "error", err)
	}
	images := []string{}
	for _, entry := range entries {
		if entry.Type().IsRegular() && fusion.CheckName(entry.Name()) == nil && !slices.Contains(disks, entry.Name()) {
			images = append(images, entry.Name())
		}
	}
	return images
}

func integer(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return 0
	}
	return n
}
