//go:build !linux

package wol

import (
	"net"

	"hither/fusion"
)

// Cards gives the network cards of this computer that have an address; whether
// they are wired and listen, the system does not tell without help.
func Cards() []fusion.Card {
	all, err := net.Interfaces()
	if err != nil {
		return []fusion.Card{}
	}
	var list []fusion.Card
	for _, one := range all {
		card := fusion.Card{Name: one.Name, MAC: one.HardwareAddr.String()}
		for _, p := range prefixes(one) {
			card.Nets = append(card.Nets, p.String())
		}
		if one.Flags&net.FlagLoopback == 0 && len(card.Nets) > 0 {
			list = append(list, card)
		}
	}
	return fusion.SoundCards(list)
}
