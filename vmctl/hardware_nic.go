package vmctl

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hither/fusion"
	"hither/vmctl/domxml"
)

// addNIC gives the machine a card on one of the host's networks.
func (c *changing) addNIC(ctx context.Context) (fusion.Changed, error) {
	plug, err := c.plug(ctx, cmp.Or(c.change.Network, fusion.UserNetwork))
	if err == nil {
		plug.MAC, err = c.freeMAC(nil)
	}
	if err != nil {
		return fusion.Changed{}, err
	}
	card := domxml.NewCard("")
	if plug.Network != fusion.UserNetwork {
		card = domxml.NewCard(plug.Network)
	}
	if plug.OffloadNothing {
		card.OffloadNothing()
	}
	card.SetAddress(cmp.Or(plug.MAC, newMAC()))
	device, err := xml.Marshal(card)
	if err != nil {
		return fusion.Changed{}, err
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	return c.both(ctx, card.Address(), func(d driver, live bool) error { return d.attach(c.r.uuid, string(device), live) })
}

// plug finds the network that a card is to be on.
func (c *changing) plug(ctx context.Context, network string) (domxml.Plug, error) {
	here, err := c.networksHere(ctx)
	switch {
	case err != nil:
		return domxml.Plug{}, err
	case !slices.Contains(here, network):
		return domxml.Plug{}, &fusion.Error{Op: opChange, Path: c.name, Cause: fusion.ErrNotFound,
			Detail: "no network " + network + " runs on its host", Hint: "there are: " + strings.Join(here, ", ")}
	case network == fusion.UserNetwork:
		return domxml.Plug{Network: network}, nil
	}
	one, err := c.findNetwork(ctx, opChange, network)
	return domxml.Plug{Network: network, OffloadNothing: one.Kind == fusion.Switched && c.inUserSpace(ctx, one.Bridge)}, err
}

// freeMAC reads the address that a card is to have, "" when none was asked for or it is the
// card's own. Two cards with one address take each other's packets.
func (c *changing) freeMAC(card *domxml.Element) (string, error) {
	if c.change.MAC == "" {
		return "", nil
	}
	mac, err := fusion.ParseMAC(c.change.MAC)
	if err != nil || mac == domxml.MACOf(card) {
		return "", err
	}
	taken := func(detail string) error {
		return &fusion.Error{Op: opChange, Path: c.name, Cause: fusion.ErrExists, Detail: detail, Hint: "choose another address, or none: then Hither chooses"}
	}
	for _, definition := range []*domxml.Element{c.next, c.now} {
		if domxml.CardOf(definition, mac) != nil {
			return "", taken("another card of it has the address " + mac)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for uuid, r := range c.records {
		if uuid != c.r.uuid && slices.ContainsFunc(r.NICs, func(n domxml.NIC) bool { return strings.EqualFold(n.MAC, mac) }) {
			return "", taken(r.shown + " has a network card with the address " + mac)
		}
	}
	return mac, nil
}

// errCardAnew is why a card stays where it is until the machine starts anew.
var errCardAnew = errors.New("its card leaves checksums to hardware, which that network has not")

// setNIC puts a card onto another network, at once where the hypervisor can, and gives the
// card of a machine that is off another address. A running guest keeps its card, and asks for
// its new address when it does so of its own.
func (c *changing) setNIC(ctx context.Context) (fusion.Changed, error) {
	card := c.nic(c.next)
	if card == nil {
		return fusion.Changed{}, c.missing(fmt.Sprintf("it has no network card %q", fusionClip(c.change.NIC)))
	}
	mac, err := c.freeMAC(card)
	if err == nil && mac != "" {
		err = c.whileOff()
	}
	var plug domxml.Plug
	if err == nil && c.change.Network != "" && c.change.Network != domxml.NetworkOf(card) {
		plug, err = c.plug(ctx, c.change.Network)
	}
	if err != nil {
		return fusion.Changed{}, err
	}
	plug.MAC = mac
	text, err := plug.Into(card)
	if err != nil {
		return fusion.Changed{}, err
	}
	done, err := c.redefine(ctx, domxml.Edit{Start: card.Start, End: card.End, With: text})
	done.Part = cmp.Or(mac, domxml.MACOf(card))
	if err != nil || c.now == nil {
		return done, err
	}
	return c.replug(ctx, done)
}

// replug brings the card of what runs to the network of the next start.
func (c *changing) replug(ctx context.Context, done fusion.Changed) (fusion.Changed, error) {
	card, wanted := c.nic(c.now), c.change.Network
	switch {
	case card == nil: // it comes with the next start
		return done, nil
	case wanted == "" || wanted == domxml.NetworkOf(card):
		done.When = fusion.Now
		return done, nil
	}
	plug, err := c.plug(ctx, wanted)
	if err != nil {
		return done, err
	}
	if plug.OffloadNothing && !domxml.OffloadsNothing(card) {
		return c.settled(done.Part, errCardAnew), nil
	}
	plug.OffloadNothing = false // it does so already, and a running card's driver cannot change
	text, err := plug.Into(card)
	if err != nil {
		return done, err
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	return c.settled(done.Part, c.do(ctx, func(d driver) error { return d.update(c.r.uuid, text, true) })), nil
}

// newMAC makes an address of those that QEMU's cards have (52:54:00).
func newMAC() string {
	var b [3]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("52:54:00:%02x:%02x:%02x", b[0], b[1], b[2])
}

func (c *changing) nic(definition *domxml.Element) *domxml.Element {
	return domxml.CardOf(definition, strings.ToLower(c.change.NIC))
}

func (c *changing) removeNIC(ctx context.Context) (fusion.Changed, error) {
	if c.nic(c.next) == nil && c.nic(c.now) == nil {
		return fusion.Changed{}, c.missing(fmt.Sprintf("it has no network card %q", fusionClip(c.change.NIC)))
	}
	ctx, cancel := withinCall(ctx)
	defer cancel()
	return c.takeOut(ctx, c.nic)
}
