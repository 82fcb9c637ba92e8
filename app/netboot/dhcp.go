package netboot

import (
	"bytes"
	"encoding/hex"
	"net"
	"strings"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"hither/fusion"
)

// A computer whose firmware starts from the network asks DHCP for an address and, in the
// same message, for what to load. The network's own server answers the first, this one the
// second (PXE specification 2.1, "proxyDHCP"; options in RFC 4578).

const (
	pxeClient = "PXEClient"
	// loaderName is what a firmware loads by TFTP, loaderEFI what UEFI's does.
	loaderName = "undionly.kpxe"
	loaderEFI  = "ipxe.efi"
	// maxVendor bounds what is shown of a computer's vendor class.
	maxVendor = 64
)

// Options that the library has no name for.
const (
	optionIPXE      = dhcpv4.GenericOptionCode(175) // https://ipxe.org/howto/dhcpd
	ipxeHTTP        = dhcpv4.GenericOptionCode(19)
	discoverControl = 6 // in option 43: PXE 2.1, table 2-1
	justLoad        = 8 // "only use the boot file name of this packet"
)

// asking is what a request says.
type asking struct {
	mac, uuid, firmware, vendor string
	ipxe                        bool // it is iPXE, and speaks HTTP
	note, hint                  string
}

// readAsking reads a request of a computer that starts from the network; false for all else.
func readAsking(p *dhcpv4.DHCPv4) (a asking, ok bool) {
	vendor := p.ClassIdentifier()
	if p.OpCode != dhcpv4.OpcodeBootRequest || p.HWType != iana.HWTypeEthernet || !strings.HasPrefix(vendor, pxeClient) ||
		p.GatewayIPAddr != nil && !p.GatewayIPAddr.IsUnspecified() {
		return a, false
	}
	mac, err := fusion.ParseMAC(p.ClientHWAddr.String())
	if err != nil {
		return a, false
	}
	a = asking{mac: mac, vendor: plain(vendor), firmware: "bios"}
	if id := p.Options.Get(dhcpv4.OptionClientMachineIdentifier); len(id) == 17 && id[0] == 0 {
		a.uuid = uuidText(id[1:])
	}
	if arch := p.ClientArch(); len(arch) > 0 {
		a.firmware, a.note, a.hint = firmwareOf(arch[0])
	}
	inside := dhcpv4.Options{}
	if bytes.Contains(p.Options.Get(dhcpv4.OptionUserClassInformation), []byte("iPXE")) {
		text := p.Options.Get(optionIPXE)
		a.ipxe = text == nil || inside.FromBytes(text) == nil && inside.Has(ipxeHTTP)
	}
	return a, true
}

// firmwareOf reads a Client System Architecture Type (RFC 4578, 2.1, and IANA's list).
func firmwareOf(arch iana.Arch) (firmware, note, hint string) {
	switch arch {
	case iana.INTEL_X86PC:
		return "bios", "", ""
	case iana.EFI_BC, iana.EFI_X86_64:
		return "efi", "", ""
	}
	return "efi", "nothing is served for its processor", "Hither installs computers with x86-64 processors"
}

// uuidText writes the UUID of a firmware: the first three parts are little-endian in SMBIOS,
// but PXE sends them as they are written (RFC 4578, 2.3).
func uuidText(b []byte) string {
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// plain makes a text of the network fit to be shown.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	return text[:min(len(text), maxVendor)]
}

// reply makes the answer to a request: what to load, and no address. request is of port 67,
// boot of port 4011.
func reply(p *dhcpv4.DHCPv4, a asking, kind dhcpv4.MessageType, self net.IP, script string) (*dhcpv4.DHCPv4, error) {
	file := loaderName
	switch {
	case a.ipxe:
		file = script
	case a.firmware == "efi":
		file = loaderEFI
	}
	r, err := dhcpv4.NewReplyFromRequest(p,
		dhcpv4.WithMessageType(kind),
		dhcpv4.WithServerIP(self),
		dhcpv4.WithOption(dhcpv4.OptServerIdentifier(self)),
		dhcpv4.WithOption(dhcpv4.OptClassIdentifier(pxeClient)),
		dhcpv4.WithOption(dhcpv4.OptTFTPServerName(self.String())),
		dhcpv4.WithOption(dhcpv4.OptBootFileName(file)),
		dhcpv4.WithGeneric(dhcpv4.OptionVendorSpecificInformation, []byte{discoverControl, 1, justLoad, 255}))
	if err != nil {
		return nil, err
	}
	r.BootFileName, r.ServerHostName = file, ""
	if id := p.Options.Get(dhcpv4.OptionClientMachineIdentifier); len(id) == 17 {
		r.UpdateOption(dhcpv4.OptGeneric(dhcpv4.OptionClientMachineIdentifier, id))
	}
	return r, nil
}

// answer gives the answer to a packet that came to a port, and what it says; nil for one
// that is nobody's who starts from the network.
func answer(packet []byte, port int, self net.IP, script string) (a asking, r []byte) {
	p, err := dhcpv4.FromBytes(packet)
	if err != nil {
		return a, nil
	}
	kind := dhcpv4.MessageTypeOffer
	switch t := p.MessageType(); {
	case port == dhcpPort && t == dhcpv4.MessageTypeDiscover:
	case port == bootPort && (t == dhcpv4.MessageTypeRequest || t == dhcpv4.MessageTypeInform):
		kind = dhcpv4.MessageTypeAck
	default:
		return a, nil
	}
	a, ok := readAsking(p)
	if !ok || a.note != "" {
		return a, nil
	}
	out, err := reply(p, a, kind, self, script)
	if err != nil {
		return a, nil
	}
	return a, out.ToBytes()
}
