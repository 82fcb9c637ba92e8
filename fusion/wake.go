package fusion

import (
	"net"
	"net/netip"
	"slices"
)

// Card is a wired network card that can wake its computer.
type Card struct {
	Name string `json:"name"` // what its system calls it
	MAC  string `json:"mac"`  // six bytes as 52:54:00:12:34:56
	// Nets are its IPv4 addresses with their prefixes, as 192.168.1.20/24.
	Nets []string `json:"nets"`
	// Wake is "on" when it listens for magic packets, "off" when it does not, and
	// "" where the system does not tell.
	Wake string `json:"wake"`
}

const (
	maxCards = 8
	maxNets  = 8
)

// SoundCards gives what of another computer's cards can be used: at most eight,
// each with a unicast MAC, a name of CheckName and at most eight networks. It is
// never nil.
func SoundCards(cards []Card) []Card {
	sound := []Card{}
	for _, c := range cards {
		mac, err := net.ParseMAC(c.MAC)
		if err != nil || len(mac) != 6 || mac[0]&1 != 0 || CheckName(c.Name) != nil || len(sound) == maxCards {
			continue
		}
		nets := []string{}
		for _, text := range c.Nets {
			if p, err := netip.ParsePrefix(text); err == nil && p.Addr().Is4() && len(nets) < maxNets {
				nets = append(nets, p.String())
			}
		}
		if !slices.Contains([]string{"on", "off"}, c.Wake) {
			c.Wake = ""
		}
		sound = append(sound, Card{Name: c.Name, MAC: mac.String(), Nets: nets, Wake: c.Wake})
	}
	return sound
}

// Woken says who sent a magic packet. That it was sent does not mean that the
// computer woke: nobody answers one.
type Woken struct {
	By      []string `json:"by"` // names of hosts
	Packets int      `json:"packets"`
	Note    string   `json:"note,omitempty"`
}
