package vmctl

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// addNIC gives the machine a card on one of the host's networks.
func (c *changing) addNIC(ctx context.Context) (fusion.Changed, error) {
	network := cmp.Or(c.change.Network, fusion.UserNetwork)
	here, err := c.networksHere(ctx)
	if err != nil {
		return fusion.Changed{}, err
	}
	if !slices.Contains(here, network) {
		return fusion.Changed{}, &fusion.Error{Op: opChange, Path: c.name, Cause: fusion.ErrNotFound,
			Detail: "no network " + network + " runs on its host", Hint: "there are: " + strings.Join(here, ", ")}
	}
	card := domxml.NewCard("")
	if network != fusion.UserNetwork {
		card = domxml.NewCard(network)
	}
	card.SetAddress(newMAC())
	device, err := xml.Marshal(card)
	if err != nil {
		return fusion.Changed{}, err
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	return c.both(ctx, card.Address(), func(d driver, live bool) error { return d.attach(c.r.uuid, string(device), live) })
}

// newMAC makes an address of those that QEMU's cards have (52:54:00).
func newMAC() string {
	var b [3]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("52:54:00:%02x:%02x:%02x", b[0], b[1], b[2])
}

func (c *changing) nic(definition *domxml.Element) *domxml.Element {
	for _, n := range definition.One("devices").All("interface") {
		if mac := domxml.MACOf(n); mac != "" && mac == strings.ToLower(c.change.NIC) {
			return n
		}
	}
	return nil
}

func (c *changing) removeNIC(ctx context.Context) (fusion.Changed, error) {
	if c.nic(c.next) == nil && c.nic(c.now) == nil {
		return fusion.Changed{}, c.missing(fmt.Sprintf("it has no network card %q", fusionClip(c.change.NIC)))
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	return c.takeOut(ctx, c.nic)
}
