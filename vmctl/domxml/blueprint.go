package domxml

import (
	"encoding/xml"
	"slices"
	"strings"
)

// Blueprint is what a machine in a file is taken to be: what a definition or an OVF
// descriptor says of it as far as it is safe to believe. Nothing of it names a file, a
// device or an address of a host.
type Blueprint struct {
	Memory  int64 // bytes, 0 when it does not say
	CPUs    int
	EFI     bool
	secure  bool     // with Secure Boot
	TPM     bool     // it has a TPM 2.0
	Chipset string   // "q35" or "pc"
	Buses   []string // of each disk: "virtio", "sata", …
	SCSI    string   // model of the SCSI controller
	Cards   []string // model of each network card
}

// What a blueprint may say; anything else becomes what every system has drivers for.
var (
	knownBuses = []string{"virtio", "sata", "ide", "scsi", "usb"}
	knownCards = []string{"virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"}
	knownSCSI  = []string{"virtio-scsi", "lsilogic", "lsisas1068"}
)

const (
	MaxDisks = 26
	MaxCards = 8
)

// portableXML is the part of a definition that a blueprint is read from.
type portableXML struct {
	XMLName xml.Name `xml:"domain"`
	Memory  Size     `xml:"memory"`
	VCPU    vcpuXML  `xml:"vcpu"`
	OS      osXML    `xml:"os"`
	Devices struct {
		Disks       []diskXML       `xml:"disk"`
		Controllers []controllerXML `xml:"controller"`
		Interfaces  []Card          `xml:"interface"`
		TPM         *tpmXML         `xml:"tpm"`
	} `xml:"devices"`
}

// ReadBlueprint reads a definition.
func ReadBlueprint(text string) (b Blueprint, err error) {
	var x portableXML
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return b, err
	}
	b = Blueprint{Memory: x.Memory.Bytes(), CPUs: x.VCPU.count(), Chipset: "q35",
		EFI: IsUEFI(x.OS.firmware()), secure: x.OS.firmware() == SecureUEFI, TPM: x.Devices.TPM != nil}
	if machine := x.OS.Type.Machine; machine == "pc" || strings.HasPrefix(machine, "pc-i440fx") {
		b.Chipset = "pc"
	}
	for _, d := range x.Devices.Disks {
		if d.Device == "disk" || d.Device == "" {
			b.Buses = append(b.Buses, d.Target.Bus)
		}
	}
	for _, c := range x.Devices.Controllers {
		if c.Type == "scsi" && b.SCSI == "" {
			b.SCSI = c.Model
		}
	}
	for _, card := range x.Devices.Interfaces {
		b.Cards = append(b.Cards, card.Model.Type)
	}
	return b.Sane(), nil
}

// Sane replaces what it may not say.
func (b Blueprint) Sane() Blueprint {
	for i, bus := range b.Buses {
		if !slices.Contains(knownBuses, bus) || bus == "ide" && b.Chipset != "pc" {
			b.Buses[i] = "sata"
		}
	}
	for i, card := range b.Cards {
		if !slices.Contains(knownCards, card) {
			b.Cards[i] = "virtio"
		}
	}
	b.Cards = b.Cards[:min(len(b.Cards), MaxCards)]
	if !slices.Contains(knownSCSI, b.SCSI) {
		b.SCSI = "virtio-scsi"
	}
	return b
}

// Definition writes the definition of a machine from a file: the one that a Plan would
// write, with what the blueprint has otherwise. p has the disks.
func (b Blueprint) Definition(p Plan) (string, error) {
	text, err := xml.Marshal(p.domain())
	if err != nil {
		return "", err
	}
	root, err := Parse(string(text))
	if err != nil {
		return "", err
	}
	root.One("os", "type").Set("machine", b.Chipset)
	used := map[string]int{}
	for i, disk := range root.All("devices", "disk") {
		bus := "sata"
		if i < len(b.Buses) {
			bus = b.Buses[i]
		}
		target := disk.Need("target")
		target.Set("bus", bus)
		target.Set("dev", targetOn(bus, used))
	}
	devices := root.One("devices")
	if used["scsi"] > 0 {
		devices.Children = append(devices.Children, &Element{Name: "controller",
			Attrs: []xml.Attr{{Name: xml.Name{Local: "type"}, Value: "scsi"}, {Name: xml.Name{Local: "model"}, Value: b.SCSI}}})
	}
	devices.Drop("interface")
	for _, model := range b.Cards {
		card, kind := &Element{Name: "interface"}, &Element{Name: "model"}
		card.Set("type", "user")
		kind.Set("type", model)
		card.Children = []*Element{kind}
		devices.Children = append(devices.Children, card)
	}
	return root.String(), nil
}

// targetOn names the next disk on a bus.
func targetOn(bus string, used map[string]int) string {
	prefix := map[string]string{"virtio": "vd", "ide": "hd"}[bus]
	if prefix == "" {
		prefix = "sd"
	}
	n := used[prefix]
	used[prefix]++
	if bus != prefix {
		used[bus]++
	}
	return prefix + string(rune('a'+n))
}

// Portable takes out of a definition what is of its host: addresses, paths, devices and
// secrets. What is left says what kind of machine it is.
func Portable(root *Element, name string) {
	root.Need("name").Data = name
	root.Drop("uuid", "genid", "metadata", "seclabel", "sysinfo", "qemu:commandline", "resource", "launchSecurity")
	root.Unset("xmlns:qemu", "id")
	for _, os := range root.All("os") {
		os.Drop("nvram", "kernel", "initrd", "dtb")
		portableFirmware(os)
	}
	for _, devices := range root.All("devices") {
		devices.Drop("emulator", "hostdev", "filesystem", "shmem", "redirdev", "smartcard", "serial", "console", "parallel", "channel")
		for _, disk := range devices.All("disk") {
			disk.Drop("source", "backingStore", "mirror", "encryption", "wwn", "readonly", "auth", "alias", "iotune")
		}
		for _, card := range devices.All("interface") {
			card.Drop("mac", "source", "target", "virtualport", "alias", "filterref", "backend", "script")
			card.Set("type", "user")
		}
		for _, g := range devices.All("graphics") {
			*g = Element{Name: "graphics", Attrs: []xml.Attr{{Name: xml.Name{Local: "type"}, Value: g.Attr("type")}}}
		}
		for _, tpm := range devices.All("tpm") {
			portableTPM(devices, tpm)
		}
		for _, rng := range devices.All("rng") {
			for _, backend := range rng.All("backend") {
				if backend.Attr("model") != "random" {
					backend.Set("model", "random")
				}
				backend.Data, backend.Children = "/dev/urandom", nil
			}
		}
	}
}

// Firmware is the word for what it starts by.
func (b Blueprint) Firmware() string {
	switch {
	case b.EFI && b.secure && b.Chipset == "q35": // Secure Boot needs what only that has
		return SecureUEFI
	case b.EFI:
		return UEFI
	}
	return BIOS
}

// portableFirmware says which kind of firmware it is instead of where it lies.
func portableFirmware(os *Element) {
	var x osXML
	if xml.Unmarshal([]byte(os.String()), &x) != nil || !IsUEFI(x.firmware()) {
		return
	}
	os.Drop("loader", "firmware")
	os.Set("firmware", "efi")
	for _, f := range firmwareFeatures(x.firmware()).Features {
		feature := &Element{Name: "feature"}
		feature.Set("enabled", f.Enabled)
		feature.Set("name", f.Name)
		os.Need("firmware").Children = append(os.Need("firmware").Children, feature)
	}
}

// portableTPM keeps an emulated TPM; one of the host stays there.
func portableTPM(devices, tpm *Element) {
	backend := tpm.One("backend")
	if backend == nil || backend.Attr("type") != "emulator" {
		devices.Drop("tpm")
		return
	}
	tpm.Drop("alias", "address")
	*backend = Element{Name: "backend"}
	backend.Set("type", "emulator")
	backend.Set("version", "2.0")
}
