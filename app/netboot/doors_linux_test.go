package netboot

import (
	"net/netip"
	"testing"
)

func TestNeighbour(t *testing.T) {
	const table = `IP address       HW type     Flags       HW address            Mask     Device
192.0.2.8        0x1         0x0         00:00:00:00:00:00     *        eth0
192.0.2.9        0x1         0x2         52:54:00:12:34:56     *        eth0
`
	for addr, mac := range map[string]string{"192.0.2.9": aMAC, "::ffff:192.0.2.9": aMAC, "192.0.2.8": "", "192.0.2.90": ""} {
		if got := neighbourIn(table, netip.MustParseAddr(addr)); got != mac {
			t.Errorf("%s is %q", addr, got)
		}
	}
}
