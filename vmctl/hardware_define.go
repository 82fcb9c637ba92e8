package vmctl

import (
	"context"
	"encoding/xml"
	"path/filepath"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// bootDevs are libvirt's words for fusion.BootWords.
var bootDevs = map[string]string{"disk": "hd", "cd": "cdrom", "net": "network"}

// redefine edits the definition of the next start.
func (c *changing) redefine(ctx context.Context, edits ...domxml.Edit) (fusion.Changed, error) {
	ctx, cancel := withinCall(ctx)
	defer cancel()
	text := domxml.Apply(c.next.Whole, edits...)
	if err := c.do(ctx, func(d driver) error { return d.define(text) }); err != nil {
		return fusion.Changed{}, err
	}
	if c.now != nil {
		return fusion.Changed{When: fusion.NextStart}, nil
	}
	return fusion.Changed{When: fusion.Now}, nil
}

// setBoot writes the order into the definition's os part. Orders of single devices, as
// other tools write them, exclude that, and go.
func (c *changing) setBoot(ctx context.Context) (fusion.Changed, error) {
	os := c.next.One("os")
	if os == nil || os.One("type").Inner() != "hvm" {
		return fusion.Changed{}, c.lacks("its kind of machine has no boot order", "change it with the tool that made it")
	}
	var edits []domxml.Edit
	for _, old := range os.All("boot") {
		edits = append(edits, old.Cut())
	}
	for _, device := range c.next.One("devices").AnyOf("disk", "interface", "hostdev", "redirdev") {
		for _, old := range device.All("boot") {
			edits = append(edits, old.Cut())
		}
	}
	var order strings.Builder
	for _, word := range c.change.Boot {
		order.WriteString("<boot dev='" + bootDevs[word] + "'/>")
	}
	return c.redefine(ctx, append(edits, os.Put(order.String()))...)
}

// bootOf is the order of a definition: that of its os part, else that of its devices.
func bootOf(definition *domxml.Element) []string {
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

// whileOff refuses what a running machine cannot be changed in.
func (c *changing) whileOff() error {
	if c.now != nil {
		return c.bad("it is "+string(c.r.state), "stop it first")
	}
	return nil
}

func (c *changing) setFirmware(ctx context.Context) (fusion.Changed, error) {
	if err := c.whileOff(); err != nil {
		return fusion.Changed{}, err
	}
	if firmwareOf(c.next) == c.change.Firmware {
		return fusion.Changed{When: fusion.Now}, nil
	}
	if err := c.firmwareAllowed(ctx); err != nil {
		return fusion.Changed{}, err
	}
	edits, err := c.firmwareEdits()
	if err != nil {
		return fusion.Changed{}, err
	}
	old := filepath.Base(c.r.vars)
	if !slices.Contains(c.r.madeDisks(), old) {
		return c.redefine(ctx, edits...)
	}
	// The variables of the firmware before go once the definition does not name them.
	_, end, err := c.intend(intent{Op: opChange, Name: c.name, UUID: c.r.uuid, Files: []string{old}, Layer: true})
	if err != nil {
		return fusion.Changed{}, err
	}
	done, err := c.redefine(ctx, edits...)
	if err == nil {
		c.removeDisks([]string{old})
	}
	end(err == nil)
	return done, err
}

// firmwareEdits writes the firmware into the definition's os part.
func (c *changing) firmwareEdits() (edits []domxml.Edit, err error) {
	os := c.next.One("os")
	for _, old := range os.AnyOf("loader", "nvram", "firmware") {
		edits = append(edits, old.Cut())
	}
	if !isUEFI(c.change.Firmware) {
		return append(edits, os.Open("<os>")), nil
	}
	features, err := xml.Marshal(firmwareFeatures(c.change.Firmware))
	if err != nil {
		return nil, err
	}
	vars, err := xml.Marshal(nvramXML{Path: filepath.Join(c.config.pool(), varsName(c.name, c.r.uuid, c.change.Firmware))})
	return append(edits, os.Open("<os firmware='efi'>"), os.Put(string(features)+string(vars))), err
}

func (c *changing) firmwareAllowed(ctx context.Context) error {
	if c.next.One("os", "type").Inner() != "hvm" {
		return c.lacks("its kind of machine has no firmware to choose", "change it with the tool that made it")
	}
	list, err := c.listSnapshots(ctx, opChange, c.name, c.r.uuid)
	switch {
	case err != nil:
		return err
	case len(list) > 0:
		return c.bad("it has snapshots, and they have its firmware", "remove the snapshots first")
	case !isUEFI(c.change.Firmware):
		return nil
	}
	most, err := c.limitsOf(ctx, c.next)
	if err == nil {
		err = most.withholds(opChange, c.name, c.change.Firmware, false)
	}
	return err
}

func (c *changing) setTPM(ctx context.Context) (fusion.Changed, error) {
	if err := c.whileOff(); err != nil {
		return fusion.Changed{}, err
	}
	devices := c.next.One("devices")
	there := devices.All("tpm")
	switch {
	case c.change.TPM == (len(there) > 0):
		return fusion.Changed{When: fusion.Now}, nil
	case !c.change.TPM:
		return c.redefine(ctx, there[0].Cut())
	}
	most, err := c.limitsOf(ctx, c.next)
	if err != nil {
		return fusion.Changed{}, err
	}
	if err := most.withholds(opChange, c.name, firmwareBIOS, true); err != nil {
		return fusion.Changed{}, err
	}
	device, err := xml.Marshal(newTPM())
	if err != nil {
		return fusion.Changed{}, err
	}
	return c.redefine(ctx, devices.Put(string(device)))
}

func newTPM() *tpmXML {
	return &tpmXML{Model: "tpm-crb", Backend: tpmBackendXML{Type: "emulator", Version: "2.0"}}
}

// addDisplay gives a machine a VNC display without a port, and a graphics card where it
// has none, so that its screen can be seen.
func (c *changing) addDisplay(ctx context.Context) (fusion.Changed, error) {
	devices := c.next.One("devices")
	if slices.ContainsFunc(devices.All("graphics"), func(g *domxml.Element) bool { return g.Attr("type") == "vnc" }) {
		if c.now != nil && c.r.vnc < 0 {
			return fusion.Changed{When: fusion.NextStart}, nil
		}
		return fusion.Changed{}, c.bad("it has a VNC display already", "start it and open it")
	}
	edits := []domxml.Edit{devices.Put("<graphics type='vnc'><listen type='none'/></graphics>")}
	cards := devices.All("video")
	for _, card := range cards {
		if card.One("model").Attr("type") == "none" {
			edits, cards = append(edits, card.Cut()), nil
		}
	}
	if len(cards) == 0 {
		edits = append(edits, devices.Put("<video><model type='vga' vram='32768'/></video>"))
	}
	return c.redefine(ctx, edits...)
}
