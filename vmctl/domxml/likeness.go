package domxml

import (
	"path/filepath"
	"slices"

	"hither/fusion"
)

// Likeness says what is another in a clone's definition than in its origin's.
type Likeness struct {
	Name, UUID string
	GenID      string                 // a UUID that changes with each copy
	Pool       string                 // the directory of its disks
	Disks      map[string]string      // the file in the pool of each disk's target
	Thawed     []string               // targets that are read-only in the origin because it is a template
	Agent      string                 // of the guest agent's socket; "" lets libvirt choose
	Vars       string                 // path of the UEFI variables, or ""
	Made       func(file string) bool // whether a file has a name of those that were made for one machine
	Ours       Ours
}

// Become makes a definition another machine's: it gets what there must be only once,
// or libvirt is left to choose it.
func (l Likeness) Become(root *Element) error {
	root.Need("name").Data = l.Name
	root.Need("uuid").Data = l.UUID
	if genid := root.One("genid"); genid != nil {
		*genid = Element{Name: "genid", Data: l.GenID}
	}
	for _, entry := range root.All("sysinfo", "system", "entry") {
		if entry.Attr("name") == "uuid" {
			entry.Data = l.UUID // libvirt wants them equal
		}
	}
	if os := root.One("os"); os != nil && (os.One("nvram") != nil || l.Vars != "" && os.Attr("firmware") == "efi") {
		nvram := os.Need("nvram") // made anew from its template where there is none yet
		nvram.Data, nvram.Children = l.Vars, nil
		nvram.Unset("type", "format")
	}
	l.disksOf(root)
	for _, card := range root.All("devices", "interface") {
		card.Drop("mac", "target")
		for _, p := range card.All("virtualport", "parameters") {
			p.Unset("interfaceid", "instanceid")
		}
	}
	for _, g := range root.All("devices", "graphics") {
		freshDisplay(g)
	}
	for _, c := range root.All("devices", "channel") {
		l.channel(c)
	}
	freshPorts(root)
	return SetOurs(root, l.Ours)
}

func (l Likeness) disksOf(root *Element) {
	for _, disk := range root.All("devices", "disk") {
		file, there := l.Disks[disk.Need("target").Attr("dev")]
		if source := disk.One("source"); !there && source != nil && l.Made(filepath.Base(source.Attr("file"))) {
			disk.Drop("source", "backingStore") // a seed is its machine's own, and goes with it
		}
		if !there {
			continue
		}
		PointTo(disk, filepath.Join(l.Pool, file))
		disk.Drop("wwn") // of one disk in the world
		if slices.Contains(l.Thawed, disk.Need("target").Attr("dev")) {
			disk.Drop("readonly")
		}
	}
}

// PointTo gives a disk a qcow2 file; what was known of the one before goes.
func PointTo(disk *Element, path string) {
	disk.Drop("backingStore", "mirror", "encryption")
	disk.Set("type", "file")
	disk.Need("driver").Set("type", string(fusion.Qcow2))
	source := disk.Need("source")
	*source = Element{Name: "source"}
	source.Set("file", path)
}

// freshDisplay takes fixed ports and sockets from a display.
func freshDisplay(g *Element) {
	if g.Attr("port") != "" || g.Attr("tlsPort") != "" {
		g.Unset("port", "tlsPort")
		g.Set("autoport", "yes")
	}
	g.Unset("socket", "websocket")
	for _, listen := range g.All("listen") {
		listen.Unset("socket")
	}
}

func (l Likeness) channel(c *Element) {
	if c.Attr("type") != "unix" {
		return
	}
	c.Drop("source")
	if target := c.One("target"); l.Agent != "" && target != nil && target.Attr("name") == guestAgent {
		source := &Element{Name: "source"}
		source.Set("mode", "bind")
		source.Set("path", l.Agent)
		c.Children = append([]*Element{source}, c.Children...)
	}
}

const guestAgent = "org.qemu.guest_agent.0"

// freshPorts gives serial ports and consoles that lead to a file or socket of the
// origin's a terminal of their own.
func freshPorts(root *Element) {
	for _, kind := range []string{"serial", "console", "parallel"} {
		for _, port := range root.All("devices", kind) {
			if slices.Contains([]string{"file", "unix", "tcp", "udp", "pipe", "dev"}, port.Attr("type")) {
				port.Set("type", "pty")
				port.Drop("source", "protocol", "log")
			}
		}
	}
}
