package app

import (
	"context"
	"slices"

	"hither/app/wol"
	"hither/fusion"
)

// openComputer reads what is kept of this computer and of those it is paired with.
func (n *Node) openComputer(_ context.Context, cfg Config) (err error) {
	if n.cards = cfg.cards; n.cards == nil {
		n.cards = wol.Cards
	}
	n.heard = openHeard(cfg.Home.Sub("heard.json"), part(cfg, "node"))
	if n.roles, err = openRoles(cfg.Home.Sub("roles.json")); err != nil {
		return err
	}
	n.network.SetRouter(slices.Contains(n.roles.get(), fusion.RouterRole))
	n.placed, err = openPlaced(cfg.Home.Sub("placed.json"))
	return err
}
