// Package wol wakes computers over the network (Wake-on-LAN): Cards says which
// wired cards this computer could be woken by, and Send sends the magic packet of
// another computer's cards into its network.
//
// A magic packet goes as a UDP datagram to the discard port, from each interface
// that is in one of the card's IPv4 networks to that network's broadcast address.
// Nobody answers it, so that it was sent is all there is to know. What is sent is
// bounded: the cards are those of fusion.SoundCards, the interfaces this computer's.
package wol

import (
	"bytes"
	"errors"
	"net"
	"net/netip"

	"hither/fusion"
)

// port is the discard port (RFC 863), to which magic packets go by custom.
const port = 9

// copies of each packet are sent, as a datagram may be lost.
const copies = 3

// Packet gives the magic packet of a card: six bytes of 0xff, then the MAC sixteen
// times (AMD publication 20213, "Magic Packet Technology").
func Packet(mac net.HardwareAddr) []byte {
	return append(bytes.Repeat([]byte{0xff}, 6), bytes.Repeat(mac, 16)...)
}

// Send sends the magic packet of each card into every one of its networks that this
// computer is in, and gives how many were sent; 0 says that it is in none of them.
func Send(cards []fusion.Card) (sent int, err error) {
	here, err := addresses()
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, card := range fusion.SoundCards(cards) {
		mac, err := net.ParseMAC(card.MAC)
		if err != nil {
			continue // SoundCards has read it
		}
		for _, to := range targets(here, card) {
			if err := send(to, Packet(mac)); err != nil {
				errs = append(errs, err)
				continue
			}
			sent++
		}
	}
	if sent > 0 {
		return sent, nil
	}
	return 0, errors.Join(errs...)
}

// target is where a packet goes, and from which address of this computer.
type target struct{ from, to netip.Addr }

func (t target) String() string { return t.from.String() + ">" + t.to.String() }

// targets gives the broadcast addresses of the networks that the card and this
// computer share, each once.
func targets(here []netip.Prefix, card fusion.Card) (list []target) {
	seen := map[target]bool{}
	for _, text := range card.Nets {
		theirs, err := netip.ParsePrefix(text)
		if err != nil {
			continue
		}
		for _, ours := range here {
			one := target{ours.Addr(), broadcast(ours)}
			if ours.Masked() == theirs.Masked() && ours.Bits() < 31 && !seen[one] {
				seen[one] = true
				list = append(list, one)
			}
		}
	}
	return list
}

// broadcast gives the last address of an IPv4 network.
func broadcast(p netip.Prefix) netip.Addr {
	a := p.Addr().As4()
	for i := range a {
		bits := min(max(p.Bits()-8*i, 0), 8)
		a[i] |= 0xff >> bits
	}
	return netip.AddrFrom4(a)
}

func send(t target, packet []byte) error {
	conn, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(t.from, 0)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(t.to, port)))
	if err != nil {
		return err
	}
	for range copies {
		if _, err := conn.Write(packet); err != nil {
			return errors.Join(err, conn.Close())
		}
	}
	return conn.Close()
}

// addresses gives the IPv4 addresses of the interfaces that are up and can reach a
// whole network.
func addresses() (list []netip.Prefix, err error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		if one.Flags&net.FlagUp != 0 && one.Flags&net.FlagBroadcast != 0 && one.Flags&net.FlagLoopback == 0 {
			list = append(list, prefixes(one)...)
		}
	}
	return list, nil
}

// prefixes gives an interface's IPv4 addresses; those of one that has just gone
// are none.
func prefixes(one net.Interface) (list []netip.Prefix) {
	addrs, err := one.Addrs()
	if err != nil {
		return nil
	}
	for _, addr := range addrs {
		if p, err := netip.ParsePrefix(addr.String()); err == nil && p.Addr().Is4() {
			list = append(list, p)
		}
	}
	return list
}
