package vmctl

import "encoding/xml"

const (
	ovfNS = "http://schemas.dmtf.org/ovf/envelope/1"
	cimNS = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
)

// ovfEnvelope is a descriptor that is written. The prefixes are part of the names:
// readers elsewhere look for them.
type ovfEnvelope struct {
	XMLName  xml.Name        `xml:"Envelope"`
	NS       string          `xml:"xmlns,attr"`
	Ovf      string          `xml:"xmlns:ovf,attr"`
	Rasd     string          `xml:"xmlns:rasd,attr"`
	Vssd     string          `xml:"xmlns:vssd,attr"`
	Vmw      string          `xml:"xmlns:vmw,attr"`
	Hither   string          `xml:"xmlns:hither,attr"`
	Files    []ovfOutFile    `xml:"References>File"`
	DiskInfo string          `xml:"DiskSection>Info"`
	Disks    []ovfOutDisk    `xml:"DiskSection>Disk"`
	NetInfo  string          `xml:"NetworkSection>Info"`
	Networks []ovfOutNetwork `xml:"NetworkSection>Network"`
	System   struct {
		ID   string `xml:"ovf:id,attr"`
		Info string `xml:"Info"`
		Name string `xml:"Name"`
		OS   struct {
			ID   int    `xml:"ovf:id,attr"`
			Info string `xml:"Info"`
		} `xml:"OperatingSystemSection"`
		Hardware struct {
			Info   string         `xml:"Info"`
			System ovfOutSystem   `xml:"System"`
			Items  []ovfOut       `xml:"Item"`
			Config []ovfOutConfig `xml:"vmw:Config"`
		} `xml:"VirtualHardwareSection"`
	} `xml:"VirtualSystem"`
}

type ovfOutFile struct {
	ID   string `xml:"ovf:id,attr"`
	Href string `xml:"ovf:href,attr"`
	Size int64  `xml:"ovf:size,attr"`
}

type ovfOutDisk struct {
	Capacity  int64  `xml:"ovf:capacity,attr"`
	Units     string `xml:"ovf:capacityAllocationUnits,attr"`
	ID        string `xml:"ovf:diskId,attr"`
	FileRef   string `xml:"ovf:fileRef,attr"`
	Format    string `xml:"ovf:format,attr"`
	Interface string `xml:"hither:disk-interface,attr,omitempty"`
}

type ovfOutNetwork struct {
	Name        string `xml:"ovf:name,attr"`
	Description string `xml:"Description"`
}

type ovfOutSystem struct {
	Name     string `xml:"vssd:ElementName"`
	Instance int    `xml:"vssd:InstanceID"`
	ID       string `xml:"vssd:VirtualSystemIdentifier"`
	Type     string `xml:"vssd:VirtualSystemType"`
}

// ovfOut is one piece of hardware; its elements come by their names, as the schema
// wants it.
type ovfOut struct {
	Address    string `xml:"rasd:AddressOnParent,omitempty"`
	Units      string `xml:"rasd:AllocationUnits,omitempty"`
	Connection string `xml:"rasd:Connection,omitempty"`
	Name       string `xml:"rasd:ElementName"`
	Disk       string `xml:"rasd:HostResource,omitempty"`
	Instance   int    `xml:"rasd:InstanceID"`
	Parent     string `xml:"rasd:Parent,omitempty"`
	SubType    string `xml:"rasd:ResourceSubType,omitempty"`
	Type       int    `xml:"rasd:ResourceType"`
	Quantity   int64  `xml:"rasd:VirtualQuantity,omitempty"`
}

type ovfOutConfig struct {
	Required string `xml:"ovf:required,attr"`
	Key      string `xml:"vmw:key,attr"`
	Value    string `xml:"vmw:value,attr"`
}
