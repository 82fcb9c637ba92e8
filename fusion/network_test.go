package fusion

import (
	"errors"
	"net/netip"
	"testing"
)

func TestNetworkSpecs(t *testing.T) {
	for _, good := range []NetworkSpec{
		{Name: "lab", Kind: NAT}, {Name: "lab", Kind: Isolated, Subnet: "10.9.0.0/24"}, {Name: "lab", Kind: Routed, Subnet: "172.31.0.0/16"},
		{Name: "lab", Kind: Bridged, Bridge: "br0"}, {Name: "lab", Kind: Switched}, {Name: "a-very-long-name-of-a-network", Kind: Switched, Bridge: "ovs-br.1"},
		{Name: "lab", Kind: NAT, Subnet: "100.64.8.0/29"},
	} {
		if err := good.Check(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []NetworkSpec{
		{}, {Name: "lab"}, {Name: "lab", Kind: "moon"}, {Name: "lab", Kind: OtherNetwork}, {Name: "<x>", Kind: NAT}, {Name: "../x", Kind: NAT},
		{Name: "lab", Kind: Bridged}, {Name: "lab", Kind: Bridged, Bridge: "br0; rm"}, {Name: "lab", Kind: Bridged, Bridge: "-br"},
		{Name: "lab", Kind: Bridged, Bridge: "sixteen-letters-"}, {Name: "lab", Kind: Bridged, Bridge: "br0", Subnet: "10.9.0.0/24"},
		{Name: "lab", Kind: NAT, Bridge: "br0"}, {Name: "a-very-long-name-of-a-network", Kind: Switched},
		{Name: "lab", Kind: NAT, Subnet: "10.9.0.0"}, {Name: "lab", Kind: NAT, Subnet: "10.9.0.1/24"}, {Name: "lab", Kind: NAT, Subnet: "fd00::/64"},
		{Name: "lab", Kind: NAT, Subnet: "8.8.8.0/24"}, {Name: "lab", Kind: NAT, Subnet: "10.0.0.0/8"}, {Name: "lab", Kind: NAT, Subnet: "10.9.0.0/30"},
		{Name: "lab", Kind: NAT, Subnet: "0.0.0.0/0"}, {Name: "lab", Kind: NAT, Subnet: "192.0.0.0/16"}, {Name: "lab", Kind: NAT, Subnet: "<ip/>"},
	} {
		if err := bad.Check(); !errors.Is(err, ErrInvalid) || Hint(err) == "" {
			t.Errorf("%+v: %v (hint %q)", bad, err, Hint(err))
		}
	}
	if _, err := ParseSubnet("10.9.0.7/24"); Hint(err) != "did you mean 10.9.0.0/24?" {
		t.Errorf("hint %q", Hint(err))
	}
}

func TestFreeSubnet(t *testing.T) {
	p, ok := FreeSubnet([]netip.Prefix{netip.MustParsePrefix("192.168.100.0/23"), netip.MustParsePrefix("192.168.102.128/25")})
	if !ok || p.String() != "192.168.103.0/24" {
		t.Errorf("%v %v", p, ok)
	}
	if p, _ := FreeSubnet([]netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")}); p.String() != "10.77.100.0/24" {
		t.Errorf("%v", p)
	}
	if p, ok := FreeSubnet(append([]netip.Prefix{}, private...)); ok {
		t.Errorf("%v", p)
	}
}

func TestForwardsAndVolumes(t *testing.T) {
	if err := (Forward{HostPort: 0, GuestPort: 22}).WithDefaults().Check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []Forward{
		{Proto: "tcp", Listen: "localhost", GuestPort: 1}, {Proto: "icmp", Listen: "::1", GuestPort: 1}, {Proto: "tcp", Listen: "::1"},
		{Proto: "tcp", Listen: "fe80::1%eth0", GuestPort: 1}, {Proto: "tcp", Listen: "::1", HostPort: 65536, GuestPort: 1}, {Proto: "tcp", Listen: "::1", HostPort: -1, GuestPort: 1},
	} {
		if err := bad.Check(); !errors.Is(err, ErrInvalid) || Hint(err) == "" {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	for _, bad := range []VolumeSpec{{}, {Name: "a"}, {Name: "a", CapacityBytes: 1 << 60}, {Name: "../a", CapacityBytes: 1 << 30}, {Name: "a", CapacityBytes: 1 << 30, Format: "vmdk"}} {
		if err := bad.Check(); !errors.Is(err, ErrInvalid) || Hint(err) == "" {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
