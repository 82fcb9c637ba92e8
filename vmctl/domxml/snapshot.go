package domxml

import (
	"encoding/xml"
	"strings"
	"time"

	"hither/fusion"
)

// snapshotXML is the part of libvirt's snapshot XML that is written and read
// (https://libvirt.org/formatsnapshot.html).
type snapshotXML struct {
	XMLName     xml.Name           `xml:"domainsnapshot"`
	Name        string             `xml:"name"`
	Description string             `xml:"description,omitempty"`
	State       string             `xml:"state,omitempty"`
	Created     int64              `xml:"creationTime,omitempty"` // Unix seconds
	Memory      keptXML            `xml:"memory"`
	Disks       []keptXML          `xml:"disks>disk"`
	Parent      *snapshotParentXML `xml:"parent,omitempty"`
}

type snapshotParentXML struct {
	Name string `xml:"name"`
}

// keptXML says where a disk or the memory is kept: "internal" to a qcow2,
// "external" or "no".
type keptXML struct {
	Name string `xml:"name,attr,omitempty"`
	Kept string `xml:"snapshot,attr"`
}

// NewSnapshot asks for every disk that can change, and names what is left
// out, as libvirt's default may differ from one version to the next.
func NewSnapshot(spec fusion.SnapshotSpec, d Info, memory bool) (string, error) {
	x := snapshotXML{Name: spec.Name, Description: spec.Note, Memory: keptXML{Kept: kept(memory)}}
	for _, disk := range d.Disks {
		x.Disks = append(x.Disks, keptXML{Name: disk.Target, Kept: kept(!disk.ReadOnly)})
	}
	for _, drive := range d.Drives {
		x.Disks = append(x.Disks, keptXML{Name: drive, Kept: kept(false)})
	}
	text, err := xml.Marshal(x)
	return string(text), err
}

func kept(yes bool) string {
	if yes {
		return "internal"
	}
	return "no"
}

// ParseSnapshot reads libvirt's snapshot XML; names are those it has there.
func ParseSnapshot(text string) (fusion.Snapshot, error) {
	var x snapshotXML
	if err := xml.Unmarshal([]byte(text), &x); err != nil {
		return fusion.Snapshot{}, err
	}
	s := fusion.Snapshot{Name: x.Name, Note: strings.TrimSpace(x.Description), State: snapshotState(x.State)}
	if x.Created > 0 {
		s.Created = time.Unix(x.Created, 0)
	}
	if x.Parent != nil {
		s.Parent = x.Parent.Name
	}
	s.Memory = s.State != fusion.Off && x.Memory.Kept != "no"
	return s, nil
}

// snapshotState maps the state in a snapshot: virDomainState's words, and
// "disk-snapshot" for the disks of a running machine.
func snapshotState(word string) fusion.MachineState {
	switch word {
	case "running", "blocked", "idle":
		return fusion.Running
	case "paused", "pmsuspended":
		return fusion.Paused
	}
	return fusion.Off
}
