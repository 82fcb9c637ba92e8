package mesh

import (
	"encoding/binary"
)

// Codes of ICMPv6's Destination Unreachable (RFC 4443, 3.1).
const (
	noRoute            = 0 // nobody has the address
	addressUnreachable = 3 // whoever has it is away, or refuses
)

// icmp6 is the protocol number of ICMPv6, and sixMin what an error of it fits in (RFC 4443, 2.4).
const (
	icmp6  = 58
	sixMin = 1280
)

// unreachable tells the sender of a packet, a program of this computer or its stack, that it
// goes nowhere, so that it does not wait.
func (r *running) unreachable(packet []byte, code byte) {
	src, _, ok := endpoints(packet)
	if !ok || packet[6] == icmp6 && (len(packet) == header || packet[header] < 128) {
		return // an error of ICMPv6 has no answer
	}
	if src == r.m.own && r.tun != nil {
		r.deliverOwn(icmpError(packet, code))
		return
	}
	r.stack.inject(icmpError(packet, noRoute)) // gVisor hears no other of the two
}

// icmpError makes the answer to a packet, in the name of the address that was not reached.
func icmpError(packet []byte, code byte) []byte {
	quoted := packet[:min(len(packet), sixMin-header-8)]
	out := make([]byte, header+8, header+8+len(quoted))
	out[0] = 6 << 4
	binary.BigEndian.PutUint16(out[4:], uint16(8+len(quoted)))
	out[6], out[7] = icmp6, 64
	copy(out[8:24], packet[24:40])
	copy(out[24:40], packet[8:24])
	out[header], out[header+1] = 1, code
	out = append(out, quoted...)
	binary.BigEndian.PutUint16(out[header+2:], checksum(out))
	return out
}

// checksum is that of ICMPv6 over the pseudo-header (RFC 8200, 8.1) of a packet whose own
// checksum is zero.
func checksum(packet []byte) uint16 {
	sum := uint32(len(packet)-header) + icmp6
	add := func(b []byte) {
		for ; len(b) > 1; b = b[2:] {
			sum += uint32(binary.BigEndian.Uint16(b))
		}
		if len(b) == 1 {
			sum += uint32(b[0]) << 8
		}
	}
	add(packet[8:40])
	add(packet[header:])
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
