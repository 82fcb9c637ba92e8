package vmctl

import (
	"encoding/xml"
	"slices"
	"strings"

	"hither/vmctl/devxml"
)

// The structs below are the parts of libvirt's domain XML that Create writes
// and that reading needs (https://libvirt.org/formatdomain.html).
type domainXML struct {
	XMLName  xml.Name     `xml:"domain"`
	Type     string       `xml:"type,attr"`
	Name     string       `xml:"name"`
	UUID     string       `xml:"uuid"`
	Metadata *metadataXML `xml:"metadata,omitempty"`
	Memory   sizeXML      `xml:"memory"`
	Current  *sizeXML     `xml:"currentMemory,omitempty"`
	VCPU     vcpuXML      `xml:"vcpu"`
	OS       osXML        `xml:"os"`
	Features *featuresXML `xml:"features,omitempty"`
	CPU      *cpuXML      `xml:"cpu,omitempty"`
	Clock    *clockXML    `xml:"clock,omitempty"`
	Devices  devicesXML   `xml:"devices"`
}

type metadataXML struct {
	Machine *machineXML `xml:"urn:hither:machine:1 machine"`
	Label   *labelXML   `xml:"urn:hither:label:1 label"`
	Disks   *disksXML   `xml:"urn:hither:disks:1 disks"`
	Apps    *appsXML    `xml:"urn:hither:apps:1 apps"`
}

type machineXML struct {
	Disks []string `xml:"urn:hither:machine:1 disk"`
	Key   string   `xml:"urn:hither:machine:1 key,omitempty"`
	// Bases are the files of the pool that the disks stand on.
	Bases    []string     `xml:"urn:hither:machine:1 base"`
	Template *templateXML `xml:"urn:hither:machine:1 template"`
}

// templateXML marks a template. Frozen are the targets of the disks that became
// read-only with the mark.
type templateXML struct {
	Frozen []string `xml:"urn:hither:machine:1 frozen"`
}

type sizeXML struct {
	Unit  string `xml:"unit,attr"`
	Value int64  `xml:",chardata"`
}

// vcpuXML is how many CPUs are there, and how many there can be while it runs.
type vcpuXML struct {
	Current int `xml:"current,attr,omitempty"`
	Value   int `xml:",chardata"`
}

// count is how many CPUs are there.
func (v vcpuXML) count() int {
	if v.Current > 0 {
		return min(v.Current, v.Value)
	}
	return v.Value
}

type osXML struct {
	Firmware string         `xml:"firmware,attr,omitempty"` // "efi"; libvirt finds the files
	Type     osTypeXML      `xml:"type"`
	Features *osFirmwareXML `xml:"firmware,omitempty"`
	Loader   *loaderXML     `xml:"loader,omitempty"`
	NVRAM    *nvramXML      `xml:"nvram,omitempty"`
	Boot     []devXML       `xml:"boot"`
}

type osFirmwareXML struct {
	XMLName  xml.Name             `xml:"firmware"`
	Features []firmwareFeatureXML `xml:"feature"`
}

type loaderXML struct {
	Type   string `xml:"type,attr,omitempty"`
	Secure string `xml:"secure,attr,omitempty"`
}

// nvramXML names the file of UEFI variables, in its text or in its source.
type nvramXML struct {
	XMLName xml.Name       `xml:"nvram"`
	Path    string         `xml:",chardata"`
	Source  *diskSourceXML `xml:"source"`
}

type firmwareFeatureXML struct {
	Enabled string `xml:"enabled,attr"`
	Name    string `xml:"name,attr"`
}

type osTypeXML struct {
	Arch    string `xml:"arch,attr"`
	Machine string `xml:"machine,attr"`
	Value   string `xml:",chardata"`
}

type devXML struct {
	Dev string `xml:"dev,attr"`
}

type featuresXML struct {
	ACPI struct{} `xml:"acpi"`
	APIC struct{} `xml:"apic"`
}

type cpuXML struct {
	Mode  string    `xml:"mode,attr"`
	Match string    `xml:"match,attr,omitempty"`
	Check string    `xml:"check,attr,omitempty"`
	Model *modelCPU `xml:"model,omitempty"`
}

type modelCPU struct {
	Fallback string `xml:"fallback,attr"`
	Value    string `xml:",chardata"`
}

type clockXML struct {
	Offset string `xml:"offset,attr"`
}

type devicesXML struct {
	Disks       []diskXML        `xml:"disk"`
	Controllers []controllerXML  `xml:"controller"`
	Interfaces  []interfaceXML   `xml:"interface"`
	Serials     []serialXML      `xml:"serial"`
	Consoles    []serialXML      `xml:"console"`
	Channels    []channelXML     `xml:"channel"`
	Inputs      []inputXML       `xml:"input"`
	Graphics    []graphicsXML    `xml:"graphics"`
	Video       []videoXML       `xml:"video"`
	Balloon     *balloonXML      `xml:"memballoon,omitempty"`
	RNG         *rngXML          `xml:"rng,omitempty"`
	TPM         *tpmXML          `xml:"tpm,omitempty"`
	Hostdevs    []devxml.Hostdev `xml:"hostdev"`
}

type diskXML struct {
	XMLName  xml.Name       `xml:"disk"`
	Type     string         `xml:"type,attr"`
	Device   string         `xml:"device,attr"`
	Driver   *diskDriverXML `xml:"driver,omitempty"`
	Source   *diskSourceXML `xml:"source,omitempty"`
	Target   targetXML      `xml:"target"`
	ReadOnly *struct{}      `xml:"readonly,omitempty"`
}

type diskDriverXML struct {
	Name    string `xml:"name,attr"`
	Type    string `xml:"type,attr"`
	Discard string `xml:"discard,attr,omitempty"`
}

type diskSourceXML struct {
	File string `xml:"file,attr,omitempty"`
	Dev  string `xml:"dev,attr,omitempty"`
}

type targetXML struct {
	Dev  string `xml:"dev,attr,omitempty"`
	Bus  string `xml:"bus,attr,omitempty"`
	Type string `xml:"type,attr,omitempty"`
	Name string `xml:"name,attr,omitempty"`
}

type controllerXML struct {
	Type  string `xml:"type,attr"`
	Model string `xml:"model,attr,omitempty"`
}

type interfaceXML struct {
	XMLName xml.Name       `xml:"interface"`
	Type    string         `xml:"type,attr"`
	MAC     *macXML        `xml:"mac,omitempty"`
	Source  *cardSourceXML `xml:"source,omitempty"`
	Model   modelXML       `xml:"model"`
	Driver  *cardDriverXML `xml:"driver,omitempty"`
}

type macXML struct {
	Address string `xml:"address,attr"`
}

type modelXML struct {
	Type string `xml:"type,attr"`
	VRAM int    `xml:"vram,attr,omitempty"` // KiB
}

type channelXML struct {
	Type   string            `xml:"type,attr"`
	Source *channelSourceXML `xml:"source,omitempty"`
	Target targetXML         `xml:"target"`
}

type channelSourceXML struct {
	Mode string `xml:"mode,attr"`
	Path string `xml:"path,attr"`
}

type inputXML struct {
	Type string `xml:"type,attr"`
	Bus  string `xml:"bus,attr"`
}

type graphicsXML struct {
	Type   string      `xml:"type,attr"`
	Listen []listenXML `xml:"listen"`
}

type listenXML struct {
	Type string `xml:"type,attr"`
}

type videoXML struct {
	Model modelXML `xml:"model"`
}

type balloonXML struct {
	Model string    `xml:"model,attr"`
	Stats *statsXML `xml:"stats,omitempty"`
}

type statsXML struct {
	Period int `xml:"period,attr"` // seconds
}

type rngXML struct {
	Model   string     `xml:"model,attr"`
	Backend backendXML `xml:"backend"`
}

type tpmXML struct {
	XMLName xml.Name      `xml:"tpm"`
	Model   string        `xml:"model,attr"`
	Backend tpmBackendXML `xml:"backend"`
}

type tpmBackendXML struct {
	Type    string `xml:"type,attr"`
	Version string `xml:"version,attr"`
}

type backendXML struct {
	Model string `xml:"model,attr"`
	Value string `xml:",chardata"`
}

// parseDomain reads what a Store needs of a definition.
func parseDomain(text string) (domainInfo, error) {
	var x domainXML
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return domainInfo{}, err
	}
	info := domainInfo{
		cpus: x.VCPU.count(), memoryBytes: x.Memory.bytes(), accelerator: accelerator(x.Type), vnc: -1, nics: parseNICs(text),
	}
	if now := x.Current; now != nil && now.bytes() > 0 {
		info.memoryBytes = min(info.memoryBytes, now.bytes()) // a balloon has the rest
	}
	info.serial = opensSerial(x.Devices)
	info.pictured = slices.ContainsFunc(x.Devices.Video, func(v videoXML) bool { return v.Model.Type != "none" })
	info.tablet = slices.ContainsFunc(x.Devices.Inputs, func(i inputXML) bool { return i.Type == "tablet" })
	info.firmware, info.vars = x.OS.firmware(), x.OS.NVRAM.path()
	info.tpm = x.Devices.TPM != nil && x.Devices.TPM.Backend.Type == "emulator"
	if len(x.Devices.Graphics) > 0 {
		info.display = x.Devices.Graphics[0].Type
	}
	for i, g := range x.Devices.Graphics {
		if g.Type == "vnc" {
			info.vnc = i
			break
		}
	}
	for _, d := range x.Devices.Disks {
		if d.Device != "disk" && d.Device != "" {
			info.drives = append(info.drives, d.Target.Dev)
			if d.Source != nil && d.Source.File != "" {
				info.inserted = append(info.inserted, d.Source.File)
			}
			continue
		}
		disk := domainDisk{target: d.Target.Dev, readOnly: d.ReadOnly != nil}
		if d.Driver != nil {
			disk.format = d.Driver.Type
		}
		if d.Source != nil {
			disk.path = d.Source.File + d.Source.Dev
		}
		info.disks = append(info.disks, disk)
	}
	for _, d := range x.Devices.Hostdevs {
		if id := d.ID(); id != "" {
			info.devices = append(info.devices, id)
		}
	}
	info.metadata(x.Metadata)
	return info, nil
}

// metadata reads what Hither wrote into the definition, or somebody in its name.
func (info *domainInfo) metadata(x *metadataXML) {
	if x == nil {
		return
	}
	if x.Machine != nil {
		m := x.Machine
		info.ours, info.ownDisks, info.key, info.bases, info.template = true, m.Disks, m.Key, m.Bases, m.Template != nil
	}
	if x.Disks != nil {
		info.ownDisks = slices.Concat(info.ownDisks, x.Disks.Disks)
		info.added = x.Disks.Disks
	}
	if x.Apps != nil {
		info.appsState, info.apps = x.Apps.apps()
	}
	if x.Label != nil {
		info.labels = x.Label.labels()
	}
}

func accelerator(domainType string) string {
	if domainType == "qemu" {
		return "tcg"
	}
	return domainType
}

// bytes reads libvirt's scaled integers; its default unit is KiB.
func (s sizeXML) bytes() int64 {
	unit := strings.TrimSuffix(s.Unit, "iB")
	powers := map[string]int64{
		"b": 1, "bytes": 1, "": 1 << 10, "k": 1 << 10, "K": 1 << 10,
		"M": 1 << 20, "G": 1 << 30, "T": 1 << 40,
		"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	}
	return s.Value * powers[unit]
}
