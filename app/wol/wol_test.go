package wol

import (
	"fmt"
	"net"
	"net/netip"
	"testing"

	"hither/fusion"
)

func TestPacket(t *testing.T) {
	mac := net.HardwareAddr{0x52, 0x54, 0, 0x12, 0x34, 0x56}
	p := Packet(mac)
	if len(p) != 102 {
		t.Fatalf("%d bytes", len(p))
	}
	for i, b := range p {
		if want := byte(0xff); i >= 6 {
			if want = mac[i%6]; b != want {
				t.Fatalf("byte %d is %#x, want %#x", i, b, want)
			}
		} else if b != want {
			t.Fatalf("byte %d is %#x", i, b)
		}
	}
}

func TestTargets(t *testing.T) {
	here := []netip.Prefix{netip.MustParsePrefix("192.168.1.7/24"), netip.MustParsePrefix("10.1.2.3/12"), netip.MustParsePrefix("10.9.9.9/31")}
	for _, tc := range []struct {
		nets []string
		want string
	}{
		{[]string{"192.168.1.20/24"}, "[192.168.1.7>192.168.1.255]"},
		{[]string{"192.168.1.20/24", "192.168.1.21/24"}, "[192.168.1.7>192.168.1.255]"},
		{[]string{"192.168.2.20/24", "192.168.1.20/16", "nonsense"}, "[]"},
		{[]string{"10.0.0.9/12", "192.168.1.20/24"}, "[10.1.2.3>10.15.255.255 192.168.1.7>192.168.1.255]"},
		{[]string{"10.9.9.8/31"}, "[]"}, // two computers need no broadcast
		{nil, "[]"},
	} {
		if got := fmt.Sprint(targets(here, fusion.Card{Nets: tc.nets})); got != tc.want {
			t.Errorf("%v: got %s, want %s", tc.nets, got, tc.want)
		}
	}
}
