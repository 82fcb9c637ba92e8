package netxml

import (
	"net/netip"
	"strings"
	"testing"

	"hither/fusion"
	"hither/internal/expect"
)

func TestReadNetworks(t *testing.T) {
	for text, want := range map[string]Info{
		`<network><forward mode='nat'><nat><port start='1' end='2'/></nat></forward><bridge name='virbr0'/><ip address='192.168.122.1' netmask='255.255.255.0'/></network>`: {Kind: fusion.NAT, Bridge: "virbr0", Subnet: netip.MustParsePrefix("192.168.122.0/24")},
		`<network><forward/><ip family='ipv6' address='fd00::1' prefix='64'/><ip address='10.1.2.3' prefix='20'/></network>`:                                                {Kind: fusion.NAT, Subnet: netip.MustParsePrefix("10.1.0.0/20")},
		`<network><forward mode='open'/></network>`: {Kind: fusion.Routed},
		`<network/>`: {Kind: fusion.Isolated},
		`<network><forward mode='hostdev'/></network>`:                                                                   {Kind: fusion.OtherNetwork},
		`<network><forward mode='bridge'/><bridge name='b'/><virtualport type='openvswitch'/></network>`:                 {Kind: fusion.Switched, Bridge: "b"},
		`<network><forward mode='bridge'/><bridge name='b'/><ip address='x' prefix='200'/></network>`:                    {Kind: fusion.Bridged, Bridge: "b"},
		`<network xmlns:h='urn:hither:network:1'><metadata><h:network><h:key>k</h:key></h:network></metadata></network>`: {Kind: fusion.Isolated, Key: "k"},
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	text := expect.Must(New(fusion.NetworkSpec{Name: "lab", Kind: fusion.Isolated}, netip.MustParsePrefix("10.9.0.0/29"), "u", "k"))(t)
	for _, part := range []string{`address="10.9.0.1" prefix="29"`, `start="10.9.0.2" end="10.9.0.6"`} {
		if !strings.Contains(text, part) {
			t.Errorf("%s lacks %s", text, part)
		}
	}
}

func FuzzNetwork(f *testing.F) {
	f.Add(`<network><ip address='10.0.0.1' netmask='255.0.0.0'/></network>`)
	f.Fuzz(func(t *testing.T, text string) {
		if info, err := Parse(text); err == nil && info.Subnet.IsValid() && info.Subnet.Bits() == 0 {
			t.Errorf("%q: %v", text, info.Subnet)
		}
	})
}
