package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hither/app/client"
	"hither/fusion"
)

func networkCommand(g *globals) *cobra.Command {
	return group("network", "Networks of virtual machines",
		networkLs(g), networkShow(g), networkAdd(g),
		networkVerb(g, "start", "Let a network run, now and whenever its host starts", fusion.Networks.Start),
		networkVerb(g, "stop", "Stop a network that no running machine is on", fusion.Networks.Stop),
		networkVerb(g, "rm", "Remove a network that no machine has a card on", fusion.Networks.Remove))
}

// network reads HOST/NAME and finds the host.
func (g *globals) network(ctx context.Context, text string) (fusion.Address, fusion.Networks, error) {
	address, host, err := g.thing(ctx, text)
	if err != nil {
		return address, nil, err
	}
	return address, host.Networks(), nil
}

func networkLs(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "ls [HOST]", Short: "List the networks of a host, or of all that are online", Args: between(0, 1, "HOST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := listed(g, cmd, args, func(h fusion.Host) ([]fusion.Network, error) { return h.Networks().List(cmd.Context()) }, networksOf)
			if err != nil {
				return err
			}
			return g.show(cmd, list, func(w io.Writer) error { return printNetworks(w, list) })
		},
	}
}

func networksOf(ctx context.Context, c *client.Client, h fusion.HostInfo) ([]fusion.Network, error) {
	list, err := asked(c, h).Networks().List(ctx)
	for i := range list {
		list[i].Host = cmp.Or(list[i].Host, h.Name)
	}
	return list, err
}

func printNetworks(w io.Writer, list []fusion.Network) error {
	t := newTable("NETWORK", "STATE", "KIND", "SUBNET", "BRIDGE", "MACHINES")
	for _, n := range list {
		t.add(fusion.Address{Host: n.Host, Machine: n.Name}.String(), networkState(n), string(n.Kind), n.Subnet, n.Bridge, strings.Join(n.Machines, " "))
	}
	return t.write(w)
}

func networkState(n fusion.Network) string {
	if n.Active {
		return "running"
	}
	return "off"
}

// shownNetwork is what show prints: the network with its leases.
type shownNetwork struct {
	fusion.Network
	Leased []fusion.Lease `json:"leased"`
}

func networkShow(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "show NETWORK", Short: "Show one network and the addresses in use on it", Args: exactly("NETWORK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, networks, err := g.network(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			n, err := networks.Get(cmd.Context(), address.Machine)
			if err != nil {
				return err
			}
			leases, err := networks.Leases(cmd.Context(), address.Machine)
			if err != nil {
				return err
			}
			return g.show(cmd, shownNetwork{n, leases}, func(w io.Writer) error { return printNetwork(w, n, leases) })
		},
	}
}

func printNetwork(w io.Writer, n fusion.Network, leases []fusion.Lease) error {
	err := fields(w, "network", fusion.Address{Host: n.Host, Machine: n.Name}.String(), "kind", string(n.Kind), "state", networkState(n),
		"starts with the host", yesNo(n.Autostart), "subnet", n.Subnet, "bridge", n.Bridge, "machines", strings.Join(n.Machines, " "))
	if err != nil || len(leases) == 0 {
		return err
	}
	t := newTable("ADDRESS", "MAC", "MACHINE", "NAME", "UNTIL")
	for _, l := range leases {
		until := ""
		if !l.Expires.IsZero() {
			until = l.Expires.Local().Format(time.DateTime)
		}
		t.add(l.IP, l.MAC, l.Machine, l.Name, until)
	}
	return t.write(w)
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func networkAdd(g *globals) *cobra.Command {
	var spec fusion.NetworkSpec
	var kind string
	cmd := &cobra.Command{
		Use: "add [HOST/]NAME", Short: "Make a network for virtual machines", Args: exactly("NAME"),
		Long: "Make a network for virtual machines. It runs at once and starts with its host.\n\n" +
			"  nat        machines reach out through the host; nobody outside reaches them\n" +
			"  isolated   machines reach one another and the host\n" +
			"  routed     as nat, with the machines' own addresses\n" +
			"  bridge     machines stand on a bridge of the host's, beside it\n" +
			"  ovs        on a bridge of Open vSwitch's, which is made if there is none",
		Example: "  hither network add lab --kind isolated --subnet 10.9.0.0/24",
		RunE: func(cmd *cobra.Command, args []string) error {
			address, networks, err := g.network(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			spec.Name, spec.Kind = address.Machine, fusion.NetworkKind(kind)
			n, err := networks.Create(fusion.WithKey(cmd.Context(), fusion.NewTrace()), spec)
			if err != nil {
				return err
			}
			return g.show(cmd, n, func(w io.Writer) error { return printNetwork(w, n, nil) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&kind, "kind", string(fusion.NAT), "`KIND`: nat, isolated, routed, bridge or ovs")
	f.StringVar(&spec.Subnet, "subnet", "", "addresses as `CIDR` (default one that is free)")
	f.StringVar(&spec.Bridge, "bridge", "", "the host's `BRIDGE`, for the kinds bridge and ovs")
	return cmd
}

func networkVerb(g *globals, name, short string, do func(n fusion.Networks, ctx context.Context, name string) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " NETWORK", Short: short, Args: exactly("NETWORK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			address, networks, err := g.network(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return do(networks, cmd.Context(), address.Machine)
		},
	}
}

// cardsOf gives a machine's network cards: none for a computer, and none when its host
// is of a release that does not know of them.
func cardsOf(ctx context.Context, host fusion.Host, m fusion.Machine) ([]fusion.NIC, error) {
	if m.Kind != fusion.KindVM {
		return nil, nil
	}
	cards, err := host.Networks().NICs(ctx, m.Name)
	if errors.Is(err, fusion.ErrUnsupported) {
		return nil, nil
	}
	return cards, err
}

// cardFields gives each card's network, MAC and addresses as lines of show.
func cardFields(cards []fusion.NIC) (pairs []string) {
	for i, c := range cards {
		text := cmp.Or(c.Network, c.Bridge, c.Kind) + ", " + c.MAC
		for _, a := range c.Addresses {
			text += ", " + a.IP
		}
		pairs = append(pairs, "card "+strconv.Itoa(i+1), text)
	}
	return pairs
}
