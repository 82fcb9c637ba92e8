package vmctl

import (
	"encoding/xml"
	"errors"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// blueprint is what a machine in a file is taken to be: what a definition or an OVF
// descriptor says of it as far as it is safe to believe. Nothing of it names a file, a
// device or an address of a host.
type blueprint struct {
	memory  int64 // bytes, 0 when it does not say
	cpus    int
	efi     bool
	secure  bool     // with Secure Boot
	tpm     bool     // it has a TPM 2.0
	chipset string   // "q35" or "pc"
	buses   []string // of each disk: "virtio", "sata", …
	scsi    string   // model of the SCSI controller
	cards   []string // model of each network card
}

// What a blueprint may say; anything else becomes what every system has drivers for.
var (
	knownBuses = []string{"virtio", "sata", "ide", "scsi", "usb"}
	knownCards = []string{"virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"}
	knownSCSI  = []string{"virtio-scsi", "lsilogic", "lsisas1068"}
)

const (
	maxDisks = 26
	maxCards = 8
)

// portableXML is the part of a definition that a blueprint is read from.
type portableXML struct {
	XMLName xml.Name `xml:"domain"`
	Memory  sizeXML  `xml:"memory"`
	VCPU    vcpuXML  `xml:"vcpu"`
	OS      osXML    `xml:"os"`
	Devices struct {
		Disks       []diskXML       `xml:"disk"`
		Controllers []controllerXML `xml:"controller"`
		Interfaces  []interfaceXML  `xml:"interface"`
		TPM         *tpmXML         `xml:"tpm"`
	} `xml:"devices"`
}

// readBlueprint reads a definition.
func readBlueprint(text string) (b blueprint, err error) {
	var x portableXML
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return b, err
	}
	b = blueprint{memory: x.Memory.bytes(), cpus: x.VCPU.count(), chipset: "q35",
		efi: isUEFI(x.OS.firmware()), secure: x.OS.firmware() == firmwareSecure, tpm: x.Devices.TPM != nil}
	if machine := x.OS.Type.Machine; machine == "pc" || strings.HasPrefix(machine, "pc-i440fx") {
		b.chipset = "pc"
	}
	for _, d := range x.Devices.Disks {
		if d.Device == "disk" || d.Device == "" {
			b.buses = append(b.buses, d.Target.Bus)
		}
	}
	for _, c := range x.Devices.Controllers {
		if c.Type == "scsi" && b.scsi == "" {
			b.scsi = c.Model
		}
	}
	for _, card := range x.Devices.Interfaces {
		b.cards = append(b.cards, card.Model.Type)
	}
	return b.sane(), nil
}

// sane replaces what it may not say.
func (b blueprint) sane() blueprint {
	for i, bus := range b.buses {
		if !slices.Contains(knownBuses, bus) || bus == "ide" && b.chipset != "pc" {
			b.buses[i] = "sata"
		}
	}
	for i, card := range b.cards {
		if !slices.Contains(knownCards, card) {
			b.cards[i] = "virtio"
		}
	}
	b.cards = b.cards[:min(len(b.cards), maxCards)]
	if !slices.Contains(knownSCSI, b.scsi) {
		b.scsi = "virtio-scsi"
	}
	return b
}

// definition writes the definition of a machine from a file: the one that Create would
// write, with what the blueprint has otherwise. p has the disks.
func (b blueprint) definition(p plan) (string, error) {
	text, err := xml.Marshal(p.domain())
	if err != nil {
		return "", err
	}
	root, err := domxml.Parse(string(text))
	if err != nil {
		return "", err
	}
	root.One("os", "type").Set("machine", b.chipset)
	used := map[string]int{}
	for i, disk := range root.All("devices", "disk") {
		bus := "sata"
		if i < len(b.buses) {
			bus = b.buses[i]
		}
		target := disk.Need("target")
		target.Set("bus", bus)
		target.Set("dev", targetOn(bus, used))
	}
	devices := root.One("devices")
	if used["scsi"] > 0 {
		devices.Children = append(devices.Children, &domxml.Element{Name: "controller",
			Attrs: []xml.Attr{{Name: xml.Name{Local: "type"}, Value: "scsi"}, {Name: xml.Name{Local: "model"}, Value: b.scsi}}})
	}
	devices.Drop("interface")
	for _, model := range b.cards {
		card, kind := &domxml.Element{Name: "interface"}, &domxml.Element{Name: "model"}
		card.Set("type", "user")
		kind.Set("type", model)
		card.Children = []*domxml.Element{kind}
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

// portable takes out of a definition what is of its host: addresses, paths, devices and
// secrets. What is left says what kind of machine it is.
func portable(root *domxml.Element, name string) {
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
			*g = domxml.Element{Name: "graphics", Attrs: []xml.Attr{{Name: xml.Name{Local: "type"}, Value: g.Attr("type")}}}
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

// firmware is the word for what it starts by.
func (b blueprint) firmware() string {
	switch {
	case b.efi && b.secure && b.chipset == "q35": // Secure Boot needs what only that has
		return firmwareSecure
	case b.efi:
		return firmwareUEFI
	}
	return firmwareBIOS
}

// portableFirmware says which kind of firmware it is instead of where it lies.
func portableFirmware(os *domxml.Element) {
	var x osXML
	if xml.Unmarshal([]byte(os.String()), &x) != nil || !isUEFI(x.firmware()) {
		return
	}
	os.Drop("loader", "firmware")
	os.Set("firmware", "efi")
	for _, f := range firmwareFeatures(x.firmware()).Features {
		feature := &domxml.Element{Name: "feature"}
		feature.Set("enabled", f.Enabled)
		feature.Set("name", f.Name)
		os.Need("firmware").Children = append(os.Need("firmware").Children, feature)
	}
}

// portableTPM keeps an emulated TPM; one of the host stays there.
func portableTPM(devices, tpm *domxml.Element) {
	backend := tpm.One("backend")
	if backend == nil || backend.Attr("type") != "emulator" {
		devices.Drop("tpm")
		return
	}
	tpm.Drop("alias", "address")
	*backend = domxml.Element{Name: "backend"}
	backend.Set("type", "emulator")
	backend.Set("version", "2.0")
}

// sizes puts the caller's wishes before what the file says, and bounds both.
func (b *blueprint) sizes(spec fusion.ImportSpec) error {
	if b.memory == 0 {
		b.memory = defaultMemory
	}
	if spec.MemoryBytes != 0 {
		b.memory = spec.MemoryBytes
	}
	if spec.CPUs != 0 {
		b.cpus = spec.CPUs
	}
	b.cpus = max(b.cpus, 1)
	checked, err := checkSpec(fusion.MachineSpec{Name: spec.Name, MemoryBytes: b.memory, CPUs: b.cpus})
	b.memory, b.cpus = checked.MemoryBytes, checked.CPUs
	if f := (*fusion.Error)(nil); errors.As(err, &f) {
		f.Op = opImport
	}
	return err
}
