package netboot

import (
	"net"
	"strings"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/iana"

	"hither/fusion"
)

var self = net.IPv4(192, 0, 2, 1).To4()

const aScript = "http://192.0.2.1:7/boot.ipxe"

// discover is what a firmware sends.
func discover(t testing.TB, change ...dhcpv4.Modifier) *dhcpv4.DHCPv4 {
	t.Helper()
	mac, err := net.ParseMAC(aMAC)
	if err != nil {
		t.Fatal(err)
	}
	uuid := append([]byte{0}, []byte("0123456789abcdef")...)
	p, err := dhcpv4.NewDiscovery(mac, append([]dhcpv4.Modifier{
		dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient:Arch:00000:UNDI:002001")),
		dhcpv4.WithOption(dhcpv4.OptClientArch(iana.INTEL_X86PC)),
		dhcpv4.WithGeneric(dhcpv4.OptionClientMachineIdentifier, uuid)}, change...)...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnswers(t *testing.T) {
	ipxe := dhcpv4.WithOption(dhcpv4.OptUserClass("iPXE"))
	for what, c := range map[string]struct {
		p    *dhcpv4.DHCPv4
		port int
		file string // "" is no answer
	}{
		"BIOS":               {discover(t), dhcpPort, loaderName},
		"UEFI":               {discover(t, dhcpv4.WithOption(dhcpv4.OptClientArch(iana.EFI_X86_64))), dhcpPort, loaderEFI},
		"UEFI, as RFC 4578":  {discover(t, dhcpv4.WithOption(dhcpv4.OptClientArch(iana.EFI_BC))), dhcpPort, loaderEFI},
		"ARM":                {discover(t, dhcpv4.WithOption(dhcpv4.OptClientArch(iana.EFI_ARM64))), dhcpPort, ""},
		"iPXE":               {discover(t, ipxe), dhcpPort, aScript},
		"iPXE with HTTP":     {discover(t, ipxe, dhcpv4.WithGeneric(optionIPXE, []byte{19, 1, 1})), dhcpPort, aScript},
		"iPXE without":       {discover(t, ipxe, dhcpv4.WithGeneric(optionIPXE, []byte{21, 1, 1})), dhcpPort, loaderName},
		"asked directly":     {discover(t, dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest)), bootPort, loaderName},
		"not the one asked":  {discover(t, dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest)), dhcpPort, ""},
		"asked late":         {discover(t), bootPort, ""},
		"not from a network": {discover(t, dhcpv4.WithOption(dhcpv4.OptClassIdentifier("MSFT 5.0"))), dhcpPort, ""},
		"from elsewhere":     {discover(t, dhcpv4.WithRelay(net.IPv4(198, 51, 100, 1))), dhcpPort, ""},
		"a group":            {discover(t, dhcpv4.WithHwAddr(net.HardwareAddr{1, 0, 0x5e, 0, 0, 1})), dhcpPort, ""},
		"an answer":          {discover(t, func(p *dhcpv4.DHCPv4) { p.OpCode = dhcpv4.OpcodeBootReply }), dhcpPort, ""},
	} {
		a, text := answer(c.p.ToBytes(), c.port, self, aScript)
		if (text == nil) != (c.file == "") {
			t.Errorf("%s: answered %x", what, text)
		}
		if text == nil {
			continue
		}
		r, err := dhcpv4.FromBytes(text)
		if err != nil {
			t.Fatal(err)
		}
		if a.mac != aMAC || a.uuid != "30313233-3435-3637-3839-616263646566" || !r.YourIPAddr.IsUnspecified() || r.BootFileName != c.file || r.BootFileNameOption() != c.file ||
			r.TransactionID != c.p.TransactionID || r.ClassIdentifier() != "PXEClient" || !r.ServerIPAddr.Equal(self) || !r.ServerIdentifier().Equal(self) ||
			len(r.Options.Get(dhcpv4.OptionIPAddressLeaseTime)) != 0 || len(r.Options.Get(dhcpv4.OptionRouter)) != 0 {
			t.Errorf("%s: %+v says %s", what, a, r.Summary())
		}
	}
	a, _ := answer(discover(t, dhcpv4.WithOption(dhcpv4.OptClassIdentifier("PXEClient\n\x1b[2J"+strings.Repeat("x", 100)))).ToBytes(), dhcpPort, self, aScript)
	if strings.ContainsAny(a.vendor, "\n\x1b") || len(a.vendor) > maxVendor {
		t.Errorf("the vendor is %q", a.vendor)
	}
}

// FuzzAnswer: whatever comes, what is shown is fit to be shown, and what is answered has no address.
func FuzzAnswer(f *testing.F) {
	f.Add(discover(f).ToBytes(), true)
	f.Add(discover(f, dhcpv4.WithMessageType(dhcpv4.MessageTypeRequest), dhcpv4.WithOption(dhcpv4.OptUserClass("iPXE")),
		dhcpv4.WithGeneric(optionIPXE, []byte{19, 1, 1})).ToBytes(), false)
	f.Fuzz(func(t *testing.T, packet []byte, first bool) {
		port := bootPort
		if first {
			port = dhcpPort
		}
		a, text := answer(packet, port, self, aScript)
		if a.mac != "" {
			if mac, err := fusion.ParseMAC(a.mac); err != nil || mac != a.mac || plain(a.vendor) != a.vendor || plain(a.uuid) != a.uuid {
				t.Errorf("it is %+v", a)
			}
		}
		if text == nil {
			return
		}
		r, err := dhcpv4.FromBytes(text)
		if err != nil || !r.YourIPAddr.IsUnspecified() || r.OpCode != dhcpv4.OpcodeBootReply {
			t.Errorf("it answers %x", text)
		}
	})
}
