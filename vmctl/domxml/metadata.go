package domxml

import (
	"encoding/xml"
	"slices"

	"hither/fusion"
)

// What Hither writes into a definition's metadata: libvirt keeps it, virsh shows it, and it
// goes where the machine goes. Of each there are two structs: libvirt gives out namespaces,
// and takes an element without.
const (
	MachineURI = "urn:hither:machine:1"
	DisksURI   = "urn:hither:disks:1"
	LabelURI   = "urn:hither:label:1"
	AppsURI    = "urn:hither:apps:1"
)

// The states of the apps that a machine's first start installs.
const (
	AppsInstalling = "installing"
	AppsFailed     = "failed"
)

// ReadOurs gives a definition and what Hither noted in it.
func ReadOurs(text string) (*Element, *Ours, error) {
	root, err := Parse(text)
	if err != nil {
		return nil, nil, err
	}
	var x domainXML
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return nil, nil, err
	}
	ours := &Ours{}
	if x.Metadata != nil && x.Metadata.Machine != nil {
		ours = x.Metadata.Machine
	}
	return root, ours, nil
}

// SetOurs writes what Hither notes into a definition, in place of what was there.
func SetOurs(root *Element, ours Ours) error {
	text, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"metadata"`
		Machine *Ours    `xml:"urn:hither:machine:1 machine"`
	}{Machine: &ours})
	if err != nil {
		return err
	}
	made, err := Parse(string(text))
	if err != nil {
		return err
	}
	metadata := root.Need("metadata")
	metadata.Children = slices.DeleteFunc(metadata.Children, isOurs)
	metadata.Children = append(metadata.Children, made.Children...)
	return nil
}

// isOurs says whether an element of the metadata is Hither's, whatever its prefix.
func isOurs(e *Element) bool {
	for _, a := range e.Attrs {
		if a.Value == MachineURI && (a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns") {
			return true
		}
	}
	return false
}

// alwaysWritten are the buses whose disks QEMU cannot give read-only
// (qemuValidateDomainDeviceDefDiskFrontend in src/qemu/qemu_validate.c).
var alwaysWritten = []string{"ide", "sata"}

// MarkTemplate makes a definition a template's, or a machine's again.
func MarkTemplate(root *Element, ours *Ours, on bool) {
	var frozen []string
	if ours.Template != nil {
		frozen = ours.Template.Frozen
	}
	ours.Template = nil
	if on {
		ours.Template = &templateXML{}
	}
	for _, disk := range root.All("devices", "disk") {
		target := disk.Need("target").Attr("dev")
		switch {
		case !IsDisk(disk):
		case on && disk.One("readonly") == nil && !slices.Contains(alwaysWritten, disk.Need("target").Attr("bus")):
			disk.Need("readonly")
			ours.Template.Frozen = append(ours.Template.Frozen, target)
		case !on && slices.Contains(frozen, target):
			disk.Drop("readonly")
		}
	}
}

// IsDisk tells a disk from a CD or floppy drive.
func IsDisk(disk *Element) bool {
	kind := disk.Attr("device")
	return kind == "" || kind == "disk"
}

// IsLinked says whether disks of a definition stand on something.
func IsLinked(root *Element, ours *Ours) bool {
	if len(ours.Bases) > 0 {
		return true
	}
	return slices.ContainsFunc(root.All("devices", "disk", "backingStore"), func(b *Element) bool { return len(b.Children) > 0 })
}

// MachineElement is Ours as libvirt takes it, without one of its disks; "" of a machine that it
// did not make.
func MachineElement(d Info, without string) string {
	if !d.Ours {
		return ""
	}
	x := struct {
		XMLName xml.Name `xml:"machine"`
		Disks   []string `xml:"disk"`
		Key     string   `xml:"key,omitempty"`
	}{Key: d.Key}
	for _, file := range d.OwnDisks {
		if file != without && !slices.Contains(d.Added, file) {
			x.Disks = append(x.Disks, file)
		}
	}
	text, err := xml.Marshal(x)
	if err != nil {
		return "" // a struct of strings is written
	}
	return string(text)
}

// disksXML lists the disks that were made for a machine after its creation. It is apart
// from Ours: a disk of Hither's makes nobody's machine Hither's.
type disksXML struct {
	Disks []string `xml:"urn:hither:disks:1 disk"`
}

// DisksElement writes them as libvirt takes them; "" of none.
func DisksElement(files []string) (string, error) {
	if len(files) == 0 {
		return "", nil
	}
	text, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"disks"`
		Disks   []string `xml:"disk"`
	}{Disks: files})
	return string(text), err
}

// labelXML is what is written on a machine, in its definition's metadata: virsh shows it,
// and it goes where the machine goes.
type labelXML struct {
	Tags      []string  `xml:"urn:hither:label:1 tag"`
	Note      string    `xml:"urn:hither:label:1 note"`
	Autostart *orderXML `xml:"urn:hither:label:1 autostart"`
}

type orderXML struct {
	Order int `xml:"order,attr,omitempty"`
}

// labels reads what may have been written by anybody: what Hither would refuse is left out.
func (x labelXML) labels() fusion.Labels {
	tags := slices.DeleteFunc(slices.Clone(x.Tags), func(tag string) bool { return fusion.CheckTag(tag) != nil })
	change := fusion.LabelChange{Add: tags, Notes: &x.Note}
	if x.Autostart != nil {
		on := true
		change.Autostart, change.Order = &on, &x.Autostart.Order
	}
	if change.Check("") != nil {
		change = fusion.LabelChange{Add: tags}
	}
	l, err := change.Apply("", fusion.Labels{})
	if err != nil {
		return fusion.Labels{}
	}
	return l
}

// LabelElement writes labels as libvirt takes them: it gives the names their namespace.
func LabelElement(l fusion.Labels) (string, error) {
	x := struct {
		XMLName   xml.Name  `xml:"label"`
		Tags      []string  `xml:"tag"`
		Note      string    `xml:"note,omitempty"`
		Autostart *orderXML `xml:"autostart"`
	}{Tags: l.Tags, Note: l.Notes}
	if l.Autostart {
		x.Autostart = &orderXML{Order: l.Order}
	}
	if len(l.Tags) == 0 && l.Notes == "" && !l.Autostart {
		return "", nil
	}
	text, err := xml.Marshal(x)
	return string(text), err
}

// appsXML has a state of the constants above, and names.
type appsXML struct {
	State string   `xml:"state,attr"`
	Names []string `xml:"urn:hither:apps:1 app"`
}

// apps reads what may have been written by anybody.
func (x appsXML) apps() (state string, names []string) {
	names = slices.DeleteFunc(slices.Clone(x.Names), func(name string) bool { return fusion.CheckPackage(name) != nil })
	if x.State != AppsInstalling && x.State != AppsFailed || len(names) == 0 {
		return "", nil
	}
	return x.State, names[:min(len(names), fusion.MostApps)]
}

// FailedApps writes those of the apps that did not come, as libvirt takes them; a guest's
// other words are not believed. "" takes the mark away.
func FailedApps(apps, failed []string) (string, error) {
	x := struct {
		XMLName xml.Name `xml:"apps"`
		State   string   `xml:"state,attr"`
		Names   []string `xml:"app"`
	}{State: AppsFailed}
	for _, name := range failed {
		if slices.Contains(apps, name) || name == "desktop" {
			x.Names = append(x.Names, name)
		}
	}
	if len(x.Names) == 0 {
		return "", nil
	}
	text, err := xml.Marshal(x)
	return string(text), err
}
