package domxml

import (
	"encoding/xml"
	"strings"

	"hither/vmctl/devxml"
)

// The structs below are the parts of libvirt's domain XML that a Plan writes
// and that reading needs (https://libvirt.org/formatdomain.html).
type domainXML struct {
	XMLName  xml.Name     `xml:"domain"`
	Type     string       `xml:"type,attr"`
	Name     string       `xml:"name"`
	UUID     string       `xml:"uuid"`
	Metadata *metadataXML `xml:"metadata,omitempty"`
	Memory   Size         `xml:"memory"`
	Current  *Size        `xml:"currentMemory,omitempty"`
	VCPU     vcpuXML      `xml:"vcpu"`
	OS       osXML        `xml:"os"`
	Features *featuresXML `xml:"features,omitempty"`
	CPU      *cpuXML      `xml:"cpu,omitempty"`
	Clock    *clockXML    `xml:"clock,omitempty"`
	Devices  devicesXML   `xml:"devices"`
}

type metadataXML struct {
	Machine *Ours     `xml:"urn:hither:machine:1 machine"`
	Label   *labelXML `xml:"urn:hither:label:1 label"`
	Disks   *disksXML `xml:"urn:hither:disks:1 disks"`
	Apps    *appsXML  `xml:"urn:hither:apps:1 apps"`
}

// Ours is what Hither notes in the definition of a machine that it made. It is written by
// SetOurs; any program may have changed it.
type Ours struct {
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

// Size is a size with its unit, as libvirt writes it.
type Size struct {
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
	Interfaces  []Card           `xml:"interface"`
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

// Card is a network card (https://libvirt.org/formatdomain.html#network-interfaces).
type Card struct {
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

// Bytes reads libvirt's scaled integers; its default unit is KiB.
func (s Size) Bytes() int64 {
	unit := strings.TrimSuffix(s.Unit, "iB")
	powers := map[string]int64{
		"b": 1, "bytes": 1, "": 1 << 10, "k": 1 << 10, "K": 1 << 10,
		"M": 1 << 20, "G": 1 << 30, "T": 1 << 40,
		"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	}
	return s.Value * powers[unit]
}
