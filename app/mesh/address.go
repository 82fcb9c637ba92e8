package mesh

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"

	"hither/fusion"
)

// Prefix is the private network.
var Prefix = fusion.MeshPrefix

// HostAddress is the address of a computer, whoever computes it.
func HostAddress(id fusion.HostID) netip.Addr { return addressOf("host", string(id)) }

// MachineAddress is the address of a virtual machine by its UUID, wherever it runs.
func MachineAddress(uuid string) netip.Addr { return addressOf("machine", uuid) }

// addressOf makes an interface ID of the first 64 bits of a hash. The bits u and g are clear,
// as of an address that is not made from a card's and is nobody's group (RFC 4291, 2.5.1).
func addressOf(kind, id string) netip.Addr {
	sum := sha256.Sum256([]byte("hither " + kind + "\x00" + id))
	sum[0] &^= 0x03
	raw := Prefix.Addr().As16()
	copy(raw[8:], sum[:8])
	return netip.AddrFrom16(raw)
}

// header is the length of IPv6's header in bytes (RFC 8200).
const header = 40

// endpoints gives source and destination of a packet, and false for what is none of IPv6, or
// not whole. Jumbograms are none.
func endpoints(packet []byte) (src, dst netip.Addr, ok bool) {
	if len(packet) < header || packet[0]>>4 != 6 || int(binary.BigEndian.Uint16(packet[4:])) != len(packet)-header {
		return src, dst, false
	}
	return netip.AddrFrom16([16]byte(packet[8:24])), netip.AddrFrom16([16]byte(packet[24:40])), true
}
