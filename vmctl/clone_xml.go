package vmctl

import (
	"path/filepath"
	"slices"

	"hither/vmctl/domxml"
)

// likeness says what is another in a clone's definition than in its origin's.
type likeness struct {
	name, uuid string
	pool       string
	disks      map[string]string // the file in the pool of each disk's target
	thawed     []string          // targets that are read-only in the origin because it is a template
	agent      string            // of the guest agent's socket; "" lets libvirt choose
	vars       string            // path of the UEFI variables, or ""
	ours       machineXML
}

// become makes a definition another machine's: it gets what there must be only once,
// or libvirt is left to choose it.
func (l likeness) become(root *domxml.Element) error {
	root.Need("name").Data = l.name
	root.Need("uuid").Data = l.uuid
	if genid := root.One("genid"); genid != nil {
		*genid = domxml.Element{Name: "genid", Data: newUUID()}
	}
	for _, entry := range root.All("sysinfo", "system", "entry") {
		if entry.Attr("name") == "uuid" {
			entry.Data = l.uuid // libvirt wants them equal
		}
	}
	if os := root.One("os"); os != nil && (os.One("nvram") != nil || l.vars != "" && os.Attr("firmware") == "efi") {
		nvram := os.Need("nvram") // made anew from its template where there is none yet
		nvram.Data, nvram.Children = l.vars, nil
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
	return setOurs(root, l.ours)
}

func (l likeness) disksOf(root *domxml.Element) {
	for _, disk := range root.All("devices", "disk") {
		file, there := l.disks[disk.Need("target").Attr("dev")]
		if source := disk.One("source"); !there && source != nil && madeName.MatchString(filepath.Base(source.Attr("file"))) {
			disk.Drop("source", "backingStore") // a seed is its machine's own, and goes with it
		}
		if !there {
			continue
		}
		pointTo(disk, filepath.Join(l.pool, file))
		disk.Drop("wwn") // of one disk in the world
		if slices.Contains(l.thawed, disk.Need("target").Attr("dev")) {
			disk.Drop("readonly")
		}
	}
}

// pointTo gives a disk a qcow2 file; what was known of the one before goes.
func pointTo(disk *domxml.Element, path string) {
	disk.Drop("backingStore", "mirror", "encryption")
	disk.Set("type", "file")
	disk.Need("driver").Set("type", formatQcow2)
	source := disk.Need("source")
	*source = domxml.Element{Name: "source"}
	source.Set("file", path)
}

// freshDisplay takes fixed ports and sockets from a display.
func freshDisplay(g *domxml.Element) {
	if g.Attr("port") != "" || g.Attr("tlsPort") != "" {
		g.Unset("port", "tlsPort")
		g.Set("autoport", "yes")
	}
	g.Unset("socket", "websocket")
	for _, listen := range g.All("listen") {
		listen.Unset("socket")
	}
}

func (l likeness) channel(c *domxml.Element) {
	if c.Attr("type") != "unix" {
		return
	}
	c.Drop("source")
	if target := c.One("target"); l.agent != "" && target != nil && target.Attr("name") == guestAgent {
		source := &domxml.Element{Name: "source"}
		source.Set("mode", "bind")
		source.Set("path", l.agent)
		c.Children = append([]*domxml.Element{source}, c.Children...)
	}
}

const guestAgent = "org.qemu.guest_agent.0"

// freshPorts gives serial ports and consoles that lead to a file or socket of the
// origin's a terminal of their own.
func freshPorts(root *domxml.Element) {
	for _, kind := range []string{"serial", "console", "parallel"} {
		for _, port := range root.All("devices", kind) {
			if slices.Contains([]string{"file", "unix", "tcp", "udp", "pipe", "dev"}, port.Attr("type")) {
				port.Set("type", "pty")
				port.Drop("source", "protocol", "log")
			}
		}
	}
}
