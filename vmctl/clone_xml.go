package vmctl

import (
	"path/filepath"
	"slices"
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
func (l likeness) become(root *element) error {
	root.need("name").text = l.name
	root.need("uuid").text = l.uuid
	if genid := root.one("genid"); genid != nil {
		*genid = element{name: "genid", text: newUUID()}
	}
	for _, entry := range root.all("sysinfo", "system", "entry") {
		if entry.attr("name") == "uuid" {
			entry.text = l.uuid // libvirt wants them equal
		}
	}
	if os := root.one("os"); os != nil && (os.one("nvram") != nil || l.vars != "" && os.attr("firmware") == "efi") {
		nvram := os.need("nvram") // made anew from its template where there is none yet
		nvram.text, nvram.children = l.vars, nil
		nvram.unset("type", "format")
	}
	l.disksOf(root)
	for _, card := range root.all("devices", "interface") {
		card.drop("mac", "target")
		for _, p := range card.all("virtualport", "parameters") {
			p.unset("interfaceid", "instanceid")
		}
	}
	for _, g := range root.all("devices", "graphics") {
		freshDisplay(g)
	}
	for _, c := range root.all("devices", "channel") {
		l.channel(c)
	}
	freshPorts(root)
	return setOurs(root, l.ours)
}

func (l likeness) disksOf(root *element) {
	for _, disk := range root.all("devices", "disk") {
		file, there := l.disks[disk.need("target").attr("dev")]
		if source := disk.one("source"); !there && source != nil && madeName.MatchString(filepath.Base(source.attr("file"))) {
			disk.drop("source", "backingStore") // a seed is its machine's own, and goes with it
		}
		if !there {
			continue
		}
		pointTo(disk, filepath.Join(l.pool, file))
		disk.drop("wwn") // of one disk in the world
		if slices.Contains(l.thawed, disk.need("target").attr("dev")) {
			disk.drop("readonly")
		}
	}
}

// pointTo gives a disk a qcow2 file; what was known of the one before goes.
func pointTo(disk *element, path string) {
	disk.drop("backingStore", "mirror", "encryption")
	disk.set("type", "file")
	disk.need("driver").set("type", formatQcow2)
	source := disk.need("source")
	*source = element{name: "source"}
	source.set("file", path)
}

// freshDisplay takes fixed ports and sockets from a display.
func freshDisplay(g *element) {
	if g.attr("port") != "" || g.attr("tlsPort") != "" {
		g.unset("port", "tlsPort")
		g.set("autoport", "yes")
	}
	g.unset("socket", "websocket")
	for _, listen := range g.all("listen") {
		listen.unset("socket")
	}
}

func (l likeness) channel(c *element) {
	if c.attr("type") != "unix" {
		return
	}
	c.drop("source")
	if target := c.one("target"); l.agent != "" && target != nil && target.attr("name") == guestAgent {
		source := &element{name: "source"}
		source.set("mode", "bind")
		source.set("path", l.agent)
		c.children = append([]*element{source}, c.children...)
	}
}

const guestAgent = "org.qemu.guest_agent.0"

// freshPorts gives serial ports and consoles that lead to a file or socket of the
// origin's a terminal of their own.
func freshPorts(root *element) {
	for _, kind := range []string{"serial", "console", "parallel"} {
		for _, port := range root.all("devices", kind) {
			if slices.Contains([]string{"file", "unix", "tcp", "udp", "pipe", "dev"}, port.attr("type")) {
				port.set("type", "pty")
				port.drop("source", "protocol", "log")
			}
		}
	}
}
