package domxml

import (
	"encoding/xml"
	"strings"
)

// The words for a machine's firmware.
const (
	BIOS       = "bios"
	UEFI       = "uefi"
	SecureUEFI = "uefi-secure" // UEFI that starts only what the keys in it have signed
)

// Firmwares are the words for a machine's firmware.
var Firmwares = []string{BIOS, UEFI, SecureUEFI}

// IsUEFI says whether it is a kind of UEFI.
func IsUEFI(firmware string) bool { return firmware == UEFI || firmware == SecureUEFI }

// firmwareFeatures are those of libvirt's "Firmware autoselection"
// (https://libvirt.org/formatdomain.html#bios-bootloader) that a kind of UEFI is.
func firmwareFeatures(firmware string) *osFirmwareXML {
	if firmware == SecureUEFI {
		return &osFirmwareXML{Features: []firmwareFeatureXML{{"yes", "enrolled-keys"}, {"yes", "secure-boot"}}}
	}
	return &osFirmwareXML{Features: []firmwareFeatureXML{{"no", "secure-boot"}}}
}

// firmware is what a definition starts by.
func (x osXML) firmware() string {
	secure := x.Loader != nil && x.Loader.Secure == "yes"
	if x.Features != nil {
		for _, f := range x.Features.Features {
			secure = secure || f.Name == "secure-boot" && f.Enabled == "yes"
		}
	}
	switch {
	case x.Firmware != "efi" && (x.Loader == nil || x.Loader.Type != "pflash"):
		return BIOS
	case secure:
		return SecureUEFI
	}
	return UEFI
}

// path is the file of the variables.
func (x *nvramXML) path() string {
	if x == nil {
		return ""
	}
	if x.Source != nil {
		return x.Source.File
	}
	return strings.TrimSpace(x.Path)
}

// FirmwareOf is what a definition starts by, one of Firmwares.
func FirmwareOf(n *Element) string {
	var os osXML
	if part := n.One("os"); part == nil || xml.Unmarshal([]byte(part.Source()), &os) != nil {
		return BIOS
	}
	return os.firmware()
}
