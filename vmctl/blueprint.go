package vmctl

import (
	"encoding/xml"
	"errors"
	"slices"
	"strings"

	"hither/fusion"
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
	root, err := parseTree(string(text))
	if err != nil {
		return "", err
	}
	root.one("os", "type").set("machine", b.chipset)
	used := map[string]int{}
	for i, disk := range root.all("devices", "disk") {
		bus := "sata"
		if i < len(b.buses) {
			bus = b.buses[i]
		}
		target := disk.need("target")
		target.set("bus", bus)
		target.set("dev", targetOn(bus, used))
	}
	devices := root.one("devices")
	if used["scsi"] > 0 {
		devices.children = append(devices.children, &element{name: "controller",
			attrs: []xml.Attr{{Name: xml.Name{Local: "type"}, Value: "scsi"}, {Name: xml.Name{Local: "model"}, Value: b.scsi}}})
	}
	devices.drop("interface")
	for _, model := range b.cards {
		card, kind := &element{name: "interface"}, &element{name: "model"}
		card.set("type", "user")
		kind.set("type", model)
		card.children = []*element{kind}
		devices.children = append(devices.children, card)
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
func portable(root *element, name string) {
	root.need("name").text = name
	root.drop("uuid", "genid", "metadata", "seclabel", "sysinfo", "qemu:commandline", "resource", "launchSecurity")
	root.unset("xmlns:qemu", "id")
	for _, os := range root.all("os") {
		os.drop("nvram", "kernel", "initrd", "dtb")
		portableFirmware(os)
	}
	for _, devices := range root.all("devices") {
		devices.drop("emulator", "hostdev", "filesystem", "shmem", "redirdev", "smartcard", "serial", "console", "parallel", "channel")
		for _, disk := range devices.all("disk") {
			disk.drop("source", "backingStore", "mirror", "encryption", "wwn", "readonly", "auth", "alias", "iotune")
		}
		for _, card := range devices.all("interface") {
			card.drop("mac", "source", "target", "virtualport", "alias", "filterref", "backend", "script")
			card.set("type", "user")
		}
		for _, g := range devices.all("graphics") {
			*g = element{name: "graphics", attrs: []xml.Attr{{Name: xml.Name{Local: "type"}, Value: g.attr("type")}}}
		}
		for _, tpm := range devices.all("tpm") {
			portableTPM(devices, tpm)
		}
		for _, rng := range devices.all("rng") {
			for _, backend := range rng.all("backend") {
				if backend.attr("model") != "random" {
					backend.set("model", "random")
				}
				backend.text, backend.children = "/dev/urandom", nil
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
func portableFirmware(os *element) {
	var x osXML
	if xml.Unmarshal([]byte(os.String()), &x) != nil || !isUEFI(x.firmware()) {
		return
	}
	os.drop("loader", "firmware")
	os.set("firmware", "efi")
	for _, f := range firmwareFeatures(x.firmware()).Features {
		feature := &element{name: "feature"}
		feature.set("enabled", f.Enabled)
		feature.set("name", f.Name)
		os.need("firmware").children = append(os.need("firmware").children, feature)
	}
}

// portableTPM keeps an emulated TPM; one of the host stays there.
func portableTPM(devices, tpm *element) {
	backend := tpm.one("backend")
	if backend == nil || backend.attr("type") != "emulator" {
		devices.drop("tpm")
		return
	}
	tpm.drop("alias", "address")
	*backend = element{name: "backend"}
	backend.set("type", "emulator")
	backend.set("version", "2.0")
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
